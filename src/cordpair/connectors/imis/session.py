"""Signed-in requests to one iMIS: one token for all, one new token on a 401, one pull at a time."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import httpx
import msgspec

from cordpair.connectors.imis.answers import Json, no_answer, read_answer
from cordpair.connectors.imis.settings import ImisSettings, PasswordGrant, RefreshGrant
from cordpair.errors import PermanentFailure, TemporaryFailure

_ANSWER_LIMIT = 8_000_000  #: bytes of an answer that are read
_OF_THE_WAY = (b"content-encoding", b"content-length", b"transfer-encoding")
_EARLY = timedelta(seconds=60)
_NEW_ASSEMBLY = "Asi.Contracts"
_pulls: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]]" = WeakKeyDictionary()


Pairs = list[tuple[str, str]]
#: A query string; as pairs where a name stands more than once.
Query = Mapping[str, str] | Sequence[tuple[str, str]]


class _Token(msgspec.Struct, frozen=True):
    text: str
    good_until: datetime


class ImisSession:
    """Requests to one iMIS. `assembly` is what this installation calls its types, None until it has answered once."""

    def __init__(self, settings: ImisSettings, http: httpx.AsyncClient, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._http = http
        self._now = now
        self._token: _Token | None = None
        self._signing_in = asyncio.Lock()
        self._refresh_token = settings.grant.refresh_token if isinstance(settings.grant, RefreshGrant) else ""
        self.assembly: str | None = None

    @property
    def pull(self) -> asyncio.Lock:
        """Held around each request of a pull, by all of this process that pull from this iMIS."""
        locks = _pulls.setdefault(asyncio.get_running_loop(), {})
        return locks.setdefault(self._settings.base_url, asyncio.Lock())

    async def get(self, path: str, query: Query) -> Json:
        """Read. Raises TemporaryFailure and PermanentFailure."""
        pairs = list(query.items() if isinstance(query, Mapping) else query)
        return await self._request("GET", path, query=pairs, body=None, sent=[value for _, value in pairs])

    async def post(self, path: str, body: Json, sent: Iterable[str]) -> Json:
        """Write once. `sent` is the text in `body` that may be personal. Raises UnknownOutcome too."""
        return await self._request("POST", path, query=[], body=body, sent=sent)

    async def put(self, path: str, body: Json, sent: Iterable[str]) -> Json:
        """Write a whole object in place of what stands there; as `post`."""
        return await self._request("PUT", path, query=[], body=body, sent=sent)

    async def _request(self, method: str, path: str, *, query: Pairs, body: Json | None, sent: Iterable[str]) -> Json:
        token = await self._good_token()
        response = await self._send(method, path, query, body, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            token = await self._good_token(instead_of=token)
            response = await self._send(method, path, query, body, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise PermanentFailure("iMIS does not let our user in, although the sign-in worked (401)", status=401)
        answer = read_answer(response, writing=body is not None, sent=sent, now=self._now())
        self._learn(answer)
        return answer

    async def _send(self, method: str, path: str, query: Pairs, body: Json | None, token: _Token) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token.text}", "Accept": "application/json"}
        content = None
        if body is not None:
            # Key order is kept: iMIS reads the type tag of an object only where it comes first.
            content, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        url = f"{self._settings.base_url}/{path}"
        try:
            return await self._whole(method, url, params=query, content=content, headers=headers)
        except httpx.HTTPError as exc:
            raise no_answer(exc, writing=body is not None) from exc

    async def _whole(self, method: str, url: str, **rest: Any) -> httpx.Response:
        """The answer, within the time for all of it: the client's own time-out is for each piece alone."""
        timeout_s, body = self._settings.timeout_s, bytearray()
        request = self._http.build_request(method, url, timeout=timeout_s, **rest)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._http.send(request, stream=True, follow_redirects=False)
                async with contextlib.aclosing(answer):
                    async for piece in answer.aiter_bytes():
                        body += piece
                        if len(body) > _ANSWER_LIMIT:
                            raise httpx.ReadError("an answer without end", request=request)
        except TimeoutError as exc:
            raise httpx.ReadTimeout("an answer that does not end", request=request) from exc
        return httpx.Response(answer.status_code, headers=_of_the_text(answer.headers), content=bytes(body))

    async def _good_token(self, instead_of: _Token | None = None) -> _Token:
        """The common token, or a new one when it runs out or is the one that was refused."""
        async with self._signing_in:
            token = self._token
            if token is None or token is instead_of or self._now() >= token.good_until:
                self._token = token = await self._sign_in()
            return token

    async def _sign_in(self) -> _Token:
        try:
            response = await self._whole("POST", f"{self._settings.base_url}/token", data=self._form())
        except httpx.HTTPError as exc:
            raise no_answer(exc, writing=False) from exc
        if response.status_code in (400, 401, 403) and (code := _oauth_error(response)):
            raise PermanentFailure(f"iMIS refused the sign-in: {code}", status=response.status_code)
        return self._read_token(read_answer(response, writing=False, sent=(), now=self._now()))

    def _form(self) -> dict[str, str]:
        match self._settings.grant:
            case PasswordGrant(username=username, password=password):
                return {"grant_type": "password", "username": username, "password": password}
            case RefreshGrant(client_id=client_id, client_secret=client_secret):
                return {
                    "grant_type": "refresh_token",
                    "client_id": client_id,
                    "client_secret": client_secret,
                    "refresh_token": self._refresh_token,
                }

    def _read_token(self, answer: Json) -> _Token:
        text, following = answer.get("access_token"), answer.get("refresh_token")
        if not isinstance(text, str) or not text:
            raise TemporaryFailure("iMIS answered the sign-in without a token")
        if isinstance(following, str) and following:
            self._refresh_token = following
        life = _life(answer.get("expires_in"))
        return _Token(text, self._now() + max(life - _EARLY, life / 2))

    def _learn(self, answer: Json) -> None:
        """`…PagedResult`1[[…]], Asi.Contracts`: the last part names the assembly of the core types."""
        kind = answer.get("$type")
        if isinstance(kind, str) and (found := re.search(r",\s*(Asi(?:\.Soa\.Core)?\.Contracts)$", kind)):
            self.assembly = found[1]


def _of_the_text(headers: httpx.Headers) -> list[tuple[bytes, bytes]]:
    """Without what was true of the body only as it travelled."""
    return [(name, value) for name, value in headers.raw if name.lower() not in _OF_THE_WAY]


def _life(expires_in: object) -> timedelta:
    """How long a token is good: what iMIS says, within reason; five minutes when it says nothing readable."""
    try:
        seconds = float(str(expires_in))
    except ValueError:
        seconds = 300.0
    return timedelta(seconds=min(max(seconds, 0.0), 86_400.0))


def assembly_of(session: ImisSession) -> str:
    """What to call the assembly when writing."""
    return session.assembly or _NEW_ASSEMBLY


def _oauth_error(response: httpx.Response) -> str:
    """The error code of RFC 6749. Its description may name the user and is left out."""
    try:
        code = msgspec.json.decode(response.content)["error"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,40}", code) else ""
