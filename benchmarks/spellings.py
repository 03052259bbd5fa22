"""Contacts of six countries, their numbers written in eleven ways, and who truly has each number. The same by seed."""

import random
from collections.abc import Callable, Iterator

import msgspec
import phonenumbers as lib

from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord, StoredPhone

REGIONS = ("DE", "AT", "CH", "GB", "US", "FR")
_KINDS = (lib.PhoneNumberType.FIXED_LINE, lib.PhoneNumberType.MOBILE)
_LAST = 6  # digits that are drawn


class Contact(msgspec.Struct, frozen=True):
    """A party, its one number in truth, and how that is written."""

    record: PartyRecord
    e164: str
    spelling: str


def _international(number: lib.PhoneNumber) -> str:
    return str(lib.format_number(number, lib.PhoneNumberFormat.INTERNATIONAL))


def _national(number: lib.PhoneNumber) -> str:
    return str(lib.format_number(number, lib.PhoneNumberFormat.NATIONAL))


def _e164(number: lib.PhoneNumber) -> str:
    return str(lib.format_number(number, lib.PhoneNumberFormat.E164))


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _zero(number: lib.PhoneNumber) -> str:
    """`+49 (0)30 …`, where the country dials a nought."""
    country, _, rest = _international(number).partition(" ")
    return f"{country} (0){rest}" if _national(number).startswith("0") else f"{country} ({rest[:3]}) {rest[4:]}"


def _slash(number: lib.PhoneNumber) -> str:
    area, _, rest = _national(number).partition(" ")
    return f"{area}/{rest}" if rest else area


def _dialled(number: lib.PhoneNumber) -> str:
    prefix = "011" if number.country_code == 1 else "00"
    return prefix + _international(number).removeprefix("+")


#: How people write a number, by name.
SPELLINGS: dict[str, Callable[[lib.PhoneNumber], str]] = {
    "E.164": _e164,
    "spaced": _international,
    "national": _national,
    "bare digits": lambda number: _digits(_national(number)),
    "hyphens": lambda number: _national(number).replace(" ", "-"),
    "dialled": _dialled,
    "(0)": _zero,
    "slash": _slash,
    "label": lambda number: f"Tel.: {_international(number)}",
    "without +": lambda number: _e164(number).removeprefix("+"),
    "extension": lambda number: f"{_international(number)} ext. 12",
}


def contacts(seed: int, count: int) -> list[Contact]:
    """So many parties, each with a number of its own."""
    dice, known = random.Random(f"spellings/{seed}"), set[str]()
    found: list[Contact] = []
    while len(found) < count:
        region, spelling = REGIONS[len(found) % len(REGIONS)], list(SPELLINGS)[len(found) % len(SPELLINGS)]
        number = next(_numbers(dice, region))
        if (e164 := _e164(number)) not in known:
            known.add(e164)
            found.append(Contact(_party(len(found), region, SPELLINGS[spelling](number)), e164, spelling))
    return found


def _numbers(dice: random.Random, region: str) -> Iterator[lib.PhoneNumber]:
    while True:
        like = lib.example_number_for_type(region, dice.choice(_KINDS))
        if like is None:
            continue
        digits = _digits(_e164(like))
        drawn = f"+{digits[:-_LAST]}{dice.randrange(10**_LAST):0{_LAST}}"
        number = lib.parse(drawn)
        if lib.is_valid_number_for_region(number, region):
            yield number


def _party(place: int, region: str, raw: str) -> PartyRecord:
    ref = PartyRef("imis", str(100_000 + place))
    return PartyRecord(
        ref=ref, name=f"Ada Lindgreen {place}", phones=(StoredPhone(raw=raw, label="Work"),), region=region
    )
