"""One server for all tests here, and a house with a node in it for each."""

from collections.abc import AsyncIterator, Iterator

import pytest

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
    async with house(databases) as one:
        yield one
