"""The one writer of a tenant, turn by turn on a real database: restarts, take-overs, leases, late facts."""

from datetime import timedelta
from typing import Any

import pytest

from cordpair.core import events as e
from cordpair.core.agent import AgentState
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.effects import InviteAgent
from cordpair.core.ids import AgentId, GraphCallId, call_id
from cordpair.engine.folding import RECENT
from cordpair.engine.tenant_loop import TenantLoop
from cordpair.engine.translation import translators
from cordpair.errors import UnknownOutcome
from cordpair.store.doors import Store
from cordpair.store.faults import StaleLease
from cordpair.store.fold import Fold
from cordpair.store.inbox import Incoming
from cordpair.telemetry import Metrics
from tests.engine.conftest import StandingClock
from tests.store.world import ANA, BEN, A, configured, leased

GRAPH = GraphCallId("g1")
CALL = call_id(A, GRAPH)


class Writer:
    """A tenant's loop as one process after the other runs it."""

    def __init__(self, store: Store, clock: StandingClock) -> None:
        self._store, self._clock = store, clock
        self._count = 0
        self.published = 0

    async def start(self, owner: str = "node-1") -> TenantLoop:
        """The loop of a process that has just got the tenant; nothing is in its memory."""
        async with self._store.open_queue() as queue:
            await queue.release("node-1")
            await queue.release("node-2")
        return TenantLoop(
            self._store,
            A,
            owner=owner,
            epoch=await leased(self._store, A, owner),
            clock=self._clock,
            translators=translators(A, "DE"),
            link=lambda party: "",
            region="DE",
            publish=self._publish,
            metrics=Metrics(),
        )

    def _publish(self, *_: Any) -> None:
        self.published += 1

    async def tell(self, *facts: e.AnyEvent) -> None:
        """Facts come in."""
        self._count += 1
        items = [
            Incoming("result", f"{self._count}.{number}", e.encode(fact), self._clock.now())
            for number, fact in enumerate(facts)
        ]
        await self._store.accept(A, items)

    async def call(self) -> Call:
        async with self._store.open_tenant(A) as rows:
            found = await rows.calls.get(CALL)
        assert found is not None
        return found

    async def state(self, agent: AgentId) -> AgentState:
        async with self._store.open_tenant(A) as rows:
            return {one.id: one.state for one in await rows.agents.of_floor()}[agent]

    async def invited(self) -> list[AgentId]:
        """Whom the outbox was told to ring."""
        async with self._store.open_tenant(A) as rows:
            effects = [row.effect for row in await rows.outbox.load(range(1, 500))]
        return [effect.agent for effect in effects if isinstance(effect, InviteAgent)]


@pytest.fixture
async def writer(store: Store, clock: StandingClock) -> Writer:
    await configured(store, A)
    return Writer(store, clock)


async def finish(loop: TenantLoop) -> None:
    """Turn until there is nothing to do."""
    while await loop.turn():
        pass


def rings(clock: StandingClock) -> tuple[e.AnyEvent, ...]:
    """A caller who is answered."""
    caller = Caller(kind=CallerKind.NUMBER, raw="+493012345", e164="+493012345")
    arrived = e.Arrived(at=clock.now(), call=CALL, graph_id=GRAPH, dialled="resource", caller=caller)
    return arrived, e.Established(at=clock.now(), call=CALL, graph_id=GRAPH)


def ready(agent: AgentId, clock: StandingClock) -> tuple[e.AnyEvent, ...]:
    seen = e.PresenceSeen(at=clock.now(), agent=agent, availability="Available", activity="Available")
    return seen, e.WentReady(at=clock.now(), agent=agent)


async def test_a_ring_that_began_before_a_restart_ends_at_its_time(writer: Writer, clock: StandingClock) -> None:
    loop = await writer.start()
    await writer.tell(*ready(ANA, clock), *rings(clock))
    await finish(loop)
    assert (await writer.call()).state is CallState.OFFERED
    restarted = await writer.start()
    clock.move(19)
    await finish(restarted)
    assert (offer := (await writer.call()).offer) is not None
    assert offer.expired is None
    clock.move(2)
    await finish(restarted)
    assert (offer := (await writer.call()).offer) is not None
    assert offer.expired is not None


async def test_a_restart_rings_nobody_a_second_time(writer: Writer, clock: StandingClock) -> None:
    loop = await writer.start()
    await writer.tell(*ready(ANA, clock), *ready(BEN, clock), *rings(clock))
    await finish(loop)
    before = await writer.call()
    await finish(await writer.start("node-2"))
    assert await writer.call() == before
    assert len(await writer.invited()) == 1


async def test_a_take_over_offers_what_waits_to_who_has_become_reachable(writer: Writer, clock: StandingClock) -> None:
    loop = await writer.start()
    busy = e.PresenceSeen(at=clock.now(), agent=ANA, availability="Busy", activity="InACall")
    await writer.tell(busy, e.WentReady(at=clock.now(), agent=ANA), *rings(clock))
    await finish(loop)
    assert (await writer.call()).state is CallState.QUEUED
    clock.move(3600)  # nobody ran: that presence is too old to be believed
    async with writer._store.open_tenant(A) as rows:
        await rows.timers.cancel([timer.key for timer in await rows.timers.due(clock.now(), 100)])
    await finish(await writer.start("node-2"))
    assert (await writer.call()).state is CallState.OFFERED
    assert await writer.invited() == [ANA]


async def test_a_former_owner_writes_nothing(writer: Writer, clock: StandingClock) -> None:
    former = await writer.start("node-1")
    await finish(former)
    owner = await writer.start("node-2")
    await writer.tell(*rings(clock))
    with pytest.raises(StaleLease):
        await former.turn()
    async with writer._store.open_tenant(A) as rows:
        assert await rows.calls.get(CALL) is None
        assert len(await rows.inbox.unfolded(10)) == 2
    await finish(owner)
    assert (await writer.call()).state is CallState.QUEUED


async def test_what_a_failed_commit_had_folded_is_folded_again_from_the_store(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = await writer.start()
    await finish(loop)
    await writer.tell(*ready(ANA, clock), *rings(clock))
    with monkeypatch.context() as broken:

        async def away(*_: Any, **__: Any) -> None:
            raise UnknownOutcome("the database went away during the commit")

        broken.setattr(Fold, "write", away)
        with pytest.raises(UnknownOutcome):
            await loop.turn()
    await finish(loop)
    async with writer._store.open_tenant(A) as rows:
        history = [entry.what for entry in await rows.calls.history_of(CALL)]
    assert history.count("Arrived") == 1
    assert await writer.invited() == [ANA]


async def test_a_late_fact_about_a_call_that_left_memory_finds_its_call(writer: Writer, clock: StandingClock) -> None:
    loop = await writer.start()
    await writer.tell(*rings(clock), e.CallEnded(at=clock.now(), call=CALL, graph_id=GRAPH))
    await finish(loop)
    assert (await writer.call()).outcome is Outcome.ABANDONED
    clock.move(RECENT.total_seconds() + 60)
    await writer.tell(e.WentReady(at=clock.now(), agent=BEN))
    await finish(loop)
    late = e.RosterSeen(at=clock.now() - timedelta(minutes=30), call=CALL, graph_id=GRAPH, sequence=3, users=(ANA,))
    await writer.tell(late)
    await finish(loop)
    found = await writer.call()
    assert (found.outcome, found.agent) == (Outcome.ANSWERED, ANA)


async def test_the_verdict_on_a_command_is_kept_for_whoever_waits_for_it(writer: Writer, clock: StandingClock) -> None:
    loop = await writer.start()
    claim = e.CallClaimed(at=clock.now(), call=CALL, agent=ANA)
    await writer._store.accept(A, [Incoming("command", "claim", e.encode(claim), clock.now())])
    await finish(loop)
    async with writer._store.open_tenant(A) as rows:
        assert await rows.inbox.result("command", "claim") == b"unknown_call"
