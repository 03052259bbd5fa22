"""Tokens of all sorts for tests of what comes in, and whether anything was written because of them."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cordpair.emulator.keys import SigningKey, signing_key
from tests.product.house import House

T = TypeVar("T")

ISSUER = "https://api.botframework.com"
SOMEBODY = "99999999-9999-4999-8999-999999999999"
MINUTE = 60


@dataclass(frozen=True)
class Case:
    """What is changed: claims of the token (None takes one away, whole numbers in `times` are seconds from now), who
    signs it, members of the body. `status` is the answer, `stored` whether anything was written."""

    status: int
    claims: Mapping[str, object] = field(default_factory=dict)
    times: Mapping[str, int] = field(default_factory=dict)
    signer: str = "its own key"
    body: Mapping[str, object] = field(default_factory=dict)

    @property
    def stored(self) -> bool:
        return self.status < 300


async def written(house: House) -> int:
    """The number of the database's next transaction that writes: it grows with each one."""
    async with house.store.open_tenant(house.lanterns.id) as rows:
        found = await rows.inbox._scope.connection.fetchval("select pg_snapshot_xmax(pg_current_snapshot())::text")
    return int(found)


async def asked(house: House, ask: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
    """The answer to a request, and whether it wrote. What wrote once is asked again: the server's own housekeeping
    writes now and then, too, but not each time.
    """
    for _ in range(3):
        before = await written(house)
        answer = await ask()
        if await written(house) == before:
            return answer, False
    return answer, True


def token(key: SigningKey, claims: Mapping[str, object], case: Case) -> str:
    now = int(time.time())
    whole = {"iat": now, "nbf": now, "exp": now + 300, **claims, **case.claims}
    whole |= {name: now + seconds for name, seconds in case.times.items()}
    return SIGNERS[case.signer]({name: value for name, value in whole.items() if value is not None}, key)


def by_itself(claims: dict[str, object], key: SigningKey) -> str:
    return jwt.encode(claims, key._private, algorithm="RS256", headers={"kid": key.kid})


def by_a_stranger(claims: dict[str, object], key: SigningKey) -> str:
    return jwt.encode(claims, signing_key("stranger")._private, algorithm="RS256", headers={"kid": key.kid})


def by_an_unknown_key(claims: dict[str, object], _key: SigningKey) -> str:
    return jwt.encode(claims, signing_key("stranger")._private, algorithm="RS256", headers={"kid": "unknown"})


def by_nobody(claims: dict[str, object], key: SigningKey) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": key.kid})


def by_the_public_key(claims: dict[str, object], key: SigningKey) -> str:
    """As a secret of HS256; by hand, because the library refuses to."""
    secret = key._public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "JWT", "kid": key.kid}
    text = ".".join(url64(json.dumps(part).encode()) for part in (head, claims))
    return f"{text}.{url64(hmac.digest(secret, text.encode(), 'sha256'))}"


def url64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


SIGNERS: dict[str, Callable[[dict[str, object], SigningKey], str]] = {
    "its own key": by_itself,
    "another key of that name": by_a_stranger,
    "a key that nobody knows": by_an_unknown_key,
    "nobody": by_nobody,
    "the public key as a secret": by_the_public_key,
}

#: What holds for every token that the Bot Framework has signed.
TOKENS: dict[str, Case] = {
    "good": Case(202),
    "another key of that name": Case(403, signer="another key of that name"),
    "a key that nobody knows": Case(403, signer="a key that nobody knows"),
    "not signed": Case(403, signer="nobody"),
    "the public key as a secret": Case(403, signer="the public key as a secret"),
    "made for another bot": Case(403, {"aud": SOMEBODY}),
    "made for others too": Case(403, {"aud": [SOMEBODY, "another"]}),
    "made for nobody": Case(403, {"aud": None}),
    "another issuer": Case(403, {"iss": f"https://sts.windows.net/{SOMEBODY}/"}),
    "the issuer of an emulator": Case(403, {"iss": "http://127.0.0.1:9000"}),
    "no issuer": Case(403, {"iss": None}),
    "expired four minutes ago": Case(202, times={"exp": -4 * MINUTE}),
    "expired six minutes ago": Case(403, times={"exp": -6 * MINUTE}),
    "valid in four minutes": Case(202, times={"nbf": 4 * MINUTE}),
    "valid in six minutes": Case(403, times={"nbf": 6 * MINUTE}),
    "without an end": Case(403, {"exp": None}),
}
