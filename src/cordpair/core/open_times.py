"""The calendar of a queue: is it open at an instant, why not, when does that change, how long was it open.

A period is what the wall clock shows. Where clocks are put back it runs from the first time its first minute is shown
to the last time its last one is; where they are put forward, a time that is skipped stands for the instant of change.
Periods that touch or overlap are one. All instants are aware.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from cordpair.core.hours import Hours, Period, read_hours
from cordpair.core.regions import holiday_id, holiday_name
from cordpair.core.tenant import Queue
from cordpair.errors import Rejected

#: So far ahead a change is looked for.
HORIZON_DAYS = 400
_DAYS_KEPT = 1000
_MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)

#: From the first instant (UTC) to the end, which is not included.
Stretch = tuple[datetime, datetime]


def calendar_of(queue: Queue) -> "Calendar | None":
    """The calendar of a queue; None for one that is always open."""
    return calendar_for(queue.hours)


def calendar_for(hours: Hours | None) -> "Calendar | None":
    """The calendar of opening hours; None for none: always open.

    One whose hours cannot be read any more (its zone or region left the tables) counts as open: nobody is turned away
    for a mistake of ours. Who sets it up is told of it (engine/setup_check).
    """
    try:
        return _calendar(hours) if hours is not None else None
    except Rejected:
        return None


@lru_cache(maxsize=256)
def _calendar(hours: Hours) -> "Calendar":
    return Calendar(hours)


class Calendar:
    """Answers for one queue. Raises Rejected, like `read_hours`, for hours that cannot be read."""

    def __init__(self, hours: Hours) -> None:
        self._rules = read_hours(hours)
        self._days: dict[date, tuple[Stretch, ...]] = {}

    def is_open(self, at: datetime) -> bool:
        return any(begin <= at < end for begin, end in self._around(at))

    def why_closed(self, at: datetime) -> str | None:
        """`closed` | `holiday:NAME` (see regions.holiday_id) | `exception`; None while it is open.

        Whoever calls at night hears that it is night, also on a holiday.
        """
        if self.is_open(at):
            return None
        for day in self._days_around(at):
            if any(begin <= at < end for begin, end in self._stretches(day, self._of_week(day))):
                name = self._holiday(day)
                return f"holiday:{name}" if name and day not in self._rules.exceptions else "exception"
        return "closed"

    def holiday(self, at: datetime, language: str) -> str | None:
        """What the public holiday of the day that holds `at` is called in `language` (`en` or `de`)."""
        region = self._rules.holidays
        return holiday_name(region, self._local(at).date(), language) if region else None

    def next_edge(self, at: datetime) -> datetime | None:
        """The first instant (UTC) after `at` at which it opens or closes; None when there is none within 400 days."""
        return self._end(at) if self.is_open(at) else self._begin(at)

    def open_s(self, begin: datetime, end: datetime) -> float:
        """For how many seconds it is open from `begin` to `end`: time by the clock of business. 0 when none is left."""
        total, until = 0.0, begin
        for start, stop in sorted(self._between(begin, end)):
            start, stop = max(start, until), min(stop, end)
            if stop > start:
                total, until = total + (stop - start).total_seconds(), stop
        return total

    def _end(self, at: datetime) -> datetime | None:
        limit, end = at + timedelta(days=HORIZON_DAYS), at
        while end < limit:
            ends = [stop for start, stop in self._around(end) if start <= end < stop]
            if not ends:
                return end
            end = max(ends)
        return None

    def _begin(self, at: datetime) -> datetime | None:
        today = self._local(at).date()
        for number in range(HORIZON_DAYS):
            begins = [begin for begin, _ in self._open(today + timedelta(days=number)) if begin > at]
            if begins:
                return min(begins)
        return None

    def _between(self, begin: datetime, end: datetime) -> Iterator[Stretch]:
        day, last = self._local(begin).date() - timedelta(days=1), self._local(end).date()
        while day <= last:
            yield from self._open(day)
            day += timedelta(days=1)

    def _around(self, at: datetime) -> Iterator[Stretch]:
        """The stretches that may hold `at`: of its day, and of the day before, over midnight."""
        for day in self._days_around(at):
            yield from self._open(day)

    def _days_around(self, at: datetime) -> tuple[date, date]:
        today = self._local(at).date()
        return today, today - timedelta(days=1)

    def _open(self, day: date) -> tuple[Stretch, ...]:
        if day not in self._days:
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            self._days[day] = self._stretches(day, self._periods(day))
        return self._days[day]

    def _periods(self, day: date) -> tuple[Period, ...]:
        if day in self._rules.exceptions:
            return self._rules.exceptions[day]
        return () if self._holiday(day) else self._of_week(day)

    def _of_week(self, day: date) -> tuple[Period, ...]:
        return self._rules.week.get(day.weekday(), ())

    def _holiday(self, day: date) -> str | None:
        return holiday_id(self._rules.holidays, day) if self._rules.holidays else None

    def _stretches(self, day: date, periods: Iterable[Period]) -> tuple[Stretch, ...]:
        found = [(self._instant(day, opens), self._instant(day, closes - 1, last=True)) for opens, closes in periods]
        return tuple((begin, end) for begin, end in found if begin < end)

    def _instant(self, day: date, minute: int, *, last: bool = False) -> datetime:
        """When the wall clock begins to show this minute of `day` for the first time, or ends to for the last."""
        wall = datetime.combine(day, time()) + timedelta(minutes=minute)
        early, late = (wall.replace(tzinfo=self._rules.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if self._local(early) == wall:
            return late + _MINUTE if last else early
        # Skipped. Then the later fold is reckoned by the new offset and lies before the change, the other behind it.
        return self._change(late, early)

    def _change(self, before: datetime, behind: datetime) -> datetime:
        """The instant between two at which the clocks are put forward, to the second."""
        offset = self._offset(before)
        while behind - before > _SECOND:
            middle = before + timedelta(seconds=(behind - before) // _SECOND // 2)
            before, behind = (middle, behind) if self._offset(middle) == offset else (before, middle)
        return behind

    def _offset(self, at: datetime) -> timedelta | None:
        return at.astimezone(self._rules.zone).utcoffset()

    def _local(self, at: datetime) -> datetime:
        """What the wall clock shows at `at`."""
        return at.astimezone(self._rules.zone).replace(tzinfo=None, fold=0)
