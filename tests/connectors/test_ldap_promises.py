"""A real OpenLDAP keeps the promises of whatever knows parties."""

import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from cordpair.connectors.registry import open_crm
from cordpair.connectors.testkit import PartyPromises, activity, failure_of
from cordpair.errors import PermanentFailure, Rejected, TemporaryFailure
from tests.connectors.imis_server import StillClock
from tests.connectors.ldap_server import KNOWN, PHONE, LdapStage, ldap_stage, setup


class TestLdap(PartyPromises):
    @pytest.fixture(autouse=True)
    async def _stages(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as self.stack:
            yield

    async def stage(self) -> LdapStage:
        return await self.stack.enter_async_context(ldap_stage())

    async def test_a_number_with_a_slash_is_found_although_the_directory_s_own_comparison_misses_it(self) -> None:
        stage = await self.stage()
        found = await stage.crm.find_by_phone(PHONE)
        assert [(party.ref.id, party.phones[0].raw) for party in found] == [(KNOWN, "06221/911924")]

    async def test_a_number_is_found_however_its_digits_are_grouped(self) -> None:
        stage = await self.stage()
        found = await stage.crm.find_by_phone("+496221911925")
        assert [party.phones[0].raw for party in found] == ["06221 / 91.19-25"]

    async def test_a_wrong_password_is_permanent(self) -> None:
        stage = await self.stage()
        failure = await failure_of(stage.opened(setup(stage.server.port, password="wrong")).find_by_phone(PHONE))
        assert isinstance(failure, PermanentFailure)
        assert failure.status == 401

    async def test_a_directory_that_is_away_is_temporary(self) -> None:
        stage = await self.stage()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        failure = await failure_of(stage.opened(setup(port)).find_by_phone(PHONE))
        assert isinstance(failure, TemporaryFailure)

    async def test_no_activity_is_written_to_a_directory(self) -> None:
        stage = await self.stage()
        assert not stage.crm.keeps_activities
        assert isinstance(
            await failure_of(stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)), PermanentFailure
        )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("url", "http://directory.example.org"),
            ("url", "ldap://directory.example.org"),
            ("filter", "(objectClass=person"),
            ("phones", "telephoneNumber)(uid=*"),
            ("page_size", "0"),
            ("pagesize", "5"),
        ],
    )
    async def test_a_wrong_setting_is_refused_by_its_name(self, name: str, value: str) -> None:
        stage = await self.stage()
        with pytest.raises(Rejected, match="LDAP"):
            open_crm(
                setup(1, **{name: value}), region="DE", time_zone="Europe/Berlin", http=stage.http, clock=StillClock()
            )
