"""What the metrics say of one organisation's database rows: what waits, what ends, what should be gone."""

import structlog

from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError
from cordpair.store.doors import Store
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

EVERY_S = 10.0  #: real seconds: for those who scrape


class BacklogWatch:
    """Tells the metrics of one tenant. `clock` is the product's, `wall` that of this machine."""

    def __init__(self, tenant: TenantId, store: Store, clock: Clock, wall: Clock, metrics: Metrics) -> None:
        self._tenant, self._store, self._clock, self._wall = tenant, store, clock, wall
        self._subscription = metrics.graph_subscription_expiry_seconds
        self._pending, self._parked = metrics.outbox_pending, metrics.outbox_parked
        self._overdue = metrics.retention_overdue_records

    async def run(self) -> None:
        """Look again and again, until cancelled. Then another node tells the metrics."""
        try:
            while True:
                try:
                    await self.once()
                except CordpairError as exc:
                    log.warning("the backlog could not be looked at", tenant=self._tenant, error=type(exc).__name__)
                await self._wall.sleep(EVERY_S)
        finally:
            for gauge in (self._pending, self._parked, self._subscription, self._overdue):
                gauge.remove(self._tenant)

    async def once(self) -> None:
        """One look. Raises TemporaryFailure; then the metrics say what they said before."""
        now = self._clock.now()
        async with self._store.open_tenant(self._tenant) as rows:
            found = await rows.vitals.backlog(now)
        self._pending.labels(tenant=self._tenant).set(found.pending_effects)
        self._parked.labels(tenant=self._tenant).set(found.parked_effects)
        self._overdue.labels(tenant=self._tenant).set(found.overdue_records)
        if found.subscription_ends_at is None:
            self._subscription.remove(self._tenant)
        else:
            left = found.subscription_ends_at - now
            self._subscription.labels(tenant=self._tenant).set(left.total_seconds())
