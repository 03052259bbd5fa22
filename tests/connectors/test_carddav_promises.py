"""A real Radicale keeps the promises of whatever knows parties."""

import contextlib
import socket
from collections.abc import AsyncIterator

import msgspec
import pytest

from cordpair.connectors.carddav.dav import _xml
from cordpair.connectors.testkit import PartyPromises, failure_of, ids_of, pages_of
from cordpair.errors import PermanentFailure, Rejected, TemporaryFailure
from tests.connectors.radicale_server import PHONE, BookStage, book_stage, setup


class TestCardDav(PartyPromises):
    @pytest.fixture(autouse=True)
    async def _stages(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as self.stack:
            yield

    async def stage(self) -> BookStage:
        return await self.stack.enter_async_context(book_stage())

    async def test_a_token_that_the_server_has_forgotten_brings_everybody_anew(self) -> None:
        stage = await self.stage()
        bookmark = msgspec.json.decode((await pages_of(stage.crm, None))[-1].bookmark)
        forgotten = bookmark | {"since": "http://radicale.org/ns/sync/" + "0" * 64}
        pages = await pages_of(stage.crm, msgspec.json.encode(forgotten).decode())
        assert sorted(ids_of(pages)) == sorted(await stage.party_ids())

    @pytest.mark.parametrize("content", [b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"no XML", b"\xff\xfe<"])
    async def test_what_is_no_plain_xml_is_not_read(self, content: bytes) -> None:
        with pytest.raises(TemporaryFailure):
            _xml(content)

    async def test_a_wrong_password_is_permanent(self) -> None:
        stage = await self.stage()
        failure = await failure_of(stage.opened(setup(stage.server.url, password="wrong")).find_by_phone(PHONE))
        assert isinstance(failure, PermanentFailure)
        assert failure.status == 401

    async def test_an_address_book_that_is_away_is_temporary(self) -> None:
        stage = await self.stage()
        with socket.create_server(("127.0.0.1", 0)) as free:
            url = f"http://127.0.0.1:{free.getsockname()[1]}/book/"
        assert isinstance(await failure_of(stage.opened(setup(url)).find_by_phone(PHONE)), TemporaryFailure)

    @pytest.mark.parametrize(("name", "value"), [("url", "http://dav.example.org/"), ("page_size", "0"), ("size", "5")])
    async def test_a_wrong_setting_is_refused_by_its_name(self, name: str, value: str) -> None:
        stage = await self.stage()
        with pytest.raises(Rejected, match="CardDAV"):
            stage.opened(setup("https://dav.example.org/", **{name: value}))
