"""Members of a made-up association, the same for the same seed: iMIS stores them, callers are drawn from them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cordpair.emulator.member_names import CITIES, FAMILY, FORM, GIVEN, TRADE
from cordpair.emulator.member_numbers import INTERNATIONAL, NATIONAL, REMARKS, Number, landlines, mobiles, trunks

_FIRST_ID = 20_001
_OLDEST_CHANGE = datetime(2023, 1, 2, 8, 0, tzinfo=UTC)
_NOBODY_S_NUMBER = 0.03
_SWITCHBOARD_ONLY = 0.05
_IN_ADDRESS = 0.2
_WITH_EXTENSION_WORD = 0.01
_WITH_REMARK = 0.03


@dataclass(frozen=True)
class Phone:
    """A number as somebody typed it. `where` is "phones" or "address", the two places in which iMIS keeps numbers."""

    raw: str
    type: str
    where: str = "phones"


@dataclass(frozen=True)
class Member:
    """A member. `e164` is the truth behind `phones`; `region` the country that the address names."""

    party_id: str
    first_name: str
    last_name: str
    company: str
    email: str
    phones: tuple[Phone, ...]
    e164: tuple[str, ...]
    region: str
    city: str
    postal_code: str
    updated_on: datetime

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


def members(seed: int, count: int = 10_000, home: str = "DE") -> list[Member]:
    """Make `count` members, most of them in `home` ("DE" or "GB").

    About 3 % have no number; some companies' switchboards are shared by two to four members; a fifth of the
    numbers stand in the address only. Spellings are of every kind.
    """
    maker = _Maker(random.Random(f"members/{seed}/{home}"), home)
    return [maker.member(number) for number in range(count)]


def holders(people: list[Member]) -> dict[str, list[Member]]:
    """Who truly has a number."""
    found: dict[str, list[Member]] = {}
    for person in people:
        for number in person.e164:
            found.setdefault(number, []).append(person)
    return found


@dataclass
class _Company:
    name: str
    domain: str
    trunk: Number | None
    switchboard: Number
    extensions: Iterator[int] = field(default_factory=lambda: iter(range(10, 100)))
    shared_by: int = 0


class _Maker:
    def __init__(self, dice: random.Random, home: str) -> None:
        self._dice = dice
        self._home = home
        self._landlines = {region: landlines(region, dice) for region in ("DE", "GB")}
        self._mobiles = mobiles(dice)
        self._trunks = trunks(dice)
        self._companies: dict[str, list[_Company]] = {"DE": [], "GB": []}

    def member(self, place: int) -> Member:
        dice = self._dice
        region = self._region()
        first, last = dice.choice(GIVEN[region]), dice.choice(FAMILY[region])
        company = self._company(region) if dice.random() < 0.6 else None
        numbers, company = self._numbers(region, company)
        city, postal_code = dice.choice(CITIES[region])
        return Member(
            party_id=str(_FIRST_ID + place),
            first_name=first,
            last_name=last,
            company=company.name if company else "",
            email=_email(first, last, company.domain if company else "post.example"),
            phones=self._phones(numbers, region),
            e164=tuple(dict.fromkeys(number.e164 for number, _ in numbers)),
            region=region,
            city=city,
            postal_code=postal_code,
            updated_on=_OLDEST_CHANGE + timedelta(seconds=dice.randrange(3 * 365 * 86_400)),
        )

    def _region(self) -> str:
        foreign = "GB" if self._home == "DE" else "DE"
        return foreign if self._dice.random() < (0.35 if self._home == "DE" else 0.1) else self._home

    def _company(self, region: str) -> _Company:
        """A known company, or now and then a new one."""
        known = self._companies[region]
        if not known or (self._dice.random() < 0.12 and len(known) < 600):
            known.append(self._new_company(region))
        return self._dice.choice(known)

    def _new_company(self, region: str) -> _Company:
        dice = self._dice
        family = dice.choice(FAMILY[region])
        words = (dice.choice(TRADE[region]), family) if region == "DE" else (family, dice.choice(TRADE[region]))
        name = f"{words[0]} {words[1]} {dice.choice(FORM[region])}"
        trunk = next(self._trunks) if region == "DE" else None
        switchboard = trunk.with_extension("0") if trunk else next(self._landlines[region])
        return _Company(name, f"{_plain(words[0])}-{_plain(words[1])}.example", trunk, switchboard)

    def _numbers(self, region: str, company: _Company | None) -> tuple[list[tuple[Number, str]], _Company | None]:
        """Numbers with their types. Who finds no free private number is given a company and an extension of it."""
        dice = self._dice
        if dice.random() < _NOBODY_S_NUMBER:
            return [], company
        if company and company.shared_by < 4 and dice.random() < _SWITCHBOARD_ONLY / 0.6:
            company.shared_by += 1
            return [(company.switchboard, "Work")], company
        found: list[tuple[Number, str]] = []
        for _ in range(dice.choices((1, 2, 3), (60, 33, 7))[0]):
            number, company = self._own_number(region, company)
            found.append(number)
        return found, company

    def _own_number(self, region: str, company: _Company | None) -> tuple[tuple[Number, str], _Company | None]:
        dice = self._dice
        at_work = company is not None and company.trunk is not None and dice.random() < 0.75
        if not at_work:
            mobile = next(self._mobiles, None) if region == "DE" and dice.random() < 0.1 else None
            private = mobile or next(self._landlines[region], None)
            if private:
                return (private, "Mobile" if mobile else dice.choice(("Home", "Home", "_Home Phone"))), company
        for _ in range(200):
            company = company or self._company("DE")
            extension = next(company.extensions, None)
            if company.trunk and extension:
                return (company.trunk.with_extension(str(extension)), dice.choice(("Work", "Office"))), company
            company = None
        raise ValueError("there are not enough free numbers for so many members")

    def _phones(self, numbers: list[tuple[Number, str]], region: str) -> tuple[Phone, ...]:
        dice = self._dice
        if len(numbers) == 2 and dice.random() < 0.05:
            word = dice.choice((" oder ", "; ", " / ") if region == "DE" else (" or ", "; ", " / "))
            return (Phone(word.join(self._spelling(number) for number, _ in numbers), numbers[0][1]),)
        phones = [Phone(self._written(number, region), label) for number, label in numbers]
        # An address has room for one number.
        if phones and dice.random() < _IN_ADDRESS:
            phones[-1] = Phone(phones[-1].raw, phones[-1].type, "address")
        return tuple(phones)

    def _spelling(self, number: Number) -> str:
        return self._dice.choice(self._dice.choice((INTERNATIONAL, NATIONAL)))(number)

    def _written(self, number: Number, region: str) -> str:
        text, chance = self._spelling(number), self._dice.random()
        if chance < _WITH_EXTENSION_WORD and not number.extension:
            return f"{text} ext. {self._dice.randrange(10, 100)}"
        if chance < _WITH_EXTENSION_WORD + _WITH_REMARK:
            return f"{text} {self._dice.choice(REMARKS[region])}"
        return text


def _plain(word: str) -> str:
    table = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ç": "c", " ": "-", "&": "and"})
    return word.lower().translate(table)


def _email(first: str, last: str, domain: str) -> str:
    return f"{_plain(first)}.{_plain(last)}@{domain}"
