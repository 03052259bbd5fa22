"""A system that takes webhooks over real HTTP, and checks signatures by a library that nobody here wrote."""

import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import standardwebhooks
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass
class Taken:
    """A message that came with a good signature."""

    id: str
    body: bytes
    headers: dict[str, str]


@dataclass
class Receiver:
    """Answers with what stands in `answers`, then with 204. Messages signed by none of `secrets` are answered 401."""

    secrets: list[str]
    answers: list[Response] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  #: ids of all messages that came
    url: str = ""

    def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        app = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()

    async def _take(self, request: Request) -> Response:
        body, headers = await request.body(), dict(request.headers)
        self.asked.append(headers.get("webhook-id", ""))
        if not any(self._fits(secret, body, headers) for secret in self.secrets):
            return Response(status_code=401)
        if self.answers:
            return self.answers.pop(0)
        self.taken.append(Taken(headers["webhook-id"], body, headers))
        return Response(status_code=204)

    def _fits(self, secret: str, body: bytes, headers: dict[str, str]) -> bool:
        # The library knows only the time of now; ours is the tests' noon. Its own signature is what is compared.
        try:
            signed = standardwebhooks.Webhook(secret).sign(
                msg_id=headers["webhook-id"],
                timestamp=_instant(headers["webhook-timestamp"]),
                data=body.decode(),
            )
        except (KeyError, ValueError):
            return False
        return signed in headers["webhook-signature"].split()


def _instant(stamp: str) -> datetime:
    return datetime.fromtimestamp(int(stamp), UTC)
