"""Microsoft's limits at work: the fold is told how far they are used up, people are warned in time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from cordpair.core.floor import Floor
from cordpair.core.quota import Gate, reached
from cordpair.core.tenant import TenantSetup
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError
from cordpair.store.doors import Store, TenantRows
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

EVERY_S = 60.0
CREDENTIAL_WARNED = timedelta(days=30)  #: before the secret of a registration ends
AGAIN = timedelta(days=1)  #: between two warnings of the same thing


def month_begin(time_zone: str, now: datetime) -> datetime:
    """The beginning of the organisation's month: Microsoft counts calls a month. `time_zone` is an IANA name."""
    return now.astimezone(ZoneInfo(time_zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class MonthCount:
    """Keeps a floor's count of this month's calls: read once, then counted in memory by the one who writes."""

    def __init__(self, setup: TenantSetup) -> None:
        self._gate = Gate(
            policy=setup.registration.quota,
            fallback_user=setup.fallback_user,
            writes_presence=setup.writes_presence,
        )
        self._time_zone = setup.time_zone

    async def follow(self, rows: TenantRows, floor: Floor, now: datetime) -> None:
        """Before a fold: the floor knows the limits, and counts from the beginning of this month on."""
        begin = month_begin(self._time_zone, now)
        if not floor.is_of_month(begin):
            floor.gate = self._gate
            floor.count_month(begin, await rows.calls.count_since(begin))


class LimitWatch:
    """Looks at the limits and at the registration's secret, tells metrics, and warns in the log."""

    def __init__(self, setup: TenantSetup, store: Store, clock: Clock, metrics: Metrics) -> None:
        self._setup, self._store, self._clock, self._metrics = setup, store, clock, metrics
        self._step = 0
        self._warned_at: datetime | None = None

    async def run(self) -> None:
        """Look every minute until cancelled. Then another node tells the metrics."""
        try:
            while True:
                try:
                    await self.once()
                except CordpairError as exc:
                    log.warning("limits could not be looked at", tenant=self._setup.id, error=type(exc).__name__)
                await self._clock.sleep(EVERY_S)
        finally:
            self._forget()

    async def once(self) -> None:
        """One look. A step of the limits is told once, when it is reached; a secret that ends soon once a day."""
        now, setup = self._clock.now(), self._setup
        async with self._store.open_tenant(setup.id) as rows:
            use = (await rows.vitals.read(month_begin(setup.time_zone, now), now)).use
        policy, ratio = setup.registration.quota, self._metrics.quota_used_ratio
        ratio.labels(tenant=setup.id, limit="month").set(use.month / policy.calls_per_month)
        ratio.labels(tenant=setup.id, limit="concurrent").set(use.concurrent / policy.concurrent_calls)
        step = reached(policy, use)
        if step > self._step:
            log.warning("Microsoft's limits are used up so far", tenant=setup.id, percent=step)
        self._step = step
        self._look_at_secret(now)

    def _forget(self) -> None:
        for limit in ("month", "concurrent"):
            self._metrics.quota_used_ratio.remove(self._setup.id, limit)
        self._metrics.credential_expiry_seconds.remove(self._setup.id)

    def _look_at_secret(self, now: datetime) -> None:
        ends_at = self._setup.registration.secret_expires_at
        if ends_at is None:
            return
        left = ends_at - now
        self._metrics.credential_expiry_seconds.labels(tenant=self._setup.id).set(left.total_seconds())
        if left <= CREDENTIAL_WARNED and (self._warned_at is None or now - self._warned_at >= AGAIN):
            self._warned_at = now
            log.warning("the secret of the app registration ends soon", tenant=self._setup.id, days=left.days)
