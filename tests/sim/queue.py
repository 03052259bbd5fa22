"""The store's second door on the database in memory: leases, beacons, claims."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from cordpair.core.effects import Lane
from cordpair.core.ids import RegistrationId, TenantId
from cordpair.store.beacon import Beacon
from cordpair.store.queue_door import Claimed, Crew, Limit, QueueRows
from tests.sim.clock import BEGIN
from tests.sim.database import Database, Session, Transaction
from tests.sim.inbox import MemoryInbox
from tests.sim.loop import PROCESS
from tests.sim.outbox import MemoryOutbox, Order

_RELEASED = datetime(1970, 1, 1, tzinfo=UTC)


class Lease(msgspec.Struct, frozen=True):
    owner: str
    epoch: int
    expires_at: datetime


class MemoryQueue(QueueRows):
    """See QueueRows. The row's key ("leases") and the rest of it ("leases.row") are locked apart, as there."""

    def __init__(self, transaction: Transaction) -> None:
        self._tx = transaction

    async def now(self) -> datetime:
        await self._tx.statement()
        return BEGIN + timedelta(seconds=asyncio.get_running_loop().time())

    async def tenants(self) -> list[TenantId]:
        return sorted(await self.revisions())

    async def revisions(self) -> dict[TenantId, int]:
        await self._tx.statement()
        return {key: row.revision for key, row in sorted(self._tx.scan("tenants"))}  # type: ignore[misc]

    async def directory(self, registration: RegistrationId) -> TenantId | None:
        await self._tx.statement()
        rows = [key for key, row in self._tx.scan("tenants") if row.setup.registration.id == registration]
        return rows[0] if len(rows) == 1 else None  # type: ignore[return-value]

    async def lease(
        self,
        tenants: Sequence[TenantId],
        owner: str,
        now: datetime,
        ttl: timedelta,
        *,
        most: int | None = None,
    ) -> dict[TenantId, int]:
        await self._tx.statement()
        epochs = {}
        free = []
        for tenant in tenants:
            found: Lease | None = self._tx.get("leases", tenant)
            if found is None or found.owner == owner:
                await self._tx.lock("leases.row", tenant)
                found = self._tx.get("leases", tenant)
            if found is None:
                epochs[tenant] = await self._take(tenant, Lease(owner, 1, now + ttl))
            elif found.owner == owner:
                self._tx.put("leases", tenant, replace(found, expires_at=now + ttl), under="leases.row")
                epochs[tenant] = found.epoch
            elif found.expires_at <= now and not self._is_held(tenant):
                free.append((found.expires_at, tenant, found))
        room = len(free) if most is None else max(most - len(epochs), 0)
        for _, tenant, found in sorted(free, key=lambda it: it[0])[:room]:
            await self._tx.lock("leases.row", tenant)
            epochs[tenant] = await self._take(tenant, Lease(owner, found.epoch + 1, now + ttl))
        return epochs

    async def crew(self, now: datetime, patience: timedelta) -> Crew:
        await self._tx.statement()
        leases = self._leases()
        still = {lease.owner for _, lease in leases if lease.expires_at <= now}
        nodes = sum(owner not in still for owner in self._tx.database.takers)
        return Crew(nodes, any(lease.expires_at <= now - patience for _, lease in leases))

    def _is_held(self, tenant: TenantId) -> bool:
        return self._tx.is_locked("leases", tenant) or self._tx.is_locked("leases.row", tenant)

    async def _take(self, tenant: TenantId, lease: Lease) -> int:
        await self._tx.lock("leases", tenant)
        self._tx.put("leases", tenant, lease)
        return lease.epoch

    async def release(self, owner: str, tenants: Sequence[TenantId] | None = None, at: datetime = _RELEASED) -> None:
        await self._tx.statement()
        mine = [
            (tenant, owner)
            for tenant, lease in self._leases()
            if lease.owner == owner and (tenants is None or tenant in tenants)
        ]
        if await self._free(await self._expire(mine, at, owner="")):
            self._tx.news = True

    async def bury(self, now: datetime) -> list[TenantId]:
        await self._tx.statement()
        beacons = self._tx.database.beacons
        found = [
            (tenant, lease.owner)
            for tenant, lease in self._leases()
            if lease.owner and lease.expires_at > now and lease.owner not in beacons
        ]
        return await self._free(await self._expire(found, now))

    async def _free(self, tenants: list[TenantId]) -> list[TenantId]:
        """What was claimed for these tenants may run at once; what was being sent, but to the CRM, too."""
        for key, row in list(self._tx.scan("outbox", "outbox.open")) if tenants else ():
            tenant = key[0]  # type: ignore[index]
            if tenant in tenants and (
                row.state == "claimed" or (row.state == "sending" and row.effect.lane < Lane.CRM)
            ):
                await self._outbox(tenant).free(row.id)
        return tenants

    async def _expire(
        self, found: Sequence[tuple[TenantId, str]], at: datetime, owner: str | None = None
    ) -> list[TenantId]:
        """End leases that are still of these owners when we come to them."""
        ended = []
        for tenant, former in found:
            await self._tx.lock("leases.row", tenant)
            lease: Lease | None = self._tx.get("leases", tenant)
            if lease is not None and lease.owner == former:
                if owner is not None:  # a part of the row's key: not while a fold commits
                    await self._tx.lock("leases", tenant)
                changed = Lease(former if owner is None else owner, lease.epoch, at)
                self._tx.put("leases", tenant, changed, under="leases.row")
                ended.append(tenant)
        return ended

    async def claim(
        self,
        limit: int,
        now: datetime,
        lease_for: timedelta,
        tenants: Sequence[TenantId] | None = None,
        *,
        crm_lease_for: timedelta = timedelta(0),
        limits: Sequence[Limit] = (),
        most_bulk: int | None = None,
    ) -> list[Claimed]:
        await self._tx.statement()
        below = {(one.tenant, one.lane): one.allowed for one in limits}
        claimed = self._chosen(limit, now, tenants, below, limit if most_bulk is None else most_bulk)
        for tenant, row in claimed:
            longest = max(lease_for, crm_lease_for) if row.effect.lane >= Lane.CRM else lease_for
            await self._tx.lock("outbox", (tenant, row.id))
            self._tx.put("outbox", (tenant, row.id), replace(row, state="claimed", lease_until=now + longest))
        return [Claimed(tenant, row.id, row.effect.lane) for tenant, row in claimed]

    def _chosen(
        self,
        limit: int,
        now: datetime,
        tenants: Sequence[TenantId] | None,
        below: Mapping[tuple[TenantId, Lane], int],
        most_bulk: int,
    ) -> list[tuple[TenantId, Order]]:
        """The most urgent first; within a lane every tenant gets its first before one gets its second."""
        turns: Counter[tuple[TenantId, Lane]] = Counter()
        ranked = []
        for tenant, row in sorted(self._ready(now, tenants), key=lambda it: (it[1].run_at, it[1].id)):
            lane = row.effect.lane
            turns[tenant, lane] += 1
            if turns[tenant, lane] <= below.get((tenant, lane), limit):
                ranked.append(((lane, turns[tenant, lane], row.run_at, row.id), tenant, row))
        ranked.sort(key=lambda it: it[0])
        urgent = [(tenant, row) for (lane, *_), tenant, row in ranked if lane <= Lane.CARD]
        bulk = [(tenant, row) for (lane, *_), tenant, row in ranked if lane > Lane.CARD]
        return [*urgent, *bulk[:most_bulk]][:limit]

    def _ready(self, now: datetime, tenants: Sequence[TenantId] | None) -> list[tuple[TenantId, Order]]:
        return [
            (key[0], row)  # type: ignore[index]
            for key, row in self._tx.scan("outbox", "outbox.open")
            if row.state == "ready"
            and row.run_at <= now
            and (tenants is None or key[0] in tenants)  # type: ignore[index]
            and not self._tx.is_locked("outbox", key)
        ]

    async def expired(self, now: datetime) -> int:
        await self._tx.statement()
        gone = [
            (key[0], row.id)  # type: ignore[index]
            for key, row in self._tx.scan("outbox", "outbox.open")
            if row.state in ("claimed", "sending") and row.lease_until <= now
        ]
        for tenant, row_id in gone:
            await self._outbox(tenant).free(row_id)
        return len(gone)

    async def next_effect(self) -> datetime | None:
        await self._tx.statement()
        return min(
            (row.run_at for _, row in self._tx.scan("outbox", "outbox.open") if row.state == "ready"), default=None
        )

    async def ready_tenants(self, now: datetime) -> list[TenantId]:
        await self._tx.statement()
        waiting = {key[0] for key, row in self._tx.scan("inbox", "inbox.new") if row.state == "new"}  # type: ignore[index]
        due = {key[0] for key, timer in self._tx.scan("timers") if timer.run_at <= now}  # type: ignore[index]
        return sorted(waiting | due)

    async def next_timer(self) -> datetime | None:
        await self._tx.statement()
        return min((timer.run_at for _, timer in self._tx.scan("timers")), default=None)

    def _leases(self) -> list[tuple[TenantId, Lease]]:
        return sorted((tenant, lease) for tenant, lease in self._tx.scan("leases"))  # type: ignore[misc]

    def _outbox(self, tenant: TenantId) -> MemoryOutbox:
        return MemoryOutbox(self._tx, tenant, MemoryInbox(self._tx, tenant))


class MemoryBeacon(Beacon):
    """See Beacon."""

    def __init__(self, database: Database, owner: str, heard: Callable[[], None]) -> None:
        self._database, self._owner, self._heard = database, owner, heard
        self._takes = True

    async def burn(self) -> None:
        transaction = await self._database.begin()
        transaction.abort()
        database, owner = self._database, self._owner
        if owner not in database.beacons:
            database.beacons[owner] = Session(PROCESS.get(), self._heard)
            if self._takes:
                database.takers[owner] = None

    async def stand_down(self) -> None:
        self._takes = False
        transaction = await self._database.begin()
        transaction.abort()
        self._database.takers.pop(self._owner, None)

    async def put_out(self) -> None:
        self._database.beacons.pop(self._owner, None)
        self._database.takers.pop(self._owner, None)
