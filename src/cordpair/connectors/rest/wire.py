"""One request and its whole answer, within time and size; whoever watches sees both without secrets."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

ANSWER_LIMIT = 8_000_000  #: bytes of an answer that are read
_OF_THE_WAY = (b"content-encoding", b"content-length", b"transfer-encoding")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer, as one who tries a mapping sees them: what a secret stood in is `•••`."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    status: int | None
    answer: str


Watch = Callable[[Seen], None]


class Wire:
    """Sends requests by a shared client, a few at a time. `secrets` are never shown to `watch`."""

    def __init__(self, http: httpx.AsyncClient, concurrent: int, secrets: tuple[str, ...], watch: Watch | None) -> None:
        self._http, self._secrets, self._watch = http, secrets, watch
        self._free = asyncio.Semaphore(concurrent)
        self.hidden: set[str] = set()  #: tokens that were got meanwhile

    async def send(self, method: str, url: httpx.URL, *, timeout_s: float, **rest: Any) -> httpx.Response:
        """The whole answer, whatever it is. Redirects are not followed. Raises httpx.HTTPError."""
        request = self._http.build_request(method, url, timeout=timeout_s, **rest)
        async with self._free:
            try:
                response = await self._whole(request, timeout_s)
            except httpx.HTTPError as exc:
                self._show(request, None, type(exc).__name__)
                raise
        self._show(request, response.status_code, response.text)
        return response

    async def _whole(self, request: httpx.Request, timeout_s: float) -> httpx.Response:
        """The client's own time-out is for each piece alone: an answer that drips would never end."""
        body = bytearray()
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._http.send(request, stream=True, follow_redirects=False)
                async with contextlib.aclosing(answer):
                    async for piece in answer.aiter_bytes():
                        body += piece
                        if len(body) > ANSWER_LIMIT:
                            raise httpx.ReadError("an answer without end", request=request)
        except TimeoutError as exc:
            raise httpx.ReadTimeout("an answer that does not end", request=request) from exc
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in _OF_THE_WAY]
        return httpx.Response(answer.status_code, headers=headers, content=bytes(body))

    def _show(self, request: httpx.Request, status: int | None, answer: str) -> None:
        if self._watch is None:
            return
        self._watch(
            Seen(
                method=request.method,
                url=self._without_secrets(str(request.url)),
                headers={
                    name: "•••" if name.lower() in ("authorization", "cookie") else self._without_secrets(value)
                    for name, value in request.headers.items()
                },
                body=self._without_secrets(request.content.decode("utf-8", "replace")),
                status=status,
                answer=self._without_secrets(answer),
            )
        )

    def _without_secrets(self, text: str) -> str:
        for secret in sorted({*self._secrets, *self.hidden}, key=len, reverse=True):
            if secret:
                text = text.replace(secret, "•••").replace(str(httpx.QueryParams({"": secret}))[1:], "•••")
        return text
