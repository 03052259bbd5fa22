"""Every node knows the newest setup of every tenant, its own or not: requests for any of them come in at any node."""

from collections.abc import Callable, Mapping

import structlog

from cordpair.core.ids import TenantId
from cordpair.engine.parts import Workshop
from cordpair.engine.wakeup import Bell
from cordpair.errors import TemporaryFailure

log = structlog.get_logger(__name__)

_LONG_S = 60.0  # real seconds; news ring a bell


class SetupWatch:
    """Renews the parts of tenants that this node does not write for. The owner does it itself, between two folds."""

    def __init__(self, workshop: Workshop, owned: Callable[[], frozenset[TenantId]]) -> None:
        self._workshop, self._owned = workshop, owned
        self._newest: Mapping[TenantId, int] = {}
        self._known: dict[TenantId, int] = {}
        self._bell = Bell()

    def tell(self, revisions: Mapping[TenantId, int]) -> None:
        """All tenants, each with the number of its newest setup."""
        self._newest = revisions
        self._bell.ring()

    async def run(self) -> None:
        """Renew what has changed, until cancelled. At the start that is everything: also for when the store is away."""
        while True:
            await self._bell.heard(_LONG_S)
            for tenant, revision in self._newest.items():
                if self._known.get(tenant) != revision and tenant not in self._owned():
                    await self._renew(tenant, revision)

    async def _renew(self, tenant: TenantId, revision: int) -> None:
        try:
            await self._workshop.renew(tenant)
        except TemporaryFailure:
            return  # asked again with the next news
        except Exception as exc:  # a setup that cannot work takes no other with it
            log.error("a setup cannot be used", tenant=tenant, error=type(exc).__name__, exc_info=exc)
        self._known[tenant] = revision
