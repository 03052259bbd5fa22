"""The simulated time as a process sees it, and how a process waits without looking all day long for nothing."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cordpair.engine.wakeup import Bell
from tests.sim.database import Database

BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class VirtualClock:
    """The loop's time, some seconds wrong."""

    rate = 1.0

    def __init__(self, loop: asyncio.AbstractEventLoop, wrong_s: float = 0.0) -> None:
        self._loop, self._wrong_s = loop, wrong_s

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self._loop.time() + self._wrong_s)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Patience:
    """Leaves out looks at the store that would find nothing; the others come at their usual time.

    `due` says when a look would find something; it is asked again whenever something was committed.
    """

    def __init__(self, database: Database, clock: VirtualClock, due: Callable[[], datetime | None]) -> None:
        self._database, self._clock, self._due = database, clock, due
        self.stirred = asyncio.Event()

    async def rest_s(self, pause_s: float, is_rung: Callable[[], bool]) -> float:
        """Wait until a look could find something, or it rings. Returns what is left of the pause then under way."""
        begun = self._clock.now()
        watcher = self._database.watch(self.stirred)
        while not is_rung() and (wait_s := self._wait_s()) > 0:
            self.stirred.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self.stirred.wait()
            except TimeoutError:
                pass
        self._database.watchers.pop(watcher, None)
        return pause_s - (self._clock.now() - begun).total_seconds() % pause_s if pause_s > 0 else 0.0

    def _wait_s(self) -> float:
        """Seconds until a look could find something; an hour when nothing is known of."""
        if self._database.is_away:
            return 0.0
        due = self._due()
        return 3600.0 if due is None else (due - self._clock.now()).total_seconds()


class PatientBell(Bell):
    """A bell whose owner looks only when there is something to see."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._patience = patience

    def ring(self) -> None:
        super().ring()
        self._patience.stirred.set()

    def wake(self) -> None:
        super().wake()
        self._patience.stirred.set()

    async def heard(self, timeout_s: float) -> bool:
        return await super().heard(await self._patience.rest_s(timeout_s, self._awake.is_set))


class PatientWall:
    """A clock by which somebody sleeps between two looks."""

    rate = 1.0

    def __init__(self, patience: Patience, clock: VirtualClock) -> None:
        self._patience, self._clock = patience, clock

    def now(self) -> datetime:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(await self._patience.rest_s(seconds, lambda: False))
