"""The phone index of a tenant in memory: keyed hashes of numbers to the parties that have them.

The store's index stays the truth. What is found here spares it a search; who is not found here is looked for there.
So it may lag behind a little, and it may be absent. It holds no number and no name: 8 bytes of each hash, and the
CRM's ids.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from cordpair.core.ids import PartyRef
from cordpair.store.parties import IndexedParty, hashes_of
from cordpair.store.sealing import TenantKey

MOST = 5_000_000  #: hashes of one tenant; with more its store answers alone
_MOST_CHANGES = 50_000  # kept beside the sorted hashes until they are sorted in
_BYTES = 8


class PhoneMemory:
    """Filled by `fill`, kept up to date by `put`. Until it is filled it finds nobody."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._hashes, self._owners = array("Q"), array("L")
        self._refs: list[PartyRef] = []
        self._numbers: dict[PartyRef, int] = {}
        self._later: dict[int, list[int]] = {}  #: hashes that came after the last sorting
        self._stale: set[int] = set()  #: parties whose sorted hashes do not count any more
        self._changes = 0

    def __len__(self) -> int:
        """How many hashes it holds."""
        return len(self._hashes) + sum(len(owners) for owners in self._later.values())

    def find(self, key: TenantKey, e164: str) -> tuple[PartyRef, ...]:
        """Who may have this number: the number itself, or its last seven digits. Whoever asks verifies it."""
        found: dict[int, None] = {}
        for hashed in hashes_of(key, e164).values():
            wanted = _short(hashed)
            place = bisect_left(self._hashes, wanted)
            while place < len(self._hashes) and self._hashes[place] == wanted:
                if self._owners[place] not in self._stale:
                    found[self._owners[place]] = None
                place += 1
            found.update(dict.fromkeys(self._later.get(wanted, ())))
        return tuple(self._refs[owner] for owner in found)

    def fill(self, rows: Iterable[tuple[bytes, PartyRef]]) -> None:
        """Let it hold exactly these hashes; nothing at all where they are too many."""
        self._refs, self._numbers = [], {}
        pairs = sorted((_short(hashed), self._number(ref)) for hashed, ref in rows)
        if len(pairs) > self._most:
            pairs = []
        self._hashes = array("Q", (pair[0] for pair in pairs))
        self._owners = array("L", (pair[1] for pair in pairs))
        self._later, self._stale, self._changes = {}, set(), 0

    def put(self, key: TenantKey, parties: Sequence[IndexedParty]) -> None:
        """These parties have changed: exactly their present numbers find them from now on."""
        for party in parties:
            owner = self._number(party.record.ref)
            self._forget(owner)
            for hashed in {h for phone in party.phones for h in hashes_of(key, phone.e164).values()}:
                self._later.setdefault(_short(hashed), []).append(owner)
                self._changes += 1
        if self._changes > _MOST_CHANGES:
            self._sort_in()

    def _forget(self, owner: int) -> None:
        if owner in self._stale:  # it has changed before: what is kept beside is old too
            for owners in self._later.values():
                if owner in owners:
                    owners.remove(owner)
        self._stale.add(owner)

    def _sort_in(self) -> None:
        kept = (
            (hashed, owner)
            for hashed, owner in zip(self._hashes, self._owners, strict=True)
            if owner not in self._stale
        )
        later = ((hashed, owner) for hashed, owners in self._later.items() for owner in owners)
        pairs = sorted([*kept, *later])
        self._hashes = array("Q", (pair[0] for pair in pairs))
        self._owners = array("L", (pair[1] for pair in pairs))
        self._later, self._stale, self._changes = {}, set(), 0

    def _number(self, ref: PartyRef) -> int:
        number = self._numbers.get(ref)
        if number is None:
            number = self._numbers[ref] = len(self._refs)
            self._refs.append(ref)
        return number


def _short(hashed: bytes) -> int:
    return int.from_bytes(hashed[:_BYTES])
