"""Signs each day where the audit trail stands, and lets records go when their time has come."""

import structlog

from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError
from cordpair.store.doors import Store

log = structlog.get_logger(__name__)

EVERY_S = 3600.0


class AuditKeeping:
    """Keeps the audit trail of one tenant."""

    def __init__(self, tenant: TenantId, store: Store, clock: Clock) -> None:
        self._tenant, self._store, self._clock = tenant, store, clock

    async def run(self) -> None:
        """Keep it every hour until cancelled; what could not be done is done the next time."""
        while True:
            try:
                count = await self._store.keep_audit(self._tenant, self._clock.now())
                log.info("audit trail kept", tenant=self._tenant, count=count)
            except CordpairError as exc:
                log.warning("audit trail could not be kept", tenant=self._tenant, error=type(exc).__name__)
            await self._clock.sleep(EVERY_S)
