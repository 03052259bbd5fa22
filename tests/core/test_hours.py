"""Opening hours as people write them: what is understood, and what is refused with its field."""

from datetime import date
from typing import Any

import pytest

from cordpair.core.hours import Hours, read_hours
from cordpair.errors import Rejected

WEEK = ("mon-fri 08:00-17:00",)


def hours(**fields: Any) -> Hours:
    return Hours(**({"time_zone": "Europe/Berlin", "week": WEEK} | fields))


def test_a_line_of_the_week_is_for_all_its_days() -> None:
    rules = read_hours(hours(week=("mon-wed 08:00-12:00, 13:00-17:00", "sat 10:00-24:00")))
    office = ((480, 720), (780, 1020))
    assert rules.week == {0: office, 1: office, 2: office, 5: ((600, 1440),)}


def test_days_may_run_over_the_end_of_the_week() -> None:
    assert set(read_hours(hours(week=("sat-mon 10:00-11:00",))).week) == {5, 6, 0}


def test_a_period_over_midnight_ends_on_the_next_day() -> None:
    assert read_hours(hours(week=("fri 22:00-02:00",))).week == {4: ((1320, 1560),)}


def test_an_exception_is_a_day_or_a_run_of_days() -> None:
    rules = read_hours(hours(exceptions=("2026-12-24 08:00-12:00", "2026-12-30..2027-01-01 closed")))
    assert rules.exceptions == {
        date(2026, 12, 24): ((480, 720),),
        date(2026, 12, 30): (),
        date(2026, 12, 31): (),
        date(2027, 1, 1): (),
    }


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"time_zone": "Berlin"}, 'time_zone: "Berlin" is no name'),
        ({"time_zone": ""}, 'time_zone: "" is no name'),
        ({"holidays": "XX"}, 'holidays: "XX" is no country'),
        ({"holidays": "DE-ZZ"}, 'holidays: "DE-ZZ" is no country'),
        ({"week": ()}, "week: says of no day"),
        ({"week": ("mo-fr 08:00-17:00",)}, 'week: "mo-fr 08:00-17:00" is not like'),
        ({"week": ("xyz 08:00-17:00",)}, 'week: "xyz 08:00-17:00" is not like'),
        ({"week": ("mon closed",)}, 'week: "mon closed": "closed" is not like 08:00-12:00'),
        ({"week": ("mon 8-12",)}, '"8-12" is not like 08:00-12:00'),
        ({"week": ("mon 08:00-24:30",)}, '"08:00-24:30" is not like'),
        ({"week": ("mon 08:00-12:00,",)}, '"" is not like 08:00-12:00'),
        ({"week": ("mon 08:00-08:00",)}, "closes when it opens"),
        ({"week": ("mon 08:00-12:00, 11:00-13:00",)}, "week: periods of mon overlap"),
        ({"week": ("mon 08:00-12:00", "sun-tue 11:59-13:00")}, "week: periods of mon overlap"),
        ({"week": ("mon 22:00-02:00", "tue 01:00-03:00")}, "week: periods of mon and tue overlap"),
        ({"week": ("sun 22:00-02:00", "mon 01:00-03:00")}, "week: periods of sun and mon overlap"),
        ({"exceptions": ("24.12.2026 closed",)}, 'exceptions: "24.12.2026 closed" is not like'),
        ({"exceptions": ("2026-02-30 closed",)}, "names a day that there is not"),
        ({"exceptions": ("2026-12-31..2026-12-24 closed",)}, "ends before it begins"),
        ({"exceptions": ("2026-12-24 closed", "2026-12-23..2026-12-24 closed")}, "2026-12-24 stands there twice"),
        ({"exceptions": ("2026-12-24 08:00-12:00, 11:00-13:00",)}, "exceptions: periods of 2026-12-24 overlap"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_field(fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_hours(hours(**fields))
    assert wrong in str(caught.value)


def test_periods_may_touch() -> None:
    assert read_hours(hours(week=("mon 08:00-12:00, 12:00-13:00", "sun 20:00-08:00"))).week[0] == (
        (480, 720),
        (720, 780),
    )
