"""Which change notifications we have asked for: each is judged by the very subscription that it names.

Any node takes any notification, so what stands is read from the store, and remembered for moments: strangers who make
up subscriptions cause a bounded number of looks, and no write.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic

import msgspec
import structlog

from cordpair.connectors.teams.inbound import same_client_state
from cordpair.core.ids import TenantId
from cordpair.store.doors import Store
from cordpair.store.marks import Subscription

log = structlog.get_logger(__name__)

_REMEMBERED_S = 30.0
_AGAIN_S = 0.05  #: for a notification that does not hold by what is remembered
#: A subscription that Graph wants to be looked after is due at once, and good until then.
_LOOK_AFTER = timedelta(minutes=5)


class _Read(msgspec.Struct, frozen=True):
    rows: Sequence[Subscription]
    at_s: float


class Subscribed:
    """Judges change notifications and hears lifecycle events. `now` gives the product's time."""

    def __init__(self, store: Store, now: Callable[[], datetime], *, clock: Callable[[], float] = monotonic) -> None:
        self._store, self._now, self._clock = store, now, clock
        self._known: dict[TenantId, _Read] = {}

    async def doubt(self, tenant: TenantId, item: Mapping[str, object]) -> str:
        """Why an item is not to be believed (few values: it is counted); empty when it holds.

        It must be of this organisation, of a subscription that stands, and carry that subscription's own secret.
        """
        named = item.get("tenantId")
        if isinstance(named, str) and named.lower() != tenant:
            return "tenant"
        found = _doubt(await self._rows(tenant, _REMEMBERED_S), item, self._now())
        return found and _doubt(await self._rows(tenant, _AGAIN_S), item, self._now())

    async def hear(self, tenant: TenantId, item: Mapping[str, object]) -> None:
        """A lifecycle event that holds: whoever watches over the subscription finds it due, on whichever node.

        `reauthorizationRequired` and `missed`: renewed, and read again. `subscriptionRemoved`, and what Microsoft may
        add: made anew, and read again.
        """
        event, now = str(item.get("lifecycleEvent")), self._now()
        lives_on = event in ("reauthorizationRequired", "missed")
        async with self._store.open_tenant(tenant) as rows:
            for row in await rows.subscriptions.all():
                if row.graph_id == item.get("subscriptionId"):
                    ends = min(row.expires_at, now + _LOOK_AFTER) if lives_on else now
                    await rows.subscriptions.put(msgspec.structs.replace(row, expires_at=ends))
        log.info("a subscription wants to be looked after", tenant=tenant)

    async def _rows(self, tenant: TenantId, at_most_s: float) -> Sequence[Subscription]:
        known = self._known.get(tenant)
        if known is None or self._clock() - known.at_s > at_most_s:
            async with self._store.open_tenant(tenant) as rows:
                known = self._known[tenant] = _Read(await rows.subscriptions.all(), self._clock())
        return known.rows


def _doubt(rows: Sequence[Subscription], item: Mapping[str, object], now: datetime) -> str:
    named = item.get("subscriptionId")
    # Without a name yet: Graph's first notification may overtake its answer to our request.
    about = [row for row in rows if row.graph_id == named] or [row for row in rows if not row.graph_id]
    if not about:
        return "unknown_subscription"
    ours = [row for row in about if same_client_state(item, row.client_state)]
    if not ours:
        return "client_state"
    return "" if any(row.expires_at > now for row in ours) else "expired_subscription"
