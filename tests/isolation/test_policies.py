"""Row-level security by itself: a statement that forgot its tenant finds only the own rows, and no policy may weaken.

Every statement of the store names its tenant as well. Here none does: what holds, holds because of the policies. Then
each policy is weakened in turn, and both the probe below and the catalogue's test must notice.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from cordpair.core.ids import TenantId
from cordpair.store.databases import APP_ROLE, KEYS_ROLE, QUEUE_ROLE
from cordpair.store.doors import Store
from tests.databases import OPERATOR_KEY, Server
from tests.isolation.filled import filled
from tests.isolation.rows import tenant_tables
from tests.store.test_catalogue import open_policies, unguarded_tables, visible_content
from tests.store.world import A, B

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Guarded:
    """One database as its owner. What a test changes is rolled back."""

    def __init__(self, owner: asyncpg.Connection, role: str, tables: list[str]) -> None:
        self.owner, self.role, self.tables = owner, role, tables

    async def attempt(self, statement: str, *values: object) -> object:
        """What our role gets by a statement as tenant A: a value or the error. Leaves no trace."""
        trial = self.owner.transaction()
        await trial.start()
        try:
            await self.owner.execute("select set_config('app.tenant', $1, true)", A)
            await self.owner.execute(f"set local role {self.role}")
            return await self.owner.fetchval(statement, *values)
        except asyncpg.PostgresError as exc:
            return exc
        finally:
            await trial.rollback()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(postgresql: Server) -> AsyncIterator[dict[str, Guarded]]:
    """The main and the key database, with something of everything for A and for B."""
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        for tenant in (A, B):
            await filled(store, tenant)
        await store.close()
        owners = [await asyncpg.connect(url) for url in (databases.main_url, databases.keys_url)]
        main, keys = [await tenant_tables(owner) for owner in owners]
        yield {"main": Guarded(owners[0], APP_ROLE, main), "keys": Guarded(owners[1], KEYS_ROLE, keys)}
        for owner in owners:
            await owner.close()


# ---- the probe


async def seen(guarded: Guarded, table: str) -> bool:
    """Whether A sees rows of B."""
    found = await guarded.attempt(f"select count(*) from {table} where tenant = $1", B)
    return found != 0


async def changed(guarded: Guarded, table: str) -> bool:
    """Whether A reaches rows of B by a change or a deletion."""
    statements = (
        f"with hit as (update {table} set tenant = tenant where tenant = $1 returning 1) select count(*) from hit",
        f"with hit as (delete from {table} where tenant = $1 returning 1) select count(*) from hit",
    )
    found = [await guarded.attempt(statement, B) for statement in statements]
    return any(isinstance(one, int) and one > 0 for one in found)


async def written(guarded: Guarded, table: str) -> bool:
    """Whether A can write a row that belongs to B. Any refusal but the policy's comes too late: it tells something."""
    names = await guarded.owner.fetch(
        "select column_name as name from information_schema.columns where table_schema = 'public' and table_name = $1 "
        "and is_identity = 'NO' and column_name <> 'tenant' order by ordinal_position",
        table,
    )
    columns = "".join(f", {row['name']}" for row in names)
    found = await guarded.attempt(
        f"insert into {table} (tenant{columns}) select $1{columns} from {table} where tenant = $2 limit 1",
        B,
        A,
    )
    return not isinstance(found, asyncpg.InsufficientPrivilegeError)


async def reached(guarded: Guarded, table: str) -> list[str]:
    """How A reaches rows of B in this table."""
    return [probe.__name__ for probe in (seen, changed, written) if await probe(guarded, table)]


async def rows_of_both(guarded: Guarded, table: str) -> set[TenantId]:
    rows = await guarded.owner.fetch(f"select distinct tenant::text as tenant from {table}")
    return {TenantId(row["tenant"]) for row in rows}


@pytest.mark.parametrize("which", ["main", "keys"])
async def test_a_statement_that_forgot_its_tenant_reaches_no_other(both: dict[str, Guarded], which: str) -> None:
    for table in both[which].tables:
        assert await rows_of_both(both[which], table) == {A, B}, f"{table}: the probe would find nothing"
        assert await reached(both[which], table) == [], table


# ---- every policy weakened in turn

#: What somebody could do to a table's guard, and whether rows of others are within reach then.
WEAKENED = {
    "row-level security is off": ("alter table {table} disable row level security", True),
    "its owner is spared": ("alter table {table} no force row level security", False),
    "the policy is gone": ("drop policy tenant_door on {table}", False),
    "the policy lets everybody read": ("alter policy tenant_door on {table} using (true)", True),
    "the policy lets everybody write": ("alter policy tenant_door on {table} with check (true)", True),
    "the policy forgets who is meant": (
        "alter policy tenant_door on {table} using (current_setting('app.tenant', true) is not null)",
        True,
    ),
    "a second policy opens what the first one closes": (
        "create policy planted on {table} for select to {role} using (true)",
        True,
    ),
    "the policy lets everybody in": (
        "alter policy tenant_door on {table} to public using (true) with check (true)",
        True,
    ),
}

#: The first door may only read these and hold them still: a weak check opens nothing there, the catalogue alone tells.
NEVER_WRITTEN = {"leases"}


@pytest.mark.parametrize("which", ["main", "keys"])
@pytest.mark.parametrize("fault", WEAKENED)
async def test_a_weakened_policy_is_noticed(both: dict[str, Guarded], which: str, fault: str) -> None:
    guarded = both[which]
    statement, opens = WEAKENED[fault]
    for table in guarded.tables:
        change = guarded.owner.transaction()
        await change.start()
        try:
            await guarded.owner.execute(statement.format(table=table, role=guarded.role))
            noticed = await unguarded_tables(guarded.owner) | await open_policies(guarded.owner)
            assert table in noticed, f"{table}: the catalogue's test does not notice that {fault}"
            if opens and not (fault.endswith("write") and table in NEVER_WRITTEN):
                assert await reached(guarded, table), f"{table}: the probe does not notice that {fault}"
        finally:
            await change.rollback()


@pytest.mark.parametrize("table", ["calls", "agents", "parties", "history", "chats"])
async def test_content_given_to_the_second_door_is_noticed(both: dict[str, Guarded], table: str) -> None:
    owner = both["main"].owner
    change = owner.transaction()
    await change.start()
    try:
        await owner.execute(f"grant select on {table} to {QUEUE_ROLE}")
        assert {name.partition(".")[0] for name in await visible_content(owner)} == {table}
    finally:
        await change.rollback()
