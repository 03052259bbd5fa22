"""The services of the tenants that this process writes for: started, replaced, ended."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog

from cordpair.core.floor import Floor
from cordpair.core.ids import TenantId
from cordpair.engine.service import TenantService

log = structlog.get_logger(__name__)

END_S = 3.0  #: real seconds that a turn of the fold, or an effect under way, may take to its end

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


class RunningServices:
    """All of them, by tenant, in the order in which they began."""

    def __init__(self, make: MakeService) -> None:
        self._make = make
        self._all: dict[TenantId, _Running] = {}
        self._held: set[TenantId] = set()

    @property
    def tenants(self) -> frozenset[TenantId]:
        """Those whose service runs."""
        return frozenset(self._all)

    @property
    def held(self) -> frozenset[TenantId]:
        """Those whose effects are ours to carry out: also while a service is replaced by one on a newer setup."""
        return frozenset(self._held)

    def floors(self) -> dict[TenantId, Floor]:
        """The floors in memory, of the tenants that have one now."""
        floors = ((tenant, running.service.floor) for tenant, running in self._all.items())
        return {tenant: floor for tenant, floor in floors if floor is not None}

    def ring(self, tenant: TenantId) -> None:
        """There is something to fold, if the tenant is ours."""
        if tenant in self._all:
            self._all[tenant].service.bell.ring()

    def in_order(self) -> list[TenantId]:
        """The longest-held first."""
        return list(self._all)

    async def keep(self, epochs: Mapping[TenantId, int], revisions: Mapping[TenantId, int]) -> None:
        """Run a service for each of `epochs`, in that epoch and on that revision of the setup, and for nobody else."""
        for tenant, running in list(self._all.items()):
            if not running.is_current(epochs.get(tenant), revisions.get(tenant)):
                await self._break_off(tenant)
        self._held &= epochs.keys()
        for tenant, epoch in epochs.items():
            if tenant not in self._all:
                await self._start(tenant, epoch, revisions[tenant])

    async def end(self, tenant: TenantId) -> None:
        """Let the fold come to the end of its turn, then stop. It orders nothing any more when this returns."""
        if tenant in self._all:
            running = self._all[tenant]
            self._held.discard(tenant)
            running.service.end()
            await asyncio.wait({running.task}, timeout=END_S)
            await self.stop(tenant)

    async def stop(self, tenant: TenantId) -> None:
        """Break off what the service is at, for good."""
        self._held.discard(tenant)
        await self._break_off(tenant)

    async def _break_off(self, tenant: TenantId) -> None:
        running = self._all.pop(tenant, None)
        if running is None:
            return
        running.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await running.task
            except Exception as exc:
                log.error("the service of a tenant ended", tenant=tenant, error=type(exc).__name__, exc_info=exc)

    async def _start(self, tenant: TenantId, epoch: int, revision: int) -> None:
        try:
            service = await self._make(tenant, epoch)
        except Exception as exc:
            log.error("a tenant could not be started", tenant=tenant, error=type(exc).__name__, exc_info=exc)
            self._held.discard(tenant)
            return
        task = asyncio.create_task(service.run(), name=f"tenant {tenant}")
        self._all[tenant] = _Running(epoch, revision, service, task)
        self._held.add(tenant)
        log.info("tenant taken over", tenant=tenant, epoch=epoch)
