"""Claim first: everybody is shown the call, one takes it, and only their client rings."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import CallState
from cordpair.core.effects import Face, InviteAgent, ShowCard
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, CLEO, GRAPH, NOON, QUEUE, after, arrived, nth_offer, ready, tell


def floor_with(*agents: Agent, **settings: Any) -> Floor:
    floor = Floor([replace(QUEUE, claim_first=True, **settings)], agents)
    fold.reopen(floor, NOON)
    return tell(floor, arrived(0), e.Established(at=after(1), call=CALL, graph_id=GRAPH))


def claimed(seconds: float, agent: AgentId) -> e.CallClaimed:
    return e.CallClaimed(at=after(seconds), call=CALL, agent=agent)


def faces(floor: Floor) -> dict[AgentId, Face]:
    """What each agent's card shows at last."""
    return {effect.agent: effect.face for effect in floor.changes.effects if isinstance(effect, ShowCard)}


def test_everybody_who_is_ready_is_shown_the_call_and_nobody_is_rung() -> None:
    floor = floor_with(ready(ANA), ready(BEN), replace(ready(CLEO), state=AgentState.BREAK))
    assert faces(floor) == {ANA: Face.CLAIMABLE, BEN: Face.CLAIMABLE}
    assert [effect for effect in floor.changes.effects if isinstance(effect, InviteAgent)] == []


def test_whoever_takes_it_is_rung_and_the_others_read_that_it_is_taken() -> None:
    floor = tell(floor_with(ready(ANA), ready(BEN)), claimed(4, BEN))
    assert faces(floor) == {ANA: Face.TAKEN, BEN: Face.RINGING}
    assert [effect.agent for effect in floor.changes.effects if isinstance(effect, InviteAgent)] == [BEN]


def test_the_second_to_press_is_refused() -> None:
    floor = tell(floor_with(ready(ANA), ready(BEN)), claimed(4, BEN))
    with pytest.raises(IllegalEvent, match="call_taken"):
        fold.apply(floor, claimed(4, ANA))


def test_a_call_that_comes_back_is_shown_to_the_others_again() -> None:
    floor = tell(floor_with(ready(ANA), ready(BEN)), claimed(4, BEN))
    tell(floor, e.OfferFailed(at=after(6), call=CALL, offer=nth_offer(1), why=e.OfferEnd.FAILED))
    assert faces(floor) == {ANA: Face.CLAIMABLE, BEN: Face.MISSED}


def test_who_becomes_ready_is_shown_what_waits() -> None:
    floor = floor_with(ready(ANA), replace(ready(CLEO), state=AgentState.BREAK))
    tell(floor, e.WentReady(at=after(5), agent=CLEO))
    assert faces(floor)[CLEO] is Face.CLAIMABLE


def test_nobody_is_shown_it_twice() -> None:
    floor = floor_with(ready(ANA))
    tell(floor, e.TookBreak(at=after(5), agent=ANA), e.WentReady(at=after(9), agent=ANA))
    assert [effect.face for effect in floor.changes.effects if isinstance(effect, ShowCard)] == [Face.CLAIMABLE]


def test_when_the_caller_leaves_the_cards_say_so() -> None:
    floor = tell(floor_with(ready(ANA), ready(BEN)), e.CallEnded(at=after(9), call=CALL, graph_id=GRAPH))
    assert faces(floor) == {ANA: Face.MISSED, BEN: Face.MISSED}
    assert floor.calls[CALL].state is CallState.CLOSED


def test_who_cannot_serve_it_is_not_shown_it() -> None:
    floor = floor_with(ready(ANA), replace(ready(BEN), skills=frozenset({"de"})), skills=frozenset({"de"}))
    assert faces(floor) == {BEN: Face.CLAIMABLE}


def test_whom_presence_holds_back_is_not_shown_it() -> None:
    floor = Floor([replace(QUEUE, claim_first=True)], [ready(ANA)])
    fold.reopen(floor, NOON)
    tell(floor, e.PresenceSeen(at=NOON, agent=ANA, availability="Busy", activity="InAMeeting", sequence=1))
    tell(floor, arrived(0), e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    assert faces(floor) == {}
