"""Teams presence is a hint with an age: it holds back, never frees, and what is old or told twice changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState, Presence, Talk
from cordpair.core.availability import is_on_another_call, looks_again_at, may_be_rung, rung_for
from cordpair.core.floor import Floor
from cordpair.core.ids import QueueId
from cordpair.core.queue_rules import StalePolicy
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, MEMBERS, NOON, QUEUE, after, ready

STRICT = replace(QUEUE, id=QueueId("strict"), resource_account="account-strict", stale=StalePolicy.BLOCK)
QUEUES = {QUEUE.id: QUEUE, STRICT.id: STRICT}
IN_A_CALL = Presence(availability="Busy", activity="InACall", sequence=3, at=NOON)


def ana(**more: Any) -> Agent:
    return replace(ready(ANA), queues=(QUEUE.id, STRICT.id), **more)


def seen(availability: str, sequence: int = 0, seconds: float = 0, *, is_read: bool = False) -> e.PresenceSeen:
    told: dict[str, Any] = {"availability": availability, "activity": availability}
    told |= {"sequence": sequence, "is_read": is_read}
    return e.PresenceSeen(at=after(seconds), agent=ANA, **told)


def test_a_stale_presence_lets_calls_of_trusting_queues_through_and_of_blocking_ones_not() -> None:
    assert rung_for(ana(presence=IN_A_CALL), QUEUES, after(91)) == frozenset({MEMBERS})


def test_before_it_is_stale_it_holds_the_agent_back_from_all() -> None:
    assert rung_for(ana(presence=IN_A_CALL), QUEUES, after(90)) == frozenset()


def test_a_presence_that_lets_through_never_grows_stale() -> None:
    free = replace(IN_A_CALL, availability="Available", activity="Available")
    assert rung_for(ana(presence=free), QUEUES, after(9_000)) is None


def test_where_all_queues_block_nobody_looks_again_by_the_clock() -> None:
    agent = replace(ana(presence=IN_A_CALL), queues=(STRICT.id,))
    assert looks_again_at(agent, QUEUES, after(1)) is None


@pytest.mark.parametrize("late_s", [0, 40, 60])
def test_a_busy_notice_of_our_own_call_does_not_hold_back_however_late_it_comes(late_s: float) -> None:
    talk = Talk(since=after(-300), until=after(-late_s))
    assert may_be_rung(ana(presence=IN_A_CALL, talk=talk), QUEUES, after(1))


def test_a_busy_notice_long_after_our_call_is_of_another_call() -> None:
    agent = ana(presence=IN_A_CALL, talk=Talk(since=after(-300), until=after(-61)))
    assert not may_be_rung(agent, QUEUES, after(1))
    assert is_on_another_call(agent)


def test_a_busy_notice_from_before_our_ring_is_of_another_call() -> None:
    talk = Talk(since=after(10), until=after(60))
    assert not may_be_rung(ana(presence=IN_A_CALL, talk=talk), QUEUES, after(61))


def test_a_ring_that_found_the_client_busy_is_believed_right_after_our_call_too() -> None:
    talk = Talk(since=after(-300), until=after(-5))
    assert not may_be_rung(ana(presence=replace(IN_A_CALL, was_rung=True), talk=talk), QUEUES, after(1))


def test_do_not_disturb_is_nobodys_call_and_holds_back_right_after_one() -> None:
    talk = Talk(since=after(-300), until=after(-5))
    quiet = replace(IN_A_CALL, availability="DoNotDisturb", activity="DoNotDisturb")
    assert not may_be_rung(ana(presence=quiet, talk=talk), QUEUES, after(1))


def test_a_notice_never_frees_an_agent_who_is_bound() -> None:
    floor = Floor([QUEUE], [replace(ready(ANA), state=AgentState.WRAP_UP)])
    fold.apply(floor, seen("Available"))
    assert floor.agents[ANA].state is AgentState.WRAP_UP


def test_the_same_notice_again_makes_the_presence_no_younger() -> None:
    floor = Floor([QUEUE], [ready(ANA)])
    fold.apply(floor, seen("Busy", 7))
    with pytest.raises(IllegalEvent, match="stale_presence"):
        fold.apply(floor, seen("Busy", 7, 60))


def test_what_was_asked_for_says_that_it_still_is_so() -> None:
    floor = Floor([QUEUE], [ready(ANA)])
    fold.apply(floor, seen("Busy", 7))
    fold.apply(floor, seen("Busy", 7, 60, is_read=True))
    found = floor.agents[ANA].presence
    assert found is not None
    assert found.at == after(60)


notices = st.lists(st.tuples(st.sampled_from(["Available", "Busy", "Away", "Offline"]), st.integers(0, 6)), max_size=8)


@given(notices, st.randoms(use_true_random=False))
def test_in_whatever_order_notices_come_and_come_again_the_newest_counts(
    told: list[tuple[str, int]], chance: Any
) -> None:
    """Each numbered notice once by its number, then some of them again, in any order."""
    numbered = [seen(what, number + 1) for number, (what, _) in enumerate(told)]
    mixed = numbered + [notice for notice, (_, again) in zip(numbered, told, strict=True) for _ in range(again % 3)]
    chance.shuffle(mixed)
    floor = Floor([QUEUE], [replace(ready(ANA), state=AgentState.BREAK)])
    for second, notice in enumerate(mixed):
        try:
            fold.apply(floor, replace(notice, at=NOON + timedelta(seconds=second)))
        except IllegalEvent:
            continue
    found = floor.agents[ANA].presence
    assert (found.availability if found else None) == (told[-1][0] if told else None)
