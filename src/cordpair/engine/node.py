"""One process of the product: holds leases of tenants, and runs their services.

Nodes share the tenants evenly. Who joins gets its share from those who have more; who leaves, or dies, is replaced by
those who stay. Whatever they believe of each other, the lease's epoch lets only one of them write.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from cordpair.core.floor import Floor
from cordpair.core.ids import TenantId
from cordpair.core.sharing import fair_share, surplus
from cordpair.engine.clock import AskTime
from cordpair.engine.running import MakeService, RunningServices
from cordpair.engine.wakeup import Bell
from cordpair.errors import CordpairError
from cordpair.store.doors import Store

log = structlog.get_logger(__name__)

LEASE_S = 10.0  #: real seconds; another node takes over when they pass without renewal, or at once when we are dead
RENEW_S = 2.5
PATIENCE_S = 5.0  #: how long a free tenant waits for a node that has room, before any takes it

#: Waits until what was ordered for a tenant is carried out, or breaks it off after a while.
Finish = Callable[[TenantId], Awaitable[None]]
#: Hears of all tenants, each with the number of its newest setup.
Tell = Callable[[Mapping[TenantId, int]], None]
#: Asks for the time of the database, and sets our clock by it.
KeepTime = Callable[[AskTime], Awaitable[datetime]]


class Node:
    """Owns its share of the tenants. `name` is unique for every start of a process."""

    def __init__(
        self, store: Store, name: str, keep_time: KeepTime, make_service: MakeService, *, finish: Finish, tell: Tell
    ) -> None:
        self.name = name
        self._store, self._keep_time, self._finish, self._tell = store, keep_time, finish, tell
        self._news = Bell()
        self._beacon = store.beacon(name, self._news.ring)
        self._services = RunningServices(make_service)
        self._one_at_a_time = asyncio.Lock()
        self._is_leaving = False

    @property
    def tenants(self) -> frozenset[TenantId]:
        """The tenants that this node writes for."""
        return self._services.tenants

    @property
    def held(self) -> frozenset[TenantId]:
        """The tenants whose effects this node carries out."""
        return self._services.held

    @property
    def is_leaving(self) -> bool:
        """Whether others take over from us, for good."""
        return self._is_leaving

    def floors(self) -> dict[TenantId, Floor]:
        """The floors in memory here, of the tenants that this node writes for."""
        return self._services.floors()

    def ring(self, tenant: TenantId) -> None:
        """There is something in the tenant's inbox. Of a tenant of another node its lookout will see it."""
        self._services.ring(tenant)

    async def run(self) -> None:
        """Keep leases and services in step until cancelled; then give the leases back."""
        try:
            while True:
                async with self._one_at_a_time:
                    if not self._is_leaving:
                        await self._renew()
                await self._news.heard(RENEW_S)
        finally:
            await self._let_go()

    async def leave(self) -> None:
        """Take no tenant any more and hand ours over: each as soon as what it is at has come to its end."""
        self._is_leaving = True
        with contextlib.suppress(CordpairError):
            await self._beacon.stand_down()
        async with self._one_at_a_time:
            await self._hand_over(self._services.tenants)

    async def _renew(self) -> None:
        try:
            await self._beacon.burn()
            async with self._store.open_queue() as queue:
                now = await self._keep_time(queue.now)
                await queue.bury(now)
                revisions = await queue.revisions()
                crew = await queue.crew(now, timedelta(seconds=PATIENCE_S))
                share = fair_share(len(revisions), crew.nodes)
                most = None if crew.is_waiting else share
                epochs = await queue.lease(list(revisions), self.name, now, timedelta(seconds=LEASE_S), most=most)
        except CordpairError as exc:
            log.warning("leases could not be renewed", error=type(exc).__name__)
            return
        self._tell(revisions)
        await self._services.keep(epochs, revisions)
        if not crew.is_waiting:
            await self._hand_over(surplus(self._services.in_order(), share))

    async def _hand_over(self, tenants: Iterable[TenantId]) -> None:
        await asyncio.gather(*(self._hand_over_one(tenant) for tenant in tenants))

    async def _hand_over_one(self, tenant: TenantId) -> None:
        await self._services.end(tenant)
        await self._finish(tenant)
        with contextlib.suppress(CordpairError):  # then it is found free when the lease has run out
            async with self._store.open_queue() as queue:
                await queue.release(self.name, [tenant], await queue.now())
        log.info("tenant handed over", tenant=tenant)

    async def _let_go(self) -> None:
        for tenant in self._services.tenants:
            await self._services.stop(tenant)
        with contextlib.suppress(CordpairError):
            async with self._store.open_queue() as queue:
                await queue.release(self.name)
        await self._beacon.put_out()
