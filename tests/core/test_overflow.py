"""A queue that is full, has nobody, or lets nobody wait longer: whom the call goes to, and what is written of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.effects import AnswerCall, RedirectCall, RejectCall, TransferCall
from cordpair.core.events import CallEnded, Established, OfferDeclined, WaitTooLong
from cordpair.core.floor import Floor
from cordpair.core.ids import GraphCallId, call_id
from cordpair.core.need import Step
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, CALL, GRAPH, NOON, QUEUE, TENANT, after, arrived, nth_offer, ready, tell

OTHER = GraphCallId("graph-call-2")
OVERFLOW = "user-overflow"
TALKING = replace(ready(ANA), state=AgentState.TALKING)
ABSENT = replace(ready(ANA), state=AgentState.OFFLINE)


def floor(*agents: Agent, **change: Any) -> Floor:
    built = Floor([replace(QUEUE, overflow_user=OVERFLOW, **change)], agents)
    fold.reopen(built, NOON)
    return built


def answered(at: float = 1, graph: GraphCallId = GRAPH) -> Established:
    return Established(at=after(at), call=call_id(TENANT, graph), graph_id=graph)


def last_order(floor: Floor) -> Any:
    return floor.take_changes().effects[-1]


def test_a_call_that_finds_too_many_before_it_goes_to_the_overflow_user() -> None:
    told = tell(floor(TALKING, max_waiting=1), arrived(), answered(), arrived(5, graph=OTHER))
    assert last_order(told) == RedirectCall(call=call_id(TENANT, OTHER), graph_id=OTHER, target=OVERFLOW)
    call = told.calls[call_id(TENANT, OTHER)]
    assert (call.state, call.outcome, call.outcome_reason) == (CallState.CLOSED, Outcome.FLOWED_OUT, "full")


def test_a_call_that_rings_counts_before_it_is_answered() -> None:
    told = tell(floor(TALKING, max_waiting=1), arrived(), arrived(0.1, graph=OTHER))
    assert isinstance(last_order(told), RedirectCall)


def test_when_the_one_before_has_left_the_next_comes_in() -> None:
    gone = CallEnded(at=after(4), call=CALL, graph_id=GRAPH)
    told = tell(floor(TALKING, max_waiting=1), arrived(), answered(), gone, arrived(5, graph=OTHER))
    assert isinstance(last_order(told), AnswerCall)


def test_a_floor_built_anew_counts_who_waits() -> None:
    told = tell(floor(TALKING, max_waiting=1), arrived(), answered())
    again = Floor(told.queues.values(), [TALKING], told.calls.values())
    fold.reopen(again, after(2))
    assert isinstance(last_order(tell(again, arrived(5, graph=OTHER))), RedirectCall)


def test_where_nobody_is_signed_in_the_call_goes_to_the_overflow_user() -> None:
    told = tell(floor(ABSENT, waits_for_agents=False), arrived())
    assert isinstance(last_order(told), RedirectCall)
    assert told.calls[CALL].outcome_reason == "nobody"


def test_it_waits_all_the_same_where_the_queue_says_so() -> None:
    assert isinstance(last_order(tell(floor(ABSENT), arrived())), AnswerCall)


def test_somebody_who_could_take_it_in_a_later_step_is_somebody() -> None:
    steps = (Step(skills=frozenset({"de"})), Step(after_s=30))
    assert isinstance(last_order(tell(floor(TALKING, waits_for_agents=False, steps=steps), arrived())), AnswerCall)


def test_without_anybody_to_take_it_the_caller_hears_that_we_are_busy() -> None:
    built = Floor([replace(QUEUE, max_waiting=1)], [TALKING])
    told = tell(built, arrived(), answered(), arrived(5, graph=OTHER))
    assert last_order(told) == RejectCall(call=call_id(TENANT, OTHER), graph_id=OTHER, reason="busy")


def test_who_has_waited_long_enough_is_handed_over() -> None:
    told = tell(floor(TALKING, max_wait_s=60.0), arrived(), answered())
    timer = told.changes.timers[f"longest:{CALL}"]
    assert timer is not None
    assert timer.run_at == after(61)
    assert isinstance(timer.event, WaitTooLong)
    tell(told, timer.event)
    assert last_order(told) == TransferCall(call=CALL, graph_id=GRAPH, target=OVERFLOW)
    assert told.calls[CALL].outcome_reason == "max_wait"


def test_who_is_being_offered_is_not_torn_away() -> None:
    told = tell(floor(ready(ANA), max_wait_s=60.0), arrived(), answered())
    assert told.changes.timers[f"longest:{CALL}"] is None
    with pytest.raises(IllegalEvent, match="not_waiting"):
        tell(told, WaitTooLong(at=after(61), call=CALL))


def test_who_was_offered_once_is_served_out_for_teams_transfers_no_group_call() -> None:
    declined = OfferDeclined(at=after(5), call=CALL, offer=nth_offer(1), agent=ANA)
    told = tell(floor(ready(ANA), max_wait_s=60.0), arrived(), answered(), declined)
    assert told.calls[CALL].offers == 1
    with pytest.raises(IllegalEvent, match="served_out"):
        tell(told, WaitTooLong(at=after(61), call=CALL))
    assert told.calls[CALL].state is CallState.QUEUED
