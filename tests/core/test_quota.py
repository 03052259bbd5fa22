"""Microsoft's limits: when people are warned, when callers are sent on, and that nobody is left ringing."""

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core.call import CallState, Outcome
from cordpair.core.effects import AnswerCall, RedirectCall, RejectCall
from cordpair.core.floor import Floor
from cordpair.core.ids import GraphCallId, call_id
from cordpair.core.quota import Gate, QuotaAct, QuotaPolicy, QuotaUse, reached, redirects
from tests.core.people import ANA, CALL, GRAPH, NOON, QUEUE, TENANT, after, arrived, floor_with, ready, tell

FALLBACK, OF_QUEUE = "fallback-of-all", "fallback-of-the-queue"
SECOND = GraphCallId("graph-call-2")


def floor_at(month: int, *, fallback: str = FALLBACK) -> Floor:
    """A floor that has had `month` calls of ten, with one agent who is ready."""
    floor = floor_with(ready(ANA))
    floor.gate = Gate(policy=QuotaPolicy(calls_per_month=10), fallback_user=fallback)
    floor.count_month(NOON, month)
    return floor


@pytest.mark.parametrize(
    ("month", "concurrent", "step"),
    [
        (6_999, 69, 0),
        (7_000, 0, 70),
        (0, 70, 70),
        (8_999, 89, 70),
        (9_000, 0, 90),
        (0, 99, 90),
        (10_000, 0, 100),
        (0, 100, 100),
    ],
)
def test_a_step_is_reached_by_either_limit(month: int, concurrent: int, step: int) -> None:
    assert reached(QuotaPolicy(), QuotaUse(month=month, concurrent=concurrent)) == step


@pytest.mark.parametrize(
    ("policy", "month", "sent_on"),
    [
        (QuotaPolicy(), 9_999, False),
        (QuotaPolicy(), 10_000, True),
        (QuotaPolicy(at_90=QuotaAct.REDIRECT), 9_000, True),
        (QuotaPolicy(at_70=QuotaAct.REDIRECT), 6_999, False),
        (QuotaPolicy(at_100=QuotaAct.WARN), 10_000, False),
    ],
)
def test_calls_are_sent_on_where_a_step_that_is_reached_says_so(policy: QuotaPolicy, month: int, sent_on: bool) -> None:
    assert redirects(policy, QuotaUse(month=month)) is sent_on


def test_the_last_allowed_call_is_answered_and_the_next_one_is_sent_on() -> None:
    floor = tell(floor_at(9), arrived(0), arrived(1, graph=SECOND))
    second = call_id(TENANT, SECOND)
    assert floor.take_changes().effects == [
        AnswerCall(call=CALL, graph_id=GRAPH),
        RedirectCall(call=second, graph_id=SECOND, target=FALLBACK),
    ]
    sent_on = floor.calls[second]
    assert (sent_on.state, sent_on.outcome, sent_on.outcome_reason) == (CallState.CLOSED, Outcome.FLOWED_OUT, "quota")
    assert sent_on.queue == QUEUE.id


def test_the_queue_s_own_fallback_goes_before_the_organisation_s() -> None:
    floor = floor_at(10)
    floor.queues[QUEUE.id] = replace(QUEUE, fallback_user=OF_QUEUE)
    (order,) = tell(floor, arrived(0)).take_changes().effects
    assert isinstance(order, RedirectCall)
    assert order.target == OF_QUEUE


def test_without_a_fallback_the_caller_hears_that_we_are_busy() -> None:
    floor = tell(floor_at(10, fallback=""), arrived(0))
    assert floor.take_changes().effects == [RejectCall(call=CALL, graph_id=GRAPH, reason="busy")]


def test_calls_that_stand_count_until_they_end() -> None:
    floor = floor_at(0)
    floor.gate = Gate(policy=QuotaPolicy(concurrent_calls=1), fallback_user=FALLBACK)
    third = GraphCallId("graph-call-3")
    tell(floor, arrived(0), arrived(1, graph=SECOND), e.CallEnded(at=after(2), call=CALL, graph_id=GRAPH))
    tell(floor, arrived(3, graph=third))
    orders = [type(order) for order in floor.take_changes().effects]
    assert orders == [AnswerCall, RedirectCall, AnswerCall]


def test_a_call_that_is_answered_already_is_never_sent_on() -> None:
    floor = tell(floor_at(10), e.Established(at=after(0), call=CALL, graph_id=GRAPH), arrived(1))
    assert floor.calls[CALL].state is not CallState.CLOSED
    assert not any(isinstance(order, RedirectCall | RejectCall) for order in floor.take_changes().effects)


def test_one_call_is_counted_once_however_often_it_is_told() -> None:
    floor = tell(floor_at(0), arrived(0), e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    assert floor.month_calls == 1


def test_a_call_that_was_heard_of_before_does_not_count_against_itself() -> None:
    nobody = e.RosterSeen(at=after(0), call=CALL, graph_id=GRAPH, sequence=1, users=())
    floor = tell(floor_at(9), nobody)
    assert floor.month_calls == 10
    assert tell(floor, arrived(1)).calls[CALL].state is CallState.RINGING


def test_a_call_that_has_ended_before_it_arrived_is_not_sent_on() -> None:
    floor = tell(floor_at(10), e.CallEnded(at=after(0), call=CALL, graph_id=GRAPH), arrived(1))
    assert floor.calls[CALL].outcome is Outcome.ABANDONED
