"""The one writer of a tenant: reads its inbox and its timers, folds, and makes the result true in one transaction.

What comes in at this very process is stored by that same transaction. What other nodes have stored, and what effects
came to, is looked for when the bell rings; deadlines when they have come.
Memory follows the commit: when a commit fails, or the lease is lost, the floor is built anew from the store. When a
batch raises, each of its rows and timers is tried alone, and what raises again is parked.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from cordpair.core.changes import Changes, Timer
from cordpair.core.floor import Floor
from cordpair.core.ids import TenantId
from cordpair.engine.ahead import Ahead
from cordpair.engine.alarms import Alarms
from cordpair.engine.clock import Clock
from cordpair.engine.deliveries import Deliveries
from cordpair.engine.facts import LinkOf, Told, Translate, about
from cordpair.engine.folding import RECENT, Batch, Folding, Workers, Written, as_row, reopened
from cordpair.engine.identifying import Identifier
from cordpair.engine.quota import MonthCount
from cordpair.engine.reading import Reading
from cordpair.engine.traces.folds import FoldTraces, Turn
from cordpair.engine.wakeup import Bell
from cordpair.errors import TemporaryFailure
from cordpair.store.doors import Store, TenantRows
from cordpair.store.inbox import Incoming
from cordpair.store.outbox import Handed
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

BATCH = 256
POLL_S = 5.0  #: real seconds; the lookout rings the bell within a fraction of one, this stands behind it

# Called after a commit, with the floor as it is now and what has changed.
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
        identifier: Identifier | None = None,
        quota: MonthCount | None = None,
        workers: Workers | None = None,
        traces: FoldTraces | None = None,
        bell: Bell | None = None,
    ) -> None:
        self.tenant = tenant
        self.bell = bell or Bell()
        self._store, self._clock = store, clock
        self._owner, self._epoch = owner, epoch
        self._reading = Reading(clock, translators, identifier or Identifier(clock, link, region))
        self._publish, self._quota = publish, quota
        self._workers, self._traces = workers, traces
        self._folding = Folding(clock, metrics)
        self._deliveries = Deliveries(self.bell)
        self._alarms = Alarms(clock)
        self._floor: Floor | None = None
        self._unsure = False  #: whether a commit has failed since the floor was built
        self._behind = False  #: whether more is stored than one turn takes: what comes in now has to come after it
        self._ahead: Ahead | None = None  #: what is read already, to be folded next
        self._may_look_ahead = False  #: whether a turn is at a point where the next may be read
        self._is_ending = False

    @property
    def floor(self) -> Floor | None:
        """The tenant in memory; None while it is being rebuilt."""
        return self._floor

    def ring(self) -> None:
        """Something was stored for this tenant."""
        self.bell.ring()

    async def take_in(self, items: Sequence[Incoming]) -> set[tuple[str, str]] | None:
        """Store and fold `items` in one commit; (source, key) of the new ones. None when it cannot be done now."""
        if self._floor is None or self._behind or len(items) > BATCH:
            return None
        delivery = self._deliveries.add(items)
        self._look_ahead()
        await delivery.ended()
        return delivery.new

    async def run(self) -> None:
        """Fold until `end`, or until cancelled. A failure of the database is waited out."""
        look = True
        try:
            with self._store.folded_by(self.tenant, self):
                while not self._is_ending:
                    look = await self._round(look)
        finally:
            await self._drop_ahead()
            self._deliveries.give_back()

    def end(self) -> None:
        """End with the turn that is under way."""
        self._is_ending = True
        self.bell.ring()

    async def _round(self, look: bool) -> bool:
        """One turn, and the wait for the next; returns whether that one has to look into the store."""
        try:
            batch = await self._turn(look)
        except TemporaryFailure as exc:
            log.warning("tenant waits for the database", tenant=self.tenant, error=type(exc).__name__)
            self._floor = None
            await self.bell.heard(POLL_S)
            return True
        self._behind = batch.is_full
        if self._ahead is not None or self._deliveries.is_any:
            self.bell.wake()
        look = self._behind or await self.bell.heard(self._alarms.wait_s(POLL_S))
        return look or self._alarms.wait_s(POLL_S) <= 0  # one may come while what comes in keeps us awake

    async def turn(self) -> bool:
        """One batch. Returns whether there was any work. Raises TemporaryFailure; StaleLease when the lease is lost."""
        batch = await self._turn(True)
        return bool(batch.rows or batch.taken or batch.fired)

    async def _turn(self, look: bool) -> Batch:
        ahead, self._ahead = self._ahead, None
        most = BATCH if look else 0
        batch = Batch(most, most, self._deliveries.next()) if ahead is None else ahead.batch
        batch.most_rows = batch.most_timers = most
        try:
            await self._fold(batch, ahead)
        except TemporaryFailure:
            raise
        except Exception as exc:
            if not batch.rows and not batch.fired and batch.delivery is None:
                raise  # the floor cannot be read: nothing can be put aside that would help
            self._note(exc)
            await self._one_by_one(len(batch.rows), len(batch.fired))
        finally:
            if batch.delivery is not None:
                batch.delivery.end()
        return batch

    async def _one_by_one(self, rows: int, timers: int) -> None:
        """Something in a batch raises: try each of it alone, and put aside what raises again."""
        for most_rows, most_timers in [(1, 0)] * rows + [(0, 1)] * timers:
            batch = Batch(most_rows, most_timers)
            try:
                await self._fold(batch)
            except TemporaryFailure:
                raise
            except Exception as exc:  # noqa: BLE001 - the outermost place of this work: it is parked with its reason
                self._note(exc)
                await self._put_aside(batch, f"could not be folded: {type(exc).__name__}")

    async def _fold(self, batch: Batch, ahead: Ahead | None = None) -> None:
        """Read, fold, commit. What was read stands in `batch`, also when this raises."""
        began_at = self._clock.now()
        try:
            floor = self._floor or await self._open()
            async with ahead.door() if ahead is not None else self._store.open_tenant(self.tenant) as rows:
                told = await self._reading.look(rows, batch)
                told += await self._reading.take(rows, batch) if ahead is None else ahead.told
                await self._reading.remember(rows, floor, told)
                if self._quota is not None:
                    await self._quota.follow(rows, floor, self._clock.now())
                read_at = self._clock.now()
                self._may_look_ahead = not batch.is_full
                self._look_ahead()
                written = await self._make_true(rows, floor, told, batch)
        except BaseException:
            self._floor = None  # half-folded, or not what the store holds
            self._unsure, self._may_look_ahead = True, False
            await self._drop_ahead()
            if ahead is not None:
                await ahead.drop()
            raise
        self._may_look_ahead = False
        if batch.delivery is not None:
            batch.delivery.new = {(row.source, row.key) for row in batch.taken}
        if batch.most_timers:
            self._alarms.looked(began_at)
        if written is not None:
            self._committed(floor, written, batch)
            if self._traces is not None:
                self._traces.folded(self.tenant, Turn(told, batch.fired, written.changes, began_at, read_at))

    def _look_ahead(self) -> None:
        """While a batch is made true, what has come in after it is stored and read."""
        if self._may_look_ahead and self._ahead is None and (delivery := self._deliveries.next()) is not None:
            self._ahead = Ahead(self._store, self.tenant, delivery, self._reading.take)

    async def _drop_ahead(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await ahead.drop()

    async def _open(self) -> Floor:
        """Build the floor from the store, and let everybody who is ready take what waits."""
        async with self._store.open_tenant(self.tenant) as rows:
            if self._unsure and self._workers is not None:
                # Nobody may be at what the last commit has handed over, should it have happened after all.
                await self._write(rows, Changes(), {}, [])
                await rows.outbox.take_back(self._workers.at_work(self.tenant))
            stored = await rows.load_floor(RECENT, self._clock.now())
            self._alarms.know(await rows.timers.planned())
        self._unsure = False
        self._floor = reopened(stored, self._clock.now())
        self._publish(self.tenant, self._floor, Changes())
        return self._floor

    async def _make_true(self, rows: TenantRows, floor: Floor, told: Sequence[Told], batch: Batch) -> Written | None:
        """Fold and write; None when there is nothing to write."""
        if not told and not batch.fired and not floor.changes.history:
            return None
        stored = {row.id for row in batch.rows}
        marks: dict[int, bytes | None] = {}
        for one in told:
            verdict = self._folding.row(floor, one)
            if one.error:
                await rows.inbox.park(one.row.id, one.error)
                self._folding.look_at(floor, about(one.row, self.tenant))
            elif one.row.source == "command":
                marks[one.row.id] = verdict.encode()
            elif one.row.id in stored:
                marks[one.row.id] = None
        self._folding.timers(floor, batch.fired)
        changes = floor.take_changes()
        handed = self._workers.room() if self._workers is not None else None
        return Written(changes, handed, await self._write(rows, changes, marks, batch.fired, handed))

    def _committed(self, floor: Floor, written: Written, batch: Batch) -> None:
        """What is true now may be done, and shown."""
        changes = written.changes
        self._alarms.follow([timer.key for timer in batch.fired], changes.timers)
        if self._workers is not None and written.handed is not None:
            self._workers.take(self.tenant, changes.effects, written.ids, written.handed)
        self._folding.forget_old(floor)
        self._publish(self.tenant, floor, changes)

    async def _put_aside(self, batch: Batch, why: str) -> None:
        """Park a row. A timer becomes a row, so that people see it and can have it tried again.

        The call that it was about is read anew at once: Graph knows what we could not fold.
        """
        try:
            await self._park(batch, why, look=True)
        except TemporaryFailure:
            raise
        except Exception as exc:  # noqa: BLE001 - the call itself cannot be folded: then it is only parked
            self._note(exc)
            await self._park(batch, why, look=False)

    async def _park(self, batch: Batch, why: str, *, look: bool) -> None:
        try:
            floor = self._floor or await self._open()
            async with self._store.open_tenant(self.tenant) as rows:
                for row in batch.rows:
                    await rows.inbox.park(row.id, why)
                    if look:
                        self._folding.look_at(floor, about(row, self.tenant))
                await rows.inbox.put([as_row(timer, self._clock.now()) for timer in batch.fired])
                changes = floor.take_changes()
                written = Written(changes, None, await self._write(rows, changes, {}, batch.fired))
        except BaseException:
            self._floor = None
            raise
        self._committed(floor, written, batch)

    def _note(self, exc: Exception) -> None:
        log.error("an event could not be folded", tenant=self.tenant, error=type(exc).__name__, exc_info=exc)

    async def _write(
        self,
        rows: TenantRows,
        changes: Changes,
        folded: Mapping[int, bytes | None],
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
