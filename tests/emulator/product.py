"""A very small contact centre over real HTTP, so that the emulated cloud has somebody to talk to.

It keeps what it is sent. With `answers` on it answers calls, rings ready agents in turn and shows cards, as the
product does, only much simpler: no database, no promises.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import tests.loaded_sdk  # noqa: F401
from cordpair.emulator.server import Running

GRAPH = "https://graph.microsoft.com/.default"
BOT = "https://api.botframework.com/.default"
SERVICE_HOSTED = {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig"}


class Product:
    """What the emulated cloud was told to talk to."""

    def __init__(self, cloud: Running) -> None:
        self.cloud = cloud
        self.http = httpx.AsyncClient(timeout=20)
        self.url = ""
        self.notifications: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.activities: list[dict[str, Any]] = []
        self.bearers: list[str] = []
        self.media: dict[str, tuple[bytes, str]] = {}
        self.status = 202
        self.handshakes = True
        self.answers = False
        self.ready: list[str] = []
        self.chats: dict[str, tuple[str, str]] = {}
        self.cards: dict[tuple[str, str], str] = {}
        self.waiting: list[str] = []
        self.offered: dict[str, str] = {}
        self.offers = 0
        self.over: set[str] = set()
        self.talked: set[str] = set()
        self.tokens: dict[tuple[str, str], str] = {}
        self.work: set[asyncio.Task[None]] = set()

    @property
    def tenant(self) -> Any:
        return self.cloud.parts.cloud.world.tenants[0]

    # ---- as a client of Graph and of the connector

    async def token(self, scope: str = GRAPH, tenant: Any = None) -> str:
        tenant = tenant or self.tenant
        if (tenant.id, scope) not in self.tokens:
            form = {"grant_type": "client_credentials", "client_id": tenant.registration.client_id, "scope": scope}
            form["client_secret"] = tenant.registration.client_secret
            answer = await self.http.post(f"{self.cloud.url}/login/{tenant.id}/oauth2/v2.0/token", data=form)
            self.tokens[tenant.id, scope] = answer.json()["access_token"]
        return self.tokens[tenant.id, scope]

    async def graph(self, method: str, path: str, body: Any = None, tenant: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.token(GRAPH, tenant)}"}
        return await self.http.request(method, f"{self.cloud.url}/graph/v1.0{path}", json=body, headers=headers)

    async def connector(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.token(BOT)}"}
        url = f"{self.cloud.url}/connector/{self.tenant.id}/v3{path}"
        return await self.http.request(method, url, json=body, headers=headers)

    async def control(self, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = await self.http.request(method, f"{self.cloud.url}/_control/{path}", json=body, timeout=300)
        return answer.json()

    async def dial(self, **wishes: Any) -> str:
        """Somebody calls; returns the Graph id once the product knows of the call."""
        call = (await self.control("calls", wishes))["call"]
        await self.advance(1)
        return str(call)

    async def answered(self, **wishes: Any) -> str:
        """A call that the bot has answered."""
        call = await self.dial(**wishes)
        answer = await self.graph("POST", f"/communications/calls/{call}/answer", self.answer_body())
        assert answer.status_code == 202, answer.text
        await self.advance(2)
        return call

    async def invited(self, call: str, agent: Any, offer: str = "offer-1") -> httpx.Response:
        person = {"identity": {"user": {"id": agent.id}}, "participantId": f"p-{offer}"}
        body = {"participants": [person], "clientContext": offer}
        answer = await self.graph("POST", f"/communications/calls/{call}/participants/invite", body)
        await self.advance(2)
        return answer

    async def advance(self, seconds: float) -> None:
        await self.cloud.parts.cloud.clock.advance(seconds)

    async def manual(self, number: int = 0) -> Any:
        """An agent who is driven by hand, signed in."""
        agent = self.tenant.agents[number]
        await self.control(f"agents/{agent.id}/manual", {})
        await self.control(f"agents/{agent.id}/sign_in", {})
        return agent

    async def act(self, agent: Any, act: str, **body: Any) -> Any:
        seen = await self.control(f"agents/{agent.id}/{act}", body)
        await self.advance(1)
        return seen

    def answer_body(self) -> dict[str, Any]:
        callback = f"{self.url}/graph/{self.tenant.registration.id}/calls"
        return {"callbackUri": callback, "mediaConfig": SERVICE_HOSTED, "acceptedModalities": ["audio"]}

    def of(self, call: str, tail: str = "") -> list[dict[str, Any]]:
        """Notifications about the call itself (or `/participants`, `/operations`)."""
        start = f"/communications/calls/{call}{tail}"
        return [
            n
            for n in self.notifications
            if n["resourceUrl"] == start or (tail and n["resourceUrl"].startswith(f"{start}/"))
        ]

    def states(self, call: str) -> list[str]:
        return [f"{n['changeType']} {n['resourceData']['state']}" for n in self.of(call)]

    # ---- as a server

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/graph/{registration}/calls", self._calls, methods=["POST"]),
                Route("/graph/{registration}/changes", self._changes, methods=["POST"]),
                Route("/bot/{registration}", self._bot, methods=["POST"]),
                Route("/media/{name}", self._media),
            ]
        )

    async def _calls(self, request: Request) -> Response:
        self._bearer(request)
        items = (await request.json())["value"]
        if self.status >= 300:
            return Response(status_code=self.status)
        self.notifications += items
        if self.answers:
            self._later(self._serve(request.path_params["registration"], items))
        return Response(status_code=self.status)

    async def _changes(self, request: Request) -> Response:
        token = request.query_params.get("validationToken")
        if token is not None:
            return PlainTextResponse(token if self.handshakes else "no")
        if self.status >= 300:
            return Response(status_code=self.status)
        self.changes += (await request.json())["value"]
        return Response(status_code=202)

    async def _bot(self, request: Request) -> Response:
        self._bearer(request)
        activity = await request.json()
        self.activities.append(activity)
        agent = activity["from"]["aadObjectId"]
        self.chats[agent] = activity["conversation"]["id"], activity["serviceUrl"]
        if activity["type"] == "message" and activity.get("text") == "ready":
            self._ready(agent)
        if activity["type"] == "invoke":
            return self._pressed(agent, activity["value"]["action"])
        return Response(status_code=200)

    async def _media(self, request: Request) -> Response:
        found = self.media.get(request.path_params["name"])
        return Response(found[0], media_type=found[1]) if found else Response(status_code=404)

    def _bearer(self, request: Request) -> None:
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        key = self.cloud.parts.cloud.bot_key.jwk()
        audiences = [t.registration.client_id for t in self.cloud.parts.cloud.world.tenants]
        jwt.decode(
            bearer, jwt.PyJWK(key), algorithms=["RS256"], audience=audiences, issuer="https://api.botframework.com"
        )
        self.bearers.append(bearer)

    # ---- the small contact centre (one organisation)

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.work.add(task)
        task.add_done_callback(self.work.discard)

    def _ready(self, agent: str) -> None:
        if self.tenant.agent(agent) and agent not in self.ready:
            self.ready.append(agent)
            self._offer()

    async def _serve(self, registration: str, items: list[dict[str, Any]]) -> None:
        if registration != self.tenant.registration.id:
            return
        for item in items:
            url, data = item["resourceUrl"], item["resourceData"]
            call = url.split("/")[3]
            if url.endswith("/participants"):
                await self._roster_said(call, data)
            elif "/operations/" not in url:
                await self._call_said(call, data)
            elif data["status"] == "failed" and data.get("clientContext"):
                await self._offer_failed(call, data)

    async def _call_said(self, call: str, data: dict[str, Any]) -> None:
        match data["state"]:
            case "incoming":
                await self.graph("POST", f"/communications/calls/{call}/answer", self.answer_body())
            case "established":
                self.waiting.append(call)
                self._offer()
            case "terminated":
                self.over.add(call)
                if call in self.waiting:
                    self.waiting.remove(call)
                agent = self.offered.pop(call, None)
                if agent:
                    await self._card(call, agent, "wrap_up")

    def _offer(self) -> None:
        while self.ready and self.waiting:
            call, agent = self.waiting.pop(0), self.ready.pop(0)
            self.offered[call] = agent
            self.offers += 1
            self._later(self._ring(call, agent, f"{call}/{self.offers}"))

    async def _ring(self, call: str, agent: str, offer: str) -> None:
        await self._card(call, agent, "not_now", offer=offer)
        person = {"identity": {"user": {"id": agent}}, "participantId": f"p/{offer}".replace("/", "-")}
        body = {"participants": [person], "clientContext": offer}
        await self.graph("POST", f"/communications/calls/{call}/participants/invite", body)

    async def _offer_failed(self, call: str, data: dict[str, Any]) -> None:
        agent = self.offered.pop(call, None)
        if agent and data["resultInfo"]["code"] not in (487,):
            self._ready(agent)
        if call in self.over:
            return
        self.waiting.insert(0, call)
        self._offer()

    async def _roster_said(self, call: str, roster: list[dict[str, Any]]) -> None:
        users = [p["info"]["identity"]["user"]["id"] for p in roster if "user" in p["info"]["identity"]]
        if self.offered.get(call) in users:
            self.talked.add(call)
        elif call in self.offered and call in self.talked:
            await self.graph("DELETE", f"/communications/calls/{call}")

    async def _card(self, call: str, agent: str, verb: str, **data: str) -> None:
        conversation, service_url = self.chats[agent]
        body: list[dict[str, Any]] = [{"type": "TextBlock", "text": "Call"}]
        if verb == "wrap_up":
            choices = [{"title": t, "value": t} for t in ("solved", "call_back")]
            body.append({"type": "Input.ChoiceSet", "id": "disposition", "choices": choices, "isRequired": True})
            body.append({"type": "Input.Text", "id": "note"})
        action = {"type": "Action.Execute", "verb": verb, "title": verb, "data": {"call": call, **data}}
        card = {"type": "AdaptiveCard", "version": "1.5", "body": body, "actions": [action]}
        activity = {
            "type": "message",
            "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
        }
        headers = {"Authorization": f"Bearer {await self.token(BOT)}"}
        url = f"{service_url}v3/conversations/{conversation}/activities"
        known = self.cards.get((call, agent))
        method = "PUT" if known else "POST"
        answer = await self.http.request(method, f"{url}/{known}" if known else url, json=activity, headers=headers)
        self.cards[call, agent] = answer.json()["id"]

    def _pressed(self, agent: str, action: dict[str, Any]) -> Response:
        data = action["data"]
        if action["verb"] == "not_now":
            pid = f"p/{data['offer']}".replace("/", "-")
            self._later(self._withdraw(data["call"], pid))
            self._ready(agent)
        if action["verb"] == "wrap_up":
            self._ready(agent)
        done = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "Done"}]}
        return JSONResponse({"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": done})

    async def _withdraw(self, call: str, participant: str) -> None:
        await self.graph("DELETE", f"/communications/calls/{call}/participants/{participant}")


@contextlib.asynccontextmanager
async def serving(cloud: Running) -> AsyncIterator[Product]:
    """Serve a Product on loopback and tell the emulated cloud where it is."""
    product = Product(cloud)
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    product.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(product.application(), log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server._serve([listening]))
    await product.control("product", {"url": product.url})
    try:
        yield product
    finally:
        server.should_exit = True
        await product.http.aclose()
        await task
        listening.close()
