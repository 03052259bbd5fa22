"""iMIS keeps the promises of a CRM, over real HTTP."""

import contextlib
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest

from cordpair.connectors.testkit import UNKNOWN_NUMBER, RemoteCrmPromises
from tests.connectors.imis_server import ImisStage, imis_stage


class TestImis(RemoteCrmPromises):
    title = "iMIS"
    settings: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    async def _stages(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as self.stack:
            yield

    async def stage(self) -> ImisStage:
        return await self.stack.enter_async_context(imis_stage(**self.settings))


class TestImisByPartySummary(TestImis):
    settings: ClassVar[dict[str, str]] = {"search_entity": "PartySummary"}


class TestImisByASavedQuery(TestImis):
    settings: ClassVar[dict[str, str]] = {"contacts_query": "$/Cordpair/Contacts"}


class TestImis2017(TestImis):
    """The older generation: other assemblies, saved queries at another address, no metadata at all."""

    settings: ClassVar[dict[str, str]] = {"contacts_query": "$/Cordpair/Contacts"}

    async def stage(self) -> ImisStage:
        stage = await super().stage()
        stage.imis.old_assembly, stage.imis.definitions_work = True, False
        await stage.crm.find_by_phone(UNKNOWN_NUMBER)  # learns the older address
        return stage
