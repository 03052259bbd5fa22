"""The store in memory: the two doors of `cordpair.store.doors` on a database that one process after the other uses."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from cordpair.core.changes import Changes
from cordpair.core.ids import TenantId
from cordpair.store.beacon import Beacon
from cordpair.store.doors import Store, TenantRows
from cordpair.store.faults import StaleLease
from cordpair.store.fold import FloorRows
from cordpair.store.inbox import Incoming
from cordpair.store.intake import Intake
from cordpair.store.outbox import Handed
from cordpair.store.queue_door import QueueRows
from tests.sim.database import Database, Transaction
from tests.sim.floor_rows import (
    MemoryAgents,
    MemoryCallers,
    MemoryCalls,
    MemoryCards,
    MemoryChats,
    MemoryParties,
    MemoryPeers,
    write_offers,
)
from tests.sim.inbox import MemoryInbox, MemoryTimers
from tests.sim.loop import spoken
from tests.sim.outbox import MemoryOutbox
from tests.sim.queue import Lease, MemoryBeacon, MemoryQueue
from tests.sim.setups import MemorySetups

AMBUSHED_FOLD = 0.5  #: how often what lies in wait strikes before a fold is written, 0..1


class MemoryRows(TenantRows):
    """See TenantRows: what the engine works with of it. Anything else is not there and says so."""

    inbox: MemoryInbox
    outbox: MemoryOutbox
    timers: MemoryTimers
    calls: MemoryCalls
    agents: MemoryAgents

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx = transaction
        self.tenant = tenant
        self.inbox = MemoryInbox(transaction, tenant)
        self.outbox = MemoryOutbox(transaction, tenant, self.inbox)
        self.timers = MemoryTimers(transaction, tenant)
        self.calls = MemoryCalls(transaction, tenant)
        self.agents = MemoryAgents(transaction, tenant)
        self.setups = MemorySetups(transaction, tenant)
        self.cards = MemoryCards(transaction, tenant)
        self.chats = MemoryChats(transaction, tenant)
        self.peers = MemoryPeers(transaction, tenant)
        self.parties = MemoryParties(transaction, tenant)
        self.callers = MemoryCallers(transaction)

    async def load_floor(self, recent: timedelta, now: datetime) -> FloorRows:
        return FloorRows(
            calls=await self.calls.of_floor(now - recent),
            agents=await self.agents.of_floor(),
            queues=await self.setups.queues(),
            next_sequence=await self.calls.next_sequence(),
        )

    async def write_fold(
        self,
        *,
        owner: str,
        epoch: int,
        changes: Changes,
        folded: Mapping[int, bytes | None],
        fired: Sequence[str],
        now: datetime,
        handed: Handed | None = None,
    ) -> dict[str, int]:
        await self._tx.statement()
        self._tx.fold = self.tenant, epoch
        if self._tx.database.chance.random() < AMBUSHED_FOLD:
            await spoken()
        await self.hold_lease(owner, epoch)
        ids = await self.outbox.add(changes.effects, now, handed)
        await self.calls.write(list(changes.calls.values()))
        await self.agents.write(list(changes.agents.values()))
        await write_offers(self._tx, self.tenant, list(changes.offers.values()))
        await self._write_rest(changes)
        wanted = {key: timer for key, timer in changes.timers.items() if timer is not None}
        gone = [key for key in (*fired, *changes.timers) if key not in wanted]
        await self.timers.change(gone, list(wanted.values()))
        await self.inbox.mark(folded, now)
        return ids

    async def hold_lease(self, owner: str, epoch: int) -> None:
        """The lease cannot change hands before we have committed. Raises StaleLease when it has."""
        await self._tx.lock("leases", self.tenant)
        lease: Lease | None = self._tx.get("leases", self.tenant)
        if lease is None or (lease.owner, lease.epoch) != (owner, epoch):
            raise StaleLease("another process owns this tenant now")

    async def _write_rest(self, changes: Changes) -> None:
        rows: list[tuple[str, object, object]] = [
            *(("legs", (self.tenant, leg.call, leg.number), leg) for leg in changes.legs.values()),
            *(("history", (self.tenant, self._tx.database.number()), entry) for entry in changes.history),
            *(("pending", (self.tenant, call), item) for call, item in changes.pending.items()),
        ]
        for table, key, row in rows:
            await self._tx.lock(table, key)
            if row is None:
                self._tx.delete(table, key)
            elif table != "pending" or self._tx.get(table, key) is None:
                self._tx.put(table, key, row)


class MemoryStore(Store):
    """See Store. One of these for each process; `database` is what they share."""

    rows = MemoryRows  #: what the tenant's door opens on

    def __init__(self, database: Database) -> None:
        self.database = database
        self._intake = Intake(self._put_incoming)

    @asynccontextmanager
    async def open_tenant(self, tenant: TenantId) -> AsyncIterator[TenantRows]:
        async with self._transaction() as transaction:
            yield self.rows(transaction, tenant)

    @asynccontextmanager
    async def glance(self, tenant: TenantId) -> AsyncIterator[TenantRows]:
        async with self.open_tenant(tenant) as rows:
            yield rows

    @asynccontextmanager
    async def open_queue(self) -> AsyncIterator[QueueRows]:
        async with self._transaction() as transaction:
            yield MemoryQueue(transaction)

    def beacon(self, owner: str, heard: Callable[[], None] = lambda: None) -> Beacon:
        return MemoryBeacon(self.database, owner, heard)

    async def close(self) -> None:
        await self._intake.close()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Transaction]:
        transaction = await self.database.begin()
        try:
            yield transaction
        except BaseException:
            transaction.abort()
            raise
        await transaction.commit()

    async def _put_incoming(self, tenant: TenantId, items: Sequence[Incoming]) -> set[tuple[str, str]]:
        async with self.open_tenant(tenant) as rows:
            return await rows.inbox.put(items)
