"""What comes in at the process that folds the tenant is stored and folded by one commit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.call import CallState
from cordpair.core.ids import GraphCallId, call_id
from cordpair.engine.tenant_loop import BATCH, TenantLoop
from cordpair.store.doors import Store
from cordpair.store.fold import Fold
from cordpair.store.inbox import Inbox, Incoming
from tests.engine.conftest import StandingClock, until
from tests.engine.test_tenant_loop import CALL, Writer, ready, rings
from tests.store.world import ANA, A, configured


@pytest.fixture
async def writer(store: Store, clock: StandingClock) -> Writer:
    await configured(store, A)
    return Writer(store, clock)


@contextlib.asynccontextmanager
async def running(loop: TenantLoop) -> AsyncIterator[TenantLoop]:
    """The loop at work, its floor built."""
    task = asyncio.create_task(loop.run())

    async def has_begun() -> bool:
        return loop.floor is not None

    try:
        await until(has_begun)
        yield loop
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def reading(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each look into the inbox has found, from now on."""
    plain, found = Inbox.unfolded, []

    async def unfolded(self: Inbox, limit: int) -> Any:
        rows = await plain(self, limit)
        found.append(len(rows))
        return rows

    monkeypatch.setattr(Inbox, "unfolded", unfolded)
    return found


async def test_what_comes_in_is_folded_when_its_sender_hears_that_it_is_stored(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(await writer.start()):
        read = reading(monkeypatch)
        await writer.tell(*ready(ANA, clock), *rings(clock))
        assert (await writer.call()).state is CallState.OFFERED
        assert sum(read) == 0  # nothing was read back


async def test_what_comes_twice_is_folded_once_and_new_once(writer: Writer, clock: StandingClock) -> None:
    async with running(await writer.start()):
        items = [Incoming("result", "r", e.encode(fact), clock.now()) for fact in rings(clock)[:1]]
        assert await writer._store.accept(A, items) == 1
        assert await writer._store.accept(A, items) == 0
    async with writer._store.open_tenant(A) as rows:
        assert [entry.what for entry in await rows.calls.history_of(CALL)] == ["Arrived"]


async def test_a_command_that_comes_in_leaves_its_verdict(writer: Writer, clock: StandingClock) -> None:
    async with running(await writer.start()):
        claim = e.CallClaimed(at=clock.now(), call=CALL, agent=ANA)
        await writer._store.accept(A, [Incoming("command", "claim", e.encode(claim), clock.now())])
        async with writer._store.open_tenant(A) as rows:
            assert await rows.inbox.result("command", "claim") == b"unknown_call"


async def test_what_cannot_be_folded_is_stored_and_parked_and_its_neighbour_is_folded(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fold.apply

    def broken(floor: Any, event: e.AnyEvent) -> None:
        if isinstance(event, e.WentReady):
            raise ZeroDivisionError
        plain(floor, event)

    async def is_parked() -> Any:
        async with writer._store.open_tenant(A) as rows:
            return await rows.inbox.parked()

    async def is_queued() -> bool:
        async with writer._store.open_tenant(A) as rows:
            found = await rows.calls.get(CALL)
        return found is not None and found.state is CallState.QUEUED

    monkeypatch.setattr(fold, "apply", broken)
    async with running(await writer.start()):
        await writer.tell(e.WentReady(at=clock.now(), agent=ANA), *rings(clock))
        parked = await until(is_parked)
        await until(is_queued)
    assert [row.error for row in parked] == ["could not be folded: ZeroDivisionError"]


async def test_a_fold_that_cannot_commit_keeps_nothing_from_being_stored(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(await writer.start()):
        async with writer._store.open_queue() as queue:
            await queue.release("node-1")
            await queue.lease([A], "node-2", clock.now(), timedelta(hours=1))
        await writer.tell(*rings(clock))
        async with writer._store.open_tenant(A) as rows:
            assert len(await rows.inbox.unfolded(10)) == 2
            assert await rows.calls.get(CALL) is None


async def test_who_waits_when_the_tenant_moves_on_is_stored_and_not_forgotten(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def never(*_: Any, **__: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with running(await writer.start()):
        monkeypatch.setattr(Fold, "write", never)
        telling = asyncio.create_task(writer.tell(*rings(clock)))
        await begun.wait()
    await telling
    async with writer._store.open_tenant(A) as rows:
        assert len(await rows.inbox.unfolded(10)) == 2


async def test_more_than_one_turn_takes_is_stored_first(writer: Writer, clock: StandingClock) -> None:
    loop = await writer.start()
    async with running(loop):
        graph = [GraphCallId(f"g{number}") for number in range(BATCH + 1)]
        assert await loop.take_in([_ended(one, clock) for one in graph]) is None
        assert await loop.take_in([_ended(one, clock) for one in graph[:2]]) is not None


def _ended(graph: GraphCallId, clock: StandingClock) -> Incoming:
    fact = e.CallEnded(at=clock.now(), call=call_id(A, graph), graph_id=graph)
    return Incoming("result", graph, e.encode(fact), clock.now())


async def test_the_call_of_a_parked_row_is_read_anew_at_once(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fold.apply

    def broken(floor: Any, event: e.AnyEvent) -> None:
        if isinstance(event, e.CallEnded):
            raise ZeroDivisionError
        plain(floor, event)

    loop = await writer.start()
    await writer.tell(*rings(clock))
    await loop.turn()
    assert (await writer.call()).checks == 0
    monkeypatch.setattr(fold, "apply", broken)
    await writer.tell(e.CallEnded(at=clock.now(), call=CALL, graph_id=GraphCallId("g1")))
    await loop.turn()
    assert (await writer.call()).checks == 1
