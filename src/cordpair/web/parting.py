"""A server that says farewell: told to end, it goes on answering while its work is handed over, and sends nobody away.

Meanwhile every answer closes its connection, so that the next request goes to another node, and /health/ready answers
503, so that a load balancer stops choosing us. Only then does it stop listening.
"""

import contextlib
from collections.abc import Iterator

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READY = "/health/ready"


class Farewell:
    """An application that takes leave of whoever asks it, once it `is_leaving`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.is_leaving = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.is_leaving or scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == READY:
            await JSONResponse({"status": "leaving"}, 503, {"connection": "close"})(scope, receive, send)
        else:
            await self._app(scope, receive, _closing(send))


class PartingServer(uvicorn.Server):
    """Leaves signals to whoever starts it."""

    def __init__(self, config: uvicorn.Config) -> None:
        self._farewell = Farewell(config.app)  # type: ignore[arg-type]
        config.app = self._farewell
        super().__init__(config)

    def take_leave(self) -> None:
        """From now on answers close their connections, and we are not ready."""
        self._farewell.is_leaving = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return closing
