"""The outbox: orders that were committed are carried out, in lanes, and what comes of them goes into the inbox.

An attempt is written down before it begins. What may have happened is never simply repeated: the performer is told.
Only the tenant's owner performs its effects, so two orders about one card never meet in two processes.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TypeGuard

import msgspec
import structlog

from cordpair.core.bucket import LONGEST_QUARANTINE_S, PEERS, QUARANTINE_S, is_urgent
from cordpair.core.effects import Effect, InviteAgent, Lane
from cordpair.core.ids import TenantId
from cordpair.core.retry import pause_s
from cordpair.engine.attempt import Attempt
from cordpair.engine.clock import Clock
from cordpair.engine.endings import Endings
from cordpair.engine.limits import PeerLimits
from cordpair.engine.perform import Performer
from cordpair.engine.traces.tries import TryTraces
from cordpair.engine.wakeup import Bell
from cordpair.errors import CordpairError, PermanentFailure, Rejected, TemporaryFailure, Throttled, UnknownOutcome
from cordpair.store.doors import Store
from cordpair.store.outbox import Handed, OutboxRow
from cordpair.store.queue_door import Claimed, Limit
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

POLL_S = 0.25  #: real seconds
LEASE_S = 30.0  #: real seconds after which an attempt that says nothing counts as one of unknown outcome
CRM_LEASE_S = LONGEST_QUARANTINE_S  #: of the clock: what was under way when we were killed may be carried out so late
MOST_ATTEMPTS = 12
LONGEST_ASKED_S = 3600.0  #: a longer pause that is asked for is interrupted by a look, once an hour
MOST_TURN_S = 1.0  #: a worker waits this long for its turn at a peer; for more the effect goes back into the queue

PerformerOf = Callable[[TenantId], Awaitable[Performer]]


class OutboxWorkers:
    """Performs at most `width` effects at the same time. `chance` gives numbers in 0..1, for jitter.

    A quarter of the workers is kept for those who cannot wait: bulk lanes do not take it, and no tenant takes it from
    the others, who also find half of the workers free of its bulk. So neither a CRM that hangs nor one tenant's trouble
    leaves a caller ringing. `limits` says how much each peer may be asked; without it, as much as there are workers.
    """

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
        traces: TryTraces | None = None,
        limits: PeerLimits | None = None,
        bell: Bell | None = None,
    ) -> None:
        self.bell = bell or Bell()
        self._store, self._clock, self._performer_of = store, clock, performer_of
        self._owned, self._ring, self._metrics = owned, ring, metrics
        self._endings = Endings(store, clock)
        self._width, self._free, self._kept = width, width, width // 4
        self._limits = limits
        self._waits = False  #: whether effects may wait only because nobody is free
        self._busy: dict[asyncio.Task[None], Claimed] = {}
        self._chance, self._traces = chance, traces
        self._sweep_at = clock.now()

    async def run(self) -> None:
        """Claim and perform until cancelled. What was under way then is of unknown outcome for the next owner."""
        try:
            while True:
                claimed = await self._claim()
                for one in claimed:
                    self._start(one)
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
                self._start(Claimed(tenant, row, order.lane))
            else:
                begun = OutboxRow(
                    id=row, key=order.key, effect=order, attempts=1, state="sending", unknown=False, since=now
                )
                one = Claimed(tenant, row, order.lane)
                self._begin(one, self._perform(tenant, begun, self._turn_s(one)))

    async def finish(self, tenant: TenantId, limit_s: float) -> None:
        """Wait for what is under way for a tenant that we own no more; after real seconds break it off."""
        mine = {task for task, one in self._busy.items() if one.tenant == tenant}
        if mine:
            _, late = await asyncio.wait(mine, timeout=limit_s)
            for task in late:
                task.cancel()

    def at_work(self, tenant: TenantId) -> list[int]:
        """The effects of a tenant that workers are at."""
        return [one.id for one in self._busy.values() if one.tenant == tenant]

    async def _claim(self) -> list[Claimed]:
        owned = self._owned()
        room = self._free
        if room <= 0 or not owned:
            self._waits = bool(owned)
            return []
        lease, crm = timedelta(seconds=LEASE_S * self._clock.rate), timedelta(seconds=CRM_LEASE_S)
        bulk = max(room - self._kept, 0)
        try:
            if self._limits is not None:
                await self._limits.follow(owned)
            async with self._store.open_queue() as queue:
                now = self._clock.now()
                if not now < self._sweep_at <= now + lease / 6:  # it is time, or the clock went back
                    self._sweep_at = now + lease / 6
                    await queue.expired(self._clock.now())
                claimed = await queue.claim(
                    room,
                    self._clock.now(),
                    lease,
                    sorted(owned),
                    crm_lease_for=crm,
                    limits=self._below(room, owned),
                    most_bulk=bulk,
                )
        except CordpairError as exc:
            log.warning("outbox waits for the database", error=type(exc).__name__)
            return []
        self._waits = len(claimed) >= min(room, bulk)
        still = self._owned()  # a tenant may have been handed over meanwhile, and its claims with it
        return [one for one in claimed if one.tenant in still]

    def _below(self, room: int, owned: frozenset[TenantId]) -> list[Limit]:
        """Where fewer than `room` effects may begin: what the peers allow, and what one tenant leaves to the others."""
        below = {(one.tenant, one.lane): one for one in (self._limits.below(room) if self._limits else ())}
        held = Counter((one.tenant, is_urgent(one.lane)) for one in self._busy.values()) if len(owned) > 1 else {}
        for (tenant, urgent), count in held.items():
            most = self._width - self._kept if urgent else self._width // 2
            for lane in (lane for lane in Lane if is_urgent(lane) is urgent):
                known = below.get((tenant, lane))
                below[tenant, lane] = Limit(tenant, lane, max(min(most - count, known.allowed if known else room), 0))
        return list(below.values())

    def _start(self, one: Claimed) -> None:
        if one in self._busy.values():
            return  # its lease has run out, but we are still at it: two at once could write twice
        self._begin(one, self._one(one, self._turn_s(one)))

    def _turn_s(self, one: Claimed) -> float:
        """Take its place at the peer; seconds until it is its turn."""
        return 0.0 if self._limits is None else self._limits.take(one.tenant, one.lane)

    def _begin(self, one: Claimed, work: Coroutine[None, None, None]) -> None:
        self._free -= 1
        task = asyncio.create_task(work)
        self._busy[task] = one
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._busy[task]
        self._free += 1
        if self._waits:
            self.bell.ring()
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("an effect was left for its lease to run out", error=type(exc).__name__, exc_info=exc)

    async def _one(self, one: Claimed, turn_s: float) -> None:
        try:
            async with self._store.open_tenant(one.tenant) as rows:
                row = await rows.outbox.begin(one.id)
        except msgspec.ValidationError:
            await self._unreadable(one.tenant, one.id)
            return
        if row is None:
            return  # the claim was lost meanwhile
        await self._perform(one.tenant, row, turn_s)

    async def _perform(self, tenant: TenantId, row: OutboxRow, turn_s: float) -> None:
        """Carry out a try that is written down as begun, when it is its turn at the peer."""
        if turn_s > MOST_TURN_S and self._limits is not None:
            self._limits.give_back(tenant, row.effect.lane)
            await self._later(tenant, row, turn_s, "Throttled", unknown=row.unknown)
            return
        if turn_s > 0:
            await self._clock.sleep(turn_s)
        try:
            performer = await self._performer_of(tenant)
            traced = self._traces.trying(tenant, row) if self._traces is not None else contextlib.nullcontext()
            with traced, self._counted(performer.connector(row.effect)):
                results = await performer.perform(row.effect, Attempt(row.attempts, row.unknown))
        except Exception as exc:  # noqa: BLE001 - the outermost place of this work: the effect is parked with its reason
            await self._failed(tenant, row, exc)
            return
        await self._endings.done(tenant, row.id, results)
        if results:
            self._ring(tenant)

    @contextlib.contextmanager
    def _counted(self, connector: str) -> Iterator[None]:
        """Count a try by what it came to; one that is broken off has come to nothing."""
        count = self._metrics.connector_requests
        try:
            yield
        except Exception as exc:
            count.labels(connector=connector, outcome=type(exc).__name__).inc()
            raise
        count.labels(connector=connector, outcome="done").inc()

    async def _unreadable(self, tenant: TenantId, row_id: int) -> None:
        """An order that another version wrote: it waits for a person, and would otherwise be claimed for ever."""
        log.error("an effect cannot be read", tenant=tenant)
        async with self._store.open_tenant(tenant) as rows:
            await rows.outbox.park(row_id, self._clock.now(), "this version of cordpair cannot read it")

    async def _failed(self, tenant: TenantId, row: OutboxRow, exc: Exception) -> None:
        """Again later, or parked for a person with the reason."""
        kind = type(row.effect).__name__
        unknown = isinstance(exc, UnknownOutcome) or row.unknown
        again = isinstance(exc, TemporaryFailure) and row.attempts < MOST_ATTEMPTS
        log.warning("effect failed", effect=kind, error=type(exc).__name__, attempts=row.attempts, again=again)
        if self._limits is not None and _asks_for_less(exc):
            await self._limits.heed(tenant, row.effect.lane, exc)
        if again:
            await self._later(tenant, row, self._pause_s(row, exc), type(exc).__name__, unknown=unknown)
        else:
            async with self._store.open_tenant(tenant) as rows:
                await rows.outbox.park(row.id, self._clock.now(), _reason(exc))
        self._ring(tenant)

    async def _later(self, tenant: TenantId, row: OutboxRow, pause_s: float, why: str, *, unknown: bool) -> None:
        async with self._store.open_tenant(tenant) as rows:
            run_at = self._clock.now() + timedelta(seconds=pause_s)
            await rows.outbox.retry_later(row.id, run_at, why, unknown=unknown)

    def _pause_s(self, row: OutboxRow, exc: Exception) -> float:
        """Our own growing pause; never sooner than the other side asked for, nor, after an unknown outcome, than what
        may still be under way there can be seen: who looks too early repeats what is just being carried out.
        """
        asked = exc.retry_after_s if isinstance(exc, TemporaryFailure) and exc.retry_after_s else 0.0
        quarantine = _quarantine_s(row, exc) if isinstance(exc, UnknownOutcome) else 0.0
        return max(pause_s(row.attempts, self._chance()), min(asked, LONGEST_ASKED_S), quarantine)


def _quarantine_s(row: OutboxRow, exc: UnknownOutcome) -> float:
    """What the connector says of its own system, else what holds for all of its kind."""
    return QUARANTINE_S[PEERS[row.effect.lane]] if exc.quarantine_s is None else exc.quarantine_s


def _asks_for_less(exc: Exception) -> TypeGuard[TemporaryFailure]:
    """Whether the peer wants to be left alone for a while; so does one that names a time for what it may have done."""
    return isinstance(exc, Throttled) or (isinstance(exc, UnknownOutcome) and exc.retry_after_s is not None)


def _reason(exc: Exception) -> str:
    """What a person reads. Texts of unexpected errors may hold anything, so only their class is shown."""
    return str(exc) if isinstance(exc, PermanentFailure | Rejected | TemporaryFailure) else type(exc).__name__
