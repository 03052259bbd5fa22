"""Whole lives of calls, from arrival to disposition."""

from typing import TypeVar

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, EndedBy, Outcome
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.effects import (
    AnswerCall,
    Face,
    HangUp,
    InviteAgent,
    LogActivity,
    RefreshCall,
    RejectCall,
    ShowCard,
    WithdrawInvite,
)
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId
from cordpair.core.tenant import Queue
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, GRAPH, KARL, QUEUE, after, arrived, floor_with, nth_offer, ready, tell

T = TypeVar("T")


def established(s: float = 1) -> e.Established:
    return e.Established(at=after(s), call=CALL, graph_id=GRAPH)


def roster(s: float, sequence: int, *users: AgentId) -> e.RosterSeen:
    return e.RosterSeen(at=after(s), call=CALL, graph_id=GRAPH, sequence=sequence, users=users)


def ended(s: float, *, inferred: bool = False) -> e.CallEnded:
    return e.CallEnded(at=after(s), call=CALL, graph_id=GRAPH, inferred=inferred)


def refreshed(s: float) -> e.CallRefreshed:
    return e.CallRefreshed(at=after(s), call=CALL, number=1)


def timed_out(s: float, number: int = 1) -> e.OfferTimedOut:
    return e.OfferTimedOut(at=after(s), call=CALL, offer=nth_offer(number))


def declined(s: float, agent: AgentId, number: int = 1) -> e.OfferDeclined:
    return e.OfferDeclined(at=after(s), call=CALL, offer=nth_offer(number), agent=agent)


def failed(s: float, why: e.OfferEnd, number: int = 1) -> e.OfferFailed:
    return e.OfferFailed(at=after(s), call=CALL, offer=nth_offer(number), why=why)


def saved(s: float, agent: AgentId = ANA, disposition: str = "solved") -> e.WrapUpSaved:
    return e.WrapUpSaved(at=after(s), call=CALL, agent=agent, disposition=disposition, note="called back")


def faces(floor: Floor, agent: AgentId) -> list[Face]:
    orders = floor.changes.effects
    return [order.face for order in orders if isinstance(order, ShowCard) and order.agent == agent]


def orders(floor: Floor, kind: type[T]) -> list[T]:
    return [order for order in floor.changes.effects if isinstance(order, kind)]


def test_an_answered_call_goes_from_arrival_to_one_activity() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), roster(6, 2, ANA), ended(126), saved(140))
    call = floor.calls[CALL]
    assert (call.state, call.outcome, call.agent, call.ended_by) == (
        CallState.CLOSED,
        Outcome.ANSWERED,
        ANA,
        EndedBy.CALLER,
    )
    assert (call.connected_at, call.ended_at, call.closed_at) == (after(6), after(126), after(140))
    assert len(orders(floor, LogActivity)) == 1
    assert faces(floor, ANA) == [Face.RINGING, Face.STRIP, Face.WRAP_UP, Face.DONE]
    assert floor.agents[ANA].state is AgentState.READY


def test_the_call_is_answered_before_anything_else_is_done() -> None:
    floor = tell(floor_with(ready(ANA)), arrived())
    assert isinstance(floor.changes.effects[0], AnswerCall)


def test_the_longest_idle_agent_is_rung() -> None:
    floor = tell(floor_with(ready(ANA, 10), ready(BEN, 20)), arrived(), established())
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [BEN]


def test_a_caller_who_leaves_in_the_queue_has_abandoned() -> None:
    floor = tell(floor_with(), arrived(), established(), ended(30))
    assert (floor.calls[CALL].state, floor.calls[CALL].outcome) == (CallState.CLOSED, Outcome.ABANDONED)
    assert orders(floor, LogActivity) == []


def test_a_caller_who_leaves_while_it_rings_gives_the_agent_back_their_place() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), ended(9))
    agent = floor.agents[ANA]
    assert (agent.state, agent.idle_since) == (AgentState.READY, after(-60))
    assert faces(floor, ANA)[-1] is Face.MISSED


def test_not_now_sends_the_call_to_the_next_agent_and_leaves_the_first_ready() -> None:
    floor = tell(floor_with(ready(ANA, 20), ready(BEN, 10)), arrived(), established(), declined(4, ANA))
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [ANA, BEN]
    assert floor.agents[ANA].state is AgentState.READY
    assert len(orders(floor, WithdrawInvite)) == 1


def test_the_only_agent_who_declines_is_not_rung_again_at_once() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), declined(4, ANA))
    assert len(orders(floor, InviteAgent)) == 1
    tell(floor, e.CheckDue(at=after(30), call=CALL))
    assert len(orders(floor, InviteAgent)) == 2


def test_an_agent_who_declined_can_take_the_call_after_all() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), declined(4, ANA))
    tell(floor, e.CallClaimed(at=after(8), call=CALL, agent=ANA), roster(11, 2, ANA))
    assert floor.calls[CALL].agent == ANA


def test_not_now_of_an_agent_who_has_accepted_by_what_graph_says_rings_nobody_before_the_roster_was_read() -> None:
    floor = tell(floor_with(ready(ANA, 20), ready(BEN, 10)), arrived(), established())
    tell(floor, e.InviteCompleted(at=after(4), call=CALL, offer=nth_offer(1)), declined(5, ANA))
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [ANA]
    assert len(orders(floor, RefreshCall)) == 1
    tell(floor, replace(roster(6, 2, ANA), inferred=True), refreshed(6))
    assert (floor.calls[CALL].state, floor.calls[CALL].agent) == (CallState.CONNECTED, ANA)


def test_an_unanswered_offer_is_missed_only_after_the_roster_was_read() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), timed_out(21))
    assert floor.calls[CALL].state is CallState.OFFERED
    assert len(orders(floor, RefreshCall)) == 1
    tell(floor, roster(21, 1), refreshed(21))
    assert floor.calls[CALL].state is CallState.QUEUED
    assert (floor.agents[ANA].state, floor.agents[ANA].reason) == (AgentState.NOT_RESPONDING, "missed")


def test_a_time_out_that_finds_the_agent_in_the_roster_cuts_nobody_off() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), timed_out(21), roster(21, 2, ANA), refreshed(21))
    assert (floor.calls[CALL].state, floor.calls[CALL].agent) == (CallState.CONNECTED, ANA)
    assert orders(floor, WithdrawInvite) == []


def test_an_agent_who_accepted_and_is_not_in_the_roster_any_more_was_there() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established())
    tell(floor, e.InviteCompleted(at=after(4), call=CALL, offer=nth_offer(1)), refreshed(6))
    call = floor.calls[CALL]
    assert (call.state, call.agent, call.inferred) == (CallState.WRAP_UP, ANA, ("connected_at", "ended_at"))


def test_a_re_read_from_before_the_accept_ends_no_conversation() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), e.CheckDue(at=after(3), call=CALL))
    tell(floor, e.InviteCompleted(at=after(4), call=CALL, offer=nth_offer(1)), refreshed(4))
    assert floor.calls[CALL].state is CallState.OFFERED


def test_an_unanswered_offer_goes_to_the_next_agent() -> None:
    floor = floor_with(ready(ANA, 20), ready(BEN, 10))
    tell(floor, arrived(), established(), timed_out(21), refreshed(21))
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [ANA, BEN]


def test_a_ring_that_may_never_have_begun_is_not_held_against_the_agent() -> None:
    floor = floor_with(ready(ANA, 20), ready(BEN, 10))
    tell(floor, arrived(), established(), e.RingUnsure(at=after(3), call=CALL, offer=nth_offer(1)))
    tell(floor, timed_out(21), refreshed(21))
    assert floor.agents[ANA].state is AgentState.READY
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [ANA, BEN]


def test_a_ring_that_nobody_was_sure_of_can_be_answered() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established())
    tell(floor, e.RingUnsure(at=after(3), call=CALL, offer=nth_offer(1)), roster(9, 2, ANA))
    assert (floor.calls[CALL].state, floor.calls[CALL].agent) == (CallState.CONNECTED, ANA)


def test_a_late_accept_of_an_earlier_offer_takes_the_newer_ring_back() -> None:
    floor = floor_with(ready(ANA, 20), ready(BEN, 10))
    tell(floor, arrived(), established(), timed_out(21), refreshed(21), replace(roster(22, 2, ANA), inferred=True))
    assert floor.calls[CALL].agent == ANA
    assert floor.agents[BEN].state is AgentState.READY
    assert faces(floor, BEN)[-1] is Face.TAKEN


def test_an_agent_whom_our_withdrawal_takes_out_of_the_call_does_not_end_it_for_the_caller() -> None:
    floor = floor_with(ready(ANA, 20))
    tell(floor, arrived(), established(), timed_out(21), refreshed(21), roster(22, 2, ANA), roster(22.5, 3))
    call = floor.calls[CALL]
    assert (call.state, call.agent, call.outcome) == (CallState.QUEUED, None, None)
    assert orders(floor, HangUp) == []


def test_a_call_that_ends_with_an_agent_in_it_whose_ring_was_just_taken_back_was_a_conversation() -> None:
    floor = floor_with(ready(ANA, 20), ready(BEN, 10))
    tell(floor, arrived(), established(), timed_out(21), refreshed(21), roster(22, 2, ANA), ended(23))
    call, leg = floor.calls[CALL], floor.changes.legs[CALL, 2]
    assert (call.state, call.outcome, call.agent, call.ended_by) == (
        CallState.WRAP_UP,
        Outcome.ANSWERED,
        ANA,
        EndedBy.CALLER,
    )
    assert (call.connected_at, call.ended_at, call.inferred) == (after(22), after(23), ("connected_at",))
    assert (leg.agent, leg.joined_at, leg.left_at) == (ANA, after(22), after(23))
    assert [entry.at for entry in floor.changes.history if entry.after == CallState.CONNECTED] == [after(22)]
    assert (floor.agents[ANA].state, floor.agents[BEN].state) == (AgentState.WRAP_UP, AgentState.READY)


def test_an_agent_of_a_ring_taken_back_who_is_shown_only_after_the_end_had_the_conversation() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), timed_out(21), refreshed(21))
    tell(floor, ended(23), roster(24, 2, ANA))
    assert (floor.calls[CALL].state, floor.calls[CALL].agent) == (CallState.WRAP_UP, ANA)


def test_a_caller_who_leaves_after_our_withdrawal_took_the_agent_out_has_abandoned() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), timed_out(21), refreshed(21))
    tell(floor, roster(22, 2, ANA), roster(22.5, 3), ended(40))
    assert (floor.calls[CALL].outcome, floor.calls[CALL].agent) == (Outcome.ABANDONED, None)


@pytest.mark.parametrize("why", [e.OfferEnd.FAILED, e.OfferEnd.MISSED])
def test_an_invite_that_fails_takes_the_agent_out_until_they_say_otherwise(why: e.OfferEnd) -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), failed(5, why))
    assert floor.agents[ANA].state is AgentState.NOT_RESPONDING
    tell(floor, e.WentReady(at=after(50), agent=ANA))
    assert floor.agents[ANA].idle_since == after(50)


def test_an_agent_who_is_busy_elsewhere_loses_nothing_and_is_left_alone_until_presence_is_stale() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), failed(3, e.OfferEnd.BUSY))
    assert floor.agents[ANA].state is AgentState.READY
    tell(floor, e.CheckDue(at=after(30), call=CALL))
    assert len(orders(floor, InviteAgent)) == 1
    tell(floor, e.PresenceAged(at=after(94), agent=ANA))
    assert len(orders(floor, InviteAgent)) == 2


def test_an_agent_who_signs_out_while_it_rings_is_replaced() -> None:
    floor = tell(floor_with(ready(ANA, 20), ready(BEN, 10)), arrived(), established())
    tell(floor, e.SignedOut(at=after(5), agent=ANA))
    assert floor.agents[ANA].state is AgentState.OFFLINE
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [ANA, BEN]


def test_an_agent_who_goes_offline_in_teams_while_it_rings_is_replaced() -> None:
    floor = tell(floor_with(ready(ANA, 20), ready(BEN, 10)), arrived(), established())
    tell(floor, e.PresenceSeen(at=after(5), agent=ANA, availability="Offline", activity="Offline", sequence=7))
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [ANA, BEN]


def test_an_agent_who_hangs_up_ends_the_call_for_the_caller_too() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), roster(6, 2, ANA), roster(60, 3))
    assert (floor.calls[CALL].state, floor.calls[CALL].ended_by) == (CallState.WRAP_UP, EndedBy.AGENT)
    assert len(orders(floor, HangUp)) == 1


def test_a_wrap_up_that_nobody_fills_in_ends_by_itself_and_is_logged() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), roster(6, 2, ANA), ended(60))
    tell(floor, e.WrapUpExpired(at=after(120), call=CALL))
    assert floor.calls[CALL].disposition == ""
    assert len(orders(floor, LogActivity)) == 1
    assert floor.agents[ANA].state is AgentState.READY


def test_a_break_wished_for_during_a_call_begins_after_its_wrap_up() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), roster(6, 2, ANA))
    tell(floor, e.TookBreak(at=after(10), agent=ANA), ended(60))
    assert floor.agents[ANA].state is AgentState.WRAP_UP
    tell(floor, saved(70))
    assert floor.agents[ANA].state is AgentState.BREAK


def test_a_waiting_call_is_offered_when_an_agent_becomes_ready() -> None:
    floor = tell(floor_with(replace(ready(ANA), state=AgentState.BREAK)), arrived(), established())
    assert orders(floor, InviteAgent) == []
    tell(floor, e.WentReady(at=after(40), agent=ANA))
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [ANA]


def test_a_waiting_call_is_offered_when_a_wrap_up_ends() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), roster(6, 2, ANA))
    other = arrived(20, graph="graph-call-2")  # type: ignore[arg-type]
    tell(floor, other, e.Established(at=after(21), call=other.call, graph_id=other.graph_id), ended(60), saved(70))
    assert floor.calls[other.call].state is CallState.OFFERED


def test_presence_busy_holds_a_ready_agent_back() -> None:
    floor = floor_with(ready(ANA))
    tell(floor, e.PresenceSeen(at=after(0), agent=ANA, availability="Busy", activity="InACall", sequence=3))
    tell(floor, arrived(), established())
    assert orders(floor, InviteAgent) == []
    tell(floor, e.PresenceSeen(at=after(9), agent=ANA, availability="Available", activity="Available", sequence=4))
    assert len(orders(floor, InviteAgent)) == 1


def test_an_older_presence_changes_nothing() -> None:
    floor = floor_with(ready(ANA))
    tell(floor, e.PresenceSeen(at=after(0), agent=ANA, availability="Available", activity="Available", sequence=9))
    with pytest.raises(IllegalEvent, match="stale_presence"):
        tell(floor, e.PresenceSeen(at=after(1), agent=ANA, availability="Busy", activity="Busy", sequence=8))


def test_a_call_to_an_account_without_a_queue_is_refused() -> None:
    floor = tell(floor_with(ready(ANA)), replace(arrived(), dialled="nobody"))
    assert floor.calls[CALL].outcome_reason == "no_queue"
    assert len(orders(floor, RejectCall)) == 1


def test_a_call_that_cannot_be_answered_leaves_with_its_reason() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), e.AnswerFailed(at=after(2), call=CALL, why="7505"))
    assert (floor.calls[CALL].outcome, floor.calls[CALL].outcome_reason) == (Outcome.FLOWED_OUT, "answer_failed:7505")


@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        (Caller(kind=CallerKind.WITHHELD), "withheld"),
        (Caller(kind=CallerKind.NUMBER, raw="+4930231250999", e164="+4930231250999"), "unknown"),
        (Caller(kind=CallerKind.SHORT, raw="4711"), "short_number"),
    ],
)
def test_an_answered_call_of_nobody_known_waits_for_a_person(caller: Caller, reason: str) -> None:
    event = replace(arrived(), caller=caller, candidates=())
    floor = tell(floor_with(ready(ANA)), event, established(), roster(6, 2, ANA), ended(60), saved(70))
    item = floor.changes.pending[CALL]
    assert item is not None
    assert item.reason == reason
    assert orders(floor, LogActivity) == []


def test_the_agents_choice_among_several_settles_the_party() -> None:
    twin = replace(arrived().candidates[0], party=replace(KARL, id="102"))
    event = arrived(candidates=(*arrived().candidates, twin))
    floor = tell(floor_with(ready(ANA)), event, established(), roster(6, 2, ANA), ended(60))
    tell(floor, replace(saved(70), party=twin.party))
    assert floor.calls[CALL].party == twin.party
    assert len(orders(floor, LogActivity)) == 1


def test_only_the_agent_of_the_call_can_wrap_it_up() -> None:
    floor = tell(floor_with(ready(ANA), ready(BEN, 1)), arrived(), established(), roster(6, 2, ANA), ended(60))
    with pytest.raises(IllegalEvent, match="not_your_call"):
        tell(floor, saved(70, BEN))


def test_an_offer_that_is_over_cannot_be_declined() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), declined(4, ANA))
    with pytest.raises(IllegalEvent, match="offer_over"):
        tell(floor, declined(5, ANA))


def test_a_disposition_the_queue_does_not_have_is_refused() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), roster(6, 2, ANA), ended(60))
    with pytest.raises(IllegalEvent, match="unknown_disposition"):
        tell(floor, saved(70, disposition="nonsense"))


def test_an_older_roster_that_comes_late_still_proves_that_an_agent_was_there_and_has_left() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), roster(60, 3), roster(61, 2, ANA))
    call = floor.calls[CALL]
    assert (call.state, call.agent, call.ended_by) == (CallState.WRAP_UP, ANA, EndedBy.AGENT)
    assert call.inferred == ("ended_at",)


def test_facts_that_come_before_the_arrival_are_taken_up_after_it() -> None:
    floor = tell(floor_with(ready(ANA)), roster(6, 2, ANA), established(7))
    assert floor.calls[CALL].state is CallState.HEARD_OF
    tell(floor, arrived(8))
    assert (floor.calls[CALL].state, floor.calls[CALL].agent) == (CallState.CONNECTED, ANA)
    assert orders(floor, AnswerCall) == []


def test_a_call_that_is_over_before_its_arrival_is_told_is_abandoned() -> None:
    floor = tell(floor_with(ready(ANA)), established(1), ended(5), arrived(8))
    assert (floor.calls[CALL].state, floor.calls[CALL].outcome) == (CallState.CLOSED, Outcome.ABANDONED)


def test_skills_decide_who_is_asked() -> None:
    german = Queue(id=QUEUE.id, name="Members", resource_account=QUEUE.resource_account, skills=frozenset({"de"}))
    floor = Floor([german], [ready(ANA, 99), replace(ready(BEN), skills=frozenset({"de", "en"}))])
    fold.reopen(floor, after(0))
    tell(floor, arrived(), established())
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [BEN]


def test_an_agent_who_stood_in_the_call_before_another_answered_is_written_down_when_it_is_told_late() -> None:
    floor = tell(floor_with(ready(ANA), ready(BEN, 1)), arrived(), established(), timed_out(21), roster(21, 3))
    tell(floor, refreshed(22), roster(30, 4, BEN), roster(31, 2, ANA))
    call, leg = floor.calls[CALL], floor.changes.legs[CALL, -2]
    assert (call.state, call.agent) == (CallState.CONNECTED, BEN)
    assert (leg.agent, leg.joined_at, leg.left_at) == (ANA, call.connected_at, call.connected_at)
