"""The phone indexes in memory of the tenants that this process owns: filled on take-over, changed by the sync."""

from collections.abc import Sequence

import structlog

from cordpair.core.ids import PartyRef, TenantId
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError
from cordpair.store.doors import Store
from cordpair.store.parties import IndexedParty
from cordpair.store.phone_memory import PhoneMemory

log = structlog.get_logger(__name__)

_PAGE = 20_000
#: After so many real seconds the former owner of a tenant writes nothing for it any more: then it is filled again.
SETTLED_S = 60.0


class PhoneMemories:
    """One for each tenant."""

    def __init__(self, store: Store, wall: Clock) -> None:
        self._store, self._wall = store, wall
        self._all: dict[TenantId, PhoneMemory] = {}

    def of(self, tenant: TenantId) -> PhoneMemory:
        """The tenant's, empty until somebody fills it."""
        return self._all.setdefault(tenant, PhoneMemory())

    async def changed(self, tenant: TenantId, parties: Sequence[IndexedParty]) -> None:
        """These parties stand in the store so from now on."""
        if tenant in self._all:
            self._all[tenant].put(await self._store.keys.tenant_key(tenant), parties)

    async def fill(self, tenant: TenantId) -> None:
        """Fill the tenant's from the store. What changes meanwhile is found in the store all the same."""
        found: list[tuple[bytes, PartyRef]] = []
        after, is_more = b"", True
        while is_more:
            async with self._store.open_tenant(tenant) as rows:
                page = await rows.parties.hashes(after, _PAGE)
            found += page
            is_more = len(page) >= _PAGE
            after = page[-1][0] if page else after
        self.of(tenant).fill(found)
        log.info("phone index in memory", tenant=tenant, count=len(found))

    def keeper(self, tenant: TenantId) -> "MemoryKeeper":
        """Fills the tenant's for as long as this process owns it."""
        return MemoryKeeper(self, tenant, self._wall)

    def forget(self, tenant: TenantId) -> None:
        self._all.pop(tenant, None)


class MemoryKeeper:
    """Follows a tenant: see Follower."""

    def __init__(self, memories: PhoneMemories, tenant: TenantId, wall: Clock) -> None:
        self._memories, self._tenant, self._wall = memories, tenant, wall

    async def run(self) -> None:
        """Fill, and once more when nobody else can have changed anything behind our back."""
        try:
            for _ in range(2):
                try:
                    await self._memories.fill(self._tenant)
                except CordpairError as exc:
                    log.warning("the phone index is not in memory", tenant=self._tenant, error=type(exc).__name__)
                await self._wall.sleep(SETTLED_S)
            await self._wall.sleep(float(10**9))
        finally:
            self._memories.forget(self._tenant)
