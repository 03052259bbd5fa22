"""Calls that we place, on the floor: the agent first, then the party; refused, given up, unreached, ended."""

from typing import TypeVar

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.call import Call, CallState, EndedBy, Outcome
from cordpair.core.effects import Face, HangUp, LogActivity, PlaceCall, RingParty, ShowCard
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId, CallId, participant_id
from cordpair.core.outbound import party_name
from cordpair.core.transfer import TransferEnd
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, CALLER, GRAPH, KARL, MEMBERS, QUEUE, SURE, after, floor_with, ready, tell

T = TypeVar("T")

OURS = CallId("22222222-2222-4222-8222-222222222222")
PARTY = participant_id(party_name(CALL))


def asked(agent: AgentId = ANA) -> e.OutboundAsked:
    return e.OutboundAsked(at=after(0), call=OURS, agent=agent, queue=MEMBERS, caller=CALLER, candidates=(SURE,))


def created(s: float = 1) -> e.OutboundCreated:
    return e.OutboundCreated(at=after(s), call=OURS, graph_id=GRAPH, named=CALL)


def established(s: float = 6) -> e.Established:
    return e.Established(at=after(s), call=CALL, graph_id=GRAPH)


def roster(s: float, sequence: int, *users: AgentId, party: bool = False) -> e.RosterSeen:
    also = (PARTY,) if party else ()
    return e.RosterSeen(at=after(s), call=CALL, graph_id=GRAPH, sequence=sequence, users=users, participants=also)


def ended(s: float) -> e.CallEnded:
    return e.CallEnded(at=after(s), call=CALL, graph_id=GRAPH)


def unanswered(s: float, why: TransferEnd) -> e.TransferUnanswered:
    return e.TransferUnanswered(at=after(s), call=CALL, transfer=party_name(CALL), why=why)


def timed_out(s: float, call: CallId = CALL) -> e.OutboundTimedOut:
    return e.OutboundTimedOut(at=after(s), call=call)


def reaching() -> Floor:
    """Ana stands in the call, and the party's telephone rings."""
    return tell(floor_with(ready(ANA)), asked(), created(), established(), roster(7, 1, ANA))


def talking() -> Floor:
    return tell(reaching(), roster(15, 2, ANA, party=True))


def call_of(floor: Floor) -> Call:
    return floor.calls[CALL]


def orders(floor: Floor, kind: type[T]) -> list[T]:
    return [order for order in floor.changes.effects if isinstance(order, kind)]


def faces(floor: Floor) -> list[Face]:
    return [order.face for order in orders(floor, ShowCard)]


def refused(floor: Floor, event: e.AnyEvent) -> str:
    with pytest.raises(IllegalEvent) as caught:
        fold.apply(floor, event)
    return str(caught.value)


def test_the_agent_is_rung_before_the_party_is() -> None:
    floor = tell(floor_with(ready(ANA)), asked(), created())
    assert [(order.agent, order.account) for order in orders(floor, PlaceCall)] == [(ANA, QUEUE.resource_account)]
    assert (call_of(floor).state, floor.agents[ANA].state) == (CallState.DIALLING, AgentState.RINGING)
    assert orders(floor, RingParty) == []
    tell(floor, established())
    assert (call_of(floor).state, floor.agents[ANA].state) == (CallState.REACHING, AgentState.TALKING)
    assert len(orders(floor, RingParty)) == 1


def test_a_call_that_we_place_is_talked_wrapped_up_and_written_down_like_one_that_came_in() -> None:
    floor = tell(talking(), ended(90), e.WrapUpSaved(at=after(100), call=CALL, agent=ANA, disposition="solved"))
    call = call_of(floor)
    assert (call.state, call.outcome, call.agent, call.party) == (CallState.CLOSED, Outcome.ANSWERED, ANA, KARL)
    assert (call.connected_at, call.ended_at, call.ended_by) == (after(15), after(90), EndedBy.CALLER)
    assert len(orders(floor, LogActivity)) == 1
    assert faces(floor) == [Face.CALLING, Face.CALLING, Face.STRIP, Face.WRAP_UP, Face.DONE]
    assert floor.agents[ANA].state is AgentState.READY


def test_it_counts_for_no_queue_as_a_call_that_came_in() -> None:
    assert call_of(talking()).arrived_at is None


def test_the_name_under_which_it_was_asked_for_is_closed_without_an_outcome() -> None:
    ours = talking().calls[OURS]
    assert (ours.state, ours.outcome) == (CallState.CLOSED, None)


def test_what_was_told_before_graphs_answer_came_is_taken_up() -> None:
    floor = tell(floor_with(ready(ANA)), asked(), established(1), created(2))
    assert (call_of(floor).state, len(orders(floor, RingParty))) == (CallState.REACHING, 1)


@pytest.mark.parametrize("why", [TransferEnd.BUSY, TransferEnd.DECLINED, TransferEnd.NO_ANSWER, TransferEnd.FORBIDDEN])
def test_a_party_who_is_not_reached_leaves_the_agent_to_write_that_down(why: TransferEnd) -> None:
    floor = tell(reaching(), unanswered(20, why))
    call = call_of(floor)
    assert (call.state, call.outcome, call.outcome_reason) == (CallState.WRAP_UP, Outcome.UNREACHED, why)
    assert (floor.agents[ANA].state, len(orders(floor, HangUp))) == (AgentState.WRAP_UP, 1)


@pytest.mark.parametrize("known", [True, False])
def test_a_call_that_did_not_get_through_is_logged_for_a_known_party_and_asks_nobody_else(known: bool) -> None:
    wish = asked() if known else replace(asked(), candidates=())
    floor = tell(floor_with(ready(ANA)), wish, created(), established(), unanswered(20, TransferEnd.BUSY))
    tell(floor, e.WrapUpSaved(at=after(30), call=CALL, agent=ANA, disposition="follow_up"))
    assert (len(orders(floor, LogActivity)), floor.changes.pending) == (int(known), {})


def test_a_party_who_lets_it_ring_is_called_unreached_after_the_roster_was_read() -> None:
    floor = tell(reaching(), timed_out(60))
    assert call_of(floor).state is CallState.REACHING
    tell(floor, roster(61, 1, ANA), e.CallRefreshed(at=after(61), call=CALL, number=1))
    assert call_of(floor).outcome_reason == "timed_out"


def test_a_party_who_picks_up_at_the_last_moment_is_not_cut_off() -> None:
    floor = tell(reaching(), timed_out(60), roster(61, 2, ANA, party=True))
    tell(floor, e.CallRefreshed(at=after(61), call=CALL, number=1))
    assert (call_of(floor).state, orders(floor, HangUp)) == (CallState.CONNECTED, [])


@pytest.mark.parametrize("before", [AgentState.READY, AgentState.BREAK])
def test_an_agent_who_does_not_answer_their_own_call_is_where_they_were(before: AgentState) -> None:
    floor = tell(floor_with(replace(ready(ANA), state=before)), asked(), created(), timed_out(40))
    assert (call_of(floor).state, call_of(floor).outcome_reason) == (CallState.CLOSED, "agent_timed_out")
    assert (floor.agents[ANA].state, len(orders(floor, HangUp))) == (before, 1)


@pytest.mark.parametrize(("code", "why"), [(603, "agent_declined"), (486, "agent_busy"), (487, "agent_no_answer")])
def test_the_agent_is_told_why_their_own_client_did_not_take_it(code: int, why: str) -> None:
    floor = tell(floor_with(ready(ANA)), asked(), created(), replace(ended(9), code=code))
    assert (call_of(floor).outcome_reason, floor.agents[ANA].state) == (why, AgentState.READY)


def test_an_agent_on_a_break_is_on_it_again_after_the_call() -> None:
    floor = tell(floor_with(replace(ready(ANA), state=AgentState.BREAK)), asked(), created(), established())
    tell(floor, roster(7, 1, ANA), roster(15, 2, ANA, party=True), ended(90))
    tell(floor, e.WrapUpSaved(at=after(100), call=CALL, agent=ANA, disposition="solved"))
    assert floor.agents[ANA].state is AgentState.BREAK


def test_an_agent_who_hangs_up_while_it_rings_calls_nobody() -> None:
    assert call_of(tell(reaching(), roster(9, 2))).outcome is Outcome.UNREACHED
    floor = tell(floor_with(ready(ANA)), asked(), created(), e.AgentHungUp(at=after(3), call=CALL, agent=ANA))
    assert (call_of(floor).state, floor.agents[ANA].state) == (CallState.CLOSED, AgentState.READY)


@pytest.mark.parametrize(("stays", "party", "by"), [((ANA,), False, EndedBy.CALLER), ((), True, EndedBy.AGENT)])
def test_whoever_hangs_up_ends_the_conversation_for_both(stays: tuple[AgentId, ...], party: bool, by: EndedBy) -> None:
    floor = tell(talking(), roster(80, 3, *stays, party=party))
    assert (call_of(floor).state, call_of(floor).ended_by) == (CallState.WRAP_UP, by)
    assert len(orders(floor, HangUp)) == 1


def test_a_call_that_graph_does_not_place_frees_the_agent_and_says_why() -> None:
    floor = tell(floor_with(ready(ANA)), asked())
    tell(floor, e.OutboundRefused(at=after(1), call=OURS, why=TransferEnd.FORBIDDEN))
    assert (floor.calls[OURS].outcome_reason, floor.agents[ANA].state) == ("agent_forbidden", AgentState.READY)


def test_a_call_that_was_given_up_before_graph_named_it_is_hung_up() -> None:
    floor = tell(floor_with(ready(ANA)), asked(), timed_out(40, OURS), created(41))
    assert [order.graph_id for order in orders(floor, HangUp)] == [GRAPH]
    assert floor.agents[ANA].state is AgentState.READY


def test_a_call_whose_name_we_never_heard_is_hung_up_when_it_is_met() -> None:
    floor = tell(floor_with(ready(ANA)), established(1))
    tell(floor, replace(established(4), inferred=True, outgoing=True))
    assert orders(floor, HangUp) == []
    tell(floor, replace(established(20), inferred=True, outgoing=True))
    assert len(orders(floor, HangUp)) == 1


def test_an_agent_who_signs_out_while_their_client_rings_gives_it_up() -> None:
    floor = tell(floor_with(ready(ANA)), asked(), created(), e.SignedOut(at=after(3), agent=ANA))
    assert (call_of(floor).state, floor.agents[ANA].state) == (CallState.CLOSED, AgentState.OFFLINE)


@pytest.mark.parametrize("number", ["110", "", "anonymous"])
def test_short_and_emergency_numbers_are_not_called(number: str) -> None:
    assert refused(floor_with(ready(ANA)), replace(asked(), caller=replace(CALLER, e164=number))) == (
        "number_not_allowed"
    )


def test_only_who_is_free_calls_and_only_for_a_queue_of_theirs() -> None:
    assert refused(floor_with(replace(ready(ANA), state=AgentState.OFFLINE)), asked()) == "not_ready"
    assert refused(floor_with(replace(ready(ANA), queues=())), asked()) == "not_your_queue"
    assert refused(floor_with(ready(ANA)), asked(BEN)) == "not_an_agent"
    assert refused(tell(floor_with(ready(ANA)), asked()), asked()) == "call_taken"


@pytest.mark.parametrize("counts", [True, False])
def test_a_call_that_an_agent_places_costs_them_their_turn_if_the_queue_says_so(counts: bool) -> None:
    floor = talking()
    before = floor.agents[ANA].idle_since
    floor.queues[QUEUE.id] = replace(QUEUE, outbound_counts=counts)
    tell(floor, ended(60), e.WrapUpEnded(at=after(70), call=CALL, by=ANA))
    assert floor.agents[ANA].idle_since == (after(70) if counts else before)
