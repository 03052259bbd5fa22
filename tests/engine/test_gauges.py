"""Metrics tell of the floors: who waits, who stuck, how long the answered ones waited."""

from datetime import datetime, timedelta

from cordpair.core import events as e
from cordpair.engine.gauges import Gauges
from cordpair.telemetry import Metrics
from tests.core.people import ANA, CALL, GRAPH, NOON, TENANT, after, arrived, floor_with, ready, tell


class Standing:
    """A clock that stands until it is moved."""

    rate = 1.0

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_a_waiting_call_is_counted_with_its_age() -> None:
    metrics, clock, floor = Metrics(), Standing(), tell(floor_with(), arrived())
    tell(floor, e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    clock.seconds = 30
    Gauges(metrics, clock, clock, lambda: {TENANT: floor}).look()
    assert value(metrics, "cc_queue_waiting", tenant=TENANT, queue="members") == 1
    assert value(metrics, "cc_queue_longest_wait_seconds", tenant=TENANT, queue="members") == 30


def test_of_an_organisation_that_another_node_works_for_now_nothing_is_told() -> None:
    metrics, clock, floors = Metrics(), Standing(), {TENANT: tell(floor_with(ready(ANA)), arrived())}
    gauges = Gauges(metrics, clock, clock, lambda: floors)
    gauges.look()
    floors.clear()
    gauges.look()
    assert b"members" not in metrics.exposition()[0]


def test_stuck_calls_return_to_nought_when_they_move_on() -> None:
    metrics, clock, floor = Metrics(), Standing(), tell(floor_with(), arrived())
    gauges = Gauges(metrics, clock, clock, lambda: {TENANT: floor})
    clock.seconds = 200
    gauges.look()
    assert value(metrics, "cc_stuck_calls") == 1
    tell(floor, e.CallEnded(at=after(200), call=CALL, graph_id=GRAPH, inferred=True))
    gauges.look()
    assert value(metrics, "cc_stuck_calls") == 0


def test_arrivals_and_waits_are_counted_once() -> None:
    metrics, clock = Metrics(), Standing()
    gauges = Gauges(metrics, clock, clock, dict)
    floor = tell(floor_with(ready(ANA)), arrived(), e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    tell(floor, e.RosterSeen(at=after(6), call=CALL, graph_id=GRAPH, sequence=2, users=(ANA,)))
    gauges.count(TENANT, floor, floor.take_changes())
    gauges.count(TENANT, floor, floor.take_changes())
    assert value(metrics, "cc_calls_offered_total", tenant=TENANT, queue="members") == 1
    assert value(metrics, "cc_call_wait_seconds_sum") == 6
