"""A caller waits a little for the agent who talked to them last, before anybody else is rung."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import available
from cordpair.core.ids import AgentId
from tests.core.people import ANA, BEN, CALL, GRAPH, NOON, QUEUE, after, arrived, nth_offer, ready, tell

#: Ana has been idle for longer, Ben has talked to the caller.
ANA_READY, BEN_READY = ready(ANA, 90), ready(BEN, 30)
BEN_BUSY = replace(BEN_READY, state=AgentState.WRAP_UP)


def floor_with(*agents: Agent, days_ago: float = 1, **settings: Any) -> Floor:
    floor = Floor([replace(QUEUE, **{"last_agent_s": 20.0, **settings})], agents)
    fold.reopen(floor, NOON)
    known = replace(arrived(0), last_agent=BEN, last_met_at=NOON - timedelta(days=days_ago))
    return tell(floor, known, e.Established(at=NOON, call=CALL, graph_id=GRAPH))


def rung(floor: Floor) -> list[AgentId]:
    return [offer.agent for offer in floor.calls[CALL].rings]


def grown(floor: Floor) -> Floor:
    """The first instant comes at which the call asks for something else."""
    timer = floor.changes.timers[f"wait:{CALL}"]
    assert timer is not None
    return tell(floor, replace(timer.event, at=timer.run_at))


def test_the_last_agent_is_rung_before_whoever_is_idle_longest() -> None:
    assert rung(floor_with(ANA_READY, BEN_READY)) == [BEN]


def test_the_history_says_why() -> None:
    offered = [entry for entry in floor_with(ANA_READY, BEN_READY).changes.history if entry.what == "Offered"]
    assert [entry.detail["rule"] for entry in offered] == ["preferred"]


def test_while_they_write_down_another_call_nobody_else_is_rung() -> None:
    assert rung(floor_with(ANA_READY, BEN_BUSY)) == []


def test_they_are_rung_as_soon_as_they_are_ready() -> None:
    floor = floor_with(ANA_READY, BEN_BUSY)
    available(floor, floor.save_agent(BEN_READY), after(5))
    assert rung(floor) == [BEN]


def test_when_the_time_for_them_is_over_somebody_else_is_rung() -> None:
    floor = grown(floor_with(ANA_READY, BEN_BUSY))
    assert rung(floor) == [ANA]
    assert floor.calls[CALL].rings[0].made_at == after(20)


def test_an_agent_who_is_not_at_work_is_not_waited_for() -> None:
    assert rung(floor_with(ANA_READY, replace(BEN_READY, state=AgentState.OFFLINE))) == [ANA]


def test_when_they_go_home_meanwhile_somebody_else_is_rung_at_once() -> None:
    floor = floor_with(ANA_READY, replace(BEN_READY, state=AgentState.RINGING))
    floor.save_agent(replace(BEN_READY, state=AgentState.READY))
    tell(floor, e.SignedOut(at=after(3), agent=BEN))
    assert rung(floor) == [ANA]


def test_who_goes_on_a_break_is_waited_for_no_longer() -> None:
    floor = floor_with(ANA_READY, replace(BEN_READY, state=AgentState.RINGING))
    assert rung(floor) == []
    floor.save_agent(replace(BEN_READY, state=AgentState.READY))
    tell(floor, e.TookBreak(at=after(3), agent=BEN))
    assert rung(floor) == [ANA]


def test_who_says_not_now_is_not_waited_for() -> None:
    floor = tell(
        floor_with(ANA_READY, BEN_READY), e.OfferDeclined(at=after(4), call=CALL, offer=nth_offer(1), agent=BEN)
    )
    assert rung(floor) == [ANA]


def test_it_was_too_long_ago() -> None:
    assert rung(floor_with(ANA_READY, BEN_READY, days_ago=31)) == [ANA]


def test_a_queue_that_does_not_ask_for_it_rings_whoever_is_idle_longest() -> None:
    assert rung(floor_with(ANA_READY, BEN_READY, last_agent_s=0.0)) == [ANA]
