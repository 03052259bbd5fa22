"""How long is waited before another try: our own pauses, and every word of a Retry-After."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.core.retry import FIRST_PAUSE_S, LONGEST_PAUSE_S, asked_s, http_date, pause_s

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MOST = 300.0

WORDS: dict[str, float | None] = {
    "5": 5,
    " 5 ": 5,
    "2.5": 2.5,
    "0": 0,
    "-3": None,
    "-99999999999999999999": None,
    "86400": MOST,
    "31536000": MOST,  # a year
    "99999999999999999999": MOST,
    "Mon, 02 Nov 2026 12:00:09 GMT": 9,
    "Monday, 02-Nov-26 12:00:09 GMT": 9,  # the obsolete form of RFC 850
    "Mon, 02 Nov 2026 13:00:09 +0100": 9,
    "Mon, 02 Nov 2020 12:00:09 GMT": 0,
    "Tue, 02 Nov 2027 12:00:00 GMT": MOST,
    "Fri, 31 Dec 9999 23:59:59 GMT": MOST,
    "Mon, 02 Nov 2026 12:00:09": None,  # of no zone
    "Mon, 99 Nov 2026 12:00:09 GMT": None,
    "Mon, 02 Nov 99999999999 12:00:09 GMT": None,
    "nan": None,
    "inf": None,
    "1e3": None,
    "1_0": None,
    "٥": None,
    "soon": None,
    "": None,
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_retry_after_means_so_many_seconds(word: str) -> None:
    assert asked_s(word, since=NOON, most_s=MOST) == WORDS[word]


def test_a_date_says_nothing_to_whoever_does_not_know_the_time() -> None:
    assert asked_s("Mon, 02 Nov 2026 12:00:09 GMT", since=None, most_s=MOST) is None


@given(st.text())
def test_no_word_breaks_the_reading_or_holds_us_longer_than_the_most(word: str) -> None:
    seconds = asked_s(word, since=NOON, most_s=MOST)
    assert seconds is None or 0 <= seconds <= MOST


@given(st.text())
def test_no_date_header_breaks_the_reading(word: str) -> None:
    http_date(word)


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (10, 256), (11, 300), (5000, 300)]
)
def test_each_pause_is_twice_the_last_up_to_five_minutes(attempts: int, longest: float) -> None:
    assert pause_s(attempts, 1.0) == longest


@pytest.mark.parametrize("chance", [0.0, 0.3, 1.0])
def test_chance_spreads_the_pause_over_its_upper_half(chance: float) -> None:
    assert pause_s(3, chance) == 2 * (0.5 + chance / 2)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_no_pause_is_shorter_than_half_the_first_or_longer_than_the_longest(attempts: int, chance: float) -> None:
    assert FIRST_PAUSE_S / 2 <= pause_s(attempts, chance) <= LONGEST_PAUSE_S
