"""Raw payloads and their keys go when their time has come."""

import structlog

from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError
from cordpair.store.doors import Store

log = structlog.get_logger(__name__)

EVERY_S = 3600.0


class IntakePurge:
    """Erases what came in, some days after it came, and destroys the key of each such day."""

    def __init__(self, tenant: TenantId, store: Store, clock: Clock) -> None:
        self._tenant, self._store, self._clock = tenant, store, clock

    async def run(self) -> None:
        """Purge every hour until cancelled; what could not be purged is purged the next time."""
        while True:
            try:
                count = await self._store.purge_intake(self._tenant, self._clock.now())
                log.info("raw payloads purged", tenant=self._tenant, count=count)
            except CordpairError as exc:
                log.warning("raw payloads could not be purged", tenant=self._tenant, error=type(exc).__name__)
            await self._clock.sleep(EVERY_S)
