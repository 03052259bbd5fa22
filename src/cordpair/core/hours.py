"""When a queue is open, as people write it down: a week, holidays of a region, and exceptions by date.

One line is one rule: `mon-fri 08:00-12:00, 13:00-17:00`, `sat 22:00-02:00` (over midnight), `2026-12-24 08:00-12:00`,
`2026-12-27..2026-12-31 closed`. Times are those of the wall clock. A period belongs to the day on which it begins,
also where it ends on the next; an exception stands instead of its day's week, and before a holiday.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from cordpair.core.regions import knows_region
from cordpair.errors import Rejected

DAY = 24 * 60  #: minutes of a wall clock
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_EXCEPTION = 366  # days

_PERIOD = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
_WEEK = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?\s+(.+)")
_EXCEPTION = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?\s+(.+)")

#: A period of a day: minutes from its midnight, the end not included. Over midnight the end is more than `DAY`.
Period = tuple[int, int]


class AtClosing(StrEnum):
    """What becomes of callers who wait when a queue closes."""

    DRAIN = "drain"  # they are served out
    MOVE = "move"  # they are handed to who gets the calls at closed hours, as far as Teams lets us


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Opening hours of a queue.

    `time_zone` is an IANA name, `week` and `exceptions` are lines as above, `holidays` is a country or a part of one
    (ISO 3166: `DE`, `DE-BE`; empty: none are kept).
    """

    time_zone: str
    week: tuple[str, ...]
    holidays: str = ""
    exceptions: tuple[str, ...] = ()
    at_closing: AtClosing = AtClosing.DRAIN


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The same, read. `week` is by weekday (Monday is 0); a day without an entry is closed."""

    zone: ZoneInfo
    week: Mapping[int, tuple[Period, ...]]
    exceptions: Mapping[date, tuple[Period, ...]]
    holidays: str


@lru_cache(maxsize=256)
def read_hours(hours: Hours) -> Rules:
    """The rules of opening hours. Raises Rejected, `field: what is wrong`."""
    try:
        zone = ZoneInfo(hours.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise Rejected(f'time_zone: "{hours.time_zone}" is no name like Europe/Berlin') from exc
    if hours.holidays and not knows_region(hours.holidays):
        raise Rejected(f'holidays: "{hours.holidays}" is no country or part of one like DE or DE-BE')
    return Rules(zone=zone, week=_week(hours.week), exceptions=_exceptions(hours.exceptions), holidays=hours.holidays)


def _week(lines: Iterable[str]) -> dict[int, tuple[Period, ...]]:
    found: dict[int, list[Period]] = {}
    for line in lines:
        match = _WEEK.fullmatch(line.strip())
        if match is None or not {match[1], match[2] or match[1]} <= set(DAYS):
            raise Rejected(f'week: "{line}" is not like "mon-fri 08:00-12:00, 13:00-17:00"')
        first, last = DAYS.index(match[1]), DAYS.index(match[2] or match[1])
        for number in range((last - first) % 7 + 1):
            found.setdefault((first + number) % 7, []).extend(_periods("week", line, match[3]))
    if not found:
        raise Rejected("week: says of no day when it is open")
    _must_not_overlap("week", ((DAYS[day], day * DAY, period) for day, periods in found.items() for period in periods))
    return {day: tuple(sorted(periods)) for day, periods in found.items()}


def _exceptions(lines: Iterable[str]) -> dict[date, tuple[Period, ...]]:
    found: dict[date, tuple[Period, ...]] = {}
    for line in lines:
        match = _EXCEPTION.fullmatch(line.strip())
        if match is None:
            raise Rejected(f'exceptions: "{line}" is not like "2026-12-24 08:00-12:00" or "2026-12-27 closed"')
        periods = () if match[3] == "closed" else tuple(sorted(_periods("exceptions", line, match[3])))
        _must_not_overlap("exceptions", ((match[1], 0, period) for period in periods))
        for day in _dates(line, match[1], match[2] or match[1]):
            if day in found:
                raise Rejected(f"exceptions: {day} stands there twice")
            found[day] = periods
    return found


def _dates(line: str, first: str, last: str) -> list[date]:
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as exc:
        raise Rejected(f'exceptions: "{line}" names a day that there is not') from exc
    count = (end - begin).days + 1
    if not 0 < count <= _LONGEST_EXCEPTION:
        raise Rejected(f'exceptions: "{line}" ends before it begins, or is longer than a year')
    return [begin + timedelta(days=number) for number in range(count)]


def _periods(field: str, line: str, text: str) -> list[Period]:
    return [_period(field, line, part.strip()) for part in text.split(",")]


def _period(field: str, line: str, text: str) -> Period:
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise Rejected(f'{field}: "{line}": "{text}" is not like 08:00-12:00')
    opens = int(match[1]) * 60 + int(match[2])
    closes = int(match[3]) * 60 + int(match[4]) if match[3] else DAY
    if closes == opens:
        raise Rejected(f'{field}: "{line}": {text} closes when it opens; a whole day is 00:00-24:00')
    return opens, closes if closes > opens else closes + DAY


def _must_not_overlap(field: str, periods: Iterable[tuple[str, int, Period]]) -> None:
    """`periods` are (what their day is called, its first minute, the period). A week's end runs into its beginning."""
    ordered = sorted((start + opens, start + closes, name) for name, start, (opens, closes) in periods)
    if field == "week":
        ordered += [(opens + 7 * DAY, closes + 7 * DAY, name) for opens, closes, name in ordered[:1]]
    for (_, closes, before), (opens, _, name) in pairwise(ordered):
        if opens < closes:
            raise Rejected(
                f"{field}: periods of {before} and {name} overlap"
                if before != name
                else f"{field}: periods of {name} overlap"
            )
