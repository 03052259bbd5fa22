"""What a run is to be, and what it was, in one number."""

import hashlib
from collections import Counter
from collections.abc import Callable

import msgspec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to be: `hours` of callers, after which everything has `rest_s` to come to its end."""

    seed: int
    hours: float = 24.0
    calls_per_hour: float = 12.0  #: of all organisations together
    nodes: int = 2
    faults: float = 1.0  #: how often things break, against the usual
    rest_s: float = 900.0

    @property
    def ends_s(self) -> float:
        return self.hours * 3600.0


class Journal:
    """All that happened, as one number: two runs that are the same have the same."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._hash = hashlib.blake2b(digest_size=16)
        self.counts: Counter[str] = Counter()

    def note(self, what: str, *names: object) -> None:
        self.counts[what] += 1
        self._hash.update(f"{self._now():.6f} {what} {names}\n".encode())

    def digest(self) -> str:
        return self._hash.hexdigest()
