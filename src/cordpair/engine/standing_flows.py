"""The flows that every tenant has and that never end, with all code that this version has for them."""

from collections.abc import Callable

from cordpair.connectors.kit import Calls
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock, agreed_now
from cordpair.engine.flow_workers import FlowWorkers
from cordpair.engine.flows import FlowBook
from cordpair.engine.node import Node
from cordpair.engine.parts import TenantParts, Workshop
from cordpair.engine.phone_memories import PhoneMemories
from cordpair.engine.purge import KIND as PURGE
from cordpair.engine.purge import purge_kind
from cordpair.engine.reconcile import KIND as RECONCILE
from cordpair.engine.reconcile import Reconciler, reconcile_kind
from cordpair.engine.sweep import KIND as SWEEP
from cordpair.engine.sweep import sweep_kind
from cordpair.engine.sync import KIND as SYNC
from cordpair.engine.sync import PartySync, sync_kind
from cordpair.store.doors import Store


class StandingFlows:
    """Their code (`book`), and the workers of `node`, for the tenants that it owns. `chance` is in 0..1, for jitter."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        workshop: Workshop,
        node: Node,
        chance: Callable[[], float],
        memories: PhoneMemories,
    ) -> None:
        self._store, self._clock, self._workshop, self._memories = store, clock, workshop, memories
        purge = purge_kind(store, lambda: agreed_now(clock))
        kinds = [sync_kind(self._sync), purge, sweep_kind(store, self._calls, node.ring)]
        self.book = FlowBook([*kinds, reconcile_kind(self._reconciler, node.ring)])
        self.workers = FlowWorkers(store, clock, self.book, owned=lambda: node.tenants, chance=chance)

    async def keep_going(self, parts: TenantParts) -> None:
        """Begin them for a tenant that is new here, and wake those that a new setup may help."""
        tenant = parts.setup.id
        for kind in (PURGE, SWEEP):
            await self.workers.keep_going(tenant, kind, kind)
        if parts.crm is not None:
            for kind in (SYNC, RECONCILE):
                await self.workers.keep_going(tenant, kind, f"{kind}:{parts.crm.name}", parts.crm.name)

    async def _sync(self, tenant: TenantId, connector: str) -> PartySync | None:
        parts = await self._workshop.of(tenant)
        if parts.crm is None or parts.crm.name != connector:
            return None
        return PartySync(
            tenant,
            self._store,
            parts.crm,
            self._clock,
            parts.setup.region,
            rules=parts.setup.number_rules,
            changed=self._memories.changed,
        )

    async def _reconciler(self, tenant: TenantId, connector: str) -> Reconciler | None:
        crm = (await self._workshop.of(tenant)).crm
        return Reconciler(tenant, self._store, crm) if crm is not None and crm.name == connector else None

    async def _calls(self, tenant: TenantId) -> Calls:
        return (await self._workshop.of(tenant)).calls
