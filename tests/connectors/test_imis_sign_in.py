"""Signing in to iMIS, and what an administrator can set."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from cordpair.connectors.imis import connect
from cordpair.connectors.imis.settings import PasswordGrant, RefreshGrant, read_settings
from cordpair.connectors.registry import open_crm, title
from cordpair.connectors.testkit import failure_of
from cordpair.core.tenant import CrmSetup
from cordpair.emulator.imis_faults import Fault
from cordpair.errors import PermanentFailure, Rejected, TemporaryFailure, Throttled
from tests.connectors.imis_server import ANSGAR, PHONE, ImisStage, StillClock, imis_stage, setup

NO_ADDRESS = "iMIS: base_url must be an address like https://example.imiscloud.com"
HERE = "http://127.0.0.1:9/imis"


@pytest.fixture
async def stage() -> AsyncIterator[ImisStage]:
    async with imis_stage() as ready:
        yield ready


def refreshing(stage: ImisStage) -> dict[str, str]:
    return {"grant": "refresh_token", "client_id": "cordpair-app"}


async def test_a_password_with_signs_in_it_arrives_whole(stage: ImisStage) -> None:
    assert [record.ref for record in await stage.crm.find_by_phone(PHONE)] == [ANSGAR]


async def test_a_client_application_signs_in_by_its_refresh_token(stage: ImisStage) -> None:
    crm = stage.another_crm(**refreshing(stage))
    assert [record.ref for record in await crm.find_by_phone(PHONE)] == [ANSGAR]


async def test_a_refresh_token_that_was_replaced_is_not_used_again(stage: ImisStage) -> None:
    crm = stage.another_crm(**refreshing(stage))
    for _ in range(3):
        assert await crm.find_by_phone(PHONE)
        stage.imis.tokens.revoke()


async def test_one_token_serves_many_requests(stage: ImisStage) -> None:
    await asyncio.gather(*(stage.crm.find_by_phone(PHONE) for _ in range(8)))
    assert stage.imis.counters.token_requests == 1


async def test_a_token_is_replaced_before_it_ends(stage: ImisStage) -> None:
    await stage.crm.find_by_phone(PHONE)
    stage.clock.at += timedelta(seconds=1199 - 30)
    before = stage.imis.counters.requests
    await stage.crm.find_by_phone(PHONE)
    assert stage.imis.counters.token_requests == 2
    assert stage.imis.counters.requests - before == 4  # four spellings, none of them twice


async def test_many_requests_that_meet_a_revoked_token_fetch_one_new_one(stage: ImisStage) -> None:
    await stage.crm.find_by_phone(PHONE)
    stage.imis.tokens.revoke()
    await asyncio.gather(*(stage.crm.find_by_phone(PHONE) for _ in range(8)))
    assert stage.imis.counters.token_requests == 2


async def test_a_wrong_password_is_permanent_and_names_nobody(stage: ImisStage) -> None:
    stage.imis.tokens.users["cordpair"] = "changed"
    failure = await failure_of(stage.crm.find_by_phone(PHONE))
    assert isinstance(failure, PermanentFailure)
    assert str(failure) == "iMIS refused the sign-in: invalid_grant"


async def test_a_refresh_token_that_died_early_is_permanent(stage: ImisStage) -> None:
    stage.imis.tokens.revoke_refresh()
    failure = await failure_of(stage.another_crm(**refreshing(stage)).find_by_phone(PHONE))
    assert isinstance(failure, PermanentFailure)


@pytest.mark.parametrize("kind", ["html", "error", "cut", "sign_in_page", "throttle"])
async def test_a_sign_in_that_fails_for_the_moment_is_temporary(stage: ImisStage, kind: str) -> None:
    stage.imis.faults.append(Fault(kind, path="/token"))  # type: ignore[arg-type]
    failure = await failure_of(stage.crm.find_by_phone(PHONE))
    assert type(failure) is (Throttled if kind == "throttle" else TemporaryFailure)
    assert "iMIS" in str(failure)


async def test_an_imis_that_is_not_there_is_temporary() -> None:
    async with httpx.AsyncClient(verify=False) as http:
        crm = connect(setup(HERE), region="DE", time_zone="Europe/Berlin", http=http, now=StillClock().now)
        failure = await failure_of(crm.find_by_phone(PHONE))
    assert type(failure) is TemporaryFailure
    assert str(failure) == "iMIS cannot be reached"


async def test_a_date_to_wait_for_is_counted_from_now(stage: ImisStage) -> None:
    until = format_datetime(stage.clock.now() + timedelta(seconds=90), usegmt=True)
    stage.imis.faults.append(Fault("throttle", retry_after=until))
    failure = await failure_of(stage.crm.find_by_phone(PHONE))
    assert isinstance(failure, TemporaryFailure)
    assert failure.retry_after_s == 90


@pytest.mark.parametrize("text", ["", "soon", "-5", "²", "Mon, 32 Foo"])
async def test_an_unreadable_wish_to_wait_is_none(stage: ImisStage, text: str) -> None:
    stage.imis.faults.append(Fault("throttle", retry_after=text))
    failure = await failure_of(stage.crm.find_by_phone(PHONE))
    assert isinstance(failure, TemporaryFailure)
    assert failure.retry_after_s is None


def test_settings_are_read() -> None:
    settings = read_settings(setup("https://verband.imiscloud.com/Asi.Scheduler_Prod/"))
    assert settings.base_url == "https://verband.imiscloud.com/Asi.Scheduler_Prod"
    assert settings.grant == PasswordGrant("cordpair", "lamp&wick+1% ä")


def test_the_refresh_grant_is_read() -> None:
    settings = read_settings(setup(HERE, grant="refresh_token", client_id="app"))
    assert settings.grant == RefreshGrant("app", "s&cret+1", "first-refresh/token+")


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"base_url": ""}, "iMIS: base_url is missing"),
        ({"base_url": "verband.example"}, NO_ADDRESS),
        ({"base_url": "https://verband.example:port"}, NO_ADDRESS),
        ({"base_url": "https://me:secret@verband.example"}, NO_ADDRESS),
        ({"base_url": "http://verband.example"}, "iMIS: base_url must begin with https://"),
        ({"time_zone": ""}, "iMIS: time_zone is missing"),
        ({"time_zone": "Berlin"}, "iMIS: time_zone must be a name like Europe/Berlin"),
        ({"time_zone": "../etc/passwd"}, "iMIS: time_zone must be a name like Europe/Berlin"),
        ({"username": " "}, "iMIS: username is missing"),
        ({"grant": "client_credentials"}, "iMIS: grant must be password or refresh_token"),
        ({"grant": "refresh_token"}, "iMIS: client_id is missing"),
        ({"language": "fr"}, "iMIS: language must be de or en"),
        ({"guard_column": "NOTE"}, "iMIS: guard_column must be one of UF_1, UF_2, UF_3, OTHER_CODE"),
        ({"activity_type": "TELEPHONECALL"}, "iMIS: activity_type must have 1 to 10 characters"),
        ({"search_entity": "Users"}, "iMIS: search_entity must be one of Party, Person, PartySummary"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_clear_line(wrong: dict[str, str], line: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_settings(setup(HERE, **wrong))
    assert str(refused.value) == line


async def test_the_registry_opens_a_connector_by_name() -> None:
    async with httpx.AsyncClient(verify=False) as http:
        for name in ("imis", "memory"):
            setup_of = CrmSetup(connector=name, settings=setup(HERE).settings, secrets=setup(HERE).secrets)
            crm = open_crm(setup_of, region="DE", time_zone="Europe/Berlin", http=http, clock=StillClock())
            assert crm.name == name


async def test_the_registry_says_which_connectors_there_are() -> None:
    async with httpx.AsyncClient(verify=False) as http:
        with pytest.raises(Rejected, match="imis, ldap, memory"):
            open_crm(CrmSetup(connector="acme"), region="DE", time_zone="UTC", http=http, clock=StillClock())


def test_people_call_a_system_by_its_own_name() -> None:
    assert title("imis") == "iMIS"
