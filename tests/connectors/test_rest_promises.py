"""The mapping files that come with cordpair keep the promises of a CRM, over real HTTP, against strict servers."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from cordpair.connectors.testkit import RemoteCrmPromises
from tests.connectors.crm_server import RestStage, dataverse_stage, hubspot_stage, salesforce_stage


class _Mapped(RemoteCrmPromises):
    @pytest.fixture(autouse=True)
    async def _stages(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as self.stack:
            yield


class TestHubSpot(_Mapped):
    title = "HubSpot"

    async def stage(self) -> RestStage:
        return await self.stack.enter_async_context(hubspot_stage())


class TestSalesforce(_Mapped):
    title = "Salesforce"

    async def stage(self) -> RestStage:
        return await self.stack.enter_async_context(salesforce_stage())


class TestDataverse(_Mapped):
    title = "Dynamics 365"

    async def stage(self) -> RestStage:
        return await self.stack.enter_async_context(dataverse_stage())
