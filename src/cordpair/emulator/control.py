"""The control API of the emulated cloud: `/_control/...`. For demonstrations and tests; Microsoft has none of it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.emulator import cards
from cordpair.emulator.delivery import Faults
from cordpair.emulator.floor import Habits, Seat
from cordpair.emulator.graph.errors import GraphError
from cordpair.emulator.latency import latencies
from cordpair.emulator.parts import Parts
from cordpair.emulator.world import Tenant

_Handler = Callable[[Request, dict[str, Any]], Awaitable[Any]]


class Unusable(Exception):
    """A control request that cannot be carried out; the text says why."""


class Control:
    """Handlers of `/_control`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._played: dict[str, Any] = {}

    def routes(self) -> list[Route]:
        get, post = ["GET"], ["POST"]
        table: list[tuple[str, list[str], _Handler]] = [
            ("clock", get, self.clock),
            ("advance", post, self.advance),
            ("product", post, self.product),
            ("world", get, self.world),
            ("journal", get, self.journal),
            ("truth", get, self.truth),
            ("latency", get, self.latency),
            ("usage", get, self.usage),
            ("sign", post, self.sign),
            ("token", post, self.token),
            ("begin", post, self.begin),
            ("play", post, self.play),
            ("play", get, self.playing),
            ("calls", post, self.call),
            ("calls", get, self.calls),
            ("calls/{call}/hang_up", post, self.hang_up),
            ("calls/{call}/tone", post, self.tone),
            ("faults", post, self.faults),
            ("agents", get, self.agents),
            ("agents/{oid}", get, self.agent),
            ("agents/{oid}/{act}", post, self.act),
        ]
        return [Route(f"/_control/{path}", self._serve(handler), methods=how) for path, how, handler in table]

    def _serve(self, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            raw = await request.body()
            try:
                body = json.loads(raw) if raw else {}
                if not isinstance(body, dict):
                    raise Unusable("a JSON object is needed")
                return JSONResponse(json.loads(json.dumps(await handler(request, body), default=str)))
            except (Unusable, KeyError, ValueError, TypeError) as exc:
                return JSONResponse({"error": f"{type(exc).__name__}: {exc}"}, status_code=400)
            except GraphError as exc:
                return JSONResponse(exc.body(), status_code=exc.status)

        return serve

    # ---- time, place, truth

    async def clock(self, _request: Request, _body: dict[str, Any]) -> Any:
        clock = self._parts.cloud.clock
        return {"now": clock.now().isoformat(), "elapsed_s": clock.elapsed(), "rate": clock.rate}

    async def advance(self, request: Request, body: dict[str, Any]) -> Any:
        await self._parts.cloud.clock.advance(float(body["seconds"]))
        return await self.clock(request, body)

    async def product(self, _request: Request, body: dict[str, Any]) -> Any:
        self._parts.cloud.product_url = str(body["url"]).rstrip("/")
        return {"url": self._parts.cloud.product_url}

    async def world(self, _request: Request, _body: dict[str, Any]) -> Any:
        return self._parts.described()

    async def journal(self, request: Request, _body: dict[str, Any]) -> Any:
        query = request.query_params
        entries = self._parts.cloud.journal.since(int(query.get("since", "0")), query.get("kind"))
        return {"entries": entries, "next": len(self._parts.cloud.journal.entries)}

    async def truth(self, _request: Request, _body: dict[str, Any]) -> Any:
        return {"calls": self._parts.cloud.journal.truth()}

    async def latency(self, _request: Request, _body: dict[str, Any]) -> Any:
        return latencies(self._parts.cloud.journal)

    async def usage(self, _request: Request, _body: dict[str, Any]) -> Any:
        """Calls of each application: on the line now, and this month."""
        tenants = self._parts.cloud.world.tenants
        return {t.id: dict(zip(("live", "month"), self._parts.exchange.usage(t), strict=True)) for t in tenants}

    async def sign(self, _request: Request, body: dict[str, Any]) -> Any:
        """A bearer as Bot Framework makes it, for whoever stands in for Teams (the Playground's shim)."""
        return self._parts.signer.header(self._tenant(body), body.get("serviceUrl"))

    async def token(self, _request: Request, body: dict[str, Any]) -> Any:
        """A signed-in user's token for the app, as a Teams tab gets it."""
        tenant = self._tenant(body)
        agent = tenant.agent(str(body["user"]))
        if agent is None:
            raise Unusable("no such user in this organisation")
        roles = tuple(body.get("roles") or ("Agent",))
        return {"token": self._parts.entra.user_token(tenant, agent, roles)}

    # ---- the day

    async def begin(self, _request: Request, _body: dict[str, Any]) -> Any:
        return {"ready": await self._parts.floor.begin()}

    async def play(self, _request: Request, body: dict[str, Any]) -> Any:
        """Let N people call. `wait` (default): until the last call has ended and the last wrap-up is written."""
        work = self._parts.cloud.clock.spawn(self._play(body))
        if body.get("wait", True):
            await work
        return await self.playing(_request, body)

    async def playing(self, _request: Request, _body: dict[str, Any]) -> Any:
        """How the last play went, or goes."""
        return self._played

    async def _play(self, body: dict[str, Any]) -> None:
        self._played = {"is_over": False}
        tenants = self._parts.cloud.world.tenants
        names = body.get("tenants")
        chosen = [t for t in tenants if names is None or t.id in names or t.registration.id in names]
        shares = [(t, float(len(t.agents))) for t in chosen]
        self._played["ready"] = await self._parts.floor.begin() if body.get("begin", True) else 0
        kinds = await self._parts.callers.play(int(body["calls"]), float(body.get("per_second", 0.2)), shares)
        await self._quiet()
        self._played |= {"is_over": True, "callers": kinds}

    async def _quiet(self) -> None:
        while not self._parts.floor.is_quiet:
            await self._parts.cloud.clock.sleep(1.0)

    # ---- single calls

    async def call(self, _request: Request, body: dict[str, Any]) -> Any:
        tenant = self._tenant(body)
        queue = tenant.queue(str(body["queue"])) if "queue" in body else tenant.queues[0]
        if queue is None:
            raise Unusable("no such queue in this organisation")
        wishes = {n: body[n] for n in ("patience_s", "talk_s", "agent_hangs_up", "is_manual") if n in body}
        caller = self._parts.callers.call(tenant, queue, body.get("number"), **wishes)
        return {"call": caller.call.id}

    async def calls(self, _request: Request, _body: dict[str, Any]) -> Any:
        calls = self._parts.exchange.calls.values()
        return {
            "calls": [
                {"call": c.id, "tenant": c.tenant.id, "state": c.state, "users": c.users(), "is_group": c.is_group}
                for c in calls
                if not c.is_over
            ]
        }

    async def hang_up(self, request: Request, _body: dict[str, Any]) -> Any:
        call = self._parts.exchange.calls[request.path_params["call"]]
        self._parts.exchange.caller_leaves(call)
        return {"state": call.state}

    async def tone(self, request: Request, body: dict[str, Any]) -> Any:
        self._parts.exchange.press_tone(self._parts.exchange.calls[request.path_params["call"]], str(body["tone"]))
        return {}

    # ---- faults

    async def faults(self, _request: Request, body: dict[str, Any]) -> Any:
        """Set what goes wrong; what is not named goes right again. `graph`: {path, status, times} fails requests."""
        wishes = {name: body.get(name) for name in ("notifications", "graph", "habits")}
        changes = dict(wishes["notifications"] or {})
        changes["calls"] = frozenset(changes.get("calls", ()))
        self._parts.delivery.faults = Faults(**changes)
        self._parts.graph.failing = dict(wishes["graph"] or {})
        if wishes["habits"]:
            known = {field.name for field in fields(Habits)}
            self._parts.floor.habits = Habits(**{n: float(v) for n, v in wishes["habits"].items() if n in known})
        self._parts.subscriptions.lose = float(body.get("lose_change_notifications", 0.0))
        return {"notifications": asdict(self._parts.delivery.faults) | {"calls": sorted(changes["calls"])}}

    # ---- agents by hand

    async def agents(self, _request: Request, _body: dict[str, Any]) -> Any:
        return {"agents": [_seen(seat) for seat in self._parts.floor.seats.values()]}

    async def agent(self, request: Request, _body: dict[str, Any]) -> Any:
        seat = self._seat(request)
        return _seen(seat) | {"cards": seat.chat.cards, "texts": seat.chat.texts}

    async def act(self, request: Request, body: dict[str, Any]) -> Any:
        seat, act = self._seat(request), request.path_params["act"]
        acts: dict[str, Callable[[Seat, dict[str, Any]], Awaitable[Any]]] = {
            "manual": self._manual,
            "sign_in": self._sign_in,
            "sign_out": self._sign_out,
            "accept": self._accept,
            "decline": self._decline,
            "hang_up": self._leave,
            "say": self._say,
            "press": self._press,
            "presence": self._presence,
        }
        if act not in acts:
            raise Unusable(f"an agent cannot {act}; known: {', '.join(sorted(acts))}")
        answer = await acts[act](seat, body)
        return _seen(seat) | {"answer": answer}

    async def _manual(self, seat: Seat, body: dict[str, Any]) -> Any:
        seat.is_manual = bool(body.get("on", True))

    async def _sign_in(self, seat: Seat, _body: dict[str, Any]) -> Any:
        return await self._parts.floor.sign_in(seat)

    async def _sign_out(self, seat: Seat, _body: dict[str, Any]) -> Any:
        self._parts.floor.sign_out(seat)

    async def _accept(self, seat: Seat, _body: dict[str, Any]) -> Any:
        if seat.ring is None:
            raise Unusable("the agent's client does not ring")
        return self._parts.exchange.accept(seat.ring)

    async def _decline(self, seat: Seat, _body: dict[str, Any]) -> Any:
        if seat.ring is None:
            raise Unusable("the agent's client does not ring")
        self._parts.exchange.decline(seat.ring)

    async def _leave(self, seat: Seat, _body: dict[str, Any]) -> Any:
        if seat.call is None:
            raise Unusable("the agent is in no call")
        self._parts.exchange.user_leaves(seat.call, seat.agent.id)

    async def _say(self, seat: Seat, body: dict[str, Any]) -> Any:
        return await self._parts.chats.say(seat.chat, str(body["text"]))

    async def _press(self, seat: Seat, body: dict[str, Any]) -> Any:
        verb = str(body["verb"])
        found = seat.chat.pressable(verb)
        pressed = cards.button(found[1], verb) if found else None
        if found is None or pressed is None:
            raise Unusable(f"no card shows a button {verb}")
        return await self._parts.chats.press(seat.chat, found[0], pressed, dict(body.get("inputs") or {}))

    async def _presence(self, seat: Seat, body: dict[str, Any]) -> Any:
        self._parts.presences.set(seat.tenant, seat.agent.id, str(body["availability"]), str(body["activity"]))

    def _seat(self, request: Request) -> Seat:
        return self._parts.floor.seats[request.path_params["oid"].lower()]

    def _tenant(self, body: dict[str, Any]) -> Tenant:
        world = self._parts.cloud.world
        name = str(body.get("tenant") or body.get("client_id") or world.tenants[0].id)
        tenant = world.tenant(name) or world.client(name)
        if tenant is None:
            raise Unusable("no such organisation")
        return tenant


def _seen(seat: Seat) -> dict[str, Any]:
    ring = seat.ring
    return {
        "id": seat.agent.id,
        "name": seat.agent.name,
        "tenant": seat.tenant.id,
        "is_manual": seat.is_manual,
        "is_signed_in": seat.is_signed_in,
        "ringing": ring.call.id if ring else None,
        "offer": ring.operation.context if ring and ring.operation else None,
        "in_call": seat.call.id if seat.call else None,
    }
