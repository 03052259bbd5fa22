"""One process of the product: holds leases of tenants, runs their loops and their outbox."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec
import structlog

from cordpair.core.floor import Floor
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.service import TenantService
from cordpair.errors import CordpairError
from cordpair.store.doors import Store

log = structlog.get_logger(__name__)

LEASE_S = 10.0  #: real seconds; another node takes over when they pass without renewal, or at once when we are dead
RENEW_S = 2.5

#: Makes the service of a tenant that this node has just got, for the given epoch, on its newest setup.
MakeService = Callable[[TenantId, int], Awaitable[TenantService]]


class _Running(msgspec.Struct, frozen=True):
    """A service at work: for which epoch of the lease, on which revision of the setup."""

    epoch: int
    revision: int
    service: TenantService
    task: asyncio.Task[None]

    def is_current(self, epoch: int | None, revision: int | None) -> bool:
        return not self.task.done() and (self.epoch, self.revision) == (epoch, revision)


class Node:
    """Owns as many tenants as it can get. `name` is unique for every start of a process."""

    def __init__(self, store: Store, name: str, wall: Clock, make_service: MakeService) -> None:
        self.name = name
        self._store, self._wall, self._make_service = store, wall, make_service
        self._beacon = store.beacon(name)
        self._services: dict[TenantId, _Running] = {}

    @property
    def tenants(self) -> frozenset[TenantId]:
        """The tenants that this node writes for."""
        return frozenset(self._services)

    def floors(self) -> dict[TenantId, Floor]:
        """The floors in memory here, of the tenants that this node writes for."""
        floors = ((tenant, running.service.floor) for tenant, running in self._services.items())
        return {tenant: floor for tenant, floor in floors if floor is not None}

    def ring(self, tenant: TenantId) -> None:
        """There is something in the tenant's inbox. For a tenant of another node its poll will see it."""
        if tenant in self._services:
            self._services[tenant].service.bell.ring()

    async def run(self) -> None:
        """Keep leases and loops in step until cancelled; then give the leases back."""
        try:
            while True:
                await self._renew()
                await self._wall.sleep(RENEW_S)
        finally:
            await self._let_go()

    async def _renew(self) -> None:
        try:
            await self._beacon.burn()
            async with self._store.open_queue() as queue:
                await queue.bury(self._wall.now())
                revisions = await queue.revisions()
                epochs = await queue.lease(list(revisions), self.name, self._wall.now(), timedelta(seconds=LEASE_S))
        except CordpairError as exc:
            log.warning("leases could not be renewed", error=type(exc).__name__)
            return
        for tenant in list(self._services):
            if not self._services[tenant].is_current(epochs.get(tenant), revisions.get(tenant)):
                await self._stop(tenant)
        for tenant, epoch in epochs.items():
            if tenant not in self._services:
                await self._start(tenant, epoch, revisions[tenant])

    async def _start(self, tenant: TenantId, epoch: int, revision: int) -> None:
        try:
            service = await self._make_service(tenant, epoch)
        except Exception as exc:
            log.error("a tenant could not be started", tenant=tenant, error=type(exc).__name__, exc_info=exc)
            return
        task = asyncio.create_task(service.run(), name=f"tenant {tenant}")
        self._services[tenant] = _Running(epoch, revision, service, task)
        log.info("tenant taken over", tenant=tenant, epoch=epoch)

    async def _stop(self, tenant: TenantId) -> None:
        task = self._services.pop(tenant).task
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await task
            except Exception as exc:
                log.error("the service of a tenant ended", tenant=tenant, error=type(exc).__name__, exc_info=exc)

    async def _let_go(self) -> None:
        for tenant in list(self._services):
            await self._stop(tenant)
        with contextlib.suppress(CordpairError):
            async with self._store.open_queue() as queue:
                await queue.release(self.name)
        await self._beacon.put_out()
