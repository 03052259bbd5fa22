"""iMIS keeps the promises of a CRM, over real HTTP."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from cordpair.connectors.testkit import RemoteCrmPromises
from tests.connectors.imis_server import ImisStage, imis_stage


class TestImis(RemoteCrmPromises):
    title = "iMIS"

    @pytest.fixture(autouse=True)
    async def _stages(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as self.stack:
            yield

    async def stage(self) -> ImisStage:
        return await self.stack.enter_async_context(imis_stage())
