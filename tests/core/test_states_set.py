"""Somebody else sets an agent's state: it takes place as if they had wished it, and they are told."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.effects import ShowPresence, TellAgent
from cordpair.core.floor import Floor
from cordpair.core.quota import Gate
from tests.core.people import ANA, BEN, CALL, GRAPH, NOON, QUEUE, after, arrived, nth_offer, ready, tell


def set_by(by: Any, kind: type[e.WentReady | e.TookBreak | e.SignedOut] = e.TookBreak) -> Floor:
    floor = Floor([QUEUE], [ready(ANA)])
    fold.reopen(floor, NOON)
    return tell(floor, kind(at=after(5), agent=ANA, by=by))


def told(floor: Floor) -> list[str]:
    return [effect.key for effect in floor.changes.effects if isinstance(effect, TellAgent)]


@pytest.mark.parametrize(
    ("kind", "state"),
    [(e.TookBreak, AgentState.BREAK), (e.SignedOut, AgentState.OFFLINE), (e.WentReady, AgentState.READY)],
)
def test_an_agent_whose_state_a_supervisor_sets_is_told(
    kind: type[e.WentReady | e.TookBreak | e.SignedOut], state: AgentState
) -> None:
    floor = set_by(BEN, kind)
    assert floor.agents[ANA].state is state
    assert told(floor) == [f"tell:{ANA}:1"]


def test_it_is_remembered_who_it_was() -> None:
    remembered = [entry.detail for entry in set_by(BEN).changes.history if entry.what == "StateSet"]
    assert remembered == [{"by": BEN}]


@pytest.mark.parametrize("by", [None, ANA])
def test_who_sets_their_own_state_is_told_nothing(by: Any) -> None:
    assert told(set_by(by)) == []


def test_during_a_call_it_waits_for_the_end_of_the_wrap_up() -> None:
    floor = Floor([QUEUE], [replace(ready(ANA), state=AgentState.TALKING)])
    tell(floor, e.SignedOut(at=after(5), agent=ANA, by=BEN))
    assert (floor.agents[ANA].state, floor.agents[ANA].after) == (AgentState.TALKING, AgentState.OFFLINE)


def test_who_is_put_on_a_break_for_declining_is_told() -> None:
    floor = Floor([replace(QUEUE, declines=1)], [ready(ANA)])
    fold.reopen(floor, NOON)
    tell(floor, arrived(0), e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    tell(floor, e.OfferDeclined(at=after(3), call=CALL, offer=nth_offer(1), agent=ANA))
    assert told(floor) == [f"tell:{ANA}:1"]


def shown(floor: Floor) -> list[str]:
    return [effect.agent for effect in floor.changes.effects if isinstance(effect, ShowPresence)]


def test_where_the_organisation_wants_it_teams_is_told_who_is_busy_and_when_no_longer() -> None:
    floor = Floor([QUEUE], [ready(ANA)])
    floor.gate = Gate(writes_presence=True)
    fold.reopen(floor, NOON)
    tell(floor, arrived(0), e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    assert shown(floor) == []
    tell(floor, e.RosterSeen(at=after(5), call=CALL, graph_id=GRAPH, sequence=2, users=(ANA,)))
    tell(floor, e.CallEnded(at=after(60), call=CALL, graph_id=GRAPH))
    assert shown(floor) == [ANA]
    tell(floor, e.WrapUpEnded(at=after(70), call=CALL, by=ANA))
    assert shown(floor) == [ANA, ANA]


def test_else_teams_is_told_nothing() -> None:
    floor = Floor([QUEUE], [ready(ANA)])
    fold.reopen(floor, NOON)
    tell(floor, arrived(0), e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    tell(floor, e.RosterSeen(at=after(5), call=CALL, graph_id=GRAPH, sequence=2, users=(ANA,)))
    assert shown(floor) == []
