"""The token bucket: no more than the rate, urgent things first, and less of all when the peer asks for less."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cordpair.core.bucket import (
    COSTS,
    LEAST_SHARE,
    PEERS,
    RATES,
    RECOVERY_S,
    Bucket,
    Peer,
    allowed,
    filled,
    opened,
    spent,
    throttled,
    turn_s,
)
from cordpair.core.effects import Lane
from tests.core.people import NOON

GRAPH = RATES[Peer.GRAPH]


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def full(peer: Peer = Peer.GRAPH) -> Bucket:
    return Bucket(rate=RATES[peer], tokens=RATES[peer].burst, at=NOON)


def emptied(bucket: Bucket, lane: Lane, now: datetime = NOON) -> tuple[Bucket, int]:
    """As many effects of `lane` as may begin, begun."""
    count = 0
    while allowed(bucket, lane, now):
        bucket, count = spent(bucket, lane, now), count + 1
    return bucket, count


def test_every_lane_has_a_peer_and_a_price() -> None:
    assert set(PEERS) == set(COSTS) == set(Lane)


def test_a_bot_sends_no_more_than_microsoft_allows_in_a_second() -> None:
    bucket, count = emptied(full(Peer.BOT), Lane.CARD)
    for hundredth in range(1, 101):
        bucket, more = emptied(bucket, Lane.CARD, after(hundredth / 100))
        count += more
    assert count == 50


def test_what_begins_without_a_token_waits_for_it() -> None:
    bucket = opened(Peer.GRAPH, NOON)
    waits = []
    for _ in range(3):
        bucket = spent(bucket, Lane.ANSWER, NOON)
        waits.append(turn_s(bucket, Lane.ANSWER, NOON))
    assert waits == [0.02, 0.04, 0.06]


def test_what_has_its_token_does_not_wait() -> None:
    assert turn_s(spent(full(), Lane.ANSWER, NOON), Lane.ANSWER, NOON) == 0.0


def test_a_pause_that_was_asked_for_is_waited_for_too() -> None:
    bucket = throttled(full(), Lane.PROMPT, NOON, 60)
    assert turn_s(spent(bucket, Lane.PROMPT, NOON), Lane.PROMPT, NOON) == 60
    assert turn_s(spent(bucket, Lane.ANSWER, NOON), Lane.ANSWER, NOON) == 0.0


def test_bulk_leaves_a_reserve_to_a_caller_who_rings() -> None:
    bucket, prompts = emptied(full(), Lane.PROMPT)
    assert prompts == GRAPH.burst - GRAPH.reserve
    assert allowed(bucket, Lane.ANSWER, NOON) == GRAPH.reserve


def test_a_check_costs_the_three_requests_that_it_makes() -> None:
    assert spent(full(), Lane.CHECK, NOON).tokens == GRAPH.burst - 3


def test_a_new_owner_begins_with_nothing_and_soon_has_something() -> None:
    bucket = opened(Peer.GRAPH, NOON)
    assert allowed(bucket, Lane.ANSWER, NOON) == 0
    assert allowed(bucket, Lane.ANSWER, after(0.02)) == 1


def test_nothing_goes_before_the_pause_is_over_that_was_asked_for() -> None:
    bucket = throttled(full(), Lane.ANSWER, NOON, 4)
    assert [allowed(bucket, lane, after(3.9)) for lane in Lane if PEERS[lane] is Peer.GRAPH] == [0, 0, 0, 0]
    assert allowed(bucket, Lane.ANSWER, after(4.1)) > 0


def test_a_throttled_prompt_leaves_nobody_ringing() -> None:
    bucket = throttled(full(), Lane.PROMPT, NOON, 300)
    assert allowed(bucket, Lane.PROMPT, after(299)) == 0
    assert allowed(bucket, Lane.ANSWER, NOON) > 0


def test_of_two_pauses_the_longer_one_holds() -> None:
    bucket = throttled(throttled(full(), Lane.ANSWER, NOON, 60), Lane.ANSWER, after(1), 5)
    assert allowed(bucket, Lane.ANSWER, after(59)) == 0
    assert allowed(bucket, Lane.ANSWER, after(61)) > 0


def test_a_throttled_prompt_does_not_shorten_the_pause_of_an_answer() -> None:
    bucket = throttled(throttled(full(), Lane.ANSWER, NOON, 60), Lane.PROMPT, after(1), 5)
    assert allowed(bucket, Lane.ANSWER, after(59)) == 0


def test_each_throttling_halves_the_rate_and_time_brings_it_back() -> None:
    once = throttled(full(), Lane.ANSWER, NOON, 0)
    twice = throttled(once, Lane.ANSWER, NOON, 0)
    assert once.asked is not None
    assert twice.asked is not None
    assert (once.asked.share, twice.asked.share) == (0.5, 0.25)
    assert once.asked.share_at(after(RECOVERY_S)) == 1.0


def test_the_rate_is_never_lowered_to_nothing() -> None:
    bucket = full()
    for _ in range(50):
        bucket = throttled(bucket, Lane.ANSWER, NOON, 0)
    assert bucket.asked is not None
    assert bucket.asked.share == LEAST_SHARE


def test_a_clock_that_goes_back_neither_fills_nor_empties() -> None:
    bucket = replace(full(), tokens=3.0)
    assert filled(bucket, after(-3600)).tokens == 3.0


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from([Lane.ANSWER, Lane.PROMPT, Lane.CHECK])), max_size=200))
def test_no_order_of_requests_gets_more_than_burst_and_rate(steps: list[tuple[float, Lane]]) -> None:
    bucket, at, cost = full(), 0.0, 0
    for pause, lane in steps:
        at += pause
        bucket, count = emptied(bucket, lane, after(at))
        cost += count * COSTS[lane]
    assert cost <= GRAPH.burst + at * GRAPH.per_s + 0.001


@pytest.mark.parametrize("peer", list(Peer))
def test_a_rate_leaves_something_to_bulk(peer: Peer) -> None:
    assert RATES[peer].reserve + max(COSTS.values()) <= RATES[peer].burst


def test_a_clock_that_goes_back_by_an_hour_costs_no_more_than_the_moment() -> None:
    bucket = replace(full(), tokens=0.0)
    hour_ago = filled(bucket, after(-3600))
    assert hour_ago.tokens == 0.0
    assert filled(hour_ago, after(-3599)).tokens == GRAPH.per_s


def test_a_pause_lasts_no_longer_than_was_asked_for_when_the_clock_goes_back() -> None:
    bucket = throttled(full(), Lane.CONTROL, NOON, 60)
    assert turn_s(bucket, Lane.CONTROL, after(-3600)) == 60
