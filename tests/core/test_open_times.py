"""The calendar of a queue: open or not, why not, until when, for how long; also where clocks are changed."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cordpair.core.hours import DAYS, Hours, Period
from cordpair.core.open_times import Calendar

BERLIN = "Europe/Berlin"
MINUTE = timedelta(minutes=1)


def calendar(*week: str, zone: str = BERLIN, **fields: Any) -> Calendar:
    return Calendar(Hours(time_zone=zone, week=week, **fields))


def at(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFICE = calendar("mon-fri 08:00-12:00, 13:00-17:00", holidays="DE-BE", exceptions=("2026-12-24 08:00-12:00",))


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-11-24 07:59:59", False),
        ("2026-11-24 08:00", True),
        ("2026-11-24 12:00", False),
        ("2026-11-24 13:00", True),
        ("2026-11-24 16:59:59", True),
        ("2026-11-24 17:00", False),
        ("2026-11-28 10:00", False),
    ],
)
def test_the_beginning_belongs_to_a_period_and_the_end_does_not(when: str, is_open: bool) -> None:
    assert OFFICE.is_open(at(when)) is is_open


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("2026-12-23 10:00", None),
        ("2026-12-23 20:00", "closed"),
        ("2026-12-24 10:00", None),
        ("2026-12-24 14:00", "exception"),
        ("2026-12-25 10:00", "holiday:christmas_day"),
        ("2026-12-25 20:00", "closed"),
        ("2026-12-26 10:00", "closed"),  # a holiday too, but a Saturday first
    ],
)
def test_the_reason_is_the_hour_before_it_is_the_day(when: str, why: str | None) -> None:
    assert OFFICE.why_closed(at(when)) == why


@pytest.mark.parametrize(("region", "is_open"), [("DE-BW", False), ("DE-BE", True), ("DE", True), ("", True)])
def test_holidays_are_those_of_the_region(region: str, is_open: bool) -> None:
    epiphany = at("2026-01-06 10:00")
    assert calendar("mon-fri 08:00-17:00", holidays=region).is_open(epiphany) is is_open


def test_an_exception_opens_a_holiday() -> None:
    open_days = calendar("mon-sun 08:00-17:00", holidays="DE", exceptions=("2026-12-25 10:00-11:00",))
    assert open_days.is_open(at("2026-12-25 10:30"))
    assert open_days.why_closed(at("2026-12-25 12:00")) == "exception"


def test_a_holiday_has_a_name_in_the_language_of_who_asks() -> None:
    christmas = at("2026-12-25 10:00")
    assert [OFFICE.holiday(christmas, language) for language in ("de", "en")] == [
        "Erster Weihnachtstag",
        "Christmas Day",
    ]
    assert OFFICE.holiday(at("2026-12-23 10:00"), "en") is None


def test_the_evening_before_a_holiday_is_served_to_its_end() -> None:
    night = calendar("mon-sun 22:00-02:00", holidays="DE")
    assert night.is_open(at("2026-12-25 01:59"))
    assert night.why_closed(at("2026-12-25 23:00")) == "holiday:christmas_day"
    assert night.why_closed(at("2026-12-26 01:00")) == "holiday:christmas_day"


def test_the_next_edge_jumps_over_nights_holidays_and_weekends() -> None:
    assert OFFICE.next_edge(at("2026-12-24 09:00")) == at("2026-12-24 12:00")
    assert OFFICE.next_edge(at("2026-12-24 12:00")) == at("2026-12-28 08:00")


def test_days_that_touch_at_midnight_are_one_stretch() -> None:
    assert calendar("mon-tue 00:00-24:00").next_edge(at("2026-11-23 10:00")) == at("2026-11-25 00:00")


def test_what_is_always_open_has_no_edge() -> None:
    assert calendar("mon-sun 00:00-24:00").next_edge(at("2026-11-23 10:00")) is None


def test_what_has_had_its_last_day_has_no_edge() -> None:
    over = calendar("mon 08:00-09:00", exceptions=tuple(f"{year}-01-01..{year}-12-31 closed" for year in (2027, 2028)))
    assert over.next_edge(at("2026-12-28 09:00")) is None


# Clocks are put forward at 02:00 on 29 March 2026 and put back at 03:00 on 25 October


def test_an_hour_that_is_skipped_is_not_open() -> None:
    early = calendar("sun 02:00-03:00")
    assert early.open_s(at("2026-03-29 00:00"), at("2026-03-30 00:00")) == 0
    assert early.next_edge(at("2026-03-28 12:00")) == at("2026-04-05 02:00")


def test_a_beginning_that_is_skipped_is_the_instant_of_the_change() -> None:
    assert calendar("sun 02:30-04:00").next_edge(at("2026-03-29 00:00")) == utc("2026-03-29 01:00")


def test_an_end_that_is_skipped_is_the_instant_of_the_change() -> None:
    assert calendar("sun 01:00-02:30").next_edge(at("2026-03-29 01:30")) == utc("2026-03-29 01:00")


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    early = calendar("sun 02:00-03:00")
    opens = early.next_edge(at("2026-10-25 00:00"))
    assert opens == utc("2026-10-25 00:00")
    assert early.next_edge(opens) == utc("2026-10-25 02:00")


def test_a_period_that_ends_in_the_hour_that_comes_twice_ends_the_second_time() -> None:
    assert calendar("sun 01:00-02:30").next_edge(at("2026-10-25 01:30")) == utc("2026-10-25 01:30")


@pytest.mark.parametrize(
    ("day", "open_hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)]
)
def test_a_day_has_as_many_hours_as_it_has(day: str, open_hours: int) -> None:
    midnight = at(day)
    next_midnight = at(str(date.fromisoformat(day) + timedelta(days=1)))
    assert calendar("mon-sun 00:00-24:00").open_s(midnight, next_midnight) == open_hours * 3600


def test_office_hours_stay_where_the_wall_clock_has_them() -> None:
    week = calendar("mon-fri 08:00-17:00")
    assert week.next_edge(utc("2026-03-27 20:00")) == utc("2026-03-30 06:00")
    assert week.next_edge(utc("2026-10-23 20:00")) == utc("2026-10-26 07:00")


# Time by the clock of business


def test_only_open_time_counts_between_two_instants() -> None:
    monday_evening, wednesday_morning = at("2026-11-23 16:30"), at("2026-11-25 09:00")
    assert OFFICE.open_s(monday_evening, wednesday_morning) == (0.5 + 8 + 1) * 3600


def test_no_time_passes_backwards() -> None:
    assert OFFICE.open_s(at("2026-11-24 10:00"), at("2026-11-24 09:00")) == 0


def test_time_is_counted_once_where_a_day_runs_into_an_exception() -> None:
    night = calendar("mon-sun 22:00-02:00", exceptions=("2026-11-25 01:00-03:00",))
    assert night.open_s(at("2026-11-24 12:00"), at("2026-11-25 12:00")) == 5 * 3600


# Against a clock that is looked at every minute

#: A zone, and a day on which its clocks are changed; the last two have none near.
CHANGES = [
    (BERLIN, date(2026, 3, 29)),
    (BERLIN, date(2026, 10, 25)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/Havana", date(2026, 3, 8)),  # at midnight
    ("America/Havana", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # by half an hour
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Asia/Kathmandu", date(2026, 5, 1)),
    ("UTC", date(2026, 5, 1)),
]

minutes = st.integers(0, 23 * 60 + 59) | st.sampled_from([0, 30, 60, 90, 120, 150, 180, 210])
periods_drawn = st.lists(st.tuples(minutes, minutes).filter(lambda it: it[0] != it[1]), max_size=2)


def apart(drawn: dict[int, list[Period]], whole: int) -> dict[int, list[Period]]:
    """The periods of each day that overlap none before them; after `whole` minutes it begins anew."""
    taken: set[int] = set()
    kept: dict[int, list[Period]] = {day: [] for day in drawn}
    for day, periods in drawn.items():
        for opens, closes in periods:
            span = {(day * 1440 + opens + n) % whole for n in range((closes - opens) % 1440)}
            if not span & taken:
                taken |= span
                kept[day].append((opens, closes))
    return kept


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def written(periods: list[Period]) -> str:
    return ", ".join(f"{clock(opens)}-{clock(closes)}" for opens, closes in periods) or "closed"


@st.composite
def cases(draw: st.DrawFn) -> tuple[Calendar, str, date, dict[date, list[Period]]]:
    """A calendar, its zone, a day of change, and what the days around it have for periods."""
    zone, change = draw(st.sampled_from(CHANGES))
    week = apart({day: draw(periods_drawn) for day in range(7)}, 7 * 1440)
    drawn = draw(st.dictionaries(st.integers(-1, 1), periods_drawn))
    special = {change + timedelta(days=n): apart({0: drawn[n]}, 2 * 1440)[0] for n in drawn}
    lines = [f"{DAYS[day]} {written(periods)}" for day, periods in week.items() if periods]
    exceptions = tuple(f"{day} {written(periods)}" for day, periods in special.items())
    assume(lines)
    found = calendar(*lines, zone=zone, exceptions=exceptions)
    around = [change + timedelta(days=n) for n in range(-4, 6)]
    return found, zone, change, {day: special.get(day, week[day.weekday()]) for day in around}


def scanned(zone: str, change: date, days: dict[date, list[Period]]) -> dict[datetime, bool]:
    """Whether each minute of some days is open: from the first that a period's wall clock shows to the last."""
    begin = datetime.combine(change, time(), UTC) - timedelta(days=6)
    instants = [begin + MINUTE * number for number in range(13 * 24 * 60)]
    walls = [instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for instant in instants]
    is_open = [False] * len(instants)
    for day, periods in days.items():
        midnight = datetime.combine(day, time())
        for opens, closes in periods:
            first = midnight + MINUTE * opens
            last = midnight + MINUTE * (closes if closes > opens else closes + 24 * 60)
            shown = [number for number, wall in enumerate(walls) if first <= wall < last]
            if shown:
                is_open[shown[0] : shown[-1] + 1] = [True] * (shown[-1] + 1 - shown[0])
    inside = slice(3 * 24 * 60, 9 * 24 * 60)  # where every period is known that matters
    return dict(zip(instants[inside], is_open[inside], strict=True))


@settings(max_examples=40, deadline=None)
@given(cases())
def test_it_agrees_with_a_clock_that_is_looked_at_every_minute(
    case: tuple[Calendar, str, date, dict[date, list[Period]]],
) -> None:
    found, zone, change, days = case
    seen = scanned(zone, change, days)
    assert {instant: found.is_open(instant) for instant in seen} == seen
    first, last = min(seen), max(seen)
    assert found.open_s(first, last + MINUTE) == 60 * sum(seen.values())
    edges = [instant for instant in seen if instant > first and seen[instant] != seen[instant - MINUTE]]
    assert walked(found, first, last) == edges


def walked(found: Calendar, first: datetime, last: datetime) -> list[datetime]:
    """Every edge from one to the next."""
    edges: list[datetime] = []
    edge = found.next_edge(first)
    while edge is not None and edge <= last:
        edges.append(edge)
        edge = found.next_edge(edge)
    return edges


@settings(deadline=None)
@given(cases(), st.integers(0, 5 * 24 * 3600))
def test_nothing_changes_before_the_next_edge_and_it_changes_there(
    case: tuple[Calendar, str, date, dict[date, list[Period]]], seconds: int
) -> None:
    found, _, change, _ = case
    now = datetime.combine(change, time(), UTC) + timedelta(seconds=seconds - 2 * 24 * 3600)
    edge = found.next_edge(now)
    assume(edge is not None)
    assert edge is not None
    assert found.is_open(edge) is not found.is_open(now)
    assert found.is_open(edge - timedelta(microseconds=1)) is found.is_open(now)
