"""A node that starts while the database restarts waits for it, and then serves."""

import asyncio

from cordpair.engine.clock import SystemClock
from cordpair.engine.opening import waited_for
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from tests.databases import OPERATOR_KEY
from tests.product.line import Line


async def test_a_starting_node_waits_for_a_database_that_is_away(databases: Databases) -> None:
    async with Line.to(databases) as line:
        await line.cut()
        opening = asyncio.ensure_future(
            waited_for(lambda: Store.open(line.databases, OPERATOR_KEY, pool_size=4), SystemClock())
        )
        await asyncio.sleep(0.5)
        assert not opening.done()
        await line.mend()
        store = await asyncio.wait_for(opening, 20)
        await store.ping()
        await store.close()
