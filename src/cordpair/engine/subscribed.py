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
from cordpair.core.content_keys import ContentKey
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

    async def keys(self, tenant: TenantId, item: Mapping[str, object], name: str) -> Sequence[ContentKey]:
        """The keys of the subscription of an item that holds: `name` may be one that was made a moment ago."""
        keys = _keys(await self._rows(tenant, _REMEMBERED_S), item)
        if any(key.id == name for key in keys):
            return keys
        return _keys(await self._rows(tenant, _AGAIN_S), item)

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
    about = _about(rows, item)
    if not about:
        return "unknown_subscription"
    ours = [row for row in about if same_client_state(item, row.client_state)]
    if not ours:
        return "client_state"
    if not any(row.expires_at > now for row in ours):
        return "expired_subscription"
    return "" if _is_as_asked_for(ours, item) else "content_missing"


def _about(rows: Sequence[Subscription], item: Mapping[str, object]) -> list[Subscription]:
    named = item.get("subscriptionId")
    # Without a name yet: Graph's first notification may overtake its answer to our request.
    return [row for row in rows if row.graph_id == named] or [row for row in rows if not row.graph_id]


def _is_as_asked_for(ours: Sequence[Subscription], item: Mapping[str, object]) -> bool:
    """In the clear comes only what was not asked for encrypted, and what tells of the subscription itself."""
    is_open = item.get("encryptedContent") is None and "lifecycleEvent" not in item
    return not is_open or not all(row.keys for row in ours)


def _keys(rows: Sequence[Subscription], item: Mapping[str, object]) -> list[ContentKey]:
    ours = [row for row in _about(rows, item) if same_client_state(item, row.client_state)]
    return [key for row in ours for key in row.keys]
