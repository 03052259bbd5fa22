"""How much may be asked of each peer now, for the tenants of this node: their token buckets at work."""

from collections.abc import Collection, Iterator

import structlog
from msgspec.structs import replace

from cordpair.core.bucket import PEERS, Bucket, Peer, allowed, opened, spent, throttled, turn_s
from cordpair.core.effects import Lane
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError, TemporaryFailure
from cordpair.store.doors import Store
from cordpair.store.queue_door import Limit

log = structlog.get_logger(__name__)

UNNAMED_PAUSE_S = 1.0  #: when a peer asks for less and names no time


class PeerLimits:
    """Buckets of the tenants that this node owns. They begin empty, with what the peers asked the former owner for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._buckets: dict[TenantId, dict[Peer, Bucket]] = {}
        self._told: set[TenantId] = set()  #: those of whom we know what was asked of the former owner

    async def follow(self, owned: Collection[TenantId]) -> None:
        """Take over the tenants that are new here, and forget those that are gone. Raises TemporaryFailure."""
        self._told.intersection_update(owned)
        for tenant in [tenant for tenant in self._buckets if tenant not in owned]:
            del self._buckets[tenant]
        for tenant in [tenant for tenant in owned if tenant not in self._told]:
            async with self._store.open_tenant(tenant) as rows:
                asked = await rows.peers.asked()
            buckets = self._buckets_of(tenant)
            for peer, words in asked.items():
                buckets[peer] = replace(buckets[peer], asked=buckets[peer].asked or words)
            self._told.add(tenant)

    def below(self, most: int) -> Iterator[Limit]:
        """Lanes of which fewer than `most` effects may begin now."""
        now = self._clock.now()
        for tenant, buckets in self._buckets.items():
            for lane, peer in PEERS.items():
                if (count := allowed(buckets[peer], lane, now)) < most:
                    yield Limit(tenant, lane, count)

    def take(self, tenant: TenantId, lane: Lane) -> float:
        """Take the tokens of one effect; returns the seconds until it may begin: 0.0 unless many began at once."""
        now = self._clock.now()
        bucket = spent(self._of(tenant, lane), lane, now)
        self._buckets[tenant][PEERS[lane]] = bucket
        return turn_s(bucket, lane, now)

    def give_back(self, tenant: TenantId, lane: Lane) -> None:
        """The effect does not begin after all."""
        bucket = self._of(tenant, lane)
        self._buckets[tenant][PEERS[lane]] = spent(bucket, lane, self._clock.now(), times=-1)

    async def heed(self, tenant: TenantId, lane: Lane, asked: TemporaryFailure) -> None:
        """A peer asks for less: from now on here, and, as far as the database is there, for the next owner too."""
        pause_s = UNNAMED_PAUSE_S if asked.retry_after_s is None else asked.retry_after_s
        peer = PEERS[lane]
        bucket = throttled(self._of(tenant, lane), lane, self._clock.now(), pause_s)
        self._buckets[tenant][peer] = bucket
        log.warning("a peer asks for less", tenant=tenant, kind=peer.value, retry_after_s=pause_s)
        assert bucket.asked is not None
        try:
            async with self._store.open_tenant(tenant) as rows:
                await rows.peers.put(peer, bucket.asked)
        except CordpairError as exc:
            log.warning("what a peer asked for is known to this node only", tenant=tenant, error=type(exc).__name__)

    def _of(self, tenant: TenantId, lane: Lane) -> Bucket:
        return self._buckets_of(tenant)[PEERS[lane]]

    def _buckets_of(self, tenant: TenantId) -> dict[Peer, Bucket]:
        """The buckets; new ones when the tenant has only just come: an effect may be handed over before we follow."""
        if tenant not in self._buckets:
            self._buckets[tenant] = {peer: opened(peer, self._clock.now()) for peer in Peer}
        return self._buckets[tenant]
