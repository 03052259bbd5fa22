"""Who misses, declines or is busy elsewhere: what it costs, and what it does not."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import DECLINES, AgentState
from cordpair.core.floor import Floor
from cordpair.core.ids import CallId, GraphCallId, call_id
from tests.core.people import ANA, NOON, QUEUE, TENANT, after, arrived, nth_offer, ready, tell

GRAPHS = [GraphCallId(f"graph-{number}") for number in range(4)]
CALLS: list[CallId] = [call_id(TENANT, graph) for graph in GRAPHS]


def floor_with(**settings: Any) -> Floor:
    floor = Floor([replace(QUEUE, **settings)], [ready(ANA)])
    fold.reopen(floor, NOON)
    return floor


def rung(floor: Floor, number: int) -> Floor:
    """The `number`-th call rings at Ana."""
    at = after(100 * number)
    tell(floor, replace(arrived(graph=GRAPHS[number]), at=at))
    return tell(floor, e.Established(at=at, call=CALLS[number], graph_id=GRAPHS[number]))


def missed(floor: Floor, number: int) -> Floor:
    at, call = after(100 * number + 20), CALLS[number]
    tell(rung(floor, number), e.OfferTimedOut(at=at, call=call, offer=nth_offer(1, call)))
    return hung_up(tell(floor, e.CallRefreshed(at=at, call=call, number=1)), number)


def failed(floor: Floor, number: int, why: e.OfferEnd) -> Floor:
    at, call = after(100 * number + 5), CALLS[number]
    return hung_up(
        tell(rung(floor, number), e.OfferFailed(at=at, call=call, offer=nth_offer(1, call), why=why)), number
    )


def hung_up(floor: Floor, number: int) -> Floor:
    """The caller leaves, so that the next one has the agent."""
    return tell(floor, e.CallEnded(at=after(100 * number + 25), call=CALLS[number], graph_id=GRAPHS[number]))


def answered(floor: Floor, number: int) -> Floor:
    seen = e.RosterSeen(
        at=after(100 * number + 5), call=CALLS[number], graph_id=GRAPHS[number], sequence=2, users=(ANA,)
    )
    hung_up(tell(rung(floor, number), seen), number)
    return tell(floor, e.WrapUpEnded(at=after(100 * number + 30), call=CALLS[number], by=ANA))


def test_one_missed_ring_takes_an_agent_away_unless_the_queue_says_otherwise() -> None:
    assert missed(floor_with(), 0).agents[ANA].state is AgentState.NOT_RESPONDING


def test_with_two_misses_allowed_the_second_in_a_row_takes_them_away() -> None:
    floor = missed(floor_with(misses=2), 0)
    assert floor.agents[ANA].state is AgentState.READY
    assert missed(floor, 1).agents[ANA].state is AgentState.NOT_RESPONDING


def test_a_missed_ring_does_not_improve_the_place() -> None:
    floor = floor_with(misses=2)
    assert missed(floor, 0).agents[ANA].idle_since == ready(ANA).idle_since


def test_whoever_answers_has_missed_nothing_in_a_row() -> None:
    floor = missed(answered(missed(floor_with(misses=2), 0), 1), 2)
    assert floor.agents[ANA].state is AgentState.READY


def test_whoever_says_that_they_are_ready_begins_anew() -> None:
    floor = missed(floor_with(misses=2), 0)
    tell(floor, e.WentReady(at=after(90), agent=ANA))
    assert missed(floor, 1).agents[ANA].state is AgentState.READY


def test_who_declines_too_often_in_a_row_is_on_a_break_that_says_so() -> None:
    floor = failed(floor_with(declines=2), 0, e.OfferEnd.DECLINED)
    assert floor.agents[ANA].state is AgentState.READY
    agent = failed(floor, 1, e.OfferEnd.DECLINED).agents[ANA]
    assert (agent.state, agent.reason) == (AgentState.BREAK, DECLINES)


def test_nobody_is_put_on_a_break_where_the_queue_sets_no_limit() -> None:
    floor = floor_with()
    for number in range(4):
        failed(floor, number, e.OfferEnd.DECLINED)
    assert floor.agents[ANA].state is AgentState.READY


@pytest.mark.parametrize("why", [e.OfferEnd.BUSY, e.OfferEnd.UNSURE])
def test_who_was_busy_elsewhere_or_perhaps_never_rung_has_missed_nothing(why: e.OfferEnd) -> None:
    agent = failed(floor_with(), 0, why).agents[ANA]
    assert (agent.state, agent.missed, agent.declined) == (AgentState.READY, 0, 0)
