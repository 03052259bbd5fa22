"""Tokens of an app registration, from an issuer over plain HTTP that msal would refuse."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.connectors.teams.tokens import BOT_SCOPE, AppTokens
from cordpair.errors import PermanentFailure, TemporaryFailure
from tests.connectors.teams_world import REGISTRATION, TENANT, serving


@dataclass
class Entra:
    """One tenant's issuer. `answer` takes the place of its tokens."""

    asked: list[dict[str, str]] = field(default_factory=list)
    answer: Response | None = None
    configuration: Response | None = None
    life_s: int = 3600

    def app(self) -> Starlette:
        base = f"/{TENANT}/v2.0/.well-known/openid-configuration"
        token = Route(f"/{TENANT}/oauth2/v2.0/token", self._token, methods=["POST"])
        return Starlette(routes=[Route(base, self._configuration), token])

    async def _configuration(self, request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return self.configuration or JSONResponse(
            {
                "issuer": f"{base}/{TENANT}/v2.0",
                "authorization_endpoint": f"{base}/{TENANT}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/{TENANT}/oauth2/v2.0/token",
            }
        )

    async def _token(self, request: Request) -> Response:
        self.asked.append(dict(parse_qsl((await request.body()).decode())))
        body = {"token_type": "Bearer", "expires_in": self.life_s, "access_token": f"token-{len(self.asked)}"}
        return self.answer or JSONResponse(body)


@dataclass
class World:
    entra: Entra
    tokens: AppTokens
    now: list[float]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    entra, now = Entra(), [0.0]
    async with serving(entra.app()) as url:
        tokens = AppTokens(REGISTRATION, login_url=url, clock=lambda: now[0])
        yield World(entra, tokens, now)
        tokens.close()


async def test_a_token_is_asked_for_with_the_registrations_credential(world: World) -> None:
    assert await world.tokens.token() == "token-1"
    (asked,) = world.entra.asked
    assert asked["grant_type"] == "client_credentials"
    assert (asked["client_id"], asked["client_secret"]) == (REGISTRATION.client_id, REGISTRATION.client_secret)
    assert asked["scope"] == "https://graph.microsoft.com/.default"


async def test_a_token_is_used_until_shortly_before_its_end(world: World) -> None:
    await world.tokens.token()
    world.now[0] = 3600 - 301
    assert await world.tokens.token() == "token-1"
    assert len(world.entra.asked) == 1


async def test_every_service_has_its_own_token(world: World) -> None:
    assert await world.tokens.token() != await world.tokens.token(BOT_SCOPE)


async def test_a_refused_token_is_not_handed_out_again(world: World) -> None:
    refused = await world.tokens.token()
    assert await world.tokens.token(instead_of=refused) == "token-2"


async def test_a_token_that_was_replaced_meanwhile_is_not_replaced_again(world: World) -> None:
    refused = await world.tokens.token()
    await world.tokens.token(instead_of=refused)
    assert await world.tokens.token(instead_of=refused) == "token-2"


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
async def test_a_refused_registration_is_final(world: World, error: str) -> None:
    body = {"error": error, "error_description": "AADSTS7000215 for Ana", "error_codes": [7000215]}
    world.entra.answer = JSONResponse(body, status_code=401)
    with pytest.raises(PermanentFailure) as failure:
        await world.tokens.token()
    assert str(failure.value) == f"Entra refuses the app registration: {error} 7000215"


async def test_an_unknown_tenant_is_final(world: World) -> None:
    world.entra.configuration = JSONResponse({"error": "invalid_tenant"}, status_code=400)
    with pytest.raises(PermanentFailure):
        await world.tokens.token()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_entra_in_trouble_is_temporary(world: World, status: int) -> None:
    world.entra.answer = JSONResponse({}, status_code=status)
    with pytest.raises(TemporaryFailure):
        await world.tokens.token()


async def test_a_page_instead_of_a_token_is_temporary(world: World) -> None:
    world.entra.answer = Response("<html>proxy</html>", media_type="text/html")
    with pytest.raises(TemporaryFailure):
        await world.tokens.token()


async def test_a_token_near_its_end_serves_on_while_entra_is_away(world: World) -> None:
    world.entra.life_s = 200
    await world.tokens.token()
    world.entra.answer = JSONResponse({}, status_code=503)
    world.now[0] = 150
    assert [await world.tokens.token() for _ in range(3)] == ["token-1"] * 3
    assert len(world.entra.asked) == 2


async def test_an_ended_token_does_not_serve_on(world: World) -> None:
    world.entra.life_s = 200
    await world.tokens.token()
    world.entra.answer = JSONResponse({}, status_code=503)
    world.now[0] = 201
    with pytest.raises(TemporaryFailure):
        await world.tokens.token()


async def test_after_trouble_the_next_try_asks_again(world: World) -> None:
    world.entra.answer = JSONResponse({}, status_code=503)
    with pytest.raises(TemporaryFailure):
        await world.tokens.token()
    world.entra.answer = None
    assert await world.tokens.token() == "token-2"


async def test_an_entra_that_cannot_be_reached_is_temporary() -> None:
    tokens = AppTokens(REGISTRATION, login_url="http://127.0.0.1:9")
    with pytest.raises(TemporaryFailure):
        await tokens.token()
    tokens.close()
