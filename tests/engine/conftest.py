"""A real server for the tests of the engine, and a clock that stands until it is moved."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from cordpair.store.doors import Store
from tests.databases import Server, opened, server
from tests.store.world import NOON

T = TypeVar("T")


class StandingClock:
    """Time that moves by hand. Sleeping waits for real time, so that loops do not spin."""

    rate = 1.0

    def __init__(self) -> None:
        self._now = NOON

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


async def until(look: Callable[[], Awaitable[T]]) -> T:
    """What `look` gives, as soon as that is something. Raises TimeoutError."""
    async with asyncio.timeout(30):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.01)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
async def store(postgresql: Server) -> AsyncIterator[Store]:
    async with opened(postgresql) as one:
        yield one
