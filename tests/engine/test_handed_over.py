"""What a fold orders goes straight to the workers of its process, and is never lost on that way."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from cordpair.core import events as e
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.changes import Changes
from cordpair.core.effects import AnswerCall, HangUp, InviteAgent, LogActivity
from cordpair.core.ids import GraphCallId, TenantId, call_id
from cordpair.engine.outbox import OutboxWorkers
from cordpair.engine.perform import Performer
from cordpair.engine.tenant_loop import TenantLoop
from cordpair.engine.translation import translators
from cordpair.errors import UnknownOutcome
from cordpair.store.doors import Store, TenantRows
from cordpair.store.inbox import Incoming
from cordpair.store.outbox import Handed, OutboxRow
from cordpair.telemetry import Metrics
from tests.engine.conftest import StandingClock, until
from tests.store.world import ANA, A, configured, leased

GRAPH = GraphCallId("g1")
CALL = call_id(A, GRAPH)


class Performing:
    """Notes what it is given to do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int, bool]] = []

    def connector(self, _: Any) -> str:
        return "teams"

    async def perform(self, effect: Any, attempt: Any) -> list[Any]:
        self.done.append((type(effect).__name__, attempt.number, attempt.repeat))
        return []


@pytest.fixture
def performing() -> Performing:
    return Performing()


@pytest.fixture
def workers(store: Store, clock: StandingClock, performing: Performing) -> OutboxWorkers:
    async def performer_of(_: TenantId) -> Performer:
        return performing  # type: ignore[return-value]

    return OutboxWorkers(
        store,
        clock,
        performer_of,
        owned=lambda: frozenset({A}),
        ring=lambda tenant: None,
        width=4,
        metrics=Metrics(),
        chance=lambda: 1.0,
    )


async def folding(store: Store, clock: StandingClock, workers: Any) -> TenantLoop:
    await configured(store, A)
    return TenantLoop(
        store,
        A,
        owner="node-1",
        epoch=await leased(store, A),
        clock=clock,
        translators=translators(A, "DE"),
        link=lambda party: "",
        region="DE",
        publish=lambda *_: None,
        metrics=Metrics(),
        workers=workers,
    )


async def rings(store: Store, clock: StandingClock) -> None:
    caller = Caller(kind=CallerKind.WITHHELD)
    arrived = e.Arrived(at=clock.now(), call=CALL, graph_id=GRAPH, dialled="resource", caller=caller)
    await store.accept(A, [Incoming("result", "arrived", e.encode(arrived), clock.now())])


async def orders(store: Store) -> list[OutboxRow]:
    return await orders_by(store.open_tenant)


async def orders_by(door: Any) -> list[OutboxRow]:
    async with door(A) as rows:
        found: list[OutboxRow] = await rows.outbox.load(range(1, 500))
    return found


async def test_what_a_fold_orders_is_done_without_being_claimed(
    store: Store, clock: StandingClock, workers: OutboxWorkers, performing: Performing
) -> None:
    loop = await folding(store, clock, workers)  # nobody claims: the workers do not run
    await rings(store, clock)
    await loop.turn()

    async def all_done() -> bool:
        return {row.state for row in await orders(store)} == {"done"}

    await until(all_done)
    assert performing.done == [("AnswerCall", 1, False)]


async def test_an_attempt_is_durable_before_it_begins(store: Store, clock: StandingClock) -> None:
    class Dying:
        def room(self) -> Handed:
            return Handed(4, clock.now() + timedelta(seconds=30))

        def take(self, *_: Any) -> None:
            """Dies here."""

        def at_work(self, _: TenantId) -> list[int]:
            return []

    loop = await folding(store, clock, Dying())
    await rings(store, clock)
    await loop.turn()
    assert [(row.state, row.attempts) for row in await orders(store)] == [("sending", 1)]
    clock.move(31)
    async with store.open_queue() as queue:
        assert await queue.expired(clock.now()) == 1
    assert [(row.state, row.unknown) for row in await orders(store)] == [("ready", True)]


async def test_a_commit_whose_answer_is_lost_leaves_no_order_with_nobody(
    store: Store, clock: StandingClock, workers: OutboxWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = await folding(store, clock, workers)
    await rings(store, clock)
    plain = store.open_tenant

    @contextlib.asynccontextmanager
    async def cut(tenant: TenantId) -> AsyncIterator[TenantRows]:
        async with plain(tenant) as rows:
            yield rows
        if {row.state for row in await orders_by(plain)} == {"sending"}:
            monkeypatch.undo()
            raise UnknownOutcome("the database went away during the commit")

    monkeypatch.setattr(store, "open_tenant", cut)
    with pytest.raises(UnknownOutcome):
        await loop.turn()
    assert [row.state for row in await orders(store)] == ["sending"]
    await loop.turn()
    assert [(row.state, row.unknown) for row in await orders(store)] == [("ready", True)]


async def test_no_more_is_handed_over_than_there_is_room(store: Store, clock: StandingClock) -> None:
    await configured(store, A)
    invite = InviteAgent(call=CALL, graph_id=GRAPH, agent=ANA, offer=f"{CALL}/1")  # type: ignore[arg-type]
    answer = AnswerCall(call=CALL, graph_id=GRAPH)
    states = await put(
        store, clock, [LogActivity(call=CALL), HangUp(call=CALL, graph_id=GRAPH), invite, answer], most=2
    )
    assert states == {"AnswerCall": "sending", "HangUp": "sending", "InviteAgent": "ready", "LogActivity": "ready"}


async def test_a_ring_is_claimed_but_not_begun_and_a_crm_waits_for_its_own_lease(
    store: Store, clock: StandingClock
) -> None:
    await configured(store, A)
    invite = InviteAgent(call=CALL, graph_id=GRAPH, agent=ANA, offer=f"{CALL}/1")  # type: ignore[arg-type]
    states = await put(store, clock, [LogActivity(call=CALL), invite], most=9)
    assert states == {"InviteAgent": "claimed", "LogActivity": "ready"}


async def put(store: Store, clock: StandingClock, effects: list[Any], *, most: int) -> dict[str, str]:
    """Order these with room for `most`; the state of each kind."""
    epoch = await leased(store, A)
    handed = Handed(most, clock.now() + timedelta(seconds=30))
    async with store.open_tenant(A) as rows:
        await rows.write_fold(
            owner="node-1",
            epoch=epoch,
            changes=Changes(effects=effects),
            folded={},
            fired=[],
            now=clock.now(),
            handed=handed,
        )
    return {type(row.effect).__name__: row.state for row in await orders(store)}
