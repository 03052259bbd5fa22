"""An emulated cloud whose time stands still, and a small product for it to talk to."""

from collections.abc import AsyncIterator

import pytest

from cordpair.emulator.server import Running, running
from tests.emulator.product import Product, serving


@pytest.fixture
async def cloud() -> AsyncIterator[Running]:
    async with running(rate=0, members_count=60) as server:
        yield server


@pytest.fixture
async def product(cloud: Running) -> AsyncIterator[Product]:
    async with serving(cloud) as there:
        yield there
