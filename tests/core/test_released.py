"""Released calls on the floor: handed over, out of our sight, known to be over by presence, the agent or the clock."""

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.effects import Face, HangUp, InviteAgent, ReleaseCall, ShowCard
from cordpair.core.floor import Floor
from cordpair.core.fold_released import TRANSFERRED, UNSEEN_S
from cordpair.core.tenant import Topology
from cordpair.core.transfer import Target, TargetKind, TransferKind
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, GRAPH, QUEUE, after, arrived, ready, tell


def offered() -> Floor:
    """A call that is handed over to Ana, whose client rings."""
    floor = Floor([replace(QUEUE, topology=Topology.RELEASED)], [ready(ANA, 600), ready(BEN, 60)])
    fold.reopen(floor, after(0))
    return tell(floor, arrived(), e.Established(at=after(1), call=CALL, graph_id=GRAPH))


def talking() -> Floor:
    return tell(offered(), e.CallReleased(at=after(6), call=CALL), ended(6, TRANSFERRED))


def ended(s: float, subcode: int | None = None, *, inferred: bool = False) -> e.CallEnded:
    return e.CallEnded(at=after(s), call=CALL, graph_id=GRAPH, code=0, subcode=subcode, inferred=inferred)


def presence(s: float, activity: str) -> e.PresenceSeen:
    return e.PresenceSeen(at=after(s), agent=ANA, availability="Available", activity=activity)


def call_of(floor: Floor) -> Call:
    return floor.calls[CALL]


def test_the_call_is_handed_over_and_nobody_is_invited() -> None:
    floor = offered()
    orders = [order for order in floor.changes.effects if isinstance(order, ReleaseCall | InviteAgent)]
    assert [(type(order), order.agent) for order in orders] == [(ReleaseCall, ANA)]


def test_who_takes_it_talks_and_our_own_end_of_it_is_not_the_end() -> None:
    floor = talking()
    call = call_of(floor)
    assert (call.state, call.agent, call.connected_at, call.ended_at, call.is_live) == (
        CallState.RELEASED,
        ANA,
        after(6),
        None,
        False,
    )
    assert floor.agents[ANA].state is AgentState.TALKING
    faces = [order.face for order in floor.changes.effects if isinstance(order, ShowCard)]
    assert faces == [Face.RINGING, Face.STRIP]


def test_a_taken_call_whose_word_was_lost_is_known_by_its_end() -> None:
    floor = tell(offered(), ended(6, TRANSFERRED))
    assert (call_of(floor).state, call_of(floor).outcome) == (CallState.RELEASED, Outcome.ANSWERED)


def test_a_caller_who_hangs_up_while_it_rings_has_abandoned() -> None:
    assert call_of(tell(offered(), ended(6))).outcome is Outcome.ABANDONED


def test_presence_that_shows_the_agent_talking_and_then_not_ends_the_conversation_as_inferred() -> None:
    floor = tell(talking(), presence(8, "InACall"), presence(90, "Available"))
    call = call_of(floor)
    assert (call.state, call.ended_at, call.inferred) == (CallState.WRAP_UP, after(90), ("ended_at",))
    assert floor.agents[ANA].state is AgentState.WRAP_UP
    assert [order for order in floor.changes.effects if isinstance(order, HangUp)] == []


def test_presence_from_before_the_conversation_does_not_end_it() -> None:
    assert call_of(tell(talking(), presence(7, "Available"))).state is CallState.RELEASED


def test_the_agent_says_that_it_is_over() -> None:
    floor = tell(talking(), e.AgentHungUp(at=after(60), call=CALL, agent=ANA))
    assert (call_of(floor).state, call_of(floor).ended_at) == (CallState.WRAP_UP, after(60))


def test_a_conversation_that_nobody_sees_ends_by_the_clock() -> None:
    floor = talking()
    timer = floor.changes.timers[f"released:{CALL}"]
    assert timer is not None
    assert (timer.run_at - after(6)).total_seconds() == UNSEEN_S
    tell(floor, timer.event)
    assert (call_of(floor).state, call_of(floor).inferred) == (CallState.WRAP_UP, ("ended_at",))


@pytest.mark.parametrize(("rang_s", "state"), [(5, AgentState.READY), (40, AgentState.NOT_RESPONDING)])
def test_who_does_not_take_it_is_not_asked_again_and_the_next_one_is(rang_s: float, state: AgentState) -> None:
    floor = tell(offered(), e.TransferFailed(at=after(1 + rang_s), call=CALL))
    orders = [order.agent for order in floor.changes.effects if isinstance(order, ReleaseCall)]
    assert (orders, floor.agents[ANA].state) == ([ANA, BEN], state)


def test_a_released_call_cannot_be_passed_on() -> None:
    to_ben = Target(kind=TargetKind.AGENT, id=BEN)
    wish = e.TransferAsked(at=after(60), call=CALL, agent=ANA, kind=TransferKind.BLIND, target=to_ben)
    with pytest.raises(IllegalEvent, match="call_over"):
        tell(talking(), wish)
