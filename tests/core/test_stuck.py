"""A call is stuck when its state has lasted longer than it can."""

from cordpair.core import events as e
from cordpair.core.ids import AgentId
from cordpair.core.stuck import stuck_calls
from tests.core.people import ANA, CALL, GRAPH, after, arrived, floor_with, ready, tell


def established() -> e.Established:
    return e.Established(at=after(1), call=CALL, graph_id=GRAPH)


def roster(*users: AgentId) -> e.RosterSeen:
    return e.RosterSeen(at=after(5), call=CALL, graph_id=GRAPH, sequence=2, users=users)


def ended(s: float) -> e.CallEnded:
    return e.CallEnded(at=after(s), call=CALL, graph_id=GRAPH)


def test_a_caller_who_waits_long_is_not_stuck() -> None:
    floor = tell(floor_with(), arrived(), established())
    assert stuck_calls(floor, after(3600)) == []


def test_a_call_that_nobody_answered_for_us_is_stuck_after_the_grace() -> None:
    floor = tell(floor_with(), arrived())
    assert stuck_calls(floor, after(89)) == []
    assert [call.id for call in stuck_calls(floor, after(91))] == [CALL]


def test_a_ring_that_never_ends_is_stuck() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established())
    assert stuck_calls(floor, after(20 + 90)) == []
    assert [call.id for call in stuck_calls(floor, after(1 + 20 + 91))] == [CALL]


def test_a_wrap_up_whose_deadline_did_not_come_is_stuck() -> None:
    floor = tell(floor_with(ready(ANA)), arrived(), established(), roster(ANA), ended(60))
    assert stuck_calls(floor, after(60 + 60 + 90)) == []
    assert [call.id for call in stuck_calls(floor, after(60 + 60 + 91))] == [CALL]


def test_a_closed_call_is_not_stuck() -> None:
    floor = tell(floor_with(), arrived(), established(), ended(30))
    assert stuck_calls(floor, after(100_000)) == []
