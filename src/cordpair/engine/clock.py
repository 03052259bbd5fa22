"""The one place that asks what time it is. A demonstration may let time run faster."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


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


def clock_at(rate: float) -> Clock:
    """The system's clock, or a scaled one."""
    return SystemClock() if rate == 1.0 else ScaledClock(rate)
