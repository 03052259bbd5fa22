"""A node that starts while the database restarts waits for it, and then serves."""

import asyncio

from cordpair.app import _opened
from cordpair.store.databases import Databases
from tests.databases import OPERATOR_KEY
from tests.product.line import Line


async def test_a_starting_node_waits_for_a_database_that_is_away(databases: Databases) -> None:
    async with Line.to(databases) as line:
        await line.cut()
        opening = asyncio.create_task(_opened(line.databases, OPERATOR_KEY, 4))
        await asyncio.sleep(0.5)
        assert not opening.done()
        await line.mend()
        store = await asyncio.wait_for(opening, 20)
        await store.ping()
        await store.close()
