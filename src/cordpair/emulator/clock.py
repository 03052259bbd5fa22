"""Emulated time: `rate` times real time, or standing still until it is advanced.

Every delay in the emulated cloud goes through one Clock, so a day can be played in minutes and a test can let
fifteen seconds pass in an instant.
"""

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

_SETTLE_TURNS = 12
_SETTLE_LIMIT_S = 5.0


class Clock:
    """Tells and passes emulated time. `rate` 0 means: time moves by `advance` only.

    Built inside a running event loop. `now()` is aware UTC.
    """

    def __init__(self, rate: float = 1.0, start: datetime | None = None) -> None:
        self.rate = rate
        self.start = start or datetime.now(UTC)
        self._base = 0.0
        self._real = time.monotonic()
        self._held: float | None = None
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._working = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    def elapsed(self) -> float:
        """Emulated seconds since the start."""
        if self._held is not None:
            return self._held
        return self._base + (time.monotonic() - self._real) * self.rate

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed())

    async def sleep(self, seconds: float) -> None:
        """Wait for emulated seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.elapsed() + seconds, next(self._count), future))
        self._arm()
        await future

    def later(self, seconds: float, act: Callable[[], object]) -> asyncio.Task[None]:
        """Do something after emulated seconds; cancel the task to prevent it."""

        async def wait_and_act() -> None:
            await self.sleep(seconds)
            act()

        return self.spawn(wait_and_act())

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that is kept alive until it ends, and ended by `close`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Real work (an HTTP request) goes on: `advance` does not move time meanwhile."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    async def advance(self, seconds: float) -> None:
        """Let emulated time pass at once, waking every sleeper at its own instant and in order."""
        target = self.elapsed() + seconds
        await self._settle()
        while self._waiting and self._waiting[0][0] <= target:
            due, _, future = heapq.heappop(self._waiting)
            self._held = max(due, self.elapsed())
            if not future.done():
                future.set_result(None)
                await self._settle()
        self._base, self._real, self._held = max(target, self.elapsed()), time.monotonic(), None
        self._arm()

    async def close(self) -> None:
        """End all tasks."""
        if self._timer:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _settle(self) -> None:
        limit = time.monotonic() + _SETTLE_LIMIT_S
        quiet = 0
        while quiet < _SETTLE_TURNS and time.monotonic() < limit:
            await asyncio.sleep(0.001 if self._working else 0)
            quiet = 0 if self._working else quiet + 1

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not self._waiting or self.rate <= 0 or self._held is not None:
            return
        wait = max(0.0, (self._waiting[0][0] - self.elapsed()) / self.rate)
        self._timer = asyncio.get_running_loop().call_later(wait, self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self.elapsed() + 1e-6
        while self._waiting and self._waiting[0][0] <= now:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
        self._arm()
