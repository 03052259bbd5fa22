"""The next caller for an agent who has become free, and deadlines under load: over the wire, at 80 events a second.

A closed floor: a few agents, always more callers than agents. Measured is the time from the event that frees an agent
(its caller's `terminated` leaves Graph) to the request that rings the next caller at an agent; and, from the product's
own histogram, how long after its instant a deadline is folded: wrap-ups of a fixed time end all the while.
"""

import asyncio
import re
import time
from collections.abc import Iterator

import httpx
import msgspec

from benchmarks import notices
from benchmarks.ground import Ground, ground, now, opened, organisation, percentile, ready, set_up, until_quiet
from benchmarks.load import Wire, free_port, loaded, node, request, wires
from benchmarks.measuring import Line
from benchmarks.peers import Peers, bearer, peers
from cordpair.core.ids import AgentId, TenantId
from cordpair.core.queue_rules import WrapUpMode
from cordpair.core.tenant import TenantSetup

_AGENTS = 10
_WAITING = 20  # callers who wait, at any time
_TALK_S = 0.5
_WRAP_UP_S = 0.5
_SECONDS = 20
_WARM = 40  # hand-overs that do not count
_LATE_S = 0.02
_INVITED = re.compile(rb'"user"\s*:\s*\{[^}]*"id"\s*:\s*"([0-9a-f-]{36})"')
_BUCKET = re.compile(r'cc_timer_late_seconds_bucket\{le="([^"]+)"\} ([0-9.]+)')


class _Floor:
    """Plays callers and agents: an agent who is rung stands in the call at once, talks, and the caller leaves."""

    def __init__(self, tenant: TenantId, path: str, free: "asyncio.Queue[Wire]", around: Peers, until: float) -> None:
        self._tenant, self._path, self._free, self._until = tenant, path, free, until
        self._token = bearer()
        self._numbers: Iterator[int] = iter(range(10**6))
        self._freed: dict[AgentId, float] = {}  #: since when nobody has been rung for them
        self.took_ms: list[float] = []
        self.group = asyncio.TaskGroup()
        around.answered = lambda call: self._spawn(notices.established(tenant, call))
        around.invited = self._invited

    def _spawn(self, item: dict[str, object]) -> None:
        self.group.create_task(self._tell(item))

    async def call(self) -> None:
        """One more caller rings."""
        number = next(self._numbers)
        name = notices.graph_call(number, self._path)
        await self._tell(notices.incoming(self._tenant, name, number))

    def _invited(self, call: str, body: bytes, at: float) -> None:
        found = _INVITED.search(body)
        if found is None or time.perf_counter() > self._until:
            return
        agent = AgentId(found[1].decode())
        if agent in self._freed:
            self.took_ms.append((at - self._freed.pop(agent)) * 1e3)
        self.group.create_task(self._talk(call, agent))

    async def _talk(self, call: str, agent: AgentId) -> None:
        await self._tell(notices.roster(call, agent))
        await asyncio.sleep(_TALK_S)
        await self.call()  # somebody else waits before this one leaves
        self._freed[agent] = time.perf_counter()
        await self._tell(notices.terminated(self._tenant, call))

    async def _tell(self, item: dict[str, object]) -> None:
        wire = await self._free.get()
        try:
            assert await wire.ask(request(self._path, notices.body(item), self._token)) == 202
        finally:
            self._free.put_nowait(wire)


def run() -> list[Line]:
    """Milliseconds of the hand-over; the share of deadlines that were folded in time."""
    return asyncio.run(_run())


async def _run() -> list[Line]:
    async with ground() as base, peers() as around:
        at_once = _wrapping_up(1, WrapUpMode.NONE)
        took, _ = await _played(base, around, at_once)
        _, late = await _played(base, around, _wrapping_up(2, WrapUpMode.FIXED))
    limit = "the limit that we have set ourselves"
    return [
        Line(
            work="agent freed until the next caller rings, p50",
            unit="ms",
            ours=percentile(took, 0.5),
            opponent=limit,
            theirs=5,
        ),
        Line(
            work="  p99",
            unit="ms",
            ours=percentile(took, 0.99),
            opponent=limit,
            theirs=5,
            aim=5,
            at_most=True,
            note=f"{len(took)} hand-overs",
        ),
        Line(
            work="deadlines folded at most 20 ms late",
            unit="%",
            ours=100 * late[_LATE_S] / late[float("inf")],
            opponent="all of them",
            theirs=100,
            aim=99,
            note=f"of {late[float('inf')]:.0f}",
        ),
    ]


def _wrapping_up(number: int, mode: WrapUpMode) -> TenantSetup:
    setup = organisation(number, agents=_AGENTS)
    queues = tuple(
        msgspec.structs.replace(one, wrap_up=mode, wrap_up_s=_WRAP_UP_S, ring_timeout_s=60.0) for one in setup.queues
    )
    return msgspec.structs.replace(setup, queues=queues)


async def _played(base: Ground, around: Peers, setup: TenantSetup) -> tuple[list[float], dict[float, float]]:
    """The hand-overs in ms, and how many deadlines were at most so many seconds late."""
    metrics = free_port()
    async with opened(base.databases) as store:
        await set_up(store, setup, chats_at=around.url)
        await store.accept(setup.id, ready([agent.id for agent in setup.agents], now()))
        async with node(base.environment(**around.settings(), METRICS_PORT=str(metrics))) as (port, _):
            await until_quiet(store, setup.id)
            await loaded()
            took = await _talked(port, setup, around)
            async with httpx.AsyncClient() as http:
                text = (await http.get(f"http://127.0.0.1:{metrics}/metrics")).text
    return took[_WARM:], {float(bound): float(count) for bound, count in _BUCKET.findall(text)}


async def _talked(port: int, setup: TenantSetup, around: Peers) -> list[float]:
    free: asyncio.Queue[Wire] = asyncio.Queue()
    async with wires(port, 32) as open_wires, asyncio.timeout(_SECONDS + 60):
        for wire in open_wires:
            free.put_nowait(wire)
        until = time.perf_counter() + _SECONDS
        floor = _Floor(setup.id, f"/graph/{setup.registration.id}/calls", free, around, until)
        async with floor.group:
            for _ in range(_AGENTS + _WAITING):
                await floor.call()
            await asyncio.sleep(_SECONDS)
    return floor.took_ms
