"""Emulated time."""

import asyncio
import time

from cordpair.emulator.clock import Clock


async def test_time_stands_still_until_it_is_advanced() -> None:
    clock = Clock(rate=0)
    before = clock.now()
    await asyncio.sleep(0.02)
    assert clock.now() == before


async def test_sleepers_wake_in_order_and_at_their_own_instant() -> None:
    clock, woken = Clock(rate=0), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.elapsed()))

    for seconds in (30.0, 10.0, 20.0):
        clock.spawn(sleeper(seconds))
    await clock.advance(25)
    assert woken == [(10.0, 10.0), (20.0, 20.0)]
    assert clock.elapsed() == 25.0


async def test_a_chain_of_sleeps_is_carried_out_by_one_advance() -> None:
    clock, steps = Clock(rate=0), []

    async def walker() -> None:
        for _ in range(5):
            await clock.sleep(2)
            steps.append(clock.elapsed())

    clock.spawn(walker())
    await clock.advance(9)
    assert steps == [2.0, 4.0, 6.0, 8.0]


async def test_time_waits_for_real_work() -> None:
    clock, seen = Clock(rate=0), []

    async def fetch() -> None:
        await clock.sleep(1)
        with clock.working():
            await asyncio.sleep(0.05)
        seen.append(clock.elapsed())

    clock.spawn(fetch())
    await clock.advance(100)
    assert seen == [1.0]


async def test_a_fast_clock_runs_ahead_of_real_time() -> None:
    clock, began = Clock(rate=1000), time.monotonic()
    await clock.sleep(60)
    assert 0.05 < time.monotonic() - began < 2


async def test_a_cancelled_timer_does_nothing() -> None:
    clock, done = Clock(rate=0), []
    clock.later(5, lambda: done.append("five")).cancel()
    clock.later(6, lambda: done.append("six"))
    await clock.advance(10)
    assert done == ["six"]
