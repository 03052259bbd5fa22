"""Change notifications that carry their resource encrypted: what is changed of a good one, and what becomes of it.

All are answered 202, so that nobody learns what was right. Whoever is refused costs no write.
"""

import hmac
import json
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.x509 import load_der_x509_certificate

from cordpair.connectors.teams.content import make_key
from cordpair.core.content_keys import ContentKey
from cordpair.emulator.entra import validation_claims
from cordpair.emulator.graph.rich import encrypted
from cordpair.store.marks import Subscription
from tests.product.house import House, Organisation
from tests.product.signed import ISSUER, MINUTE, SOMEBODY, Case, asked, token, written

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Rich:
    """A delivery: what is changed of its token, of what is encrypted, of the item.

    `reason`: what it counts as when it is not believed.
    """

    reason: str = ""
    token: Case | None = field(default_factory=lambda: Case(202))
    content: Callable[[dict[str, Any]], object] = lambda content: content
    item: Mapping[str, object] = field(default_factory=dict)


V2 = {"ver": "2.0", "appid": None, "azp": "0bf30f3b-4a52-48df-9a82-234910c4a086"}


@cache
def content_key(name: str) -> ContentKey:
    """One of each name in a process: making one takes a while."""
    return make_key(name, datetime(2026, 11, 2, tzinfo=UTC))


def certificate(key: ContentKey, name: str = "") -> dict[str, str]:
    return {
        "encryptionCertificate": b64encode(key.certificate).decode(),
        "encryptionCertificateId": name or key.id,
    }


def flipped(member: str) -> Callable[[dict[str, Any]], object]:
    """One bit of it is another."""

    def change(content: dict[str, Any]) -> object:
        raw = bytearray(b64decode(content[member]))
        raw[5] ^= 1
        return content | {member: b64encode(raw).decode()}

    return change


def with_members(**members: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: content | members


def for_another_certificate(content: dict[str, Any]) -> object:
    """Encrypted for a certificate that only calls itself ours."""
    return encrypted({"id": SOMEBODY}, certificate(content_key("foreign"), content["encryptionCertificateId"]))


def that_says_nothing(content: dict[str, Any]) -> object:
    """Well encrypted and signed; what is inside is no object."""
    return encrypted([1, 2], certificate(content_key("ours")))  # type: ignore[arg-type]


def padded_wrongly(_content: dict[str, Any]) -> object:
    """Signed with the very key, so that only the padding is wrong."""
    key = bytes(range(32))
    writer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    data = writer.update(b"{}" + b"\x00" * 14) + writer.finalize()
    public = load_der_x509_certificate(content_key("ours").certificate).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    wrapped = public.encrypt(key, padding.OAEP(padding.MGF1(SHA1()), SHA1(), None))
    return {
        "data": b64encode(data).decode(),
        "dataSignature": b64encode(hmac.digest(key, data, "sha256")).decode(),
        "dataKey": b64encode(wrapped).decode(),
        "encryptionCertificateId": "ours",
    }


RICH: dict[str, Rich] = {
    "good": Rich(),
    "a token of the second version": Rich(
        token=Case(202, {**V2, "iss": "https://login.microsoftonline.com/{tid}/v2.0"})
    ),
    "a token that expired four minutes ago": Rich(token=Case(202, times={"exp": -4 * MINUTE})),
    "no token": Rich("not_vouched_for", token=None),
    "a token that expired six minutes ago": Rich("validation_token", Case(202, times={"exp": -6 * MINUTE})),
    "a token without an end": Rich("validation_token", Case(202, {"exp": None})),
    "a token by another key of that name": Rich("validation_token", Case(202, signer="another key of that name")),
    "a token by a key that nobody knows": Rich("validation_token", Case(202, signer="a key that nobody knows")),
    "a token that is not signed": Rich("validation_token", Case(202, signer="nobody")),
    "a token by the public key as a secret": Rich("validation_token", Case(202, signer="the public key as a secret")),
    "a token for another application": Rich("validation_token", Case(202, {"aud": SOMEBODY})),
    "a token for others too": Rich("validation_token", Case(202, {"aud": [SOMEBODY, "another"]})),
    "a token by another application than Graph": Rich("validation_token", Case(202, {"appid": SOMEBODY})),
    "a token that names no application": Rich("validation_token", Case(202, {"appid": None})),
    "a token of the second version by another application": Rich(
        "validation_token", Case(202, {**V2, "azp": SOMEBODY})
    ),
    "a token by another issuer": Rich("validation_token", Case(202, {"iss": f"https://sts.windows.net/{SOMEBODY}/"})),
    "a token by the Bot Framework": Rich("validation_token", Case(202, {"iss": ISSUER})),
    "a token that names no organisation": Rich("validation_token", Case(202, {"tid": None})),
    "a token of another organisation": Rich(
        "not_vouched_for", Case(202, {"tid": SOMEBODY, "iss": f"https://sts.windows.net/{SOMEBODY}/"})
    ),
    "an item that names no organisation": Rich("not_vouched_for", item={"tenantId": None}),
    "an item of another organisation": Rich("tenant", item={"tenantId": SOMEBODY}),
    "another secret": Rich("client_state", item={"clientState": "wrong"}),
    "content in the clear": Rich("content_missing", item={"encryptedContent": None}),
    "encrypted for a subscription without keys": Rich(
        "content_key", item={"subscriptionId": "plain", "clientState": "plain secret"}
    ),
    "a certificate that is not ours": Rich("content_key", content=with_members(encryptionCertificateId="another")),
    "a certificate without a name": Rich("content_key", content=with_members(encryptionCertificateId=None)),
    "encrypted for somebody else": Rich("content_signature", content=for_another_certificate),
    "data with another bit": Rich("content_signature", content=flipped("data")),
    "a signature with another bit": Rich("content_signature", content=flipped("dataSignature")),
    "a key with another bit": Rich("content_signature", content=flipped("dataKey")),
    "no signature": Rich("content_signature", content=with_members(dataSignature="")),
    "a signature that is a number": Rich("content_signature", content=with_members(dataSignature=7)),
    "data that is no base64": Rich("content_unreadable", content=with_members(data="§§§")),
    "padded wrongly": Rich("content_unreadable", content=padded_wrongly),
    "a list inside": Rich("content_unreadable", content=that_says_nothing),
    "content that is a text": Rich("content_unreadable", content=lambda _content: "text"),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def subscribed(asleep: House) -> House:
    """The first organisation has a subscription that comes encrypted, and one that does not."""
    ends = asleep.product.clock.now() + timedelta(hours=1)
    async with asleep.store.open_tenant(asleep.lanterns.id) as rows:
        for name, keys in {"rich": (content_key("ours"), content_key("former")), "plain": ()}.items():
            await rows.subscriptions.put(
                Subscription(
                    kind=f"presence:{name}", graph_id=name, client_state=f"{name} secret", expires_at=ends, keys=keys
                )
            )
    return asleep


def rich_item(us: Organisation, number: int = 0, key: str = "ours") -> dict[str, Any]:
    agent = us.agents[0].id
    presence = {
        "id": agent,
        "availability": "Away",
        "activity": "Away",
        "sequenceNumber": f"{uuid.uuid4().int}{number}",
    }
    return {
        "subscriptionId": "rich",
        "clientState": "rich secret",
        "changeType": "updated",
        "tenantId": us.id,
        "resourceData": {"id": agent},
        "encryptedContent": encrypted(presence, certificate(content_key(key))),
    }


def vouching(us: Organisation, case: Case) -> str:
    claims = {name: text.format(tid=us.id) if isinstance(text, str) else text for name, text in case.claims.items()}
    changed = Case(case.status, claims, case.times, case.signer)
    return token(us.house.parts.cloud.entra_keys[us.id], validation_claims(us.tenant), changed)


async def tell_changes(us: Organisation, items: list[dict[str, Any]], tokens: list[str]) -> httpx.Response:
    url = f"{us.house.url}/graph/{us.tenant.registration.id}/changes"
    return await us.house.http.post(url, json={"value": items, "validationTokens": tokens})


def refused(house: House, reason: str) -> float:
    return float(house.product.metrics.inbox_refused.labels(reason=reason)._value.get())


@pytest.mark.parametrize("name", RICH)
async def test_an_encrypted_change(subscribed: House, name: str) -> None:
    us, case = subscribed.lanterns, RICH[name]
    whole = rich_item(us)
    whole = {**whole, "encryptedContent": case.content(whole["encryptedContent"]), **case.item}
    tokens = [vouching(us, case.token)] if case.token else []
    before, counted = await written(subscribed), refused(subscribed, case.reason)
    assert (await tell_changes(us, [whole], tokens)).status_code == 202
    is_stored, is_counted = await written(subscribed) > before, refused(subscribed, case.reason) - counted
    if is_stored and case.reason:  # or it was the server's own housekeeping
        _, is_stored = await asked(subscribed, lambda: tell_changes(us, [whole], tokens))
    assert (is_stored, is_counted) == (not case.reason, 1 if case.reason else 0)


async def test_what_was_encrypted_is_stored_as_if_it_had_come_in_the_clear(subscribed: House) -> None:
    us = subscribed.lanterns
    await tell_changes(us, [rich_item(us)], [vouching(us, Case(202))])
    async with subscribed.store.open_tenant(us.id) as rows:
        stored = [row for row in await rows.inbox.unfolded(1_000) if row.source == "presence"][-1]
    told = json.loads(stored.body)
    assert (told["resourceData"]["id"], told["resourceData"]["availability"]) == (us.agents[0].id, "Away")
    assert "encryptedContent" not in told


async def test_what_was_encrypted_for_the_former_key_is_still_opened(subscribed: House) -> None:
    us = subscribed.lanterns
    before = await us.inbox("presence")
    await tell_changes(us, [rich_item(us, key="former")], [vouching(us, Case(202))])
    assert len(await us.inbox("presence")) == len(before) + 1


async def test_a_token_that_does_not_hold_beside_a_good_one_takes_nothing_from_it(subscribed: House) -> None:
    us = subscribed.lanterns
    before = await us.inbox("presence")
    await tell_changes(us, [rich_item(us)], ["a.b.c", vouching(us, Case(202))])
    assert len(await us.inbox("presence")) == len(before) + 1


async def test_a_delivery_for_two_organisations_is_judged_item_by_item(subscribed: House) -> None:
    us, they = subscribed.lanterns, subscribed.harbours
    before = await us.inbox("presence")
    items = [rich_item(us) | {"tenantId": they.id}, rich_item(us)]
    await tell_changes(us, items, [vouching(us, Case(202)), vouching(they, Case(202))])
    assert len(await us.inbox("presence")) == len(before) + 1


async def test_the_token_of_one_organisation_vouches_for_no_item_of_another(subscribed: House) -> None:
    us, they = subscribed.lanterns, subscribed.harbours
    before = await us.inbox("presence")
    theirs = vouching(they, Case(202, {"aud": us.tenant.registration.client_id}))
    assert (await tell_changes(us, [rich_item(us)], [theirs])).status_code == 202
    assert await us.inbox("presence") == before


@pytest.mark.parametrize("tokens", [7, "text", [7], {"a": 1}], ids=["a number", "a text", "numbers", "an object"])
async def test_tokens_that_are_no_list_of_texts_are_a_body_that_is_refused(subscribed: House, tokens: object) -> None:
    url = f"{subscribed.url}/graph/{subscribed.lanterns.tenant.registration.id}/changes"
    answer = await subscribed.http.post(url, json={"value": [], "validationTokens": tokens})
    assert answer.status_code == 400
