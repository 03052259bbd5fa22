"""The outbox: orders that were committed are carried out, in lanes, and what comes of them goes into the inbox.

An attempt is written down before it begins. What may have happened is never simply repeated: the performer is told.
Only the tenant's owner performs its effects, so two orders about one card never meet in two processes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta

import msgspec
import structlog

from cordpair.core.effects import Effect, InviteAgent
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.endings import Endings
from cordpair.engine.perform import Attempt, Performer
from cordpair.engine.wakeup import Bell
from cordpair.errors import CordpairError, PermanentFailure, Rejected, TemporaryFailure, UnknownOutcome
from cordpair.store.doors import Store
from cordpair.store.outbox import Handed, OutboxRow
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

POLL_S = 0.25  #: real seconds
LEASE_S = 30.0  #: real seconds after which an attempt that says nothing counts as one of unknown outcome
CRM_LEASE_S = 120.0  #: of the clock: a CRM that has taken a write may carry it out this late, though we were killed
MOST_ATTEMPTS = 12
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 300.0

PerformerOf = Callable[[TenantId], Awaitable[Performer]]


class OutboxWorkers:
    """Performs at most `width` effects at the same time. `chance` gives numbers in 0..1, for jitter."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        performer_of: PerformerOf,
        *,
        owned: Callable[[], frozenset[TenantId]],
        ring: Callable[[TenantId], None],
        width: int,
        metrics: Metrics,
        chance: Callable[[], float],
        bell: Bell | None = None,
    ) -> None:
        self.bell = bell or Bell()
        self._store, self._clock, self._performer_of = store, clock, performer_of
        self._owned, self._ring, self._metrics = owned, ring, metrics
        self._endings = Endings(store, clock)
        self._free = width
        self._waits = False  #: whether effects may wait only because nobody is free
        self._busy: dict[asyncio.Task[None], tuple[TenantId, int]] = {}
        self._chance = chance
        self._sweep_at = clock.now()

    async def run(self) -> None:
        """Claim and perform until cancelled. What was under way then is of unknown outcome for the next owner."""
        try:
            while True:
                claimed = await self._claim()
                for tenant, row in claimed:
                    self._start(tenant, row)
                if not claimed:
                    await self.bell.heard(POLL_S)
        finally:
            for task in self._busy:
                task.cancel()

    def room(self) -> Handed:
        """How many effects a fold may hand over now, instead of leaving them to be claimed."""
        until = self._clock.now() + timedelta(seconds=LEASE_S * self._clock.rate)
        return Handed(max(self._free, 0), until)

    def take(self, tenant: TenantId, orders: Sequence[Effect], ids: Mapping[str, int], handed: Handed) -> None:
        """Perform what was handed over by a commit. After a standstill it is left to whoever claims it next."""
        if self._clock.now() >= handed.until:
            self.bell.ring()
            return
        now = self._clock.now()
        if len(ids) < len(orders):
            self.bell.ring()
        for order in sorted(orders, key=lambda it: it.lane):
            row = ids.get(order.key)
            if row is None:
                continue
            if isinstance(order, InviteAgent):
                self._start(tenant, row)
            else:
                begun = OutboxRow(
                    id=row, key=order.key, effect=order, attempts=1, state="sending", unknown=False, since=now
                )
                self._begin(tenant, row, self._perform(tenant, begun))

    async def finish(self, tenant: TenantId, limit_s: float) -> None:
        """Wait for what is under way for a tenant that we own no more; after real seconds break it off."""
        mine = {task for task, (whose, _) in self._busy.items() if whose == tenant}
        if mine:
            _, late = await asyncio.wait(mine, timeout=limit_s)
            for task in late:
                task.cancel()

    def at_work(self, tenant: TenantId) -> list[int]:
        """The effects of a tenant that workers are at."""
        return [row for whose, row in self._busy.values() if whose == tenant]

    async def _claim(self) -> list[tuple[TenantId, int]]:
        owned = self._owned()
        room = self._free
        if room <= 0 or not owned:
            self._waits = bool(owned)
            return []
        lease, crm = timedelta(seconds=LEASE_S * self._clock.rate), timedelta(seconds=CRM_LEASE_S)
        try:
            async with self._store.open_queue() as queue:
                if self._clock.now() >= self._sweep_at:
                    self._sweep_at = self._clock.now() + lease / 6
                    await queue.expired(self._clock.now())
                claimed = await queue.claim(room, self._clock.now(), lease, sorted(owned), crm_lease_for=crm)
        except CordpairError as exc:
            log.warning("outbox waits for the database", error=type(exc).__name__)
            return []
        self._waits = len(claimed) == room
        still = self._owned()  # a tenant may have been handed over meanwhile, and its claims with it
        return [one for one in claimed if one[0] in still]

    def _start(self, tenant: TenantId, row: int) -> None:
        if (tenant, row) in self._busy.values():
            return  # its lease has run out, but we are still at it: two at once could write twice
        self._begin(tenant, row, self._one(tenant, row))

    def _begin(self, tenant: TenantId, row: int, work: Coroutine[None, None, None]) -> None:
        self._free -= 1
        task = asyncio.create_task(work)
        self._busy[task] = tenant, row
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._busy[task]
        self._free += 1
        if self._waits:
            self.bell.ring()
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("an effect was left for its lease to run out", error=type(exc).__name__, exc_info=exc)

    async def _one(self, tenant: TenantId, row_id: int) -> None:
        try:
            async with self._store.open_tenant(tenant) as rows:
                row = await rows.outbox.begin(row_id)
        except msgspec.ValidationError:
            await self._unreadable(tenant, row_id)
            return
        if row is None:
            return  # the claim was lost meanwhile
        await self._perform(tenant, row)

    async def _perform(self, tenant: TenantId, row: OutboxRow) -> None:
        """Carry out a try that is written down as begun."""
        try:
            performer = await self._performer_of(tenant)
            results = await performer.perform(row.effect, Attempt(row.attempts, row.unknown))
        except Exception as exc:  # noqa: BLE001 - the outermost place of this work: the effect is parked with its reason
            await self._failed(tenant, row, exc)
            return
        await self._endings.done(tenant, row.id, results)
        self._metrics.connector_requests.labels(connector=type(row.effect).__name__, outcome="done").inc()
        if results:
            self._ring(tenant)

    async def _unreadable(self, tenant: TenantId, row_id: int) -> None:
        """An order that another version wrote: it waits for a person, and would otherwise be claimed for ever."""
        log.error("an effect cannot be read", tenant=tenant)
        async with self._store.open_tenant(tenant) as rows:
            await rows.outbox.park(row_id, self._clock.now(), "this version of cordpair cannot read it")

    async def _failed(self, tenant: TenantId, row: OutboxRow, exc: Exception) -> None:
        """Again later, or parked for a person with the reason."""
        kind = type(row.effect).__name__
        self._metrics.connector_requests.labels(connector=kind, outcome=type(exc).__name__).inc()
        unknown = isinstance(exc, UnknownOutcome) or row.unknown
        again = isinstance(exc, TemporaryFailure) and row.attempts < MOST_ATTEMPTS
        log.warning("effect failed", effect=kind, error=type(exc).__name__, attempts=row.attempts, again=again)
        async with self._store.open_tenant(tenant) as rows:
            if again:
                run_at = self._clock.now() + timedelta(seconds=self._pause_s(row.attempts, exc))
                await rows.outbox.retry_later(row.id, run_at, type(exc).__name__, unknown=unknown)
            else:
                await rows.outbox.park(row.id, self._clock.now(), _reason(exc))
        self._ring(tenant)

    def _pause_s(self, attempts: int, exc: Exception) -> float:
        """Exponential with full jitter on its upper half; never sooner than the other side asked for."""
        longest = min(FIRST_PAUSE_S * 2.0 ** (attempts - 1), LONGEST_PAUSE_S)
        asked = exc.retry_after_s if isinstance(exc, TemporaryFailure) and exc.retry_after_s else 0.0
        return max(longest * (0.5 + self._chance() / 2), asked)


def _reason(exc: Exception) -> str:
    """What a person reads. Texts of unexpected errors may hold anything, so only their class is shown."""
    return str(exc) if isinstance(exc, PermanentFailure | Rejected | TemporaryFailure) else type(exc).__name__
