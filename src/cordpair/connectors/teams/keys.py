"""Signing keys of an issuer, fetched once and kept: the event loop never waits for them twice."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import httpx
import jwt
import structlog

from cordpair.connectors.kit import with_reason
from cordpair.errors import TemporaryFailure

log = structlog.get_logger(__name__)

_FRESH_S = 24 * 3600.0
_UNKNOWN_KID_PAUSE_S = 60.0  #: an unknown key id makes us ask again this seldom, so that forgers cannot make us storm
_FIRST_RETRY_S = 3.0  #: without any keys nobody gets in: we ask again soon, but not for everybody who waits
_RETRY_S = 60.0  #: after a failed refresh the old keys serve on, and we ask again this seldom
_TIMEOUT_S = 5.0


class SigningKeys:
    """Keys by id, from an OpenID configuration (`jwks_uri` in it) or, with `is_jwks`, straight from a key set.

    Asks with the ETag it has, keeps old keys when the issuer is away, and refreshes for an unknown key id once, then
    not again for a minute. Raises TemporaryFailure only when there has never been a key set; an issuer that is away is
    then asked every few seconds, however many wait.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        *,
        is_jwks: bool = False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._http = http
        self._url = url
        self._jwks_url = url if is_jwks else ""
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._endorsed: dict[str, frozenset[str]] = {}
        self._etag = ""
        self._next = 0.0  #: when the key set is to be fetched again
        self._asked = float("-inf")  #: when it was last asked for because of an unknown key id
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The RS256 key of this id; None when the issuer has none."""
        if self._clock() >= self._next:
            await self._refresh(lambda: self._clock() >= self._next)
        if not self._keys:
            raise TemporaryFailure("the signing keys of the issuer cannot be fetched")
        if kid not in self._keys and self._may_ask_for(kid):
            await self._refresh(lambda: self._may_ask_for(kid), is_for_unknown=True)
        return self._keys.get(kid)

    async def endorsements(self, kid: str) -> frozenset[str]:
        """The channels that may use this key."""
        await self.key(kid)
        return self._endorsed.get(kid, frozenset())

    def _may_ask_for(self, kid: str) -> bool:
        return kid not in self._keys and self._clock() - self._asked >= _UNKNOWN_KID_PAUSE_S

    async def _refresh(self, still_due: Callable[[], bool], *, is_for_unknown: bool = False) -> None:
        async with self._lock:
            if not still_due():
                return
            if is_for_unknown:
                self._asked = self._clock()
            try:
                await self._fetch()
                self._next = self._clock() + _FRESH_S
            except (TimeoutError, httpx.HTTPError, ValueError, KeyError, TypeError, jwt.PyJWTError) as exc:
                self._next = self._clock() + (_RETRY_S if self._keys else _FIRST_RETRY_S)
                if not self._keys:
                    raise TemporaryFailure(
                        with_reason("the signing keys of the issuer cannot be fetched", exc)
                    ) from exc
                log.warning("signing keys not refreshed, the old ones serve on", error=type(exc).__name__)

    async def _fetch(self) -> None:
        url = self._jwks_url or str((await self._get(self._url)).json()["jwks_uri"])
        answer = await self._get(url, {"If-None-Match": self._etag} if self._etag else {})
        if answer.status_code == 304:
            return
        listed = answer.json()["keys"]
        self._keys, self._endorsed = _usable(listed), _endorsements(listed)
        self._etag = answer.headers.get("etag", "")

    async def _get(self, url: str, headers: dict[str, str] | None = None) -> httpx.Response:
        # The client's own time-out is for each piece of an answer: one that comes by the drop would hold everybody up.
        async with asyncio.timeout(_TIMEOUT_S):
            answer = await self._http.get(url, headers=headers)
        if answer.status_code != 304:
            answer.raise_for_status()
        return answer


def _usable(keys: list[dict[str, Any]]) -> dict[str, jwt.PyJWK]:
    found = {key["kid"]: jwt.PyJWK(key, algorithm="RS256") for key in keys if key.get("kty") == "RSA" and "kid" in key}
    if not found:
        raise ValueError("a key set without RSA keys")
    return found


def _endorsements(keys: list[dict[str, Any]]) -> dict[str, frozenset[str]]:
    return {key["kid"]: frozenset(map(str, key.get("endorsements") or ())) for key in keys if "kid" in key}
