"""JSON requests to one Microsoft service, and what their answers mean for what happens next."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import httpx
import msgspec

from cordpair.connectors.kit import with_reason
from cordpair.connectors.teams.answers import Answer, judge
from cordpair.errors import TemporaryFailure, UnknownOutcome

_ANSWER_LIMIT = 8_000_000  #: bytes of an answer that are read
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: The request had not left when these happened.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


class Tokens(Protocol):
    """Where bearer tokens come from."""

    async def token(self, scope: str = ..., *, instead_of: str = "") -> str: ...


class Rest:
    """Authenticated requests to one service (`name`) with the tokens of one app registration.

    `request` raises TemporaryFailure (away, throttled, a proxy's page), UnknownOutcome (it left and may have
    been carried out; only where the request is not `repeatable`) and PermanentFailure (with the HTTP status):
    the table of `answers`.
    """

    def __init__(
        self, http: httpx.AsyncClient, tokens: Tokens, *, scope: str, name: str = "Graph", total_s: float = 20.0
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._scope = scope
        self._name = name
        self._total_s = total_s

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: object = None,
        params: Mapping[str, str] | None = None,
        repeatable: bool = False,
        gone_is_done: bool = False,
    ) -> dict[str, Any]:
        """Send one request and return the JSON object of the answer (empty when there is none).

        A 401 is tried once more with a fresh token. `gone_is_done`: a 404 is success.
        """
        content = None if body is None else msgspec.json.encode(body)
        token = await self._tokens.token(self._scope)
        answer = await self._send(method, url, params, content, token, repeatable=repeatable)
        if answer.status == 401:
            token = await self._tokens.token(self._scope, instead_of=token)
            answer = await self._send(method, url, params, content, token, repeatable=repeatable)
        if answer.status == 404 and gone_is_done and not answer.is_page:
            return {}
        return judge(answer, self._name, repeatable=repeatable)

    async def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        content: bytes | None,
        token: str,
        *,
        repeatable: bool,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        request = self._http.build_request(
            method, url, params=params, content=content, headers=headers, timeout=_TIMEOUT
        )
        try:
            async with asyncio.timeout(self._total_s):
                return await self._read(request, repeatable=repeatable)
        except _NOT_SENT as exc:
            raise TemporaryFailure(with_reason(f"{self._name} cannot be reached", exc)) from exc
        except (httpx.HTTPError, TimeoutError) as exc:
            what = f"{self._name} did not finish its answer"
            raise (TemporaryFailure(what) if repeatable else UnknownOutcome(what)) from exc

    async def _read(self, request: httpx.Request, *, repeatable: bool) -> Answer:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _ANSWER_LIMIT:
                    what = f"{self._name} answers more than {_ANSWER_LIMIT} bytes"
                    raise TemporaryFailure(what) if repeatable else UnknownOutcome(what)
            return Answer(response.status_code, dict(response.headers), bytes(body))
        finally:
            await response.aclose()
