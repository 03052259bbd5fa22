"""What comes in at the very process that folds the tenant: one commit stores it and makes true what it came to.

Elsewhere it takes two: the row first, and its fold by whoever owns the tenant. Either way it is durable before its
sender hears so.
"""

import asyncio
from collections.abc import Sequence

from cordpair.engine.wakeup import Bell
from cordpair.store.inbox import Incoming


class Delivery:
    """Items that wait to be stored and folded together, and whoever waits for that."""

    def __init__(self, items: Sequence[Incoming]) -> None:
        self.items = items
        self.new: set[tuple[str, str]] | None = None  #: (source, key) of those that are stored now; None: nothing is
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """What became of it stands in `new`."""
        if not self._ended.done():
            self._ended.set_result(None)

    async def ended(self) -> None:
        await self._ended


class Deliveries:
    """Those that wait for one tenant's loop, which `bell` wakes."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._waiting: list[Delivery] = []

    def add(self, items: Sequence[Incoming]) -> Delivery:
        """Have `items` stored and folded. Where its `new` is None in the end, that failed: nothing may be stored."""
        delivery = Delivery(items)
        self._waiting.append(delivery)
        self._bell.wake()
        return delivery

    @property
    def is_any(self) -> bool:
        return bool(self._waiting)

    def next(self) -> Delivery | None:
        """The one that has waited longest."""
        return self._waiting.pop(0) if self._waiting else None

    def give_back(self) -> None:
        """Nobody takes them any more."""
        while delivery := self.next():
            delivery.end()
