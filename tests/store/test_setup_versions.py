"""Earlier setups are kept sealed for their time: without secrets, without names of people, and never changed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
from msgspec.structs import replace

from cordpair.core.audit import operator_actor
from cordpair.core.flow import Flow, HangUpStep, Menu, Say, Treatment
from cordpair.core.ids import FlowId
from cordpair.core.setup_secrets import STORED, secrets_of
from cordpair.core.tenant import TenantSetup
from cordpair.privacy.kinds import KINDS
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.store.setup_versions import SetupVersion
from tests.databases import OPERATOR_KEY, Server
from tests.store.world import ANA, BEN, CANARY, NOON, A, configured, setup

SOMEBODY = operator_actor(1000)
KEPT = KINDS["setup_version"].default


def version(number: int, *, days: int = 0, note: str = "", given: TenantSetup | None = None) -> SetupVersion:
    at = NOON + timedelta(days=days)
    return SetupVersion(number=number, at=at, actor=SOMEBODY, note=note, setup=given or setup(A))


async def kept(store: Store, *versions: SetupVersion) -> None:
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        for one in versions:
            await rows.versions.put(one)


async def found(store: Store, most: int = 10) -> list[SetupVersion]:
    async with store.open_tenant(A) as rows:
        return await rows.versions.newest(most)


@asynccontextmanager
async def opened_store(databases: Databases) -> AsyncIterator[Store]:
    store = await Store.open(databases, OPERATOR_KEY, pool_size=4)
    try:
        yield store
    finally:
        await store.close()


async def asked(databases: Databases, statement: str) -> list[asyncpg.Record]:
    """What somebody with a database client sees or does."""
    connection = await asyncpg.connect(databases.main_url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def test_a_version_comes_back_with_who_when_and_why(store: Store) -> None:
    await kept(store, version(1, note="first"), version(2, note="second"))
    newest, first = await found(store)
    assert (newest.number, newest.note, first.number, first.at, first.actor) == (2, "second", 1, NOON, SOMEBODY)
    assert [one.number for one in await found(store, most=1)] == [2]
    async with store.open_tenant(A) as rows:
        assert await rows.versions.get(1) == first
        assert await rows.versions.get(3) is None


async def test_a_version_holds_neither_secrets_nor_names(store: Store) -> None:
    await kept(store, version(1))
    (one,) = await found(store)
    assert set(secrets_of(one.setup).values()) == {STORED}
    assert [(agent.id, agent.name) for agent in one.setup.agents] == [(ANA, ""), (BEN, "")]
    assert CANARY not in repr(one.setup)


async def test_a_note_stands_sealed_in_the_database(postgresql: Server) -> None:
    async with postgresql.fresh() as databases, opened_store(databases) as store:
        await kept(store, version(1, note=f"{CANARY} asked for it"))
        (row,) = await asked(databases, "select actor, sealed from setup_versions")
    assert (row["actor"], CANARY.encode() in row["sealed"]) == (SOMEBODY, False)


async def test_a_version_that_is_there_stays_as_it_is(store: Store) -> None:
    await kept(store, version(1, note="first"), version(1, note="forged"))
    assert [one.note for one in await found(store)] == ["first"]


async def test_versions_go_with_the_keys_of_their_days_when_their_time_is_over(store: Store) -> None:
    await kept(store, version(1), version(2, days=1))
    assert await store.purge_versions(A, NOON + KEPT) == 0
    assert await store.purge_versions(A, NOON + KEPT + timedelta(days=1)) == 1
    assert [one.number for one in await found(store)] == [2]
    assert await store.purge_versions(A, NOON + KEPT + timedelta(days=2)) == 1


async def test_versions_that_are_kept_too_long_are_counted(store: Store) -> None:
    await kept(store, version(1))
    async with store.open_tenant(A) as rows:
        waiting = [(await rows.vitals.backlog(NOON + KEPT + timedelta(days=days))).overdue_records for days in (0, 2)]
    assert waiting == [0, 1]


async def test_names_of_everybody_who_was_set_up_are_known_until_they_are_erased(store: Store) -> None:
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.setups.configure(replace(setup(A), agents=setup(A).agents[:1]))
        assert await rows.agents.names() == {ANA: f"Ana {CANARY}", BEN: f"Ben {CANARY}"}
    await store.keys.destroy(A, [f"agent:{BEN}"])
    async with store.open_tenant(A) as rows:
        assert await rows.agents.names() == {ANA: f"Ana {CANARY}"}


async def test_call_flows_and_treatments_come_back_as_they_were_given(store: Store) -> None:
    menu = Menu(say=(Say(text="1 or 2?"),), choices={"1": "bye", "2": "bye"}, no_input="bye")
    flow = Flow(id=FlowId("front"), start="menu", steps={"menu": menu, "bye": HangUpStep()}, resource_accounts=("r",))
    known = setup(A)
    queues = tuple(replace(one, treatment=Treatment(position=True, every_s=30.0)) for one in known.queues)
    given = replace(known, queues=queues, flows=(flow,))
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.setups.configure(given)
    async with store.open_tenant(A) as rows:
        assert await rows.setups.get() == given


async def test_what_a_newer_product_has_stored_is_passed_over(postgresql: Server) -> None:
    async with postgresql.fresh() as databases, opened_store(databases) as store:
        await configured(store, A)
        await asked(databases, "update tenants set body = body || '{\"from_the_future\": [1]}'")
        async with store.open_tenant(A) as rows:
            assert await rows.setups.get() == setup(A)
