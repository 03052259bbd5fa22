"""What crossed between the emulated cloud and the product, and the truth of every call.

The journal is append-only; memory keeps the newest entries, the file keeps all. It holds the demo world's made-up
data only. Times: `at` is emulated (ISO, UTC), `real_ms` is real milliseconds since the emulator began.
"""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from cordpair.emulator.clock import Clock

_KEPT = 200_000


@dataclass
class Stay:
    """One user in the roster of one call, from when to when."""

    user: str
    since: datetime
    until: datetime | None = None


@dataclass
class CallTruth:
    """How one call really went.

    `ended_by`: caller | agent | bot | cloud. `answered_by` is the first agent in it. `parties` are the party ids of
    the members and companies who really have this number. `offers` are the client contexts of its invites.
    `is_placed`: the application has placed it.
    """

    graph_id: str
    tenant: str
    queue: str
    number: str | None
    arrived: datetime
    established: datetime | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    code: int | None = None
    subcode: int | None = None
    is_released: bool = False
    is_placed: bool = False
    rings: int = 0
    parties: tuple[str, ...] = ()
    stays: list[Stay] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)


class Journal:
    """Keeps entries in memory and, when a file is given, one JSON line each."""

    def __init__(self, clock: Clock, file: Path | None = None) -> None:
        self._clock = clock
        self._began = time.monotonic()
        self.entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.count = 0
        self.calls: dict[str, CallTruth] = {}
        self._file = file.open("ab") if file else None

    def note(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Add an entry and return it."""
        entry = {
            "n": self.count,
            "at": self._clock.now().isoformat(),
            "real_ms": round((time.monotonic() - self._began) * 1000, 2),
            "kind": kind,
            **fields,
        }
        self.entries.append(entry)
        self.count += 1
        if self._file:
            self._file.write(msgspec.json.encode(entry) + b"\n")
            self._file.flush()
        return entry

    def since(self, number: int, kind: str | None = None) -> list[dict[str, Any]]:
        """Kept entries from `number` on, of one kind if asked for."""
        return [e for e in self.entries if e["n"] >= number and kind in (None, e["kind"])]

    def truth(self) -> list[dict[str, Any]]:
        """All calls, in order of arrival."""
        return [asdict(call) for call in self.calls.values()]

    def close(self) -> None:
        if self._file:
            self._file.close()
