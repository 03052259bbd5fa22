"""One server for all tests here, and a whole product on it, small and fast."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.databases import Server, server
from tests.product.house import Organisation, house


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(postgresql: Server) -> AsyncIterator[Organisation]:
    """An organisation whose two agents are ready, in a world that goes little faster than the real one."""
    async with postgresql.fresh() as pair, house(pair, rate=3.0) as one:
        for person in one.lanterns.agents:
            await person.come_in()
        yield one.lanterns
