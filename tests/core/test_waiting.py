"""What a call asks for while it waits: steps, delays, tiers, credit; told as lives of calls."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.effects import InviteAgent
from cordpair.core.events import Established, SignedOut, WaitGrown
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId, GraphCallId, call_id
from cordpair.core.need import AgentOrder, Compare, Comparison, Membership, Step
from cordpair.core.tenant import Queue
from tests.core.people import ANA, BEN, CALL, GRAPH, MEMBERS, NOON, QUEUE, TENANT, after, arrived, ready, tell

OTHER = GraphCallId("graph-call-2")
GERMAN_FIRST = (Step(skills=frozenset({"de"})), Step(after_s=30))


def german(agent: AgentId) -> Agent:
    return replace(ready(agent), skills=frozenset({"de"}))


def talking(agent: Agent) -> Agent:
    return replace(agent, state=AgentState.TALKING)


def floor(*agents: Agent, at: datetime = NOON, **change: Any) -> Floor:
    built = Floor([replace(QUEUE, **change)], agents)
    fold.reopen(built, at)
    return built


def call(floor: Floor, graph: GraphCallId = GRAPH, at: float = 0) -> Floor:
    """A call arrives and is answered."""
    established = Established(at=after(at), call=call_id(TENANT, graph), graph_id=graph)
    return tell(floor, arrived(at, graph=graph), established)


def rung(floor: Floor) -> list[AgentId]:
    return [effect.agent for effect in floor.changes.effects if isinstance(effect, InviteAgent)]


def waits_until(floor: Floor, graph: GraphCallId = GRAPH) -> datetime | None:
    timer = floor.changes.timers.get(f"wait:{call_id(TENANT, graph)}")
    return timer.run_at if timer else None


def grown(at: float, graph: GraphCallId = GRAPH) -> WaitGrown:
    return WaitGrown(at=after(at), call=call_id(TENANT, graph))


def test_a_call_waits_for_the_first_step_though_others_are_ready() -> None:
    told = call(floor(ready(ANA), talking(german(BEN)), steps=GERMAN_FIRST))
    assert (rung(told), waits_until(told)) == ([], after(30))


def test_when_the_step_is_over_the_wider_one_is_matched_at_once() -> None:
    told = call(floor(ready(ANA), talking(german(BEN)), steps=GERMAN_FIRST))
    tell(told, grown(30))
    assert rung(told) == [ANA]


def test_an_instant_before_the_step_is_over_nothing_widens() -> None:
    told = call(floor(ready(ANA), talking(german(BEN)), steps=GERMAN_FIRST))
    tell(told, grown(29.9))
    assert (rung(told), waits_until(told)) == ([], after(30))


def test_a_step_that_nobody_signed_in_can_serve_is_passed_over() -> None:
    absent = replace(german(BEN), state=AgentState.OFFLINE)
    assert rung(call(floor(ready(ANA), absent, steps=GERMAN_FIRST))) == [ANA]
    assert rung(call(floor(ready(ANA), absent, steps=GERMAN_FIRST, skip_if_empty=False))) == []


def test_when_the_last_who_can_serve_a_step_signs_out_it_is_passed_over() -> None:
    on_break = replace(german(BEN), state=AgentState.BREAK)
    told = call(floor(ready(ANA), on_break, steps=GERMAN_FIRST))
    assert rung(told) == []
    tell(told, SignedOut(at=after(5), agent=BEN))
    assert rung(told) == [ANA]


def test_a_floor_built_anew_goes_on_in_the_step_that_is_due() -> None:
    told = call(floor(talking(ready(ANA)), talking(german(BEN)), steps=GERMAN_FIRST))
    again = Floor(told.queues.values(), [ready(ANA), talking(german(BEN))], told.calls.values())
    fold.reopen(again, after(31))
    assert rung(again) == [ANA]


def test_the_timer_of_a_wait_ends_with_the_offer() -> None:
    told = call(floor(ready(ANA), talking(german(BEN)), steps=GERMAN_FIRST))
    tell(told, grown(30))
    assert told.changes.timers[f"wait:{CALL}"] is None


def test_a_queue_without_steps_needs_no_timer() -> None:
    told = call(floor(talking(ready(ANA))))
    assert f"wait:{CALL}" not in told.changes.timers


def test_the_best_skilled_agent_is_rung_first() -> None:
    best = (Step(require=Compare("billing", Comparison.AT_LEAST, 2), order=AgentOrder.BEST_SKILL),)
    agents = [replace(ready(ANA, 99), attributes={"billing": 2}), replace(ready(BEN), attributes={"billing": 5})]
    assert rung(call(floor(*agents, steps=best))) == [BEN]


def test_in_turn_the_agent_who_was_offered_a_call_longest_ago_is_rung() -> None:
    agents = [replace(ready(ANA, 99), offered_at=after(-10)), replace(ready(BEN), offered_at=after(-20))]
    assert rung(call(floor(*agents, order=AgentOrder.ROUND_ROBIN))) == [BEN]


def test_calls_are_hidden_from_a_second_team_until_the_delay_is_over() -> None:
    second = replace(ready(ANA), memberships=(Membership(MEMBERS, delay_s=15),))
    told = call(floor(second))
    assert (rung(told), waits_until(told)) == ([], after(15))
    tell(told, grown(15))
    assert rung(told) == [ANA]


def test_an_agent_takes_the_call_of_the_queue_that_comes_first_for_them() -> None:
    orders = Queue(id=type(MEMBERS)("orders"), name="Orders", resource_account="account-orders")
    ana = replace(talking(ready(ANA)), queues=(MEMBERS, orders.id), memberships=(Membership(MEMBERS, priority=2),))
    told = Floor([QUEUE, orders], [ana])
    call(told)
    dialled = replace(arrived(5, graph=OTHER), dialled=orders.resource_account)
    tell(told, dialled, Established(at=after(5), call=dialled.call, graph_id=OTHER))
    freed = Floor(told.queues.values(), [replace(ana, state=AgentState.READY)], told.calls.values())
    fold.reopen(freed, after(6))
    assert [effect.call for effect in freed.changes.effects if isinstance(effect, InviteAgent)] == [dialled.call]


def two_queues(**change: Any) -> Floor:
    """Nobody is free; a call waits in the usual queue since noon, one in the changed queue since five seconds later."""
    vip = replace(QUEUE, id=type(MEMBERS)("vip"), resource_account="account-vip", **change)
    usual = replace(QUEUE, tier=1, overtake_s=600.0)
    told = Floor([usual, vip], [replace(talking(ready(ANA)), queues=(MEMBERS, vip.id))])
    call(told)
    dialled = replace(arrived(5, graph=OTHER), dialled=vip.resource_account)
    return tell(told, dialled, Established(at=after(5), call=dialled.call, graph_id=OTHER))


def first_served(told: Floor, at: float) -> GraphCallId:
    ana = replace(told.agents[ANA], state=AgentState.READY)
    freed = Floor(told.queues.values(), [ana], told.calls.values())
    fold.reopen(freed, after(at))
    (effect,) = (effect for effect in freed.changes.effects if isinstance(effect, InviteAgent))
    return effect.graph_id


def test_a_lower_tier_goes_before_whoever_waits_longer() -> None:
    assert first_served(two_queues(tier=0), 10) == OTHER


def test_whoever_has_been_overtaken_long_enough_goes_with_the_first_tier() -> None:
    assert waits_until(two_queues(tier=0)) == after(600)
    assert first_served(two_queues(tier=0), 600) == GRAPH


def test_a_credit_is_a_head_start() -> None:
    assert first_served(two_queues(tier=1, credit_s=4.0), 10) == GRAPH
    assert first_served(two_queues(tier=1, credit_s=6.0), 10) == OTHER
