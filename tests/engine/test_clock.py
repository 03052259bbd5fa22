"""One time for all nodes: a machine whose clock is wrong, jumps or sleeps goes by the database's all the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cordpair.engine.clock import LET_BE_S, AskTime, ScaledClock, SharedClock, agreed_now
from cordpair.errors import TemporaryFailure
from cordpair.store.doors import Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR, HALF_A_YEAR = timedelta(hours=1), timedelta(days=180)


class Machine:
    """Its steady seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


def telling(at: datetime, on_the_way: Callable[[], None] = lambda: None) -> AskTime:
    async def ask() -> datetime:
        on_the_way()
        return at

    return ask


@pytest.mark.parametrize("wrong", [HOUR, -HOUR, HALF_A_YEAR, -HALF_A_YEAR])
async def test_a_machine_whose_clock_is_wrong_goes_by_the_database(machine: Machine, wrong: timedelta) -> None:
    clock = SharedClock(machine, NOON + wrong)
    await clock.follow(telling(NOON))
    machine.seconds += 30
    assert clock.now() == NOON + timedelta(seconds=30)


async def test_nodes_whose_machines_differ_by_two_hours_know_the_same_time(store: Store, machine: Machine) -> None:
    here, there = SharedClock(machine, NOON + HOUR), SharedClock(machine, NOON - HOUR)
    for clock in (here, there):
        async with store.open_queue() as queue:
            await clock.follow(queue.now)
    assert abs((here.now() - there.now()).total_seconds()) < HOUR.total_seconds() / 60


@pytest.mark.parametrize("step", [HOUR, -HOUR, HALF_A_YEAR])
async def test_a_database_whose_clock_is_set_is_followed(machine: Machine, step: timedelta) -> None:
    clock = SharedClock(machine, NOON)
    await clock.follow(telling(NOON + step))
    assert clock.now() == NOON + step


async def test_a_small_difference_is_let_be_so_that_time_never_goes_to_and_fro(machine: Machine) -> None:
    clock = SharedClock(machine, NOON)
    await clock.follow(telling(NOON - timedelta(seconds=LET_BE_S / 2)))
    assert clock.now() == NOON


async def test_an_answer_that_was_long_on_its_way_sets_no_clock(machine: Machine) -> None:
    def dawdle() -> None:
        machine.seconds += 20

    clock = SharedClock(machine, NOON)
    assert await clock.follow(telling(NOON, dawdle)) == NOON
    assert clock.now() == NOON + timedelta(seconds=20)


async def test_while_the_database_is_away_time_goes_on(machine: Machine) -> None:
    async def ask() -> datetime:
        raise TemporaryFailure("away")

    clock = SharedClock(machine, NOON)
    with pytest.raises(TemporaryFailure):
        await clock.follow(ask)
    machine.seconds += 5
    assert clock.now() == NOON + timedelta(seconds=5)


async def test_an_hour_that_clocks_on_the_wall_repeat_is_no_jump(machine: Machine) -> None:
    before = datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)  # a second before Berlin sets its clocks back
    clock = SharedClock(machine, before)
    machine.seconds += 2
    await clock.follow(telling(before + timedelta(seconds=2)))
    assert clock.now() - before == timedelta(seconds=2)


@pytest.mark.parametrize(("database", "due"), [(HALF_A_YEAR, NOON), (-HALF_A_YEAR, NOON - HALF_A_YEAR), (HOUR, NOON)])
async def test_what_cannot_be_undone_waits_until_database_and_machine_agree_that_its_time_has_come(
    machine: Machine, database: timedelta, due: datetime
) -> None:
    clock = SharedClock(machine, machine=lambda: NOON)
    await clock.follow(telling(NOON + database))
    assert agreed_now(clock) == due


def test_a_demonstration_whose_time_runs_faster_goes_by_its_own() -> None:
    clock = ScaledClock(3600)
    before = clock.now()
    assert agreed_now(clock) >= before
