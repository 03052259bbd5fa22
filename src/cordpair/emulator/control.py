"""The control API of the emulated cloud: `/_control/...`. For demonstrations and tests; Microsoft has none of it."""

from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from cordpair.emulator.callers import Manners
from cordpair.emulator.control_requests import Handler, Unusable, route
from cordpair.emulator.delivery import Faults
from cordpair.emulator.failing import Failing
from cordpair.emulator.floor import Habits
from cordpair.emulator.graph.call import Call
from cordpair.emulator.latency import latencies
from cordpair.emulator.parts import Parts
from cordpair.emulator.world import Tenant


class Control:
    """Handlers of `/_control`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._played: dict[str, Any] = {}

    def routes(self) -> list[Route]:
        get, post = ["GET"], ["POST"]
        table: list[tuple[str, list[str], Handler]] = [
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
        ]
        return [route(path, how, handler) for path, how, handler in table]

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
        return {"entries": entries, "next": self._parts.cloud.journal.count}

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
        """Let `calls` people call, `per_second` of them, with `manners`.

        `wait` (default): answer when the last call has ended and the last wrap-up is written.
        """
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
        self._parts.callers.manners = Manners(**{n: float(v) for n, v in dict(body.get("manners") or {}).items()})
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
            ]
        }

    async def hang_up(self, request: Request, _body: dict[str, Any]) -> Any:
        call = self._line(request)
        self._parts.exchange.caller_leaves(call)
        return {"state": call.state}

    async def tone(self, request: Request, body: dict[str, Any]) -> Any:
        self._parts.exchange.press_tone(self._line(request), str(body["tone"]))
        return {}

    def _line(self, request: Request) -> Call:
        call = self._parts.exchange.calls.get(request.path_params["call"])
        if call is None:
            raise Unusable("no such call is on the line")
        return call

    # ---- faults

    async def faults(self, _request: Request, body: dict[str, Any]) -> Any:
        """Set what goes wrong; what is not named goes right again. `graph` and `connector` are `Failing`s."""
        wishes = {name: body.get(name) for name in ("notifications", "graph", "connector", "habits")}
        changes = dict(wishes["notifications"] or {})
        changes["calls"] = frozenset(changes.get("calls", ()))
        self._parts.delivery.faults = Faults(**changes)
        self._parts.graph.failing = Failing(**(wishes["graph"] or {}))
        self._parts.connector.failing = Failing(**(wishes["connector"] or {}))
        if wishes["habits"]:
            known = {field.name for field in fields(Habits)}
            self._parts.floor.habits = Habits(**{n: float(v) for n, v in wishes["habits"].items() if n in known})
        self._parts.subscriptions.lose = float(body.get("lose_change_notifications", 0.0))
        return {"notifications": asdict(self._parts.delivery.faults) | {"calls": sorted(changes["calls"])}}

    def _tenant(self, body: dict[str, Any]) -> Tenant:
        world = self._parts.cloud.world
        name = str(body.get("tenant") or body.get("client_id") or world.tenants[0].id)
        tenant = world.tenant(name) or world.client(name)
        if tenant is None:
            raise Unusable("no such organisation")
        return tenant
