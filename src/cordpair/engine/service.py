"""All that the owner of a tenant does for it: fold, follow the CRM, watch presence."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from cordpair.core.floor import Floor
from cordpair.engine.tenant_loop import TenantLoop
from cordpair.engine.wakeup import Bell


class Follower(Protocol):
    """Something that goes on beside the fold, until cancelled."""

    async def run(self) -> None: ...


class TenantService:
    """The loop of a tenant and its followers: they live and end together."""

    def __init__(self, loop: TenantLoop, followers: Sequence[Follower]) -> None:
        self._loop, self._followers = loop, followers

    @property
    def bell(self) -> Bell:
        return self._loop.bell

    @property
    def floor(self) -> Floor | None:
        """The tenant in memory, as of the last commit; None while it is being rebuilt."""
        return self._loop.floor

    def end(self) -> None:
        """Come to an end with the turn of the fold that is under way."""
        self._loop.end()

    async def run(self) -> None:
        """Until `end`, or until cancelled."""
        async with asyncio.TaskGroup() as group:
            followers = [group.create_task(follower.run()) for follower in self._followers]
            await self._loop.run()
            for follower in followers:
                follower.cancel()
