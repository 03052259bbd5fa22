"""When the next deadline of a tenant comes: it is folded then, and not when somebody happens to look.

The rows are the truth. This remembers their instants in the process that writes them, so that nothing has to be asked
until one has come.
"""

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime

from cordpair.core.changes import Timer
from cordpair.engine.clock import Clock


class Alarms:
    """The instants of one tenant's timers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[str, datetime] = {}
        self._line: list[tuple[datetime, str]] = []  #: holds former instants too, until they come to its head

    def know(self, planned: Mapping[str, datetime]) -> None:
        """These are all timers that stand."""
        self._at = dict(planned)
        self._line = [(at, key) for key, at in planned.items()]
        heapq.heapify(self._line)

    def follow(self, fired: Iterable[str], timers: Mapping[str, Timer | None]) -> None:
        """A commit has taken `fired` away, and set or cancelled (None) `timers`."""
        for key in fired:
            self._at.pop(key, None)
        for key, timer in timers.items():
            if timer is None:
                self._at.pop(key, None)
            elif self._at.get(key) != timer.run_at:
                self._at[key] = timer.run_at
                heapq.heappush(self._line, (timer.run_at, key))

    def looked(self, at: datetime) -> None:
        """The rows were looked at, at `at` or later: what had come by then was found, or stands no more."""
        while self._line and (self._line[0][0] <= at or self._is_former()):
            instant, key = heapq.heappop(self._line)
            if self._at.get(key) == instant:
                del self._at[key]

    def wait_s(self, most_s: float) -> float:
        """Real seconds until the next deadline; at most `most_s`."""
        while self._line and self._is_former():
            heapq.heappop(self._line)
        if not self._line:
            return most_s
        left_s = (self._line[0][0] - self._clock.now()).total_seconds() / self._clock.rate
        return min(max(left_s, 0.0), most_s)

    def _is_former(self) -> bool:
        instant, key = self._line[0]
        return self._at.get(key) != instant
