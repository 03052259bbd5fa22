"""What every part of the tenant's door works with: one connection in one transaction of one tenant."""

from collections.abc import Collection

from cordpair.core.ids import TenantId
from cordpair.store.databases import Connection
from cordpair.store.keys import KeyStore
from cordpair.store.sealing import Keyring, TenantKey


class Scope:
    """One transaction of one tenant, and the keys that belong to it."""

    def __init__(self, connection: Connection, tenant: TenantId, keys: KeyStore) -> None:
        self.connection = connection
        self.tenant = tenant
        self._keys = keys
        self.signing = keys.signing

    async def reading(self, subjects: Collection[str]) -> Keyring:
        return await self._keys.for_reading(self.tenant, subjects)

    async def writing(self, subjects: Collection[str]) -> Keyring:
        return await self._keys.for_writing(self.tenant, subjects)

    async def tenant_key(self) -> TenantKey:
        return await self._keys.tenant_key(self.tenant)
