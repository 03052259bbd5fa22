"""Servers of both versions for the tests of the store."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cordpair.store.doors import Store
from tests.databases import DEBIAN_15, Server, opened, server


@pytest.fixture(scope="session", params=["wheel", "debian-15"])
def postgresql(request: pytest.FixtureRequest) -> Iterator[Server]:
    programs: Path | None = DEBIAN_15 if request.param == "debian-15" else None
    with server(programs) as running:
        yield running


@pytest.fixture
async def store(postgresql: Server) -> AsyncIterator[Store]:
    async with opened(postgresql) as one:
        yield one
