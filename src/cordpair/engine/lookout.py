"""One look for all organisations of this process: whose inbox or timers have something to fold.

What comes in at another node rings no bell here, and a timer rings none at all: so the rows are looked at. One question
serves all tenants, so what it costs does not grow with their number.
"""

from collections.abc import Callable

import structlog

from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError
from cordpair.store.doors import Store

log = structlog.get_logger(__name__)

LOOK_S = 0.25  #: real seconds between two looks


class Lookout:
    """Rings the bell of each owned tenant that has something to do. `clock` is the timers' time, `wall` ours."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        wall: Clock,
        *,
        owned: Callable[[], frozenset[TenantId]],
        ring: Callable[[TenantId], None],
    ) -> None:
        self._store, self._clock, self._wall = store, clock, wall
        self._owned, self._ring = owned, ring

    async def run(self) -> None:
        """Look until cancelled. While the database is away there is nothing to see."""
        while True:
            await self._wall.sleep(LOOK_S)
            try:
                await self.look()
            except CordpairError as exc:
                log.warning("the lookout waits for the database", error=type(exc).__name__)

    async def look(self) -> None:
        """Look once. Raises TemporaryFailure."""
        owned = self._owned()
        if not owned:
            return
        async with self._store.open_queue() as queue:
            ready = await queue.ready_tenants(self._clock.now())
        for tenant in owned.intersection(ready):
            self._ring(tenant)
