"""How fast queues have moved of late: handling time and patience, the newest calls counting most. Pure."""

from collections.abc import Iterable

import msgspec

from cordpair.core.call import Call, Outcome
from cordpair.core.ids import QueueId

WEIGHT = 0.1  #: of the newest call; what is older fades


class Pace(msgspec.Struct, frozen=True):
    """`aht_s`: seconds that an agent has with a call, wrap-up and all; 0: not known.

    `waited_s` were waited, by everybody together, while `gone` callers gave up; both fade alike.
    """

    aht_s: float = 0.0
    waited_s: float = 0.0
    gone: float = 0.0

    @property
    def leave_rate(self) -> float:
        """How many of those who wait give up in a second, each by themselves; 0: nobody does."""
        return self.gone / self.waited_s if self.waited_s > 0 else 0.0

    def after(self, call: Call) -> "Pace":
        """The pace with one more call that is over."""
        if call.closed_at is None or call.outcome not in (Outcome.ANSWERED, Outcome.ABANDONED):
            return self
        until = call.connected_at or call.closed_at
        waited_s = max(0.0, (until - call.waits_since).total_seconds())
        gone = 1.0 if call.outcome is Outcome.ABANDONED else 0.0
        aht_s = self.aht_s if gone else self._handled((call.closed_at - until).total_seconds())
        return Pace(aht_s, (1 - WEIGHT) * self.waited_s + waited_s, (1 - WEIGHT) * self.gone + gone)

    def _handled(self, seconds: float) -> float:
        return seconds if not self.aht_s else (1 - WEIGHT) * self.aht_s + WEIGHT * seconds


class Paces:
    """The pace of each queue. `calls` are those that are over, in any order."""

    def __init__(self, calls: Iterable[Call] = ()) -> None:
        self._paces: dict[QueueId, Pace] = {}
        over = [(call.closed_at, call) for call in calls if call.closed_at is not None]
        for _, call in sorted(over, key=lambda it: it[0]):
            self.note(call)

    def of(self, queue: QueueId) -> Pace:
        return self._paces.get(queue, Pace())

    def note(self, call: Call) -> None:
        """One more call is over."""
        if call.queue is not None:
            self._paces[call.queue] = self.of(call.queue).after(call)
