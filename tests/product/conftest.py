"""One server for all tests here; for each test a house of its own on empty databases, or one for a whole module."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from cordpair.store.databases import Databases
from tests.databases import Server, server
from tests.product.house import House, house


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
async def databases(postgresql: Server) -> AsyncIterator[Databases]:
    async with postgresql.fresh() as pair:
        yield pair


@pytest.fixture
async def here(databases: Databases) -> AsyncIterator[House]:
    """Everything runs; nobody works yet, nobody calls."""
    async with house(databases) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(postgresql: Server) -> AsyncIterator[House]:
    """Everything runs, for all tests of a module: each takes a call of its own."""
    async with postgresql.fresh() as pair, house(pair) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asleep(postgresql: Server) -> AsyncIterator[House]:
    """The product answers HTTP, and nothing is folded or carried out; for all tests of a module."""
    async with postgresql.fresh() as pair, house(pair, runs=False) as one:
        yield one
