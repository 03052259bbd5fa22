"""Trunks: a company's own range of numbers, by which a caller whose extension nobody has stored is known all the same.

Pure. A trunk says which company calls, never who: its grade settles nothing. It is known in two ways: *spelled*, where
somebody wrote the root of a switchboard (`06221/9119-0`) or an extension (`-23`) off by a hyphen, as people do where
numbers have no fixed length; *learned*, where three contacts of one organisation have numbers that differ in their last
digits only, and next to nobody else has one among them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec
import phonenumbers as lib

from cordpair.core.ids import PartyRef
from cordpair.core.number_plan import StoredNumber
from cordpair.core.party import PartyRecord

LONGEST_EXTENSION = 5
_LONGEST_LEARNED = 4
_LEAST_CONTACTS = 3
_LEAST_SHARE = 0.8  # of the known numbers below a root, the company's own
_LEAST_ROOT = 3  # digits of a root behind its area code: shorter ones are a town's
_SPELLED = re.compile(r"\d\s*[-–]\s*(?P<extension>\d{1,5})\s*$")
#: Where a hyphen before the last digits parts the extension off. Elsewhere people group digits by it.
_OPEN_PLANS = frozenset({"DE", "AT", "LU"})
_FIXED = frozenset({lib.PhoneNumberType.FIXED_LINE, lib.PhoneNumberType.FIXED_LINE_OR_MOBILE})
_ANY_LENGTH = 0


class Origin(StrEnum):
    """How a trunk is known."""

    SPELLED = "spelled"
    LEARNED = "learned"


class Trunk(msgspec.Struct, frozen=True, kw_only=True):
    """A range: `root` (E.164, without extension) and how many digits follow it (0: any number of them, 1 to 5).

    `party` is who stands for the company: its own record, else one of its people, and then `is_person` is true.
    """

    root: str
    extension: int
    origin: Origin
    company: str
    party: PartyRef
    is_person: bool = False

    @property
    def key(self) -> str:
        """What is looked for: see `trunk_keys`."""
        return _key(self.root, self.extension)


class Contact(msgspec.Struct, frozen=True):
    """A number of a party, and the company whose it is (empty for private people). `root`: see `spelled_root`."""

    company: str
    party: PartyRef
    e164: str
    root: str = ""
    is_organization: bool = False


def trunk_keys(e164: str) -> tuple[str, ...]:
    """Under which keys a trunk of this caller would stand, the longest root first."""
    lengths = range(1, LONGEST_EXTENSION + 1)
    return tuple(_key(e164[:-length], found) for length in lengths for found in (length, _ANY_LENGTH))


def contact_of(record: PartyRecord, e164: str, root: str) -> Contact:
    """One number of a record."""
    company = record.name if record.is_organization else record.company
    return Contact(company, record.ref, e164, root, record.is_organization)


def trunks_of(contacts: Iterable[Contact]) -> tuple[Trunk, ...]:
    """All trunks that these contacts tell of, in no order."""
    known = list(contacts)
    companies = _companies(known)
    found = {(trunk.key, trunk.company.casefold()): trunk for trunk in _learned(known, companies)}
    found |= {(trunk.key, trunk.company.casefold()): trunk for trunk in _spelled(known, companies)}
    return tuple(found.values())


def spelled_root(number: StoredNumber) -> str | None:
    """The root that a stored number marks off by a hyphen; None where there is no such mark, or it marks nothing."""
    written = _SPELLED.search(number.raw)
    if written is None or number.extension or number.e164 is None or number.region not in _OPEN_PLANS:
        return None
    extension = written["extension"]
    root = number.e164.removesuffix(extension)
    return root if root != number.e164 and _is_root(number.e164, len(extension)) else None


def _is_root(e164: str, extension: int) -> bool:
    """Whether what is left without the last digits is more than the beginning of a town's numbers."""
    try:
        number = lib.parse(e164)
    except lib.NumberParseException:
        return False
    if lib.number_type(number) not in _FIXED:
        return False
    national = len(lib.national_significant_number(number))
    return national - extension - lib.length_of_geographical_area_code(number) >= _LEAST_ROOT


def _companies(contacts: Iterable[Contact]) -> Mapping[str, Contact]:
    """Who stands for each company, by its folded name: its own record wins."""
    found: dict[str, Contact] = {}
    for contact in sorted(contacts, key=lambda it: (not it.is_organization, it.party.id)):
        found.setdefault(contact.company.casefold(), contact)
    return found


def _spelled(contacts: Iterable[Contact], companies: Mapping[str, Contact]) -> Iterator[Trunk]:
    for contact in contacts:
        if contact.company and contact.root:
            yield _trunk(contact.root, _ANY_LENGTH, Origin.SPELLED, companies[contact.company.casefold()])


def _learned(contacts: Iterable[Contact], companies: Mapping[str, Contact]) -> Iterator[Trunk]:
    """For each company the roots below which its numbers stand, and nearly nobody else's.

    A shorter root tells nothing new when no more of the company's numbers stand below it.
    """
    known: set[frozenset[str]] = set()
    for extension in range(1, _LONGEST_LEARNED + 1):
        for root, owners in _below(contacts, extension).items():
            company, numbers = max(owners.items(), key=lambda it: len(it[1]))
            if not company or not _is_theirs(numbers, owners) or numbers in known:
                continue
            if _is_root(next(iter(numbers)), extension):
                known.add(frozenset(numbers))
                yield _trunk(root, extension, Origin.LEARNED, companies[company])


def _below(contacts: Iterable[Contact], extension: int) -> Mapping[str, Mapping[str, set[str]]]:
    """Root -> company -> its numbers below the root."""
    below: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for contact in contacts:
        below[contact.e164[:-extension]][contact.company.casefold()].add(contact.e164)
    return below


def _is_theirs(numbers: set[str], owners: Mapping[str, set[str]]) -> bool:
    everybody = sum(len(theirs) for theirs in owners.values())
    return len(numbers) >= max(_LEAST_CONTACTS, _LEAST_SHARE * everybody)


def _trunk(root: str, extension: int, origin: Origin, standing: Contact) -> Trunk:
    return Trunk(
        root=root,
        extension=extension,
        origin=origin,
        company=standing.company,
        party=standing.party,
        is_person=not standing.is_organization,
    )


def _key(root: str, extension: int) -> str:
    return f"{root}/{extension or '*'}"
