"""The one writer of a tenant: reads its inbox and its timers, folds, and makes the result true in one transaction.

Memory follows the commit: when a commit fails, or the lease is lost, the floor in memory is thrown away and built anew
from the store. An event that raises is tried alone and then parked, so that no poison event blocks a tenant.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import msgspec
import structlog

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.changes import Changes, Timer
from cordpair.core.floor import Floor
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.facts import LinkOf, Told, Translate, identify, read
from cordpair.engine.wakeup import Bell
from cordpair.errors import IllegalEvent, TemporaryFailure
from cordpair.store.doors import Store, TenantRows
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

BATCH = 256
POLL_S = 0.25  #: real seconds; bells are only wake-up calls, the rows are the truth
RECENT = timedelta(minutes=30)  #: closed calls stay in memory this long, for late facts

#: Called after a commit, with the floor as it is now and what has changed.
Publish = Callable[[TenantId, Floor, Changes], None]


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
    ) -> None:
        self.tenant = tenant
        self.bell = Bell()
        self._store, self._clock = store, clock
        self._owner, self._epoch = owner, epoch
        self._translators, self._link, self._region = translators, link, region
        self._publish, self._metrics = publish, metrics
        self._floor: Floor | None = None
        self._batch = BATCH

    async def run(self) -> None:
        """Fold until cancelled. A failure of the database is waited out."""
        while True:
            try:
                worked = await self.turn()
            except TemporaryFailure as exc:
                log.warning("tenant waits for the database", tenant=self.tenant, error=type(exc).__name__)
                self._floor, worked = None, False
            if not worked:
                await self.bell.heard(POLL_S)

    async def turn(self) -> bool:
        """One batch. Returns whether there was any work. Raises TemporaryFailure; StaleLease when the lease is lost."""
        floor = self._floor or await self._open()
        now = self._clock.now()
        async with self._store.open_tenant(self.tenant) as rows:
            told = read(await rows.inbox.unfolded(self._batch), self._translators)
            fired = await rows.timers.due(now, self._batch)
            if not told and not fired:
                return await self._commit(floor, [], []) if floor.changes.history else False
            await identify(told, rows.parties, self._link, self._region)
            await self._remember_closed(rows, floor, told)
        try:
            results = [self._fold_row(floor, one) for one in told]
            self._fold_timers(floor, fired)
        except Exception as exc:  # noqa: BLE001 - the outermost place of this work: the row is parked with its reason
            await self._after_poison(told, fired, exc)
            return True
        return await self._commit(floor, list(zip(told, results, strict=True)), fired)

    async def _open(self) -> Floor:
        """Build the floor from the store, and let everybody who is ready take what waits."""
        async with self._store.open_tenant(self.tenant) as rows:
            stored = await rows.load_floor(RECENT, self._clock.now())
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

    async def _commit(self, floor: Floor, told: Sequence[tuple[Told, bytes]], fired: Sequence[Timer]) -> bool:
        changes = floor.take_changes()
        readable = {one.row.id: result for one, result in told if not one.error}
        try:
            async with self._store.open_tenant(self.tenant) as rows:
                for one, _ in told:
                    if one.error:
                        await rows.inbox.park(one.row.id, one.error)
                await self._write(rows, changes, readable, fired)
        except BaseException:
            self._floor = None
            raise
        self._count(changes)
        self._forget_old(floor)
        self._batch = BATCH
        self._publish(self.tenant, floor, changes)
        return True

    async def _after_poison(self, told: Sequence[Told], fired: Sequence[Timer], exc: Exception) -> None:
        """Throw the half-folded floor away. A batch is tried again row by row; a row alone is parked."""
        self._floor = None
        log.error("an event could not be folded", tenant=self.tenant, error=type(exc).__name__, exc_info=exc)
        if self._batch > 1:
            self._batch = 1
            return
        async with self._store.open_tenant(self.tenant) as rows:
            for one in told:
                await rows.inbox.park(one.row.id, f"could not be folded: {type(exc).__name__}")
            if not told:
                await self._write(rows, Changes(), {}, fired)

    async def _write(
        self, rows: TenantRows, changes: Changes, folded: Mapping[int, bytes], fired: Sequence[Timer]
    ) -> None:
        await rows.write_fold(
            owner=self._owner,
            epoch=self._epoch,
            changes=changes,
            folded=folded,
            fired=[timer.key for timer in fired],
            now=self._clock.now(),
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
