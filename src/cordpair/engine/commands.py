"""What people order (card buttons, words to the bot, pages): durable like a notification, answered when folded."""

import asyncio

from cordpair.core import events as e
from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.traces.incoming import IncomingTraces
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming

IN_PROGRESS = "in_progress"
WAIT_S = 2.0  #: real seconds that a person waits for the result
_FIRST_LOOK_S = 0.005


class Commands:
    """Puts commands into the inbox and waits for what they come to. Any node can take any command."""

    def __init__(self, store: Store, clock: Clock, wall: Clock, traces: IncomingTraces | None = None) -> None:
        self._store, self._clock, self._wall, self._traces = store, clock, wall, traces

    async def submit(self, tenant: TenantId, event: e.AnyEvent, *, key: str) -> str:
        """The verdict: `ok`, the reason why it was refused, or `in_progress` after two seconds.

        The same `key` is the same command: sent twice, it is carried out once and answered twice.
        Raises TemporaryFailure when it could not be stored.
        """
        row = Incoming(source="command", key=key, body=e.encode(event), received_at=self._clock.now())
        if await self._store.accept(tenant, [row]) and self._traces is not None:
            self._traces.commanded(tenant, event, row)
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._result(tenant, key)
        except TimeoutError:
            return IN_PROGRESS

    async def _result(self, tenant: TenantId, key: str) -> str:
        pause = _FIRST_LOOK_S
        while True:
            async with self._store.open_tenant(tenant) as rows:
                result = await rows.inbox.result("command", key)
            if result is not None:
                return result.decode()
            await self._wall.sleep(pause)
            pause = min(pause * 2, 0.2)
