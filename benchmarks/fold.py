"""E2: events to committed outcomes, beside bare SQL without tenants kept apart, sealing, history or a state machine.

The work is whole calls: they arrive, are answered, offered, accepted, ended, written up and logged, in the order in
which a busy floor has them, every tenth event delivered twice. Both take the events in and fold them, 256 at a time:
ours as the node does that owns the tenant, in one commit, while the next 256 wait to be let in.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import uvloop

from benchmarks import bare, notices
from benchmarks.ground import command, ground, now, opened, organisation, own_cpu_s, pool, ready, set_up, until_quiet
from benchmarks.measuring import Line
from cordpair.cli.serve import settle
from cordpair.core import events as e
from cordpair.core import fold as core
from cordpair.core.agent import Agent
from cordpair.core.floor import Floor
from cordpair.core.ids import GraphCallId, PartyRef, call_id
from cordpair.core.tenant import TenantSetup
from cordpair.engine.tenant_loop import TenantLoop
from cordpair.engine.translation import translators
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from cordpair.telemetry import Metrics

_AGENTS = 200
_CALLS = 900
_AT_ONCE = 80  # calls that live side by side; Microsoft allows 100
BATCH = 256
_ROUNDS = 3


class Day:
    """Writes a floor's events down by folding them, so that every event fits what was decided before it."""

    def __init__(self, setup: TenantSetup, begins: datetime, series: str) -> None:
        self._setup, self._at, self._series = setup, begins, series
        self._translators = translators(setup.id, setup.region)
        agents = [
            Agent(id=one.id, name=one.name, queues=one.queues, since=begins, idle_since=begins) for one in setup.agents
        ]
        self._floor = Floor(setup.queues, agents)
        self.items: list[Incoming] = []
        for item in ready([one.id for one in setup.agents], begins):
            self._tell(item)
        self.opening = len(self.items)

    def play(self, calls: int) -> list[Incoming]:
        """The events of so many calls, after those of the opening."""
        lives = [self._life(number) for number in range(calls)]
        living: list[Any] = []
        while lives or living:
            while lives and len(living) < _AT_ONCE:
                living.append(lives.pop(0))
            living = [life for life in living if next(life, None)]
        return self.items

    def _life(self, number: int) -> Any:
        tenant, name = self._setup.id, notices.graph_call(number, self._series)
        call = call_id(tenant, GraphCallId(name))
        yield self._graph(notices.incoming(tenant, name, number))
        yield self._graph(notices.established(tenant, name))
        while (offer := self._floor.calls[call].offer) is None:
            yield True
        yield self._graph(notices.roster(name, offer.agent))
        yield self._graph(notices.terminated(tenant, name))
        self._at += timedelta(milliseconds=3)
        party = PartyRef("imis", str(number))
        saved = e.WrapUpSaved(at=self._at, call=call, agent=offer.agent, disposition="done", note="asks for an invoice")
        yield self._tell(command(f"wrap-up:{call}", saved, self._at))
        logged = e.ActivityLogged(at=self._at, call=call, party=party, reference=str(number))
        yield self._tell(Incoming("result", f"log:{call}#0", e.encode(logged), self._at))

    def _graph(self, item: dict[str, Any]) -> bool:
        body = msgspec.json.encode(item)
        return self._tell(Incoming("graph", f"{self._series}:{len(self.items)}", body, self._at))

    def _tell(self, item: Incoming) -> bool:
        self._at += timedelta(milliseconds=3)
        item = msgspec.structs.replace(item, received_at=self._at)
        for event in self._translators[item.source](item.body, item.received_at):
            core.apply(self._floor, event)
        self.items.append(item)
        return True


def run() -> list[Line]:
    """Events per second from receipt to commit, and processor time of our process for each."""
    return uvloop.run(_run())  # as the product runs


async def _run() -> list[Line]:
    ours, theirs, our_cpu, bare_cpu = [], [], [], []
    async with ground() as base, opened(base.databases) as store, pool(base.databases, 2) as owner:
        for number in range(_ROUNDS + 1):
            setup = organisation(number, agents=_AGENTS)
            day = Day(setup, now() - timedelta(minutes=5), str(number))
            items = day.play(_CALLS)
            rate, cpu = await _timed(len(items), lambda it=items: _bare(owner, it))  # type: ignore[misc]
            theirs.append(rate)
            bare_cpu.append(cpu)
            async with _loop(store, setup) as loop:
                rate, cpu = await _timed(len(items), lambda it=items, one=loop: _fold(store, one, it))  # type: ignore[misc]
            await _must_be_whole(store, setup)
            ours.append(rate)
            our_cpu.append(cpu)
            if number == 0:  # what a database does by itself in its first minutes
                await owner.execute("vacuum analyze")
    opponent = "bare SQL: a state and two outbox rows"
    says = (
        "(bare: the same bytes once, a state per call and two outbox rows per event, 256 at a time; no tenants kept "
        "apart, sealing, look-up of callers, state machine, routing, history, timers or lease)"
    )
    return [
        Line(
            work=f"events taken in and folded, {BATCH} at a time",
            unit="/s",
            ours=max(ours[1:]),
            opponent=opponent,
            theirs=max(theirs[1:]),
            aim=0.5,
            by_ratio=True,
            note=says,
        ),
        Line(
            work="  processor time of our process",
            unit="ms",
            ours=min(our_cpu[1:]),
            opponent=opponent,
            theirs=min(bare_cpu[1:]),
        ),
    ]


async def _timed(events: int, work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Events per second, and milliseconds of our processor for each.

    As in a node at work, the garbage collector does not look through what was built before.
    """
    settle()
    cpu, begun = own_cpu_s(), time.perf_counter()
    await work()
    return events / (time.perf_counter() - begun), (own_cpu_s() - cpu) / events * 1e3


def _batches(items: list[Incoming]) -> list[list[Incoming]]:
    """Every tenth comes twice."""
    told = [again for number, item in enumerate(items) for again in ([item, item] if number % 10 == 0 else [item])]
    return [told[start : start + BATCH] for start in range(0, len(told), BATCH)]


async def _bare(owner: "asyncpg.Pool[asyncpg.Record]", items: list[Incoming]) -> None:
    await owner.execute(bare.SCHEMA)
    for batch in _batches(items):
        await bare.put(owner, [(item.key, item.key[-12:], item.body) for item in batch])
        while await bare.fold(owner, BATCH):
            pass


async def _fold(store: Store, loop: TenantLoop, items: list[Incoming]) -> None:
    """What the product does where notifications come in at the node that owns the tenant."""
    left = iter(_batches(items))

    async def sender() -> None:
        for batch in left:
            await store.accept(loop.tenant, batch)

    await asyncio.gather(sender(), sender())
    await until_quiet(store, loop.tenant)


@asynccontextmanager
async def _loop(store: Store, setup: TenantSetup) -> AsyncIterator[TenantLoop]:
    await set_up(store, setup)
    async with store.open_queue() as queue:
        epochs = await queue.lease([setup.id], "bench", now(), timedelta(hours=1))
    loop = engine_loop(store, setup, "bench", epochs[setup.id])
    running = asyncio.create_task(loop.run())
    try:
        while loop.floor is None:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        yield loop
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def engine_loop(store: Store, setup: TenantSetup, owner: str, epoch: int) -> TenantLoop:
    """The product's own loop of a tenant, for whom no timer becomes due."""
    return TenantLoop(
        store,
        setup.id,
        owner=owner,
        epoch=epoch,
        clock=_Standing(now()),
        translators=translators(setup.id, setup.region),
        link=_no_link,
        region=setup.region,
        publish=lambda *_: None,
        metrics=Metrics(),
    )


def _no_link(party: PartyRef) -> str:  # noqa: ARG001 - nobody opens a record here
    return ""


class _Standing:
    """No timer becomes due while it is measured."""

    rate = 1.0

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _must_be_whole(store: Store, setup: TenantSetup) -> None:
    """Speed counts for nothing when the outcome is wrong."""
    async with store.open_tenant(setup.id) as rows:
        counts = await rows.calls.counts(now() - timedelta(hours=1))
        parked = await rows.inbox.parked()
    if parked or sum(count.answered for count in counts) != _CALLS:
        raise AssertionError(f"{len(parked)} events parked, answered {[count.answered for count in counts]}")
