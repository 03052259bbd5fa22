"""A proxy before a real server, which can answer badly in its place or lose an answer of it."""

import functools
import socket
import threading

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.connectors.testkit import Fault
from cordpair.emulator import bad_answers

_METHODS = [
    *("GET", "POST", "PUT", "PATCH", "DELETE"),
    *("PROPFIND", "REPORT", "OPTIONS"),
]


class Spoiling:
    """Passes requests on to `target`. Requests that hold one of `spared` are neither spoiled nor counted.

    `loses` is a part of the request whose answer is lost next; empty: none is.
    """

    def __init__(self, target: str, spared: tuple[bytes, ...] = ()) -> None:
        self.target, self.spared, self.loses = target, spared, b""
        self._fault: Fault | None = None
        self._skip = self._times = 0
        self._http = httpx.AsyncClient(timeout=20)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = Starlette(routes=[Route("/{path:path}", functools.partial(self._pass), methods=_METHODS)])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True).start()

    def spoil(self, fault: Fault | None, *, after: int = 0) -> None:
        """Answer so after `after` good answers; None: no more."""
        self._fault, self._skip, self._times = fault, after, 2 if fault is Fault.LOCKED_OUT else 1

    async def _pass(self, request: Request) -> Response:
        body = await request.body()
        if not any(one in body for one in self.spared) and (bad := self._bad()) is not None:
            return bad
        headers = [(name, value) for name, value in request.headers.raw if name not in (b"host", b"content-length")]
        query = f"?{request.url.query}" if request.url.query else ""
        answer = await self._http.request(
            request.method, f"{self.target}{request.url.path}{query}", headers=headers, content=body
        )
        if self.loses and self.loses in request.method.encode() + b" " + body:
            self.loses = b""
            return bad_answers.Cut()
        kept = ("content-type", "etag", "location", "dav")
        return Response(
            answer.content, answer.status_code, {name: answer.headers[name] for name in kept if name in answer.headers}
        )

    def _bad(self) -> Response | None:
        if self._fault is None or self._times == 0:
            return None
        if self._skip:
            self._skip -= 1
            return None
        self._times -= 1
        match self._fault:
            case Fault.HTML:
                return bad_answers.page("Service Unavailable", 503)
            case Fault.ERROR:
                return Response('{"message": "internal error"}', 500, media_type="application/json")
            case Fault.THROTTLED:
                return Response("", 429, {"Retry-After": "7"})
            case Fault.SIGNED_OUT | Fault.LOCKED_OUT:
                return Response("", 401)
            case Fault.CUT:
                return bad_answers.Cut()
