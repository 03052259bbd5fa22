"""Effects that end while a commit is under way share the next one: what they came to stands in one transaction.

A lone effect is written down at once; when a fold has ordered several, they mostly end together.
"""

import asyncio
from collections.abc import Sequence

from cordpair.core.events import AnyEvent
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.store.doors import Store

_Waiting = list[tuple[int, Sequence[AnyEvent], asyncio.Future[None]]]


class Endings:
    """Writes down that effects are carried out, one commit per tenant at a time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._waiting: dict[TenantId, _Waiting] = {}
        self._writers: dict[TenantId, asyncio.Task[None]] = {}

    async def done(self, tenant: TenantId, effect: int, results: Sequence[AnyEvent]) -> None:
        """The effect is carried out; its results stand in the inbox when this returns. Raises TemporaryFailure."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, []).append((effect, results, written))
        if tenant not in self._writers:
            self._writers[tenant] = asyncio.create_task(self._write(tenant))
        await written

    async def _write(self, tenant: TenantId) -> None:
        try:
            while batch := self._waiting.pop(tenant, []):
                await self._commit(tenant, batch)
        finally:
            del self._writers[tenant]

    async def _commit(self, tenant: TenantId, batch: _Waiting) -> None:
        try:
            async with self._store.open_tenant(tenant) as rows:
                await rows.outbox.ended({effect: results for effect, results, _ in batch}, self._clock.now())
        except Exception as failure:  # noqa: BLE001 - whatever it is: each effect must hear of it
            for _, _, written in batch:
                if not written.done():
                    written.set_exception(failure)
            return
        for _, _, written in batch:
            if not written.done():
                written.set_result(None)
