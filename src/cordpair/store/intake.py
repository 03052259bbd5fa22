"""Group commit: whoever comes while a commit is under way shares the next one.

A lone notification is committed at once; under load one commit carries many. Every caller waits until its own items
are durable. Where this process folds the tenant, the folder may do both in one commit; when a whole batch of them waits
meanwhile it is given the next one, to make ready.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

from cordpair.core.ids import TenantId
from cordpair.errors import UnknownOutcome
from cordpair.store.inbox import Incoming, check

_LARGEST_BATCH = 256  # items, as many as a folder takes at once; more wait for the commit after
_ENOUGH_FOR_ANOTHER = 128  # items that are worth a commit of their own beside the one under way

Put = Callable[[TenantId, Sequence[Incoming]], Awaitable[set[tuple[str, str]]]]
_Waiting = tuple[Sequence[Incoming], asyncio.Future[int]]


class Folder(Protocol):
    """Whoever folds a tenant in this process."""

    async def take_in(self, items: Sequence[Incoming]) -> set[tuple[str, str]] | None:
        """Store and fold in one commit; (source, key) of the new ones. None when it cannot: they are stored then."""

    def ring(self) -> None:
        """Something was stored for you."""


class Intake:
    """Collects items per tenant and stores them by `put`, one commit per tenant at a time."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._waiting: dict[TenantId, list[_Waiting]] = {}
        self._writers: dict[TenantId, list[asyncio.Task[None]]] = {}
        self._folders: dict[TenantId, Folder] = {}
        self._patience = _Patience()

    async def accept(self, tenant: TenantId, items: Sequence[Incoming], *, within_s: float | None = None) -> int:
        """Store `items` durably; returns how many were new. Raises Rejected or TemporaryFailure.

        `within_s` (real seconds): how long the caller waits for it; afterwards it may or may not come about.
        """
        for item in items:
            check(item)
        if not items:
            return 0
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[int] = loop.create_future()
        waiting = self._waiting.setdefault(tenant, [])
        waiting.append((items, stored))
        writers = self._writers.setdefault(tenant, [])
        enough = len(waiting) + len(items) > _ENOUGH_FOR_ANOTHER
        if not writers or (enough and len(writers) == 1 and tenant in self._folders):
            writers.append(asyncio.create_task(self._write(tenant)))
        if within_s is not None:
            self._patience.add(stored, within_s, loop)
        return await stored

    @contextlib.contextmanager
    def folded_by(self, tenant: TenantId, folder: Folder) -> Iterator[None]:
        """For as long as this lasts, what comes in here for the tenant is offered to `folder` first."""
        self._folders[tenant] = folder
        try:
            yield
        finally:
            if self._folders.get(tenant) is folder:
                del self._folders[tenant]

    async def close(self) -> None:
        """Wait for the commits under way."""
        under_way = [writer for writers in self._writers.values() for writer in writers]
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _write(self, tenant: TenantId) -> None:
        try:
            while batch := self._next_batch(tenant):
                await self._commit(tenant, batch)
        finally:
            others = [one for one in self._writers[tenant] if one is not asyncio.current_task()]
            if others:
                self._writers[tenant] = others
            else:
                del self._writers[tenant]

    def _next_batch(self, tenant: TenantId) -> list[_Waiting]:
        waiting = self._waiting.pop(tenant, [])
        size = taken = 0
        while taken < len(waiting) and (taken == 0 or size + len(waiting[taken][0]) <= _LARGEST_BATCH):
            size += len(waiting[taken][0])
            taken += 1
        if waiting[taken:]:
            self._waiting[tenant] = waiting[taken:]
        return waiting[:taken]

    async def _commit(self, tenant: TenantId, batch: list[_Waiting]) -> None:
        try:
            new = await self._stored(tenant, [item for items, _ in batch for item in items])
        except BaseException as failure:  # whatever it is: each caller must hear of it
            for _, stored in batch:
                if not stored.done():
                    stored.set_exception(failure if isinstance(failure, Exception) else asyncio.CancelledError())
            if not isinstance(failure, Exception):
                raise
            return
        for items, stored in batch:
            mine = 0
            for name in [(item.source, item.key) for item in items]:
                if name in new:
                    new.remove(name)  # the same item twice in one commit is new for one caller only
                    mine += 1
            if not stored.done():
                stored.set_result(mine)

    async def _stored(self, tenant: TenantId, items: Sequence[Incoming]) -> set[tuple[str, str]]:
        folder = self._folders.get(tenant)
        new = None if folder is None else await folder.take_in(items)
        if new is None:
            new = await self._put(tenant, items)
            if folder is not None:
                folder.ring()
        return new


class _Patience:
    """Lets go of callers who have waited long enough, with one timer for all of them: every request needs one."""

    def __init__(self) -> None:
        self._waiting: dict[float, deque[tuple[float, asyncio.Future[int]]]] = {}  # by how long they wait

    def add(self, stored: asyncio.Future[int], within_s: float, loop: asyncio.AbstractEventLoop) -> None:
        """Have `stored` fail in `within_s` seconds, unless it is done by then."""
        waiting = self._waiting.get(within_s)
        if waiting is None:
            waiting = self._waiting[within_s] = deque()
            loop.call_later(within_s, self._look, within_s, loop)
        while waiting and waiting[0][1].done():
            waiting.popleft()
        waiting.append((loop.time() + within_s, stored))

    def _look(self, within_s: float, loop: asyncio.AbstractEventLoop) -> None:
        waiting, now = self._waiting[within_s], loop.time()
        while waiting and (waiting[0][1].done() or waiting[0][0] <= now):
            _, stored = waiting.popleft()
            if not stored.done():
                stored.set_exception(UnknownOutcome("what came in was not stored in time"))
        if waiting:
            loop.call_at(waiting[0][0], self._look, within_s, loop)
        else:
            del self._waiting[within_s]
