"""A call whose timer is lost is found by what it lacks, and what is told of it then brings it on."""

from collections.abc import Iterable

from cordpair.core import events as e
from cordpair.core.call import CallState
from cordpair.core.floor import Floor
from cordpair.core.overlooked import overlooked
from tests.core.people import ANA, CALL, GRAPH, after, arrived, floor_with, nth_offer, ready, tell


def offered() -> Floor:
    return tell(floor_with(ready(ANA)), arrived(), e.Established(at=after(1), call=CALL, graph_id=GRAPH))


def wrapping_up() -> Floor:
    seen = e.RosterSeen(at=after(5), call=CALL, graph_id=GRAPH, sequence=2, users=(ANA,))
    return tell(offered(), seen, e.CallEnded(at=after(60), call=CALL, graph_id=GRAPH))


def found(floor: Floor, at_s: float, timers: Iterable[str] = ()) -> list[str]:
    return [type(fact).__name__ for fact in overlooked(list(floor.calls.values()), set(timers), after(at_s))]


def keys(floor: Floor) -> set[str]:
    """The timers that the folds have set and not cancelled."""
    return {key for key, timer in floor.changes.timers.items() if timer is not None}


def test_a_call_that_has_its_timers_is_not_overlooked() -> None:
    for floor in (tell(floor_with(), arrived()), offered(), wrapping_up()):
        assert found(floor, 600, keys(floor)) == []


def test_a_call_without_a_check_is_due_to_be_re_read() -> None:
    assert found(tell(floor_with(), arrived()), 61) == ["CheckDue"]


def test_a_ring_without_its_end_is_due_to_end() -> None:
    assert found(offered(), 62, {f"check:{CALL}"}) == ["OfferTimedOut"]


def test_a_wrap_up_without_its_end_is_due_to_end_and_closes_the_call() -> None:
    floor = wrapping_up()
    assert found(floor, 600) == ["WrapUpExpired"]
    tell(floor, *overlooked(list(floor.calls.values()), (), after(600)))
    assert floor.calls[CALL].state is CallState.CLOSED


def test_what_has_only_just_begun_is_left_to_its_own_timers() -> None:
    assert found(tell(floor_with(), arrived()), 59) == []
    assert found(offered(), 60, {f"check:{CALL}"}) == []


def test_a_closed_call_lacks_nothing() -> None:
    floor = tell(floor_with(), arrived(), e.CallEnded(at=after(3), call=CALL, graph_id=GRAPH))
    assert found(floor, 600) == []


def test_a_ring_that_is_being_ended_is_not_ended_twice() -> None:
    floor = tell(offered(), e.OfferTimedOut(at=after(21), call=CALL, offer=nth_offer(1)))
    assert found(floor, 600, {f"check:{CALL}"}) == []
