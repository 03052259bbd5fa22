"""What stands in both databases of one tenant, told apart by table: to see that nothing of it was touched."""

import asyncpg

from cordpair.core.ids import TenantId
from cordpair.store.databases import Databases

#: Renewed by whoever owns the tenant, again and again: no operation of anybody's.
MACHINERY = frozenset({"leases"})


async def tenant_tables(owner: asyncpg.Connection) -> list[str]:
    """All tables whose rows belong to a tenant. `owner` owns the tables."""
    rows = await owner.fetch(
        "select table_name from information_schema.columns "
        "where table_schema = 'public' and column_name = 'tenant' order by table_name"
    )
    return [row["table_name"] for row in rows]


async def rows_of(databases: Databases, tenant: TenantId) -> dict[str, str]:
    """table -> number and hash of all rows of the tenant, past every guard."""
    return {
        **await _hashed(databases.main_url, tenant),
        **await _hashed(databases.keys_url, tenant),
    }


async def _hashed(url: str, tenant: TenantId) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        tables = [table for table in await tenant_tables(connection) if table not in MACHINERY]
        return {table: await _hash(connection, table, tenant) for table in tables}
    finally:
        await connection.close()


async def _hash(connection: asyncpg.Connection, table: str, tenant: TenantId) -> str:
    found: str = await connection.fetchval(
        "select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') "
        f"from {table} t where tenant = $1",
        tenant,
    )
    return found
