"""What was found about a signed token is remembered until it ends: a signature costs more than the rest of a request.

Remembered by the token's hash, so that no token lies about in memory; bounded; and only for as long as the very key
that signed it is the one that its issuer publishes.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import msgspec

from cordpair.connectors.teams.keys import SigningKeys
from cordpair.errors import Rejected

LEEWAY_S = 300  #: seconds by which clocks may differ
_REMEMBERED = 10_000  # tokens; Microsoft uses one for many requests
_LONGEST = timedelta(hours=24)


class Verdict(msgspec.Struct, frozen=True):
    """A token whose signature and times hold. `until`: from then on it is judged anew."""

    claims: dict[str, Any]
    kid: str
    key: jwt.PyJWK
    until: datetime


class Verdicts:
    """Judges RS256 tokens of one issuer's keys: signature, times, and that `aud` and `iss` are there at all.

    Whom a token is for and who made it are its reader's questions, and asked every time. `now` is real time, aware UTC.
    """

    def __init__(self, keys: SigningKeys, *, now: Callable[[], datetime], remembered: int = _REMEMBERED) -> None:
        self._keys, self._now, self._limit = keys, now, remembered
        self._known: OrderedDict[bytes, Verdict] = OrderedDict()

    async def of(self, token: str) -> Verdict:
        """The verdict on a token that holds. Raises Rejected (403), TemporaryFailure without any signing keys."""
        name = hashlib.sha256(token.encode(errors="replace")).digest()
        known = self._known.get(name)
        if known is not None and known.until > self._now() and await self._keys.key(known.kid) is known.key:
            return known
        found = self._known[name] = await self._judged(token)
        self._known.move_to_end(name)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return found

    async def _judged(self, token: str) -> Verdict:
        kid = _key_id(token)
        key = await self._keys.key(kid)
        if key is None:
            raise Rejected("the token is signed with an unknown key", status=403)
        claims = _claims(token, key)
        now = self._now()
        lives_s = min(int(claims["exp"]) - now.timestamp(), _LONGEST.total_seconds())
        return Verdict(claims, kid, key, now + timedelta(seconds=max(lives_s, 0.0)))


def _claims(token: str, key: jwt.PyJWK) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud"], "verify_aud": False, "verify_iss": False},
        )
    except (jwt.InvalidTokenError, OverflowError) as exc:
        raise Rejected("the token does not hold", status=403) from exc
    return claims


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, RecursionError) as exc:
        raise Rejected("the token cannot be read", status=403) from exc
    kid = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(kid, str):
        raise Rejected("the token is not signed as it must be", status=403)
    return kid
