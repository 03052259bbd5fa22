"""What the tests of the Teams connector share: servers on loopback, keys, and people of the demo world."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.core.ids import AgentId, GraphCallId, RegistrationId, TenantId
from cordpair.core.tenant import Registration

TENANT = TenantId("11111111-1111-4111-8111-111111111111")
OTHER_TENANT = TenantId("22222222-2222-4222-8222-222222222222")
ANA = AgentId("aaaaaaaa-0000-4000-8000-000000000001")
CLIENT = "cccccccc-0000-4000-8000-00000000000c"
CALL = GraphCallId("dddddddd-0000-4000-8000-00000000000d")
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
REGISTRATION = Registration(
    id=RegistrationId("reg-1"), tenant=TENANT, client_id=CLIENT, client_secret="s3cret", bot_id=f"28:{CLIENT}"
)
ISSUER = "https://api.botframework.com"
_SHARED = Path(__file__).parents[3] / "shared" / "data"


def shared_data(name: str) -> Any:
    """A file of Microsoft's own truth: absent, the test fails in CI and is skipped elsewhere."""
    path = _SHARED / name
    if not path.exists():
        message = f"{name} is not there: it belongs into the folder shared/data beside the project"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return json.loads(path.read_text())


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The app on a free port of this machine; gives its address."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Without its main loop, whose tick of 0.1 s would make every test wait.
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.force_exit = True
        await server.shutdown()


@dataclass
class Recorded:
    """One request that a server got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Recorder:
    """A server that answers what it is told to, in order (then the last again), and keeps what it was asked."""

    answers: list[Response | Callable[[], Any]] = field(default_factory=lambda: [JSONResponse({}, status_code=200)])
    seen: list[Recorded] = field(default_factory=list)

    def app(self) -> Starlette:
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Starlette(routes=[Route("/{path:path}", self._handle, methods=methods)])

    async def _handle(self, request: Request) -> Response:
        raw = await request.body()
        body = json.loads(raw) if raw else None
        path = request.scope["raw_path"].decode()
        self.seen.append(Recorded(request.method, path, dict(request.query_params), dict(request.headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Response):
            return answer
        made = answer()
        response: Response = await made if asyncio.iscoroutine(made) else made
        return response


class FixedTokens:
    """Tokens without an issuer: `t1`, then `t2` when `t1` was refused, and so on."""

    def __init__(self) -> None:
        self.number = 1

    async def token(self, scope: str = "", *, instead_of: str = "") -> str:
        if instead_of == f"t{self.number}":
            self.number += 1
        return f"t{self.number}"


class Key:
    """A signing key with its public half as Microsoft publishes it."""

    def __init__(self, kid: str, endorsements: list[str] | None = None) -> None:
        self.kid = kid
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public_jwk: dict[str, Any] = {
            **json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key())),
            "kid": kid,
            "use": "sig",
            **({"endorsements": endorsements} if endorsements is not None else {}),
        }

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.kid, **headers})


@dataclass
class KeyServer:
    """An issuer's OpenID configuration and keys over HTTP, with ETags, counting what it is asked."""

    keys: list[Key]
    key_requests: int = 0
    not_modified: int = 0
    is_down: bool = False

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/openidconfiguration", self._configuration), Route("/keys", self._keys)])

    async def _configuration(self, request: Request) -> Response:
        return JSONResponse({"jwks_uri": str(request.url.replace(path="/keys"))})

    async def _keys(self, request: Request) -> Response:
        self.key_requests += 1
        if self.is_down:
            return Response("<html>down</html>", status_code=503)
        etag = '"' + "-".join(key.kid for key in self.keys) + '"'
        if request.headers.get("if-none-match") == etag:
            self.not_modified += 1
            return Response(status_code=304, headers={"etag": etag})
        return JSONResponse({"keys": [key.public_jwk for key in self.keys]}, headers={"etag": etag})


def now_utc() -> datetime:
    return datetime.now(UTC)


def bot_claims(**changes: Any) -> dict[str, Any]:
    """Claims of a good token of the Bot Framework; a claim that is changed to None is left out."""
    now = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": CLIENT,
        "nbf": now - timedelta(minutes=1),
        "exp": now + timedelta(hours=1),
        "serviceurl": "https://smba.trafficmanager.net/emea/",
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}
