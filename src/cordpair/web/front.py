"""Requests without a framework between: for addresses where each microsecond is paid thousands of times a second.

A `Direct` handler gets the connection as the server gives it and answers with a prepared `Answer`; every other address
goes on to the application. The security headers are the same on both ways; an answer without a body carries only those
that say something of the answer itself, not those of what a page may do.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from cordpair.errors import Rejected

Headers = Mapping[str, str]


#: Of the security headers those that mean something without a body: each costs on every notification.
_OF_NO_BODY = frozenset({"cache-control", "strict-transport-security", "x-content-type-options"})


class Gone(Exception):
    """The other side has hung up in the midst of its request."""


class Answer:
    """A whole answer, ready to be sent any number of times."""

    def __init__(self, status: int, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()) -> None:
        listed = [*headers, ("content-length", str(len(body)))]
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in listed]
        self._start = {"type": "http.response.start", "status": status, "headers": raw}
        self._body = {"type": "http.response.body", "body": body}

    async def send(self, send: Send) -> None:
        await send(self._start)
        await send(self._body)


class Answers:
    """Makes answers that carry `headers` (the security headers of all answers)."""

    def __init__(self, headers: Headers) -> None:
        self._headers = dict(headers)
        self._of_no_body = {name: value for name, value in headers.items() if name in _OF_NO_BODY}

    def empty(self, status: int, **more: str) -> Answer:
        return Answer(status, b"", {**self._of_no_body, **_named(more)}.items())

    def text(self, text: str) -> Answer:
        kind = {"content-type": "text/plain; charset=utf-8"}
        return Answer(200, text.encode(errors="replace"), {**self._headers, **kind}.items())

    def error(self, status: int, why: str, **more: str) -> Answer:
        """`{"error": why}`, with more headers by name."""
        kind = {"content-type": "application/json", **_named(more)}
        return Answer(status, msgspec.json.encode({"error": why}), {**self._headers, **kind}.items())


class Direct(Protocol):
    """Handles all requests below one first part of the path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class Front:
    """Gives a request to the direct handler of its path's first part (`graph`), everything else to `rest`."""

    def __init__(self, direct: Mapping[str, Direct], rest: ASGIApp) -> None:
        self._direct, self._rest = dict(direct), rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler: ASGIApp = self._rest
        if scope["type"] == "http":
            handler = self._direct.get(scope["path"].split("/", 2)[1], self._rest) if "/" in scope["path"] else handler
        await handler(scope, receive, send)


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this name (small letters), None without one."""
    for known, value in scope["headers"]:
        if known == name:
            return bytes(value).decode("latin-1")
    return None


async def whole_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises Rejected (413) as soon as it is longer than `limit` bytes, Gone when it breaks off."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False) or message["type"] != "http.request":
        body = await _pieces(message, receive, limit)
    if len(body) > limit:
        raise Rejected(f"the body is longer than {limit} bytes", status=413)
    return body


async def _pieces(message: Mapping[str, object], receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        if message["type"] != "http.request":
            raise Gone
        piece = message.get("body", b"")
        body += piece if isinstance(piece, bytes) else b""
        if not message.get("more_body", False) or len(body) > limit:
            return bytes(body)
        message = await receive()


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
