"""What people order is durable, carried out once, and answered within two seconds."""

import asyncio

import pytest

from cordpair.core import events as e
from cordpair.engine import commands
from cordpair.engine.clock import SystemClock
from cordpair.engine.commands import IN_PROGRESS, Commands
from cordpair.errors import TemporaryFailure
from cordpair.store.doors import Store
from tests.engine.conftest import StandingClock, until
from tests.store.world import ANA, A, configured, leased


@pytest.fixture
async def ordering(store: Store, clock: StandingClock) -> Commands:
    await configured(store, A)
    return Commands(store, clock, SystemClock())


def ready(clock: StandingClock) -> e.WentReady:
    return e.WentReady(at=clock.now(), agent=ANA)


async def fold(store: Store, clock: StandingClock, verdict: bytes) -> int:
    """What the owner does with all that waits; how much that was."""
    await leased(store, A)
    async with store.open_tenant(A) as rows:
        waiting = await rows.inbox.unfolded(10)
        await rows.inbox.fold({row.id: verdict for row in waiting}, clock.now())
    return len(waiting)


async def test_who_orders_something_is_told_what_it_came_to(
    ordering: Commands, store: Store, clock: StandingClock
) -> None:
    waiting = asyncio.create_task(ordering.submit(A, ready(clock), key="one"))
    await until(lambda: fold(store, clock, b"not_ready"))
    assert await waiting == "not_ready"


async def test_the_same_order_sent_twice_is_one_order_with_two_answers(
    ordering: Commands, store: Store, clock: StandingClock
) -> None:
    both = [asyncio.create_task(ordering.submit(A, ready(clock), key="one")) for _ in range(2)]
    await asyncio.sleep(0.1)
    assert await fold(store, clock, b"ok") == 1
    assert await asyncio.gather(*both) == ["ok", "ok"]


async def test_an_order_that_takes_longer_is_in_progress_and_stays_ordered(
    ordering: Commands, store: Store, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "WAIT_S", 0.1)
    assert await ordering.submit(A, ready(clock), key="one") == IN_PROGRESS
    async with store.open_tenant(A) as rows:
        assert [row.key for row in await rows.inbox.unfolded(10)] == ["one"]


async def test_an_order_that_could_not_be_stored_is_refused(
    ordering: Commands, store: Store, clock: StandingClock
) -> None:
    await store.close()
    with pytest.raises(TemporaryFailure):
        await ordering.submit(A, ready(clock), key="one")
