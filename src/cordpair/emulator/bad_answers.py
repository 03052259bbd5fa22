"""Answers that are none: of a service that dies while it answers, of a proxy, of something that has gone mad."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_PAGE = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
_HUGE_BYTES = 10_000_000
_DRIP_EVERY_S = 1.0  # real: whoever waits for the whole answer waits for ever


class Cut(Response):
    """Begins an answer and never ends it: the server closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await _begin(send, 201)
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class Drip(Response):
    """A byte each second, until whoever waits for it has gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await _begin(send, 200)
        gone = asyncio.create_task(_disconnected(receive))
        try:
            while not gone.done():
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.wait({gone}, timeout=_DRIP_EVERY_S)
        finally:
            gone.cancel()


def huge() -> Response:
    """Good JSON, far more than anybody asked for."""
    return Response(b'{"value": "' + b"x" * _HUGE_BYTES + b'"}', media_type="application/json")


def page(title: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A page of the web tier, where data was asked for."""
    return Response(_PAGE.format(title=title), status, headers, "text/html")


async def _begin(send: Send, status: int) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
