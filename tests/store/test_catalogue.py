"""The rules of isolation and of the data catalogue, read from the databases' own catalogue."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from cordpair.privacy.catalogue import KEYS, MAIN, columns, is_sealed
from cordpair.store.databases import APP_ROLE, KEYS_ROLE, QUEUE_ROLE
from tests.databases import Server

Catalogue = asyncpg.Connection


@pytest.fixture(params=["main", "keys"])
async def catalogue(request: pytest.FixtureRequest, postgresql: Server) -> AsyncIterator[Catalogue]:
    """A connection of the owner; what a test changes is rolled back."""
    async with postgresql.fresh() as databases:
        connection = await asyncpg.connect(databases.main_url if request.param == "main" else databases.keys_url)
        change = connection.transaction()
        await change.start()
        yield connection
        await change.rollback()
        await connection.close()


async def unguarded_tables(catalogue: Catalogue) -> set[str]:
    """Tables without forced row-level security, without a policy of the first door, or with one that lacks a clause."""
    rows = await catalogue.fetch(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> 'alembic_version' and ("
        "  not c.relrowsecurity or not c.relforcerowsecurity "
        "  or not exists (select from pg_policy p where p.polrelid = c.oid "
        "                 and $1 <> all(array(select rolname::text from pg_roles where oid = any(p.polroles)))) "
        "  or exists (select from pg_policy p where p.polrelid = c.oid "
        "             and (p.polqual is null or p.polwithcheck is null or not p.polpermissive)))",
        QUEUE_ROLE,
    )
    return {row["relname"] for row in rows}


async def open_policies(catalogue: Catalogue) -> set[str]:
    """Policies that let through more than the tenant of the transaction, other than those of the queue's door."""
    rows = await catalogue.fetch(
        "select p.polname, c.relname, pg_get_expr(p.polqual, p.polrelid) as qual, "
        "pg_get_expr(p.polwithcheck, p.polrelid) as chk, "
        "array(select rolname::text from pg_roles where oid = any(p.polroles)) as roles "
        "from pg_policy p join pg_class c on c.oid = p.polrelid"
    )
    return {
        row["relname"]
        for row in rows
        if row["roles"] != [QUEUE_ROLE]
        and not all("app.tenant" in row[part] and "(tenant = " in row[part] for part in ("qual", "chk"))
    }


async def keys_not_led_by_tenant(catalogue: Catalogue) -> set[str]:
    """Unique indexes and foreign keys whose first column is not the tenant."""
    rows = await catalogue.fetch(
        "select i.indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indrelid "
        "join pg_namespace n on n.oid = c.relnamespace "
        "left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] "
        "where n.nspname = 'public' and c.relname <> 'alembic_version' and i.indisunique "
        "and a.attname is distinct from 'tenant' "
        "union all select k.conname from pg_constraint k join pg_namespace n on n.oid = k.connamespace "
        "join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1] "
        "where n.nspname = 'public' and k.contype = 'f' and a.attname <> 'tenant'"
    )
    return {row["name"] for row in rows}


async def ways_around(catalogue: Catalogue) -> set[str]:
    """Materialised views, views with their owner's rights, functions with their definer's rights."""
    rows = await catalogue.fetch(
        "select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = 'public' and (c.relkind = 'm' or c.relkind = 'v' "
        "and not coalesce(c.reloptions::text[] @> array['security_invoker=true'], false)) "
        "union all select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
        "where n.nspname = 'public' and p.prosecdef"
    )
    return {row["name"] for row in rows}


async def visible_content(catalogue: Catalogue) -> set[str]:
    """Columns beyond ids and instants that the queue's role may read."""
    harmless = {
        "tenant", "registration", "id", "state", "received_at", "run_at", "lane", "lease_until", "attempts", "unknown",
        "owner", "epoch", "expires_at", "revision", "wake_at", "claim",
    }  # fmt: skip
    which_code = {"flows.kind", "flows.version"}
    rows = await catalogue.fetch(
        "select c.relname || '.' || a.attname as name, a.attname from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid "
        "where n.nspname = 'public' and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped "
        "and has_column_privilege($1, c.oid, a.attnum, 'select')",
        QUEUE_ROLE,
    )
    return {row["name"] for row in rows if row["attname"] not in harmless and row["name"] not in which_code}


async def test_every_table_is_guarded(catalogue: Catalogue) -> None:
    assert await unguarded_tables(catalogue) == set()
    assert await open_policies(catalogue) == set()


async def test_every_key_begins_with_the_tenant(catalogue: Catalogue) -> None:
    assert await keys_not_led_by_tenant(catalogue) == set()


async def test_there_is_no_way_around_the_guards(catalogue: Catalogue) -> None:
    assert await ways_around(catalogue) == set()


async def test_the_queues_role_sees_no_content(catalogue: Catalogue) -> None:
    assert await visible_content(catalogue) == set()


@pytest.mark.parametrize("role", [APP_ROLE, QUEUE_ROLE, KEYS_ROLE])
async def test_our_roles_own_nothing_and_have_no_powers(catalogue: Catalogue, role: str) -> None:
    row = await catalogue.fetchrow(
        "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as powers, "
        "exists (select from pg_class c where c.relowner = r.oid) or "
        "exists (select from pg_namespace n where n.nspowner = r.oid) or "
        "exists (select from pg_proc p where p.proowner = r.oid) as owns from pg_roles r where rolname = $1",
        role,
    )
    assert row is not None
    assert (row["powers"], row["owns"]) == (False, False)


async def test_every_column_has_a_kind_and_every_kind_its_column(catalogue: Catalogue) -> None:
    rows = await catalogue.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
    )
    found = {(row["table_name"], row["column_name"]) for row in rows}
    described = MAIN if ("calls", "call") in found else KEYS
    assert found == {(table, column) for table, column, _ in columns(described)}


async def test_the_planner_samples_no_sealed_column(catalogue: Catalogue) -> None:
    rows = await catalogue.fetch(
        "select c.relname || '.' || a.attname as name, a.attname, coalesce(a.attstattarget, -1) as target "
        "from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = 'public' and c.relkind = 'r' and a.attnum > 0"
    )
    assert {row["name"] for row in rows if is_sealed(row["attname"]) and row["target"] != 0} == set()


PLANTED = {
    "a table without a guard": "create table planted (tenant uuid primary key)",
    "a guard that spares the owner": "create table planted (tenant uuid primary key); "
    "alter table planted enable row level security; "
    "create policy tenant_door on planted using (true) with check (true)",
    "a policy without a check": "create policy planted on tenant_keys for select using (true)",
    "a policy for everybody": "create policy planted on tenant_keys using (true) with check (true)",
    "a key over tenants": "alter table subject_keys add unique (subject)",
    "a materialised view": "create materialized view planted as select * from subject_keys",
    "a view with its owner's rights": "create view planted as select * from subject_keys",
    "a function with its owner's rights": "create function planted() returns bigint language sql security definer "
    "as 'select count(*) from subject_keys'",
    "a grant too many": "grant select on subject_keys to cordpair_queue",
}


@pytest.mark.parametrize("catalogue", ["keys"], indirect=True)
@pytest.mark.parametrize("statement", PLANTED.values(), ids=PLANTED.keys())
async def test_a_planted_fault_is_found(catalogue: Catalogue, statement: str) -> None:
    await catalogue.execute(statement)
    checks = (unguarded_tables, open_policies, keys_not_led_by_tenant, ways_around, visible_content)
    assert set().union(*[await check(catalogue) for check in checks])
