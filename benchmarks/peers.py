"""Everybody whom a node of the product speaks to, as one fast server: Entra, Graph and the Bot Connector.

It answers at once and notes when what came, so that what is measured is ours.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.ground import CLIENT

_ISSUER = "https://api.botframework.com"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_PUBLIC = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_KEY.public_key())), "kid": "bench", "endorsements": []}


def bearer() -> str:
    """The header of a request that the Bot Framework has signed."""
    claims = {"iss": _ISSUER, "aud": CLIENT, "exp": datetime.now(UTC) + timedelta(hours=1), "nbf": datetime.now(UTC)}
    return "Bearer " + jwt.encode(claims, _KEY, algorithm="RS256", headers={"kid": "bench"})


class Peers:
    """The server. `answered` hears which calls were answered, `card_seen` of new cards and when (perf_counter),
    `invited` of agents who are rung: the call, the request and when."""

    def __init__(self) -> None:
        self.url = ""
        self.answered: Callable[[str], None] = lambda _: None
        self.card_seen: Callable[[bytes, float], None] = lambda *_: None
        self.invited: Callable[[str, bytes, float], None] = lambda *_: None

    def settings(self) -> dict[str, str]:
        """How a node is told to speak to this server."""
        return {
            "GRAPH_URL": self.url,
            "LOGIN_URL": self.url,
            "BOT_OPENID_URL": f"{self.url}/openid",
            "SERVICE_URL_HOSTS": '["127.0.0.1"]',
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        status, answer = self._answer(scope["method"], scope["path"], bytes(body))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        if parts[0] == "v3":
            if method == "POST":
                self.card_seen(body, time.perf_counter())
            return 200, {"id": f"a{time.perf_counter_ns()}"}
        if parts[-1] == "answer":
            self.answered(parts[-2])
            return 202, {}
        if parts[-1] == "invite":
            self.invited(parts[-3], body, time.perf_counter())
            return 200, {"id": "invite", "status": "running"}
        if parts[-1] == "getPresencesByUserId":
            people = json.loads(body)["ids"]
            return 200, {"value": [{"id": one, "availability": "Available", "activity": "Available"} for one in people]}
        if parts[-1] == "subscriptions":
            return 201, {**json.loads(body), "id": "subscription"}
        if method == "GET" and "calls" in parts:
            return 404, {"error": {"code": "NotFound"}}
        return self._sign_in(parts)

    def _sign_in(self, parts: list[str]) -> tuple[int, Any]:
        match parts[-1]:
            case "openid":
                return 200, {"jwks_uri": f"{self.url}/jwks"}
            case "jwks":
                return 200, {"keys": [_PUBLIC]}
            case "openid-configuration":
                ends = {name: f"{self.url}/{parts[0]}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
                return 200, {**ends, "issuer": f"{self.url}/{parts[0]}/v2.0"}
            case "token_endpoint":
                return 200, {"access_token": "bench", "expires_in": 3600, "token_type": "Bearer"}
            case _:
                return 200, {"id": "done"}


@contextlib.asynccontextmanager
async def peers() -> AsyncIterator[Peers]:
    """The server, listening on a free port."""
    one = Peers()
    server = uvicorn.Server(uvicorn.Config(one, port=0, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    one.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield one
    finally:
        server.should_exit = True
        await serving
