"""Closing time: who waits is served out, or handed over where the queue says so and Teams lets us."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.effects import HangUp, InviteAgent, TransferCall
from cordpair.core.floor import Floor
from cordpair.core.hours import AtClosing, Hours
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, CALL, GRAPH, QUEUE, arrived, floor_with, nth_offer, ready, tell

OFFICE = Hours(time_zone="Europe/Berlin", week=("mon-fri 08:00-12:00",), at_closing=AtClosing.MOVE)
CLOSED = "user-after-hours"
TEN, CLOSES, LATER = (datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (9, 11, 12))
TIMER = f"closing:{CALL}"


def waiting(*agents: Agent, hours: Hours = OFFICE, established: datetime = TEN, **queue: Any) -> Floor:
    """A floor with a call that came at ten and is answered."""
    floor = floor_with(*agents)
    floor.queues[QUEUE.id] = replace(QUEUE, **({"hours": hours, "closed_user": CLOSED} | queue))
    return tell(floor, replace(arrived(0), at=TEN), e.Established(at=established, call=CALL, graph_id=GRAPH))


def closing(at: datetime = CLOSES) -> e.ClosingTime:
    return e.ClosingTime(at=at, call=CALL)


def test_closing_time_comes_for_a_call_that_waits() -> None:
    timer = waiting().changes.timers[TIMER]
    assert timer is not None
    assert (timer.run_at, timer.event) == (CLOSES, closing())


def test_a_call_that_waits_at_closing_time_is_handed_over() -> None:
    floor = waiting()
    floor.take_changes()
    tell(floor, closing())
    call = floor.calls[CALL]
    assert floor.changes.effects == [TransferCall(call=CALL, graph_id=GRAPH, target=CLOSED)]
    assert (call.state, call.outcome, call.outcome_reason) == (CallState.CLOSED, Outcome.FLOWED_OUT, "closed")


def test_a_call_that_was_handed_over_waits_for_no_agent_any_more() -> None:
    floor = tell(waiting(replace(ready(ANA), state=AgentState.OFFLINE)), closing())
    tell(floor, e.WentReady(at=LATER, agent=ANA))
    assert not any(isinstance(order, InviteAgent) for order in floor.changes.effects)


def test_a_queue_that_serves_its_callers_out_knows_no_closing_time() -> None:
    assert TIMER not in waiting(hours=replace(OFFICE, at_closing=AtClosing.DRAIN)).changes.timers


def test_an_offer_ends_the_watch_for_closing_time() -> None:
    assert waiting(ready(ANA)).changes.timers[TIMER] is None


def test_a_call_that_was_offered_once_is_served_out() -> None:
    floor = waiting(ready(ANA))
    tell(floor, e.OfferDeclined(at=TEN, call=CALL, offer=nth_offer(1), agent=ANA))
    with pytest.raises(IllegalEvent, match="served_out"):
        tell(floor, closing())
    assert floor.calls[CALL].state is CallState.QUEUED


def test_a_call_that_nobody_would_take_is_served_out() -> None:
    with pytest.raises(IllegalEvent, match="served_out"):
        tell(waiting(closed_user=""), closing())


def test_a_call_that_rings_at_an_agent_stays_with_them() -> None:
    with pytest.raises(IllegalEvent, match="not_waiting"):
        tell(waiting(ready(ANA)), closing())


def test_who_rang_before_closing_time_and_is_answered_after_it_is_handed_over_at_once() -> None:
    timer = waiting(established=LATER).changes.timers[TIMER]
    assert timer is not None
    assert timer.run_at == LATER


def test_closing_time_moves_with_the_hours() -> None:
    floor = waiting()
    floor.queues[QUEUE.id] = replace(floor.queues[QUEUE.id], hours=replace(OFFICE, week=("mon-fri 08:00-13:00",)))
    tell(floor, closing())
    timer = floor.changes.timers[TIMER]
    assert timer is not None
    assert timer.run_at == LATER
    assert floor.calls[CALL].state is CallState.QUEUED


def test_a_call_that_nobody_took_is_ended_once() -> None:
    floor = tell(waiting(), closing())
    floor.take_changes()
    tell(floor, e.TransferFailed(at=LATER, call=CALL))
    assert floor.take_changes().effects == [HangUp(call=CALL, graph_id=GRAPH)]
    with pytest.raises(IllegalEvent, match="not_handed_over"):
        tell(floor, e.TransferFailed(at=LATER, call=CALL))


def test_a_call_of_ours_is_not_ended_by_a_failure_that_is_not_its_own() -> None:
    with pytest.raises(IllegalEvent, match="not_handed_over"):
        tell(waiting(), e.TransferFailed(at=LATER, call=CALL))
