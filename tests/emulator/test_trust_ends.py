"""Keys that roll over, tokens that end early, subscriptions that go: on demand, by the control API."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from tests.emulator.product import GRAPH, Product
from tests.emulator.test_subscriptions import body, go_busy, subscribe


def published(answer: httpx.Response) -> set[str]:
    return {key["kid"] for key in answer.json()["keys"]}


async def bot_keys(product: Product) -> set[str]:
    return published(await product.http.get(f"{product.cloud.url}/botframework/v1/.well-known/keys"))


async def entra_keys(product: Product, tenant: str = "") -> set[str]:
    return published(await product.http.get(f"{product.cloud.url}/login/{tenant or 'common'}/discovery/v2.0/keys"))


async def test_a_rolled_key_signs_at_once_and_the_former_is_published_beside_it(product: Product) -> None:
    before = await bot_keys(product)
    new = (await product.control("keys", {}))["kid"]
    assert await bot_keys(product) == before | {new}
    await product.dial()
    assert jwt.get_unverified_header(product.bearers[-1])["kid"] == new


async def test_a_withdrawn_key_is_published_no_more(product: Product) -> None:
    await product.control("keys", {})
    new = (await product.control("keys", {"withdrawn": True}))["kid"]
    assert await bot_keys(product) == {new}


async def test_tokens_by_a_key_that_is_still_published_hold(product: Product) -> None:
    await product.token()
    new = (await product.control("keys", {"tenant": product.tenant.id}))["kid"]
    assert new in await entra_keys(product, product.tenant.id)
    assert (await product.graph("GET", "/subscriptions")).status_code == 200


async def test_tokens_by_a_key_that_was_withdrawn_hold_no_more(product: Product) -> None:
    assert (await product.graph("GET", "/subscriptions")).status_code == 200
    await product.control("keys", {"tenant": product.tenant.id, "withdrawn": True})
    assert (await product.graph("GET", "/subscriptions")).status_code == 401
    product.tokens.clear()
    assert (await product.graph("GET", "/subscriptions")).status_code == 200


async def test_a_token_that_was_ended_is_refused_and_the_next_one_holds(product: Product) -> None:
    assert (await product.graph("GET", "/subscriptions")).status_code == 200
    assert await product.control("tokens/end", {"tenant": product.tenant.id}) == {"tokens": 1}
    answer = await product.graph("GET", "/subscriptions")
    assert (answer.status_code, "expired" in answer.json()["error"]["message"]) == (401, True)
    product.tokens.clear()
    assert (await product.graph("GET", "/subscriptions")).status_code == 200


async def test_the_tokens_of_another_organisation_do_not_end_with_ours(product: Product) -> None:
    other = product.cloud.parts.cloud.world.tenants[1]
    await product.token(GRAPH, other)
    await product.control("tokens/end", {"tenant": product.tenant.id})
    assert (await product.graph("GET", "/subscriptions", tenant=other)).status_code == 200


@pytest.mark.parametrize(("silently", "told"), [(True, []), (False, ["subscriptionRemoved"])])
async def test_a_subscription_is_taken_away(product: Product, silently: bool, told: list[str]) -> None:
    await subscribe(product, lifecycleNotificationUrl=body(product)["notificationUrl"])
    (there,) = (await product.control("subscriptions"))["subscriptions"]
    await product.control(f"subscriptions/{there['id']}/remove", {"silently": silently})
    await product.advance(1)
    assert [item["lifecycleEvent"] for item in product.changes] == told
    assert (await product.control("subscriptions"))["subscriptions"] == []


async def test_a_subscription_tells_of_its_own_life(product: Product) -> None:
    made = (await subscribe(product, lifecycleNotificationUrl=body(product)["notificationUrl"])).json()
    await product.control(f"subscriptions/{made['id']}/lifecycle", {"event": "reauthorizationRequired"})
    await product.advance(1)
    assert [item["lifecycleEvent"] for item in product.changes] == ["reauthorizationRequired"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("keys", {"tenant": "nobody"}),
        ("tokens/end", {}),
        ("subscriptions/none/remove", {}),
        ("subscriptions/none/lifecycle", {"event": "missed"}),
    ],
)
async def test_what_cannot_be_done_is_said(product: Product, path: str, wanted: dict[str, Any]) -> None:
    assert list(await product.control(path, wanted)) == ["error"]


# ---- encrypted content


def certificate(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "product")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(private, SHA256())
    )
    return b64encode(made.public_bytes(Encoding.DER)).decode()


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def rich(**changes: Any) -> dict[str, Any]:
    whole = {"includeResourceData": True, "encryptionCertificate": "", "encryptionCertificateId": "ours"}
    return whole | changes


async def test_what_is_asked_for_encrypted_says_nothing_in_the_clear(product: Product) -> None:
    made = (await subscribe(product, **rich(encryptionCertificate=certificate(rsa_key())))).json()
    assert (made["includeResourceData"], made["encryptionCertificateId"]) == (True, "ours")
    await go_busy(product)
    told = product.changes[-1]
    assert set(told["resourceData"]) == {"@odata.type", "@odata.id", "id"}
    assert told["encryptedContent"]["encryptionCertificateId"] == "ours"
    assert b"InACall" not in b64decode(told["encryptedContent"]["data"])


WRONG: dict[str, Callable[[], dict[str, Any]]] = {
    "no certificate": rich,
    "nonsense": lambda: rich(encryptionCertificate="nonsense"),
    "too short a key": lambda: rich(encryptionCertificate=certificate(rsa_key(1024))),
    "no RSA": lambda: rich(encryptionCertificate=certificate(ec.generate_private_key(ec.SECP256R1()))),
    "too long a name": lambda: rich(encryptionCertificate=certificate(rsa_key()), encryptionCertificateId="x" * 129),
    "a resource that never comes with its data": lambda: rich(
        encryptionCertificate=certificate(rsa_key()), resource="/communications/callRecords"
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_subscription_that_cannot_be_encrypted_for_is_refused(product: Product, name: str) -> None:
    may_read_everything(product)
    assert (await subscribe(product, **WRONG[name]())).status_code == 400


def may_read_everything(product: Product) -> None:
    registration = product.tenant.registration
    permissions = (*registration.permissions, "CallRecords.Read.All")
    object.__setattr__(product.tenant, "registration", replace(registration, permissions=permissions))
