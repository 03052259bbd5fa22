"""Numbers that belong to nobody, and every way in which people write them down.

Taken from the ranges that the Bundesnetzagentur and Ofcom keep free for film and television, so that a number of
the demonstration can never ring at a real person. German companies have extensions behind a free number. British
mobile numbers are left out: the free ones do not pass as valid numbers.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_GERMAN_CITIES = (("30", "23125"), ("40", "66969"), ("89", "99998"), ("69", "90009"), ("221", "4710"))
_GERMAN_MOBILES = (("176", "040690"), ("171", "39200"))
_BRITISH_CITIES = (
    *((area, "4960") for area in ("113", "114", "116", "117", "118", "121", "131", "141", "151", "161")),
    *(("191", "4980"), ("20", "79460"), ("28", "96496"), ("28", "90180"), ("29", "20180")),
)
_FIRST_TRUNK = 600  # of a German city's thousand free numbers, those from here have extensions


@dataclass(frozen=True)
class Number:
    """A number in its parts. `extension` is dialled behind `subscriber`: "0" is the switchboard."""

    country: str
    area: str
    subscriber: str
    extension: str = ""

    @property
    def e164(self) -> str:
        return f"+{self.country}{self.area}{self.subscriber}{self.extension}"

    def with_extension(self, extension: str) -> "Number":
        return Number(self.country, self.area, self.subscriber, extension)


def landlines(region: str, dice: random.Random) -> Iterator[Number]:
    """All free numbers of private people, shuffled. Round numbers are left to queues."""
    country, cities, end = ("49", _GERMAN_CITIES, _FIRST_TRUNK) if region == "DE" else ("44", _BRITISH_CITIES, 1000)
    numbers = [
        Number(country, area, f"{prefix}{place:03}") for area, prefix in cities for place in range(end) if place % 100
    ]
    dice.shuffle(numbers)
    return iter(numbers)


def mobiles(dice: random.Random) -> Iterator[Number]:
    """The few free German mobile numbers, shuffled."""
    numbers = [Number("49", area, f"{prefix}{place:02}") for area, prefix in _GERMAN_MOBILES for place in range(100)]
    dice.shuffle(numbers)
    return iter(numbers)


def trunks(dice: random.Random) -> Iterator[Number]:
    """German company numbers, without extension, shuffled."""
    numbers = [
        Number("49", area, f"{prefix}{place:03}")
        for area, prefix in _GERMAN_CITIES
        for place in range(_FIRST_TRUNK, 1000)
    ]
    dice.shuffle(numbers)
    return iter(numbers)


def _local(number: Number) -> str:
    """The part behind the area code as people group it."""
    plain = number.subscriber
    if number.country == "44":
        return f"{plain[:-4]} {plain[-4:]}"
    return f"{plain}-{number.extension}" if number.extension else plain


#: Spellings that say the country.
INTERNATIONAL: tuple[Callable[[Number], str], ...] = (
    lambda n: n.e164,
    lambda n: f"+{n.country} {n.area} {_local(n)}",
    lambda n: f"+{n.country} (0){n.area} {_local(n)}",
    lambda n: f"00{n.country} {n.area} {_local(n)}",
    lambda n: f"+{n.country}.{n.area}.{_local(n).replace(' ', '.')}",
    lambda n: f"{n.country}{n.e164[3:]}",
    lambda n: f"Tel.: +{n.country} {n.area} {_local(n)}",
    lambda n: f"\u202a+{n.country} {n.area} {_local(n)}\u202c",
)

#: Spellings that leave the country out.
NATIONAL: tuple[Callable[[Number], str], ...] = (
    lambda n: f"0{n.area} {_local(n)}",
    lambda n: f"0{n.area}{n.subscriber}{n.extension}",
    lambda n: f"0{n.area}-{_local(n).replace(' ', '-')}",
    lambda n: f"0{n.area}/{_local(n)}",
    lambda n: f"(0{n.area}) {_local(n)}",
    lambda n: f"Tel. 0{n.area} {_local(n)}",
)

#: Notes behind a number, by region.
REMARKS = {"DE": ("Zentrale", "(privat)", "bis 17 Uhr"), "GB": ("switchboard", "(home)", "after hours")}
