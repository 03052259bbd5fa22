"""Public holidays of countries and their parts, by the calendar of the `holidays` library."""

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

#: How the library calls the languages in which we name a holiday; a country that lacks one uses its own.
_LANGUAGES = {"en": "en_US", "de": "de"}


def knows_region(region: str) -> bool:
    """Whether there is such a country (`DE`) or part of one (`DE-BE`; ISO 3166)."""
    try:
        _calendar(region, "en")
    except NotImplementedError:
        return False
    return True


def holiday_name(region: str, day: date, language: str) -> str | None:
    """What the public holiday on `day` is called in `language` (`en` or `de`); None on any other day.

    Raises NotImplementedError for a region that there is not.
    """
    return _calendar(region, language).get(day)


def holiday_id(region: str, day: date) -> str | None:
    """The holiday's English name as a slug (`christmas_day`); None on any other day."""
    name = holiday_name(region, day, "en")
    return None if name is None else re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or day.isoformat()


@lru_cache(maxsize=64)
def _calendar(region: str, language: str) -> "HolidayBase":
    # It knows some two hundred countries and takes a second to say so: who keeps no holidays need not wait for it.
    from holidays import country_holidays

    country, _, part = region.partition("-")
    return country_holidays(country, subdiv=part or None, language=_LANGUAGES[language])
