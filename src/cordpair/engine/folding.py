"""A batch of one tenant: what a turn has read, what it has written, and the fold of it in memory."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.changes import Changes, Timer
from cordpair.core.effects import Effect
from cordpair.core.floor import Floor
from cordpair.core.ids import CallId, TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.deliveries import Delivery
from cordpair.engine.facts import Told
from cordpair.errors import IllegalEvent
from cordpair.store.fold import FloorRows
from cordpair.store.inbox import InboxRow, Incoming
from cordpair.store.outbox import Handed
from cordpair.telemetry import Metrics

RECENT = timedelta(minutes=30)  #: closed calls stay in memory this long, for late facts


class Batch(msgspec.Struct):
    """What one turn works on: at most so many rows and timers of the store, and what comes in just now."""

    most_rows: int
    most_timers: int
    delivery: Delivery | None = None
    rows: list[InboxRow] = []
    taken: list[InboxRow] = []
    fired: list[Timer] = []

    @property
    def is_full(self) -> bool:
        """Whether there may be more of the same."""
        return 0 < self.most_rows == len(self.rows) or 0 < self.most_timers == len(self.fired)


class Written(msgspec.Struct, frozen=True):
    """What one turn has written, and the ids of the effects that it handed over, by key."""

    changes: Changes
    handed: Handed | None
    ids: Mapping[str, int]


class Workers(Protocol):
    """Those of this process who carry out effects: what a commit orders is theirs at once, as far as they have room."""

    def room(self) -> Handed: ...
    def take(self, tenant: TenantId, orders: Sequence[Effect], ids: Mapping[str, int], handed: Handed) -> None: ...
    def at_work(self, tenant: TenantId) -> Sequence[int]: ...


class Folding:
    """Folds rows and timers into a floor. What the floor's state cannot take is counted and changes nothing."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock, self._metrics = clock, metrics

    def row(self, floor: Floor, one: Told) -> str:
        """Fold the facts of one row; the verdict for whoever waits for it."""
        verdict = "ok"
        for event in one.events:
            try:
                fold.apply(floor, event)
            except IllegalEvent as exc:
                verdict = str(exc)
                self._metrics.inbox_ignored.labels(reason=type(event).__name__).inc()
        lag = (self._clock.now() - one.row.received_at).total_seconds() / self._clock.rate
        self._metrics.event_lag_seconds.observe(max(lag, 0.0))
        return verdict

    def timers(self, floor: Floor, fired: Sequence[Timer]) -> None:
        """Fold what has become due, unless this very batch has moved or cancelled it."""
        for timer in fired:
            late = (self._clock.now() - timer.run_at).total_seconds() / self._clock.rate
            self._metrics.timer_late_seconds.observe(max(late, 0.0))
            if timer.key not in floor.changes.timers:
                with contextlib.suppress(IllegalEvent):
                    fold.apply(floor, msgspec.structs.replace(timer.event, at=self._clock.now()))

    def look_at(self, floor: Floor, call: CallId | None) -> None:
        """Have a call read anew, when there is one that stands."""
        if call is not None:
            with contextlib.suppress(IllegalEvent):
                fold.apply(floor, e.CheckDue(at=self._clock.now(), call=call))

    def forget_old(self, floor: Floor) -> None:
        """Closed calls leave memory after a while; the store keeps them."""
        limit = self._clock.now() - RECENT
        old = [call.id for call in floor.calls.values() if call.closed_at is not None and call.closed_at < limit]
        for call in old:
            del floor.calls[call]


def reopened(stored: FloorRows, now: datetime) -> Floor:
    """The floor as the store knows it, with everybody who is ready able to take what waits."""
    floor = Floor(
        stored.queues,
        stored.agents,
        stored.calls,
        sequence=stored.next_sequence,
        flows=stored.flows,
        callbacks=stored.callbacks,
    )
    fold.reopen(floor, now)
    return floor


def as_row(timer: Timer, now: datetime) -> Incoming:
    """A timer that could not be folded, for the inbox."""
    return Incoming("timer", f"{timer.key}@{timer.run_at.isoformat()}", e.encode(timer.event), now)
