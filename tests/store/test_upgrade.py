"""An installation of an earlier version is brought up to date, and loses nothing on the way."""

import asyncpg

from cordpair.core.quota import QuotaPolicy
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.store.migrate import newest, revision_of
from tests.databases import OPERATOR_KEY, Server
from tests.store.world import A, configured, setup

#: What undoes the revisions after the first.
BACK_TO_0001 = (
    "alter table registrations drop column secret_expires_at, drop column quota; "
    "alter table tenants drop column fallback_user; "
    "alter table outbox drop column reason_sealed; "
    "alter table subscriptions drop column content_keys_sealed; "
    "drop table audit_records, audit_chain, audit_heads, audit_checkpoints; "
    "drop function audit_entry_is_dropped; "
    "drop table flow_steps, flows, peers; "
    "alter table agents drop column ability; "
    "drop table hook_deliveries, hooks; "
    "drop table prompts, sounds; "
    "drop table setup_versions; "
    "drop table caller_choices, party_contacts, party_trunks; "
    "alter table tenants drop column body; "
    "drop table callbacks; "
    "update alembic_version set version_num = '0001'"
)


async def test_a_setup_of_the_first_schema_is_there_after_an_upgrade(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        await with_store(databases, write=True)
        await execute(databases, BACK_TO_0001)
        await with_store(databases, write=False)
        assert await revision_of(databases.main_url) == newest("main")


async def with_store(databases: Databases, *, write: bool) -> None:
    """Write a setup, or see that it is there with what it had not said before."""
    store = await Store.open(databases, OPERATOR_KEY, pool_size=4)
    try:
        if write:
            await configured(store, A)
        async with store.open_tenant(A) as rows:
            found = await rows.setups.get()
    finally:
        await store.close()
    assert found == setup(A)
    assert (found.registration.quota, found.registration.secret_expires_at) == (QuotaPolicy(), None)


async def execute(databases: Databases, statements: str) -> None:
    connection = await asyncpg.connect(databases.main_url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
