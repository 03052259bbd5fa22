"""Who calls: addresses, match grades, candidates."""

from enum import StrEnum

import msgspec

from cordpair.core.ids import PartyRef


class CallerKind(StrEnum):
    """What the network told us about the caller."""

    NUMBER = "number"  # a telephone number, E.164 where it could be read
    WITHHELD = "withheld"  # the caller hides the number: never unmasked, never looked up
    SHORT = "short"  # emergency, service or short internal number: never looked up in a CRM
    USER = "user"  # a Teams user


class Grade(StrEnum):
    """How sure a match is, best first."""

    EXACT = "exact"  # the stored number is the caller's E.164
    NATIONAL = "national"  # the same national number, stored without its country
    TRUNK = "trunk"  # a number of the same company's range
    SUFFIX = "suffix"  # the last seven digits agree, verified
    NONE = "none"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The caller as the network names them. `raw` is kept as it came; `e164` is None where it cannot be read."""

    kind: CallerKind
    raw: str = ""
    e164: str | None = None
    user: str | None = None  #: Entra object id of a Teams user
    name: str | None = None  #: display name, if the network gives one


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A party that may be the caller. `reason` says in English why; `link` opens the record in the CRM.

    `was_chosen`: an agent said lately that it was this one who called from the number. `is_stand_in`: only the company
    is known (`name` is its own); `party` is one of its people, and the call is nobody's among them.
    """

    party: PartyRef
    name: str
    company: str = ""
    grade: Grade
    reason: str
    link: str = ""
    was_chosen: bool = False
    is_stand_in: bool = False


#: Grades that settle who the caller is, when exactly one candidate has the best of them.
SETTLING = frozenset({Grade.EXACT, Grade.NATIONAL})


def choosable(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Those whom a person may name as the caller."""
    return tuple(candidate for candidate in candidates if not candidate.is_stand_in)


def only_company(candidates: tuple[Candidate, ...]) -> bool:
    """Whether nobody is known by the number itself: at best the range that it stands in."""
    return all(candidate.grade is Grade.TRUNK for candidate in candidates)


def settled(candidates: tuple[Candidate, ...]) -> PartyRef | None:
    """The one party that the candidates agree on, or None: then a person has to choose."""
    sure = {candidate.party for candidate in candidates if candidate.grade in SETTLING}
    return next(iter(sure)) if len(sure) == 1 else None
