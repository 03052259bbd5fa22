"""For commands that look into a running or a stopped installation: its store, opened for a moment."""

import contextlib
from collections.abc import AsyncIterator

from cordpair.core.ids import TenantId
from cordpair.errors import Rejected
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.doors import Store
from cordpair.store.operator_key import read_operator_key


@contextlib.asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of the installation that the settings name; shares the server of a running product."""
    async with postgres.running(settings) as databases:
        store = await Store.open(databases, read_operator_key(settings), pool_size=4)
        try:
            yield store
        finally:
            await store.close()


async def the_tenant(store: Store, named: str | None) -> TenantId:
    """The tenant that is meant: the named one, or the only one there is. Raises Rejected."""
    async with store.open_queue() as queue:
        tenants = await queue.tenants()
    if named is not None:
        if TenantId(named.lower()) not in tenants:
            raise Rejected(f"no organisation {named} is set up")
        return TenantId(named.lower())
    if len(tenants) != 1:
        raise Rejected("name the organisation by its Entra tenant id: " + (", ".join(tenants) or "none is set up"))
    return tenants[0]
