"""A queue that is full, has nobody, or lets nobody wait longer: whom the call goes to, and what is written of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.effects import (
    AnswerCall,
    HangUp,
    RedirectCall,
    RejectCall,
    RingTarget,
    TransferCall,
    WithdrawInvite,
    WithdrawTarget,
)
from cordpair.core.events import (
    CallClaimed,
    CallEnded,
    CallRefreshed,
    CheckDue,
    Established,
    OfferDeclined,
    RosterSeen,
    TransferTimedOut,
    TransferUnanswered,
    WaitTooLong,
    WentReady,
)
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId, GraphCallId, call_id, participant_id, transfer_id
from cordpair.core.need import Step
from cordpair.core.queue_rules import AtTimeout
from cordpair.core.transfer import TransferEnd
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, GRAPH, NOON, QUEUE, TENANT, after, arrived, nth_offer, ready, tell

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


DECLINED = OfferDeclined(at=after(5), call=CALL, offer=nth_offer(1), agent=ANA)
TOO_LONG = WaitTooLong(at=after(61), call=CALL)
STAND_IN = participant_id(transfer_id(CALL, 1))


def ringing(**change: Any) -> Floor:
    """The call rings at Ana when it has waited too long."""
    return tell(floor(ready(ANA), **{"max_wait_s": 60.0, **change}), arrived(), answered(50), TOO_LONG)


def stand_in_rung(built: Floor) -> bool:
    return any(isinstance(effect, RingTarget) for effect in built.changes.effects)


def seen(seconds: float, *participants: str, users: tuple[AgentId, ...] = (), sequence: int = 3) -> RosterSeen:
    told: dict[str, Any] = {"sequence": sequence, "users": users, "participants": participants}
    return RosterSeen(at=after(seconds), call=CALL, graph_id=GRAPH, **told)


def waited_out() -> Floor:
    """Ana said not now before the time was over; the stand-in rings."""
    return tell(floor(ready(ANA), max_wait_s=60.0), arrived(), answered(), DECLINED, TOO_LONG)


def test_a_ring_may_end_although_the_caller_has_waited_too_long() -> None:
    built = ringing()
    assert [offer.agent for offer in built.calls[CALL].rings] == [ANA]
    assert not stand_in_rung(built)


def test_when_it_ends_no_further_one_begins_and_the_stand_in_is_rung() -> None:
    built = ringing()
    tell(built, replace(DECLINED, at=after(63)), WentReady(at=after(64), agent=ANA))
    assert built.calls[CALL].rings == ()
    assert stand_in_rung(built)


def test_where_the_queue_cuts_it_is_taken_back_at_once_and_nobody_is_blamed() -> None:
    built = ringing(at_timeout=AtTimeout.CUT)
    assert (built.calls[CALL].rings, built.agents[ANA].state) == ((), AgentState.READY)
    assert any(isinstance(effect, WithdrawInvite) for effect in built.changes.effects)
    assert stand_in_rung(built)


def test_an_agent_who_answers_the_last_ring_has_the_call() -> None:
    built = tell(ringing(), seen(63, users=(ANA,)))
    assert (built.calls[CALL].state, built.calls[CALL].agent) == (CallState.CONNECTED, ANA)
    assert not stand_in_rung(built)


def test_who_was_offered_once_goes_on_with_the_stand_in_while_we_hold_the_line() -> None:
    built = tell(waited_out(), seen(70, STAND_IN))
    call = built.calls[CALL]
    assert (call.state, call.outcome, call.outcome_reason) == (CallState.PASSED_ON, Outcome.FLOWED_OUT, "max_wait")


def test_when_the_stand_in_hangs_up_the_call_is_ended_and_closed() -> None:
    built = tell(waited_out(), seen(70, STAND_IN), seen(170, sequence=4))
    assert isinstance(last_order(built), HangUp)
    assert built.calls[CALL].state is CallState.CLOSED


@pytest.mark.parametrize("why", [TransferEnd.BUSY, TransferEnd.NO_ANSWER, TransferEnd.FORBIDDEN])
def test_a_stand_in_who_does_not_come_leaves_the_caller_to_the_agents(why: TransferEnd) -> None:
    built = waited_out()
    ring = built.calls[CALL].transfer
    assert ring is not None
    tell(built, TransferUnanswered(at=after(80), call=CALL, transfer=ring.id, why=why))
    tell(built, CheckDue(at=after(90), call=CALL))
    assert [offer.agent for offer in built.calls[CALL].rings] == [ANA]


def test_a_stand_in_who_lets_it_ring_is_given_up_after_the_roster_was_read() -> None:
    built = waited_out()
    ring = built.calls[CALL].transfer
    assert ring is not None
    tell(built, TransferTimedOut(at=after(106), call=CALL, transfer=ring.id))
    assert built.calls[CALL].transfer is not None
    tell(built, CallRefreshed(at=after(107), call=CALL, number=built.calls[CALL].checks))
    assert built.calls[CALL].transfer is None
    assert any(isinstance(effect, WithdrawTarget) for effect in built.changes.effects)


def test_nobody_else_is_rung_and_nobody_claims_while_the_stand_in_rings() -> None:
    built = waited_out()
    with pytest.raises(IllegalEvent, match="call_taken"):
        tell(built, CallClaimed(at=after(65), call=CALL, agent=ANA))


def test_an_agent_who_answered_at_the_last_moment_keeps_the_call_from_the_stand_in() -> None:
    built = tell(waited_out(), seen(66, users=(ANA,)), seen(67, users=(ANA,), sequence=4))
    tell(built, replace(seen(68, users=(ANA,), sequence=5), inferred=True))
    assert (built.calls[CALL].agent, built.calls[CALL].transfer) == (ANA, None)
    assert any(isinstance(effect, WithdrawTarget) for effect in built.changes.effects)


def test_an_agent_who_is_seen_beside_the_stand_in_has_the_call() -> None:
    built = tell(waited_out(), replace(seen(66, STAND_IN, users=(ANA,)), inferred=True))
    assert (built.calls[CALL].state, built.calls[CALL].agent) == (CallState.CONNECTED, ANA)


def test_as_long_as_one_of_several_rings_the_stand_in_is_not_rung() -> None:
    built = floor(ready(ANA), ready(BEN, 30), max_wait_s=60.0, parallel_offers=2)
    tell(built, arrived(), answered(50), TOO_LONG, replace(DECLINED, at=after(63)))
    assert [offer.agent for offer in built.calls[CALL].rings] == [BEN]
    assert not stand_in_rung(built)


def test_a_caller_who_leaves_while_the_stand_in_rings_has_abandoned() -> None:
    built = tell(waited_out(), CallEnded(at=after(70), call=CALL, graph_id=GRAPH))
    assert (built.calls[CALL].outcome, built.calls[CALL].transfer) == (Outcome.ABANDONED, None)


def test_without_a_stand_in_who_was_offered_once_is_served_out() -> None:
    built = Floor([replace(QUEUE, max_wait_s=60.0)], [ready(ANA)])
    fold.reopen(built, NOON)
    tell(built, arrived(), answered(), DECLINED)
    with pytest.raises(IllegalEvent, match="served_out"):
        tell(built, TOO_LONG)
    assert built.calls[CALL].state is CallState.QUEUED
