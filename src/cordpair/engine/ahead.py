"""What comes in while a batch is being committed is stored and read already, in a transaction that waits for it.

Nothing of it is folded before the batch before it is true: memory never runs ahead of the store, and what is dropped
here has changed nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from cordpair.core.ids import TenantId
from cordpair.engine.deliveries import Delivery
from cordpair.engine.facts import Told
from cordpair.engine.folding import Batch
from cordpair.store.doors import Store, TenantRows

Take = Callable[[TenantRows, Batch], Awaitable[list[Told]]]


class Ahead:
    """A delivery in its own open transaction: `take` stores and translates it there."""

    def __init__(self, store: Store, tenant: TenantId, delivery: Delivery, take: Take) -> None:
        self.batch = Batch(0, 0, delivery)
        self.told: list[Told] = []  #: its facts, once the door has opened
        self._store, self._tenant, self._take = store, tenant, take
        self._opening = asyncio.create_task(self._open())

    @asynccontextmanager
    async def door(self) -> AsyncIterator[TenantRows]:
        """The transaction, which commits when this ends without an error. Once only."""
        stack, rows = await self._opening
        async with stack:
            yield rows

    async def drop(self) -> None:
        """Nothing of it comes true; whoever waits for it hears so."""
        self._opening.cancel()
        await asyncio.wait([self._opening])
        if not self._opening.cancelled() and self._opening.exception() is None:
            try:
                async with self.door():
                    raise _Dropped
            except _Dropped:
                pass
        delivery = self.batch.delivery
        if delivery is not None:
            delivery.end()

    async def _open(self) -> tuple[AsyncExitStack, TenantRows]:
        async with AsyncExitStack() as stack:
            rows = await stack.enter_async_context(self._store.open_tenant(self._tenant))
            self.told = await self._take(rows, self.batch)
            return stack.pop_all(), rows


class _Dropped(Exception):
    """Ends a transaction that shall not commit."""
