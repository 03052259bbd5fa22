"""Whole transfers on the floor: to agents, queues, numbers and users, taking place and failing."""

from typing import Any, TypeVar

import msgspec
import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import Call, CallState, EndedBy, Outcome
from cordpair.core.effects import (
    Effect,
    Face,
    HangUp,
    HoldCaller,
    InviteAgent,
    LogActivity,
    RefreshCall,
    RemoveAgent,
    RingTarget,
    ShowCard,
    WithdrawTarget,
)
from cordpair.core.floor import Floor
from cordpair.core.hours import Hours
from cordpair.core.ids import AgentId, QueueId, participant_id, transfer_id
from cordpair.core.transfer import Stage, Target, TargetKind, TransferEnd, TransferKind
from cordpair.core.transfer_people import TRANSFER_LEGS
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, CLEO, GRAPH, MEMBERS, QUEUE, after, arrived, ready, tell

T = TypeVar("T")

EVENTS = QueueId("events")
NUMBER = "+4930231250888"
DORA = "dora"  #: a Teams user who is no agent
TO_BEN, TO_DORA = Target(kind=TargetKind.AGENT, id=BEN), Target(kind=TargetKind.USER, id=DORA)
TO_NUMBER, TO_EVENTS = Target(kind=TargetKind.NUMBER), Target(kind=TargetKind.QUEUE, id=EVENTS)
FIRST = transfer_id(CALL, 1)


def talking(*others: Agent) -> Floor:
    """Ana talks to the caller; the others are there. Cleo serves the other queue only, and is away unless given."""
    other = replace(QUEUE, id=EVENTS, name="Events", resource_account="account-events")
    floor = Floor([QUEUE, other], [ready(ANA, 600), *others])
    fold.reopen(floor, after(0))
    established = e.Established(at=after(1), call=CALL, graph_id=GRAPH)
    return tell(floor, arrived(), established, roster(6, 2, ANA))


def cleo(state: AgentState = AgentState.READY) -> Agent:
    return replace(ready(CLEO), queues=(EVENTS,), state=state)


def roster(s: float, sequence: int, *users: str, also: tuple[str, ...] = ()) -> e.RosterSeen:
    names = tuple(AgentId(user) for user in users)
    return e.RosterSeen(at=after(s), call=CALL, graph_id=GRAPH, sequence=sequence, users=names, participants=also)


def asked(s: float, target: Target = TO_BEN, kind: TransferKind = TransferKind.BLIND, **more: Any) -> e.TransferAsked:
    dialled = NUMBER if target.kind is TargetKind.NUMBER else ""
    return e.TransferAsked(at=after(s), call=CALL, agent=ANA, kind=kind, target=target, **{"dialled": dialled, **more})


def ended(s: float) -> e.CallEnded:
    return e.CallEnded(at=after(s), call=CALL, graph_id=GRAPH)


def saved(s: float, agent: AgentId) -> e.WrapUpSaved:
    return e.WrapUpSaved(at=after(s), call=CALL, agent=agent, disposition="solved", note="")


def unanswered(s: float, why: TransferEnd, number: int = 1) -> e.TransferUnanswered:
    return e.TransferUnanswered(at=after(s), call=CALL, transfer=transfer_id(CALL, number), why=why)


def call_of(floor: Floor) -> Call:
    return floor.calls[CALL]


def orders(floor: Floor, kind: type[T]) -> list[T]:
    effects: list[Effect] = floor.changes.effects
    return [order for order in effects if isinstance(order, kind)]


def faces(floor: Floor, agent: AgentId) -> list[Face]:
    return [order.face for order in orders(floor, ShowCard) if order.agent == agent]


def test_a_blind_transfer_gives_the_caller_to_the_agent_who_answers_and_takes_the_first_one_out() -> None:
    floor = tell(talking(ready(BEN)), asked(60), roster(66, 3, ANA, BEN))
    call = call_of(floor)
    assert (call.state, call.agent, call.connected_at, call.joined_at) == (
        CallState.CONNECTED,
        BEN,
        after(6),
        after(66),
    )
    assert [order.agent for order in orders(floor, RemoveAgent)] == [ANA]
    assert (floor.agents[ANA].state, floor.agents[BEN].state) == (AgentState.READY, AgentState.TALKING)
    assert (faces(floor, ANA)[-1], faces(floor, BEN)) == (Face.PASSED, [Face.RINGING, Face.STRIP])


def test_a_transferred_call_is_written_down_once_by_who_had_it_last_and_each_agent_has_a_leg() -> None:
    floor = tell(talking(ready(BEN)), asked(60), roster(66, 3, ANA, BEN), roster(67, 4, BEN), ended(160))
    tell(floor, saved(170, BEN))
    call = call_of(floor)
    assert (call.state, call.outcome, call.agent, call.ended_by) == (
        CallState.CLOSED,
        Outcome.ANSWERED,
        BEN,
        EndedBy.CALLER,
    )
    assert len(orders(floor, LogActivity)) == 1
    legs = floor.changes.legs
    assert (legs[CALL, 1].agent, legs[CALL, 1].joined_at, legs[CALL, 1].left_at) == (ANA, after(6), after(66))
    second = legs[CALL, TRANSFER_LEGS + 1]
    assert (second.agent, second.joined_at, second.left_at) == (BEN, after(66), after(160))


def test_what_the_first_agent_has_written_travels_with_the_caller() -> None:
    floor = tell(talking(ready(BEN)), asked(60, note="wants an invoice", disposition="follow_up"))
    assert (call_of(floor).note, call_of(floor).disposition) == ("wants an invoice", "follow_up")


def test_the_first_agent_may_hang_up_while_it_rings() -> None:
    floor = tell(talking(ready(BEN)), asked(60), roster(61, 3), roster(66, 4, BEN))
    assert (call_of(floor).state, call_of(floor).agent) == (CallState.CONNECTED, BEN)
    assert (orders(floor, RemoveAgent), orders(floor, HangUp)) == ([], [])
    assert floor.changes.legs[CALL, 1].left_at == after(61)


@pytest.mark.parametrize("target", [TO_BEN, TO_NUMBER, TO_DORA], ids=lambda it: it.kind.value)
@pytest.mark.parametrize("kind", list(TransferKind), ids=lambda it: it.value)
@pytest.mark.parametrize("why", [it for it in TransferEnd if it not in (TransferEnd.DONE, TransferEnd.LEFT)])
def test_a_transfer_that_fails_gives_the_caller_back_to_the_agent_who_is_told_why(
    target: Target, kind: TransferKind, why: TransferEnd
) -> None:
    floor = tell(talking(ready(BEN)), asked(60, target, kind), unanswered(70, why))
    call = call_of(floor)
    assert (call.state, call.agent, call.transfer) == (CallState.CONNECTED, ANA, None)
    assert call.failure is not None
    assert (call.failure.why, call.failure.target) == (why, target)
    assert faces(floor, ANA)[-1] is Face.STRIP
    assert (floor.agents[ANA].state, floor.agents[BEN].state) == (AgentState.TALKING, AgentState.READY)


@pytest.mark.parametrize("target", [TO_BEN, TO_NUMBER, TO_DORA], ids=lambda it: it.kind.value)
def test_a_ring_without_an_answer_is_taken_back_after_the_roster_was_read(target: Target) -> None:
    floor = tell(talking(ready(BEN)), asked(60, target))
    tell(floor, e.TransferTimedOut(at=after(105), call=CALL, transfer=FIRST))
    assert call_of(floor).transfer is not None
    tell(floor, roster(106, 2, ANA), e.CallRefreshed(at=after(106), call=CALL, number=1))
    assert [order.transfer for order in orders(floor, WithdrawTarget)] == [FIRST]
    assert (call_of(floor).failure is not None, call_of(floor).agent) == (True, ANA)


def test_when_the_first_agent_has_gone_a_transfer_that_fails_lets_the_caller_wait_again_with_their_age() -> None:
    floor = tell(talking(ready(BEN), ready(CLEO, 5)), asked(60), roster(61, 3), unanswered(80, TransferEnd.DECLINED))
    call = call_of(floor)
    assert (call.state, call.arrived_at, call.queue) == (CallState.OFFERED, after(0), MEMBERS)
    assert [invite.agent for invite in orders(floor, InviteAgent)][-1] in (BEN, CLEO)
    assert floor.agents[ANA].state is AgentState.READY


def test_a_transfer_to_a_queue_lets_the_caller_wait_there_with_their_age() -> None:
    floor = tell(talking(cleo()), asked(60, TO_EVENTS))
    call = call_of(floor)
    assert (call.state, call.queue, call.arrived_at, call.agent) == (CallState.OFFERED, EVENTS, after(0), None)
    assert [order.agent for order in orders(floor, RemoveAgent)] == [ANA]
    assert [invite.agent for invite in orders(floor, InviteAgent)] == [ANA, CLEO]
    tell(floor, roster(61, 3, ANA), roster(62, 4), roster(66, 5, CLEO))
    call = call_of(floor)
    assert (call.state, call.agent, call.connected_at, call.joined_at) == (
        CallState.CONNECTED,
        CLEO,
        after(6),
        after(66),
    )
    assert floor.agents[ANA].state is AgentState.READY


def test_a_caller_who_leaves_the_second_queue_was_answered_all_the_same_and_is_written_down() -> None:
    floor = tell(talking(cleo()), asked(60, TO_EVENTS), roster(62, 4), ended(64))
    call = call_of(floor)
    assert (call.state, call.outcome, call.outcome_reason, call.agent) == (
        CallState.CLOSED,
        Outcome.ANSWERED,
        "left_after_transfer",
        ANA,
    )
    assert len(orders(floor, LogActivity)) == 1


@pytest.mark.parametrize(("target", "also"), [(TO_NUMBER, (participant_id(FIRST),)), (TO_DORA, ())])
def test_a_caller_passed_on_to_somebody_outside_is_written_down_and_the_line_is_held(
    target: Target, also: tuple[str, ...]
) -> None:
    there = [DORA] if target is TO_DORA else []
    floor = tell(talking(), asked(60, target), roster(66, 3, ANA, *there, also=also))
    assert (call_of(floor).state, call_of(floor).is_live) == (CallState.WRAP_UP, True)
    tell(floor, roster(67, 4, *there, also=also), saved(80, ANA))
    assert (call_of(floor).state, call_of(floor).closed_at) == (CallState.PASSED_ON, None)
    assert len(orders(floor, LogActivity)) == 1
    tell(floor, e.CheckDue(at=after(100), call=CALL))
    tell(floor, roster(300, 5))
    call = call_of(floor)
    assert (call.state, call.closed_at, call.is_live) == (CallState.CLOSED, after(300), False)
    assert len(orders(floor, HangUp)) == 1


def test_a_caller_who_hangs_up_outside_ends_the_call_before_it_is_written_down() -> None:
    also = (participant_id(FIRST),)
    floor = tell(talking(), asked(60, TO_NUMBER), roster(66, 3, ANA, also=also), ended(70))
    assert (call_of(floor).state, call_of(floor).is_live) == (CallState.WRAP_UP, False)
    tell(floor, saved(80, ANA))
    assert call_of(floor).state is CallState.CLOSED


def test_in_a_consultation_the_caller_hears_music_until_it_is_completed() -> None:
    floor = tell(talking(ready(BEN)), asked(60, kind=TransferKind.CONSULT), roster(66, 3, ANA, BEN))
    transfer = call_of(floor).transfer
    assert transfer is not None
    assert (transfer.stage, call_of(floor).agent) == (Stage.TALKING, ANA)
    assert [order.on for order in orders(floor, HoldCaller)] == [True]
    tell(floor, e.TransferCompleted(at=after(90), call=CALL, agent=ANA))
    assert [order.on for order in orders(floor, HoldCaller)] == [True, False]
    assert (call_of(floor).agent, call_of(floor).joined_at) == (BEN, after(66))
    assert [order.agent for order in orders(floor, RemoveAgent)] == [ANA]


def test_a_consultation_that_is_cancelled_takes_the_other_agent_out_and_the_caller_back() -> None:
    floor = tell(talking(ready(BEN)), asked(60, kind=TransferKind.CONSULT), roster(66, 3, ANA, BEN))
    tell(floor, e.TransferCancelled(at=after(90), call=CALL, agent=ANA))
    assert [order.on for order in orders(floor, HoldCaller)] == [True, False]
    assert len(orders(floor, WithdrawTarget)) == 1
    assert (call_of(floor).agent, floor.agents[BEN].state) == (ANA, AgentState.READY)
    tell(floor, roster(91, 4, ANA))
    assert call_of(floor).state is CallState.CONNECTED
    leg = floor.changes.legs[CALL, TRANSFER_LEGS + 1]
    assert (leg.agent, leg.joined_at, leg.left_at) == (BEN, after(66), after(90))


def test_where_graph_plays_no_music_the_agent_is_told_that_the_caller_hears_them() -> None:
    floor = tell(talking(ready(BEN)), asked(60, kind=TransferKind.CONSULT), e.HoldRefused(at=after(61), call=CALL))
    transfer = call_of(floor).transfer
    assert transfer is not None
    assert not transfer.held
    tell(floor, unanswered(70, TransferEnd.BUSY))
    assert [order.on for order in orders(floor, HoldCaller)] == [True]


@pytest.mark.parametrize(("leaves", "stays"), [(ANA, BEN), (BEN, ANA)])
def test_in_a_conference_whoever_stays_has_the_caller(leaves: AgentId, stays: AgentId) -> None:
    floor = tell(talking(ready(BEN)), asked(60, kind=TransferKind.CONFERENCE), roster(66, 3, ANA, BEN))
    assert (orders(floor, HoldCaller), orders(floor, RemoveAgent)) == ([], [])
    tell(floor, roster(90, 4, stays))
    assert (call_of(floor).state, call_of(floor).agent) == (CallState.CONNECTED, stays)
    assert floor.agents[leaves].state is AgentState.READY


def test_when_both_have_left_the_caller_the_call_is_ended() -> None:
    floor = tell(talking(ready(BEN)), asked(60, kind=TransferKind.CONFERENCE), roster(66, 3, ANA, BEN), roster(90, 4))
    assert (call_of(floor).state, call_of(floor).agent) == (CallState.WRAP_UP, ANA)
    assert len(orders(floor, HangUp)) == 1
    assert floor.agents[BEN].state is AgentState.READY


@pytest.mark.parametrize("kind", list(TransferKind), ids=lambda it: it.value)
def test_a_caller_who_hangs_up_while_it_rings_leaves_the_other_agent_ready_and_the_first_one_to_write(
    kind: TransferKind,
) -> None:
    floor = tell(talking(ready(BEN)), asked(60, kind=kind), ended(65))
    assert (call_of(floor).state, call_of(floor).agent) == (CallState.WRAP_UP, ANA)
    assert (floor.agents[ANA].state, floor.agents[BEN].state) == (AgentState.WRAP_UP, AgentState.READY)
    assert faces(floor, BEN)[-1] is Face.MISSED


def test_an_agent_who_signs_out_while_a_transfer_rings_them_gives_the_caller_back() -> None:
    floor = tell(talking(ready(BEN)), asked(60), e.SignedOut(at=after(65), agent=BEN))
    assert (call_of(floor).agent, call_of(floor).transfer) == (ANA, None)
    assert floor.agents[BEN].state is AgentState.OFFLINE


def test_hanging_up_by_the_card_while_it_rings_leaves_the_caller_to_the_other_one() -> None:
    floor = tell(talking(ready(BEN)), asked(60), e.AgentHungUp(at=after(62), call=CALL, agent=ANA))
    assert [order.agent for order in orders(floor, RemoveAgent)] == [ANA]
    tell(floor, roster(63, 3), roster(66, 4, BEN))
    assert (call_of(floor).agent, orders(floor, HangUp)) == (BEN, [])


def test_hanging_up_by_the_card_ends_the_call() -> None:
    floor = tell(talking(), e.AgentHungUp(at=after(62), call=CALL, agent=ANA))
    assert (call_of(floor).state, call_of(floor).ended_by, len(orders(floor, HangUp))) == (
        CallState.WRAP_UP,
        EndedBy.AGENT,
        1,
    )


def rebuilt(floor: Floor) -> Floor:
    """The floor as another node builds it from what is stored, when this one was killed."""
    stored = [msgspec.json.decode(msgspec.json.encode(call), type=Call) for call in floor.calls.values()]
    agents = [msgspec.json.decode(msgspec.json.encode(agent), type=Agent) for agent in floor.agents.values()]
    again = Floor(floor.queues.values(), agents, stored, sequence=floor.sequence)
    fold.reopen(again, after(100))
    return again


@pytest.mark.parametrize("target", [TO_BEN, TO_NUMBER, TO_DORA], ids=lambda it: it.kind.value)
@pytest.mark.parametrize("kind", list(TransferKind), ids=lambda it: it.value)
def test_a_transfer_goes_on_where_its_node_was_killed_while_it_rang(target: Target, kind: TransferKind) -> None:
    floor = rebuilt(tell(talking(ready(BEN)), asked(60, target, kind)))
    also = (participant_id(FIRST),)
    other = [target.id] if target.id else []
    tell(floor, roster(66, 3, ANA, *other, also=also))
    if kind is not TransferKind.BLIND:
        floor = rebuilt(floor)
        tell(floor, e.TransferCompleted(at=after(90), call=CALL, agent=ANA))
    call = call_of(floor)
    assert (call.state, call.agent) == ((CallState.CONNECTED, BEN) if target is TO_BEN else (CallState.WRAP_UP, ANA))


def test_a_transfer_that_fails_after_its_node_was_killed_gives_the_caller_back() -> None:
    floor = rebuilt(tell(talking(ready(BEN)), asked(60)))
    tell(floor, unanswered(110, TransferEnd.DECLINED))
    assert (call_of(floor).agent, floor.agents[BEN].state) == (ANA, AgentState.READY)


def test_a_caller_who_waits_again_is_offered_by_the_node_that_takes_over() -> None:
    floor = rebuilt(tell(talking(cleo(AgentState.OFFLINE)), asked(60, TO_EVENTS, anyway=True)))
    tell(floor, e.WentReady(at=after(120), agent=CLEO))
    assert [order.agent for order in orders(floor, InviteAgent)] == [CLEO]


def refused(floor: Floor, event: e.AnyEvent) -> str:
    with pytest.raises(IllegalEvent) as caught:
        fold.apply(floor, event)
    return str(caught.value)


@pytest.mark.parametrize(
    ("state", "why"),
    [(AgentState.BREAK, "agent_away"), (AgentState.OFFLINE, "agent_away"), (AgentState.WRAP_UP, "agent_busy")],
)
def test_the_agent_hears_beforehand_that_the_other_one_is_not_there(state: AgentState, why: str) -> None:
    floor = talking(cleo(state))
    to_cleo = Target(kind=TargetKind.AGENT, id=CLEO)
    assert refused(floor, asked(60, to_cleo)) == why
    assert orders(floor, RingTarget) == []


def test_an_agent_who_is_away_is_rung_anyway_when_that_is_wanted() -> None:
    floor = tell(talking(cleo(AgentState.BREAK)), asked(60, Target(kind=TargetKind.AGENT, id=CLEO), anyway=True))
    assert len(orders(floor, RingTarget)) == 1
    tell(floor, roster(66, 3, ANA, CLEO))
    assert (call_of(floor).agent, floor.agents[CLEO].state) == (CLEO, AgentState.TALKING)


def test_the_agent_hears_beforehand_that_nobody_is_there_in_the_other_queue() -> None:
    floor = talking(cleo(AgentState.OFFLINE))
    assert refused(floor, asked(60, TO_EVENTS)) == "nobody_there"
    tell(floor, asked(61, TO_EVENTS, anyway=True))
    assert (call_of(floor).state, call_of(floor).queue) == (CallState.QUEUED, EVENTS)


def test_the_agent_hears_beforehand_that_the_other_queue_is_closed() -> None:
    floor = talking(cleo())
    mornings = Hours(time_zone="UTC", week=("mon-sun 06:00-07:00",))
    floor.queues[EVENTS] = replace(floor.queues[EVENTS], hours=mornings)
    assert refused(floor, asked(60, TO_EVENTS)) == "queue_closed"
    tell(floor, asked(61, TO_EVENTS, anyway=True))
    assert call_of(floor).queue == EVENTS


def test_a_line_that_is_held_for_somebody_outside_is_kept_alive_and_read() -> None:
    floor = tell(talking(), asked(60, TO_NUMBER), roster(66, 3, ANA, also=(participant_id(FIRST),)))
    assert floor.changes.timers[f"check:{CALL}"] is not None
    tell(floor, saved(80, ANA), e.CheckDue(at=after(100), call=CALL))
    assert len(orders(floor, RefreshCall)) == 1
    assert floor.changes.timers[f"check:{CALL}"] is not None


@pytest.mark.parametrize("number", ["110", "", "+49110", "anonymous", "+49 30 1234567"])
def test_short_emergency_and_missing_numbers_are_not_rung(number: str) -> None:
    assert refused(talking(), asked(60, TO_NUMBER, dialled=number)) == "number_not_allowed"


def test_only_the_agent_of_the_call_passes_it_on_and_only_once_at_a_time() -> None:
    floor = talking(ready(BEN))
    assert refused(floor, replace(asked(60), agent=BEN)) == "not_your_call"
    tell(floor, asked(60))
    assert refused(floor, asked(61, TO_DORA)) == "transfer_under_way"


def test_what_is_told_of_an_older_transfer_changes_nothing() -> None:
    floor = tell(talking(ready(BEN)), asked(60), unanswered(64, TransferEnd.BUSY), asked(70, TO_DORA))
    assert refused(floor, unanswered(71, TransferEnd.DECLINED)) == "transfer_over"
    assert call_of(floor).transfer is not None
