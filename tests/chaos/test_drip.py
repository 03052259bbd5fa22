"""Services that answer by the drop or without end (F9): whoever waits gives up, and holds nobody else up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.connectors.imis.crm import ImisCrm
from cordpair.connectors.imis.session import ImisSession
from cordpair.connectors.imis.settings import read_settings
from cordpair.connectors.kit import Activity
from cordpair.connectors.teams import keys, tokens
from cordpair.connectors.teams.keys import SigningKeys
from cordpair.connectors.teams.tokens import AppTokens
from cordpair.emulator.bad_answers import Drip, huge
from cordpair.emulator.imis_faults import Fault, Kind
from cordpair.errors import TemporaryFailure, UnknownOutcome
from tests.connectors.imis_server import PHONE, ImisStage, imis_stage, setup
from tests.connectors.teams_world import REGISTRATION, serving
from tests.connectors.test_imis_writing import CALL

ENOUGH_S = 8.0  #: real: a drip would take more than an hour
BAD: list[Callable[[], Response]] = [Drip, huge]


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_TIMEOUT_S", 1.5)
    monkeypatch.setattr(tokens, "_TIMEOUT_S", 1.5)


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[ImisStage]:
    async with imis_stage() as ready:
        yield ready


def answering(make: Callable[[], Response]) -> Starlette:
    async def answer(_: Request) -> Response:
        return make()

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


async def fails_in_time(attempt: Awaitable[Any]) -> TemporaryFailure:
    with pytest.raises(TemporaryFailure) as failure:
        await asyncio.wait_for(attempt, ENOUGH_S)
    return failure.value


@pytest.mark.parametrize("make", BAD, ids=["drip", "huge"])
async def test_signing_keys_that_never_end_are_given_up(make: Callable[[], Response]) -> None:
    async with serving(answering(make)) as url, httpx.AsyncClient() as http:
        await fails_in_time(SigningKeys(http, url).key("any"))


@pytest.mark.parametrize("make", BAD, ids=["drip", "huge"])
async def test_an_entra_whose_answer_never_ends_is_given_up(make: Callable[[], Response]) -> None:
    async with serving(answering(make)) as url:
        theirs = AppTokens(REGISTRATION, login_url=url)
        await fails_in_time(theirs.token())
        theirs.close()


@pytest.mark.parametrize("kind", ["drip", "huge"])
async def test_an_imis_whose_answer_never_ends_is_given_up(stage: ImisStage, kind: Kind) -> None:
    crm = _impatient(stage)
    stage.imis.faults.append(Fault(kind, path="/api/"))
    await fails_in_time(crm.find_by_phone(PHONE))


@pytest.mark.parametrize("kind", ["drip", "huge"])
async def test_a_sign_in_to_imis_that_never_ends_is_given_up(stage: ImisStage, kind: Kind) -> None:
    crm = _impatient(stage)
    stage.imis.faults.append(Fault(kind, path="/token"))
    await fails_in_time(crm.find_by_phone(PHONE))


@pytest.mark.parametrize("kind", ["drip", "huge"])
async def test_a_write_whose_answer_never_ends_is_of_unknown_outcome(stage: ImisStage, kind: Kind) -> None:
    crm, activity = _impatient(stage), CALL
    await crm.find_by_phone(PHONE)
    stage.imis.faults.append(Fault(kind, method="POST"))
    assert isinstance(await fails_in_time(_logged(crm, activity)), UnknownOutcome)


async def _logged(crm: ImisCrm, activity: Activity) -> str:
    return await crm.log_activity(activity, key="k1", repeat=False)


def _impatient(stage: ImisStage) -> ImisCrm:
    settings = msgspec.structs.replace(read_settings(setup(stage.url)), timeout_s=1.5)
    return ImisCrm(settings, ImisSession(settings, stage.http, stage.clock.now), stage.clock.now)
