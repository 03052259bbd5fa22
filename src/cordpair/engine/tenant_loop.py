"""The one writer of a tenant: reads its inbox and its timers, folds, and makes the result true in one transaction.

Memory follows the commit: when a commit fails, or the lease is lost, the floor in memory is thrown away and built anew
from the store. When a batch raises, each of its rows and timers is tried alone; what raises again is parked, so that no
poison event blocks a tenant.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.changes import Changes, Timer
from cordpair.core.effects import Effect
from cordpair.core.floor import Floor
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.facts import LinkOf, Told, Translate, identify, read
from cordpair.engine.quota import MonthCount
from cordpair.engine.wakeup import Bell
from cordpair.errors import IllegalEvent, TemporaryFailure
from cordpair.store.doors import Store, TenantRows
from cordpair.store.inbox import InboxRow, Incoming
from cordpair.store.outbox import Handed
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

BATCH = 256
POLL_S = 5.0  #: real seconds; the lookout rings the bell within a fraction of one, this stands behind it
RECENT = timedelta(minutes=30)  #: closed calls stay in memory this long, for late facts

#: Called after a commit, with the floor as it is now and what has changed.
Publish = Callable[[TenantId, Floor, Changes], None]


class Workers(Protocol):
    """Those of this process who carry out effects: what a commit orders is theirs at once, as far as they have room."""

    def room(self) -> Handed: ...
    def take(self, tenant: TenantId, orders: Sequence[Effect], ids: Mapping[str, int], handed: Handed) -> None: ...
    def at_work(self, tenant: TenantId) -> Sequence[int]: ...


class _Written(msgspec.Struct, frozen=True):
    """What one turn has written, and the ids of the effects that it handed over, by key."""

    changes: Changes
    handed: Handed | None
    ids: Mapping[str, int]


class _Batch(msgspec.Struct):
    """What one turn has read from the store."""

    rows: list[InboxRow] = []
    fired: list[Timer] = []


class TenantLoop:
    """Folds one tenant, as long as this node holds its lease with `epoch`."""

    def __init__(
        self,
        store: Store,
        tenant: TenantId,
        *,
        owner: str,
        epoch: int,
        clock: Clock,
        translators: Mapping[str, Translate],
        link: LinkOf,
        region: str,
        publish: Publish,
        metrics: Metrics,
        quota: MonthCount | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.tenant = tenant
        self.bell = Bell()
        self._store, self._clock = store, clock
        self._owner, self._epoch = owner, epoch
        self._translators, self._link, self._region = translators, link, region
        self._publish, self._metrics, self._quota = publish, metrics, quota
        self._workers = workers
        self._floor: Floor | None = None
        self._unsure = False  #: whether a commit has failed since the floor was built
        self._is_ending = False

    @property
    def floor(self) -> Floor | None:
        """The tenant in memory; None while it is being rebuilt."""
        return self._floor

    async def run(self) -> None:
        """Fold until `end`, or until cancelled. A failure of the database is waited out."""
        while not self._is_ending:
            try:
                worked = await self.turn()
            except TemporaryFailure as exc:
                log.warning("tenant waits for the database", tenant=self.tenant, error=type(exc).__name__)
                self._floor, worked = None, False
            if not worked:
                await self.bell.heard(POLL_S)

    def end(self) -> None:
        """Come to an end with the turn that is under way."""
        self._is_ending = True
        self.bell.ring()

    async def turn(self) -> bool:
        """One batch. Returns whether there was any work. Raises TemporaryFailure; StaleLease when the lease is lost."""
        batch = _Batch()
        try:
            return await self._fold(batch, BATCH, BATCH)
        except TemporaryFailure:
            raise
        except Exception as exc:
            if not batch.rows and not batch.fired:
                raise  # the floor cannot be read: nothing can be put aside that would help
            self._note(exc)
            await self._one_by_one(len(batch.rows), len(batch.fired))
            return True

    async def _one_by_one(self, rows: int, timers: int) -> None:
        """Something in a batch raises: try each of it alone, and put aside what raises again."""
        for most_rows, most_timers in [(1, 0)] * rows + [(0, 1)] * timers:
            batch = _Batch()
            try:
                await self._fold(batch, most_rows, most_timers)
            except TemporaryFailure:
                raise
            except Exception as exc:  # noqa: BLE001 - the outermost place of this work: it is parked with its reason
                self._note(exc)
                await self._put_aside(batch, f"could not be folded: {type(exc).__name__}")

    async def _fold(self, batch: "_Batch", most_rows: int, most_timers: int) -> bool:
        """Read, fold, commit. What was read stands in `batch`, also when this raises."""
        try:
            floor = self._floor or await self._open()
            async with self._store.open_tenant(self.tenant) as rows:
                told = await self._read(rows, floor, batch, most_rows, most_timers)
                if not told and not batch.fired and not floor.changes.history:
                    return False
                results = [self._fold_row(floor, one) for one in told]
                self._fold_timers(floor, batch.fired)
                written = await self._make_true(rows, floor, list(zip(told, results, strict=True)), batch.fired)
        except BaseException:
            self._floor = None  # half-folded, or not what the store holds
            self._unsure = True
            raise
        self._committed(floor, written)
        return True

    async def _read(
        self, rows: TenantRows, floor: Floor, batch: "_Batch", most_rows: int, most_timers: int
    ) -> list[Told]:
        batch.rows = await rows.inbox.unfolded(most_rows) if most_rows else []
        batch.fired = await rows.timers.due(self._clock.now(), most_timers) if most_timers else []
        told = read(batch.rows, self._translators)
        await identify(told, rows.parties, self._link, self._region)
        await self._remember_closed(rows, floor, told)
        if self._quota is not None:
            await self._quota.follow(rows, floor, self._clock.now())
        return told

    async def _open(self) -> Floor:
        """Build the floor from the store, and let everybody who is ready take what waits."""
        async with self._store.open_tenant(self.tenant) as rows:
            if self._unsure and self._workers is not None:
                # Nobody may be at what the last commit has handed over, should it have happened after all.
                await self._write(rows, Changes(), {}, [])
                await rows.outbox.take_back(self._workers.at_work(self.tenant))
            stored = await rows.load_floor(RECENT, self._clock.now())
        self._unsure = False
        floor = Floor(stored.queues, stored.agents, stored.calls, sequence=stored.next_sequence)
        fold.reopen(floor, self._clock.now())
        self._floor = floor
        self._publish(self.tenant, floor, Changes())
        return floor

    async def _remember_closed(self, rows: TenantRows, floor: Floor, told: Sequence[Told]) -> None:
        """A late fact may concern a call that has left memory: fetch it."""
        named = {event.call for one in told for event in one.events if isinstance(event, e.CallFact)}
        missing = [call for call in named if call not in floor.calls]
        if missing:
            floor.calls.update({call.id: call for call in await rows.calls.load(missing)})

    def _fold_row(self, floor: Floor, one: Told) -> bytes:
        """Fold the facts of one row; what it came to is kept for whoever waits for it."""
        verdict = "ok" if not one.error else "unreadable"
        for event in one.events:
            try:
                fold.apply(floor, event)
            except IllegalEvent as exc:
                verdict = str(exc)
                self._metrics.inbox_ignored.labels(reason=type(event).__name__).inc()
        lag = (self._clock.now() - one.row.received_at).total_seconds() / self._clock.rate
        self._metrics.event_lag_seconds.observe(max(lag, 0.0))
        return verdict.encode()

    def _fold_timers(self, floor: Floor, fired: Sequence[Timer]) -> None:
        """What has become due, unless this very batch has moved or cancelled it."""
        for timer in fired:
            if timer.key not in floor.changes.timers:
                event = msgspec.structs.replace(timer.event, at=self._clock.now())
                try:
                    fold.apply(floor, event)
                except IllegalEvent:
                    continue

    async def _make_true(
        self, rows: TenantRows, floor: Floor, told: Sequence[tuple[Told, bytes]], fired: Sequence[Timer]
    ) -> "_Written":
        changes = floor.take_changes()
        readable = {one.row.id: result for one, result in told if not one.error}
        for one, _ in told:
            if one.error:
                await rows.inbox.park(one.row.id, one.error)
        handed = self._workers.room() if self._workers is not None else None
        return _Written(changes, handed, await self._write(rows, changes, readable, fired, handed))

    def _committed(self, floor: Floor, written: "_Written") -> None:
        """What is true now may be done, and shown."""
        changes = written.changes
        if self._workers is not None and written.handed is not None:
            self._workers.take(self.tenant, changes.effects, written.ids, written.handed)
        self._count(changes)
        self._forget_old(floor)
        self._publish(self.tenant, floor, changes)

    async def _put_aside(self, batch: "_Batch", why: str) -> None:
        """Park a row. A timer becomes a row, so that people see it and can have it tried again."""
        async with self._store.open_tenant(self.tenant) as rows:
            for row in batch.rows:
                await rows.inbox.park(row.id, why)
            await rows.inbox.put([_as_row(timer, self._clock.now()) for timer in batch.fired])
            await self._write(rows, Changes(), {}, batch.fired)

    def _note(self, exc: Exception) -> None:
        log.error("an event could not be folded", tenant=self.tenant, error=type(exc).__name__, exc_info=exc)

    async def _write(
        self,
        rows: TenantRows,
        changes: Changes,
        folded: Mapping[int, bytes],
        fired: Sequence[Timer],
        handed: Handed | None = None,
    ) -> Mapping[str, int]:
        return await rows.write_fold(
            owner=self._owner,
            epoch=self._epoch,
            changes=changes,
            folded=folded,
            fired=[timer.key for timer in fired],
            now=self._clock.now(),
            handed=handed,
        )

    def _count(self, changes: Changes) -> None:
        for call in changes.calls.values():
            if call.closed_at is not None and call.outcome is not None and not call.activity:
                self._metrics.calls_ended.labels(outcome=call.outcome).inc()

    def _forget_old(self, floor: Floor) -> None:
        """Closed calls leave memory after a while; the store keeps them."""
        limit = self._clock.now() - RECENT
        old = [call.id for call in floor.calls.values() if call.closed_at is not None and call.closed_at < limit]
        for call in old:
            del floor.calls[call]


def _as_row(timer: Timer, now: datetime) -> Incoming:
    return Incoming("timer", f"{timer.key}@{timer.run_at.isoformat()}", e.encode(timer.event), now)
