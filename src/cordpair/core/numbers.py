"""Telephone numbers: reading them, and how sure it is that a stored number is the caller's. Pure."""

from collections.abc import Iterable

import msgspec
import phonenumbers as lib

from cordpair.core.caller import Candidate, Grade
from cordpair.core.ids import PartyRef
from cordpair.core.number_plan import StoredNumber, last7, read_number, stored_numbers

__all__ = ["Hit", "StoredNumber", "candidates", "grade", "is_somebodys", "last7", "read_number", "stored_numbers"]

_ORDER = {grade: place for place, grade in enumerate(Grade)}
_NO_MATCH = (Grade.NONE, "no match")


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A party that a look-up found, with one number that it stores. `source` is the CRM's name for people."""

    party: PartyRef
    name: str
    company: str = ""
    number: StoredNumber
    source: str
    link: str = ""


def grade(caller_e164: str, stored: StoredNumber | str, region: str | None = None) -> tuple[Grade, str]:
    """How sure it is that `stored` is the caller's number, and why, in English.

    A text is read with `region` first, and its best reading counts.
    """
    numbers = stored_numbers(stored, region) if isinstance(stored, str) else (stored,)
    return min((_grade(caller_e164, number) for number in numbers), key=lambda it: _ORDER[it[0]], default=_NO_MATCH)


def is_somebodys(e164: str | None) -> bool:
    """Whether a telephone can have this number, by its country's plan."""
    try:
        return e164 is not None and lib.is_valid_number(lib.parse(e164))
    except lib.NumberParseException:
        return False


def candidates(caller_e164: str, hits: Iterable[Hit]) -> tuple[Candidate, ...]:
    """Turn hits into candidates: one per party, its best number counts, best grade first, then by name.

    Hits that do not stand libphonenumber's check are left out.
    """
    best: dict[PartyRef, Candidate] = {}
    for hit in hits:
        new = _candidate(caller_e164, hit)
        old = best.get(hit.party)
        if new.grade is not Grade.NONE and (old is None or _ORDER[new.grade] < _ORDER[old.grade]):
            best[hit.party] = new
    return tuple(sorted(best.values(), key=lambda found: (_ORDER[found.grade], found.name, found.party.id)))


def _candidate(caller_e164: str, hit: Hit) -> Candidate:
    sure, words = grade(caller_e164, hit.number)
    return Candidate(
        party=hit.party,
        name=hit.name,
        company=hit.company,
        grade=sure,
        reason=f"matched by phone, {words}, {hit.source}",
        link=hit.link,
    )


def _grade(caller: str, stored: StoredNumber) -> tuple[Grade, str]:
    if stored.e164 == caller:
        return _same_number(stored)
    if stored.country_written and stored.valid:
        return _NO_MATCH
    agreement = lib.is_number_match(caller, stored.raw)
    # A number that is valid in its own country may be another person's there: then a person decides.
    if agreement == lib.MatchType.NSN_MATCH and not stored.valid and not stored.extension:
        return Grade.NATIONAL, "same national number, stored without its country"
    alike = agreement in (lib.MatchType.NSN_MATCH, lib.MatchType.SHORT_NSN_MATCH)
    if alike and last7(stored.digits) == last7(caller) is not None:
        return Grade.SUFFIX, "last 7 digits agree"
    return _NO_MATCH


def _same_number(stored: StoredNumber) -> tuple[Grade, str]:
    if stored.extension:
        # Everybody behind a switchboard shows its number; the extension is what would tell them apart.
        return Grade.SUFFIX, "same number, but stored with an extension"
    if stored.country_written:
        return Grade.EXACT, "exact number"
    return Grade.NATIONAL, "same number, stored without its country"
