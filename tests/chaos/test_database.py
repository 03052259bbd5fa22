"""A database in trouble (F2, F5): who rings is sent on, and all goes on unaided once the trouble is over."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.databases import Databases
from tests.chaos import harm
from tests.chaos.callers import calls, is_sent_on, is_served, ready_with_a_fallback
from tests.databases import folder
from tests.product.house import Organisation, house

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Base:
    """A server of its own, and an organisation on it."""

    def __init__(self, home: Path, databases: Databases, us: Organisation) -> None:
        self.home, self.databases, self.us = home, databases, us


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def base() -> AsyncIterator[Base]:
    with folder() as home:
        async with postgres.running(Settings(data_dir=home)) as databases, house(databases, rate=3.0) as one:
            await ready_with_a_fallback(one.lanterns)
            yield Base(home, databases, one.lanterns)


async def test_while_the_server_stands_still_callers_are_sent_on(base: Base) -> None:
    with harm.stalled(base.home):
        await is_sent_on(base.us)
    await is_served(base.us)


async def test_after_a_kill_of_the_server_callers_are_served_again(base: Base) -> None:
    harm.kill(base.home)
    await is_served(base.us)


@pytest.mark.long
@pytest.mark.parametrize("table", ["inbox", "subject_keys"])
async def test_while_somebody_holds_what_is_to_be_written_callers_are_sent_on(base: Base, table: str) -> None:
    url = base.databases.keys_url if table == "subject_keys" else base.databases.main_url
    async with harm.locked(url, table):
        await is_sent_on(base.us)
    await is_served(base.us)


@pytest.mark.long
async def test_while_strangers_fight_for_every_connection_no_caller_is_left_ringing(base: Base) -> None:
    async with harm.crowded(base.databases.main_url):
        await calls(base.us)
    await is_served(base.us)


@pytest.mark.long
async def test_while_all_our_own_connections_are_in_use_callers_are_sent_on(base: Base) -> None:
    async with contextlib.AsyncExitStack() as held:
        taking = [asyncio.create_task(held.enter_async_context(_in_use(base))) for _ in range(12)]
        await asyncio.wait(taking)
        await is_sent_on(base.us)
    await is_served(base.us)


@contextlib.asynccontextmanager
async def _in_use(base: Base) -> AsyncIterator[None]:
    async with base.us.house.product.store.open_tenant(base.us.id):
        yield


@pytest.mark.long
@pytest.mark.parametrize(
    ("table", "state"),
    [("calls", "40001"), ("outbox", "40P01"), ("offers", "55P03"), ("history", "57014"), ("agents", "40001")],
    ids=["serialisation", "deadlock", "lock", "cancelled", "agents"],
)
async def test_a_fold_that_the_database_refuses_for_now_is_folded_again(base: Base, table: str, state: str) -> None:
    async with harm.raising(base.databases.main_url, table, state, times=2):
        await is_served(base.us)
    assert await base.us.parked_items() == []


@pytest.mark.long
@pytest.mark.parametrize("state", ["40001", "55P03"], ids=["serialisation", "lock"])
async def test_a_caller_who_cannot_be_stored_for_now_is_served_or_sent_on(base: Base, state: str) -> None:
    async with harm.raising(base.databases.main_url, "inbox", state, times=2):
        await calls(base.us)
    await is_served(base.us)
