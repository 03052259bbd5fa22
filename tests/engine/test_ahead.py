"""What comes in while a batch is being committed is read meanwhile, and folded only when that batch is true."""

import asyncio
from typing import Any

import pytest

from cordpair.core import events as e
from cordpair.core.call import CallState
from cordpair.core.ids import GraphCallId
from cordpair.errors import TemporaryFailure
from cordpair.store.fold import Fold
from cordpair.store.inbox import Inbox, Incoming
from tests.engine.conftest import StandingClock
from tests.engine.test_deliveries import running
from tests.engine.test_tenant_loop import CALL, Writer, rings
from tests.store.world import A, configured


@pytest.fixture
async def writer(store: Any, clock: StandingClock) -> Writer:
    await configured(store, A)
    return Writer(store, clock)


class Gate:
    """Holds up the first write of a fold, and says when the second delivery has been read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writing, self.may_write, self.read = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.failure: Exception | None = None
        self._takes = 0
        write, take_in = Fold.write, Inbox.take_in

        async def held(fold: Fold, **what: Any) -> Any:
            self.writing.set()
            await self.may_write.wait()
            if self.failure is not None:
                failure, self.failure = self.failure, None
                raise failure
            return await write(fold, **what)

        async def taken(inbox: Inbox, *what: Any) -> Any:
            rows = await take_in(inbox, *what)
            self._takes += 1
            if self._takes == 2:
                self.read.set()
            return rows

        monkeypatch.setattr(Fold, "write", held)
        monkeypatch.setattr(Inbox, "take_in", taken)


def items(*facts: e.AnyEvent, at: StandingClock) -> list[Incoming]:
    return [Incoming("result", type(fact).__name__, e.encode(fact), at.now()) for fact in facts]


async def test_the_next_delivery_is_read_while_the_one_before_is_committed(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, established = rings(clock)
    loop = await writer.start()
    async with running(loop):
        gate = Gate(monkeypatch)
        first = asyncio.create_task(loop.take_in(items(arrived, at=clock)))
        await gate.writing.wait()
        second = asyncio.create_task(loop.take_in(items(established, at=clock)))
        await gate.read.wait()
        floor = loop.floor
        assert floor is None or floor.calls[CALL].state is not CallState.QUEUED  # it is not folded yet
        gate.may_write.set()
        assert [len(new or ()) for new in await asyncio.gather(first, second)] == [1, 1]
    assert (await writer.call()).state is CallState.QUEUED


async def test_what_was_read_ahead_falls_with_the_commit_before_it(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, established = rings(clock)
    loop = await writer.start()
    async with running(loop):
        gate = Gate(monkeypatch)
        gate.failure = TemporaryFailure("the answer of the commit was lost")
        first = asyncio.create_task(loop.take_in(items(arrived, at=clock)))
        await gate.writing.wait()
        second = asyncio.create_task(loop.take_in(items(established, at=clock)))
        await gate.read.wait()
        gate.may_write.set()
        assert list(await asyncio.gather(first, second)) == [None, None]
    async with writer._store.open_tenant(A) as rows:
        assert len(await rows.inbox.put(items(arrived, established, at=clock))) == 2  # neither was stored


async def test_what_was_read_ahead_falls_with_a_loop_that_ends(
    writer: Writer, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, established = rings(clock)
    loop = await writer.start()
    async with running(loop):
        gate = Gate(monkeypatch)
        first = asyncio.create_task(loop.take_in(items(arrived, at=clock)))
        await gate.writing.wait()
        second = asyncio.create_task(loop.take_in(items(established, at=clock)))
        await gate.read.wait()
    assert list(await asyncio.gather(first, second)) == [None, None]
    async with writer._store.open_tenant(A) as rows:
        assert len(await rows.inbox.put(items(arrived, established, at=clock))) == 2  # neither was stored


async def test_two_batches_in_a_row_are_both_folded_by_one_loop(writer: Writer, clock: StandingClock) -> None:
    ended = [
        Incoming(
            "result",
            f"{number}",
            e.encode(e.CallEnded(at=clock.now(), call=CALL, graph_id=GraphCallId("g1"))),
            clock.now(),
        )
        for number in range(600)
    ]
    async with running(await writer.start()):
        told = [writer._store.accept(A, ended[start : start + 200]) for start in (0, 200, 400)]
        assert await asyncio.gather(*told) == [200, 200, 200]
        async with writer._store.open_tenant(A) as rows:
            assert await rows.inbox.unfolded(1) == []
