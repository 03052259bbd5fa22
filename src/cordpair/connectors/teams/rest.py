"""JSON requests to one Microsoft service, and what their answers mean for what happens next."""

import asyncio
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx
import msgspec

from cordpair.errors import PermanentFailure, TemporaryFailure, UnknownOutcome

MAX_RETRY_AFTER_S = 300.0
_ANSWER_LIMIT = 8_000_000  #: bytes of an answer that are read
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: The request had not left when these happened.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,80}")
_DIAG = re.compile(r"DiagCode: ?([0-9]{1,4}#[0-9]{1,7})")


class Tokens(Protocol):
    """Where bearer tokens come from."""

    async def token(self, scope: str = ..., *, instead_of: str = "") -> str: ...


class Answer(msgspec.Struct, frozen=True):
    """Status, lower-case headers and body of one HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, None when it is empty. Raises ValueError when it is something else."""
        return msgspec.json.decode(self.body) if self.body.strip() else None


class Rest:
    """Authenticated requests to one service (`name`) with the tokens of one app registration.

    `request` raises TemporaryFailure (away, throttled, a proxy's page), UnknownOutcome (it left and may have
    been carried out; only where the request is not `repeatable`) and PermanentFailure (with the HTTP status).
    Texts of failures carry the service's own error codes, never its messages: those may name people.
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
        if answer.status == 404 and gone_is_done and not _is_page(answer):
            return {}
        return self._judge(answer, repeatable=repeatable)

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
                return await self._read(request)
        except _NOT_SENT as exc:
            raise TemporaryFailure(f"{self._name} cannot be reached") from exc
        except (httpx.HTTPError, TimeoutError) as exc:
            what = f"{self._name} did not finish its answer"
            raise (TemporaryFailure(what) if repeatable else UnknownOutcome(what)) from exc

    async def _read(self, request: httpx.Request) -> Answer:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _ANSWER_LIMIT:
                    raise TemporaryFailure(f"{self._name} answers more than {_ANSWER_LIMIT} bytes")
            return Answer(response.status_code, dict(response.headers), bytes(body))
        finally:
            await response.aclose()

    def _judge(self, answer: Answer, *, repeatable: bool) -> dict[str, Any]:
        if answer.status < 300:
            return self._object(answer)
        what = f"{self._name} answers {answer.status}{_codes(answer)}"
        if answer.status in (408, 429, 503):
            raise TemporaryFailure(what, retry_after_s=retry_after_s(answer.headers))
        if answer.status >= 500:
            # The service may have done its work before it failed.
            pause = retry_after_s(answer.headers)
            raise (TemporaryFailure if repeatable else UnknownOutcome)(what, retry_after_s=pause)
        if answer.status < 400 or _is_page(answer):
            raise TemporaryFailure(f"something between us and {self._name} answers {answer.status}")
        raise PermanentFailure(what, status=answer.status)

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            value = answer.json()
        except ValueError as exc:
            raise TemporaryFailure(f"{self._name} answers something that is not JSON") from exc
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise TemporaryFailure(f"{self._name} answers JSON of an unknown shape")
        return value


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After (seconds or an HTTP date), 0 to MAX_RETRY_AFTER_S; None: no usable word.

    A date counts from the answer's own Date header, so that clocks that differ do no harm.
    """
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            until, since = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
            seconds = (until - since).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _is_page(answer: Answer) -> bool:
    """A proxy's or a login page, not the service's own answer."""
    return "html" in answer.headers.get("content-type", "")


def _codes(answer: Answer) -> str:
    """Graph's error code, and the diagnostic code within its message."""
    try:
        error = answer.json()["error"]
        code = str(error.get("code", ""))
        diag = _DIAG.search(str(error.get("message", "")))
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    parts = [code] if _CODE.fullmatch(code) else []
    return "".join(f" {part}" for part in [*parts, *([diag.group(1)] if diag else [])])
