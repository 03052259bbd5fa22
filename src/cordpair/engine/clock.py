"""The one place that asks what time it is. A demonstration may let time run faster.

The time of an installation is its database's: rows that one node writes are read by others, so nodes whose clocks
differ must not each go by their own.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

LET_BE_S = 0.25  #: so much two nodes may differ: correcting less would only make time jump to and fro
STALE_S = 1.0  #: an answer that was longer on its way says little of what time it is now
TOLD_S = 5.0  #: a clock that was further off is reported
APART = timedelta(hours=1)  #: a database and a machine whose clocks differ by more are reported when it matters

#: Asks the database what time it is.
AskTime = Callable[[], Awaitable[datetime]]


class Clock(Protocol):
    """Aware UTC instants, and sleeping in the same time. `rate` is how many of its seconds pass in a real one."""

    @property
    def rate(self) -> float: ...
    def now(self) -> datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The time of this machine."""

    rate = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SharedClock:
    """The database's time, carried on by this machine's steady clock from one look to the next.

    What this machine takes for the time of day matters only before the first look. `steady` gives seconds that never
    jump. A database whose clock is set is followed, forth and back.
    """

    rate = 1.0

    def __init__(
        self,
        steady: Callable[[], float] = time.monotonic,
        begin: datetime | None = None,
        machine: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._steady, self._machine = steady, machine
        self._origin, self._told = steady(), begin or machine()

    def now(self) -> datetime:
        return self._told + timedelta(seconds=self._steady() - self._origin)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def agreed(self) -> datetime:
        """The instant that the database and this machine both say has come: for what cannot be undone."""
        now, here = self.now(), self._machine()
        if abs(now - here) > APART:
            log.error(
                "database and machine say different times, the earlier one counts",
                off_s=round((now - here).total_seconds()),
            )
        return min(now, here)

    async def follow(self, ask: AskTime) -> datetime:
        """Look what time it is, and go by it from now on; returns what was told. Raises what `ask` raises."""
        asked_s = self._steady()
        told = await ask()
        took_s = self._steady() - asked_s
        off_s = (told - self.now()).total_seconds() + took_s / 2
        if took_s <= STALE_S and abs(off_s) > LET_BE_S:
            self._origin, self._told = self._steady(), told + timedelta(seconds=took_s / 2)
            if abs(off_s) > TOLD_S:
                log.warning("the time is another than we went by", off_s=round(off_s))
        return told


class ScaledClock:
    """Starts at the time of this machine and runs `rate` times as fast."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._started = datetime.now(UTC)
        self._origin = time.monotonic()

    def now(self) -> datetime:
        return self._started + timedelta(seconds=(time.monotonic() - self._origin) * self.rate)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.rate)


def agreed_now(clock: Clock) -> datetime:
    """The time for what cannot be undone: a database whose clock leaps ahead alone must not erase what is not due."""
    return clock.agreed() if isinstance(clock, SharedClock) else clock.now()


def clock_at(rate: float) -> Clock:
    """The clock that all nodes share, or a scaled one."""
    return SharedClock() if rate == 1.0 else ScaledClock(rate)
