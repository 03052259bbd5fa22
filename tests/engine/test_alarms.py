"""A tenant's deadlines, remembered by whoever folds them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.core.changes import Timer
from cordpair.core.events import CheckDue
from cordpair.core.ids import CallId
from cordpair.engine.alarms import Alarms

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MOST_S = 5.0


class Standing:
    """A clock that stands until it is set."""

    def __init__(self, rate: float = 1.0) -> None:
        self.rate, self.at = rate, NOW

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError(seconds)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def timer(key: str, seconds: float) -> Timer:
    return Timer(key=key, run_at=after(seconds), event=CheckDue(at=after(seconds), call=CallId("one")))


def test_without_a_deadline_one_waits_as_long_as_one_may() -> None:
    assert Alarms(Standing()).wait_s(MOST_S) == MOST_S


def test_one_wakes_at_the_next_deadline() -> None:
    alarms = Alarms(Standing())
    alarms.know({"late": after(4), "soon": after(2)})
    assert alarms.wait_s(MOST_S) == pytest.approx(2)


def test_a_deadline_that_has_come_is_not_waited_for() -> None:
    alarms = Alarms(Standing())
    alarms.know({"past": after(-3)})
    assert alarms.wait_s(MOST_S) == 0


def test_a_clock_that_runs_faster_is_waited_for_less_long() -> None:
    alarms = Alarms(Standing(rate=10))
    alarms.know({"soon": after(20)})
    assert alarms.wait_s(MOST_S) == pytest.approx(2)


def test_a_cancelled_deadline_wakes_nobody() -> None:
    alarms = Alarms(Standing())
    alarms.know({"soon": after(1), "late": after(3)})
    alarms.follow([], {"soon": None})
    assert alarms.wait_s(MOST_S) == pytest.approx(3)


def test_a_deadline_that_was_moved_wakes_at_its_new_instant() -> None:
    alarms = Alarms(Standing())
    alarms.know({"soon": after(1)})
    alarms.follow([], {"soon": timer("soon", 4)})
    assert alarms.wait_s(MOST_S) == pytest.approx(4)


def test_a_deadline_that_fired_and_was_set_anew_in_the_same_commit_stands() -> None:
    alarms = Alarms(Standing())
    alarms.know({"check": after(0)})
    alarms.follow(["check"], {"check": timer("check", 2)})
    assert alarms.wait_s(MOST_S) == pytest.approx(2)


def test_a_deadline_that_is_in_no_row_any_more_keeps_nobody_busy() -> None:
    clock = Standing()
    alarms = Alarms(clock)
    alarms.know({"gone": after(1)})
    clock.at = after(2)
    assert alarms.wait_s(MOST_S) == 0
    alarms.looked(after(2))
    assert alarms.wait_s(MOST_S) == MOST_S


CHANGES = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.none() | st.floats(0, 100).map(lambda it: round(it, 3)), max_size=4)
)


@given(CHANGES)
def test_the_next_deadline_is_the_earliest_of_those_that_stand(changes: list[dict[str, float | None]]) -> None:
    alarms, standing = Alarms(Standing()), dict[str, float]()
    for change in changes:
        alarms.follow([], {key: None if at is None else timer(key, at) for key, at in change.items()})
        standing = {key: at for key, at in {**standing, **change}.items() if at is not None}
        assert alarms.wait_s(1000) == pytest.approx(min(standing.values(), default=1000))
