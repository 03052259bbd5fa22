"""A call at a closed queue: whom it goes to, what is written of it, and whom the clock does not turn away."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core.call import CallState, Outcome
from cordpair.core.effects import AnswerCall, RedirectCall, RejectCall
from cordpair.core.floor import Floor
from cordpair.core.hours import Hours
from cordpair.core.quota import Gate, QuotaPolicy
from tests.core.people import ANA, CALL, GRAPH, NOON, QUEUE, after, arrived, floor_with, ready, tell

OFFICE = Hours(time_zone="Europe/Berlin", week=("mon-fri 08:00-12:00",), holidays="DE")
CLOSED, FALLBACK = "user-after-hours", "fallback-of-all"
TUESDAY_TEN, CHRISTMAS_TEN = datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 12, 25, 9, tzinfo=UTC)


def floor_of(hours: Hours | None = OFFICE, *, fallback: str = FALLBACK, **queue: Any) -> Floor:
    """A floor with one agent who is ready; its queue has these hours. Noon (UTC) is an hour after its closing."""
    floor = floor_with(ready(ANA))
    floor.queues[QUEUE.id] = replace(QUEUE, hours=hours, **queue)
    floor.gate = Gate(fallback_user=fallback)
    return floor


def ring(floor: Floor, at: datetime = NOON) -> Any:
    """Somebody rings; the one order that came of it."""
    (order,) = tell(floor, replace(arrived(0), at=at)).take_changes().effects
    return order


def test_a_call_in_opening_hours_is_answered() -> None:
    assert ring(floor_of(), TUESDAY_TEN) == AnswerCall(call=CALL, graph_id=GRAPH)


def test_a_call_at_a_closed_queue_goes_to_its_user_for_such_calls() -> None:
    order = ring(floor_of(closed_user=CLOSED, fallback_user="fallback-of-the-queue"))
    assert order == RedirectCall(call=CALL, graph_id=GRAPH, target=CLOSED)


def test_without_such_a_user_it_goes_to_the_fallback_of_the_queue_then_of_the_organisation() -> None:
    targets = [ring(floor_of(fallback_user=user)).target for user in ("fallback-of-the-queue", "")]
    assert targets == ["fallback-of-the-queue", FALLBACK]


def test_without_anybody_the_caller_hears_that_we_are_busy() -> None:
    assert ring(floor_of(fallback="")) == RejectCall(call=CALL, graph_id=GRAPH, reason="busy")


@pytest.mark.parametrize(
    ("at", "reason", "why"),
    [(NOON, "closed", "closed"), (CHRISTMAS_TEN, "holiday", "holiday:christmas_day")],
    ids=["closed", "holiday"],
)
def test_it_flows_out_with_its_reason(at: datetime, reason: str, why: str) -> None:
    floor = tell(floor_of(), replace(arrived(0), at=at))
    call = floor.calls[CALL]
    assert (call.state, call.outcome, call.outcome_reason) == (CallState.CLOSED, Outcome.FLOWED_OUT, reason)
    assert [one.detail["why"] for one in floor.changes.history if one.what == "SentOn"] == [why]


def test_a_day_that_is_closed_by_exception_is_closed() -> None:
    floor = floor_of(replace(OFFICE, exceptions=("2026-11-24 closed",)))
    assert tell(floor, replace(arrived(0), at=TUESDAY_TEN)).calls[CALL].outcome_reason == "closed"


def test_a_closed_queue_is_closed_before_the_limits_are_used_up() -> None:
    floor = floor_of(closed_user=CLOSED)
    floor.gate = Gate(policy=QuotaPolicy(calls_per_month=1), fallback_user=FALLBACK)
    floor.count_month(NOON, 1)
    assert ring(floor).target == CLOSED
    assert floor.calls[CALL].outcome_reason == "closed"


def test_above_the_limits_an_open_queue_does_not_send_to_its_user_for_closed_hours() -> None:
    floor = floor_of(closed_user=CLOSED)
    floor.gate = Gate(policy=QuotaPolicy(calls_per_month=1), fallback_user=FALLBACK)
    floor.count_month(NOON, 1)
    assert ring(floor, TUESDAY_TEN).target == FALLBACK


def test_who_rang_before_closing_time_is_let_in() -> None:
    rang = datetime(2026, 11, 24, 10, 59, 59, tzinfo=UTC)
    nobody = e.RosterSeen(at=rang, call=CALL, graph_id=GRAPH, sequence=1, users=())
    assert tell(floor_of(), nobody, arrived(0)).calls[CALL].state is CallState.RINGING


def test_who_waits_at_closing_time_is_served() -> None:
    floor = tell(floor_of(), replace(arrived(0), at=TUESDAY_TEN))
    tell(floor, e.Established(at=NOON, call=CALL, graph_id=GRAPH))
    assert floor.calls[CALL].state is CallState.OFFERED


def test_a_call_that_is_answered_already_is_never_sent_away() -> None:
    floor = tell(floor_of(), e.Established(at=after(0), call=CALL, graph_id=GRAPH), arrived(1))
    assert not any(isinstance(order, RedirectCall | RejectCall) for order in floor.take_changes().effects)


def test_a_queue_whose_hours_cannot_be_read_any_more_is_open() -> None:
    assert isinstance(ring(floor_of(Hours(time_zone="Atlantis/Capital", week=("mon-fri 08:00-12:00",)))), AnswerCall)
