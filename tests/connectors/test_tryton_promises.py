"""A real Tryton keeps the promises of a CRM by a mapping file, a proxy before it that answers badly on demand."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from cordpair.connectors.testkit import RemoteCrmPromises
from tests.connectors.tryton_server import TrytonStage, tryton_stage

pytestmark = pytest.mark.long  # a whole ERP is set up first


class TestTryton(RemoteCrmPromises):
    title = "Tryton"

    @pytest.fixture(autouse=True)
    async def _stages(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as self.stack:
            yield

    async def stage(self) -> TrytonStage:
        return await self.stack.enter_async_context(tryton_stage())
