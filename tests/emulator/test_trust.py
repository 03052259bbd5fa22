"""Tokens, permissions and bodies: what the emulated cloud lets in, and what it signs."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest

from cordpair.emulator.parts import Parts
from cordpair.emulator.server import Running, running
from cordpair.emulator.world import World
from tests.emulator.product import GRAPH, Product


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def ask_token(http: httpx.AsyncClient, cloud: Running, **changes: str) -> httpx.Response:
    tenant = cloud.parts.cloud.world.tenants[0]
    app = tenant.registration
    form = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": app.client_secret}
    form |= {"scope": GRAPH} | changes
    return await http.post(f"{cloud.url}/login/{tenant.id}/oauth2/v2.0/token", data=form)


async def test_a_token_names_application_tenant_and_roles(http: httpx.AsyncClient, cloud: Running) -> None:
    tenant = cloud.parts.cloud.world.tenants[0]
    token = (await ask_token(http, cloud)).json()["access_token"]
    keys = (await http.get(f"{cloud.url}/login/{tenant.id}/discovery/v2.0/keys")).json()
    claims = jwt.decode(
        token, jwt.PyJWKSet.from_dict(keys).keys[0], algorithms=["RS256"], audience="https://graph.microsoft.com"
    )
    assert (claims["tid"], claims["appid"]) == (tenant.id, tenant.registration.client_id)
    assert "Calls.InitiateGroupCall.All" in claims["roles"]


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_secret": "no"}, 401, "invalid_client", 7000215),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, 400, "unauthorized_client", 700016),
        ({"scope": "https://example.org/.default"}, 400, "invalid_scope", 70011),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
)
async def test_a_wrong_request_for_a_token_is_refused_as_entra_does(
    http: httpx.AsyncClient, cloud: Running, changes: dict[str, str], status: int, error: str, number: int
) -> None:
    answer = await ask_token(http, cloud, **changes)
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (status, error, [number])


async def test_the_secret_of_one_organisation_opens_no_other(http: httpx.AsyncClient, cloud: Running) -> None:
    other = cloud.parts.cloud.world.tenants[1].registration
    answer = await ask_token(http, cloud, client_secret=other.client_secret)
    assert answer.status_code == 401


async def test_graph_wants_a_token(http: httpx.AsyncClient, cloud: Running) -> None:
    answer = await http.get(f"{cloud.url}/graph/v1.0/users")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


async def test_graph_takes_no_token_for_the_bot_connector(product: Product) -> None:
    token = await product.token("https://api.botframework.com/.default")
    url = f"{product.cloud.url}/graph/v1.0/users"
    answer = await product.http.get(url, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_a_permission_that_was_not_granted_is_403(product: Product) -> None:
    body = {"availability": "Busy", "activity": "InACall"}
    answer = await product.graph("POST", f"/users/{product.tenant.agents[0].id}/presence/setPresence", body)
    assert answer.status_code == 403
    assert "Presence.ReadWrite.All" in answer.json()["error"]["message"]


async def test_an_invite_needs_the_permission_for_group_calls(product: Product) -> None:
    call = await product.answered()
    without(product.cloud.parts, "Calls.InitiateGroupCall.All")
    product.tokens.clear()
    answer = await product.invited(call, product.tenant.agents[0])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "7504")


async def test_an_operation_for_users_is_refused_to_an_application(product: Product) -> None:
    answer = await product.graph("GET", "/me")
    assert answer.status_code == 400
    assert "delegated" in answer.json()["error"]["message"]


def without(parts: Parts, permission: str) -> None:
    """Take a permission away from the application of the first organisation."""
    first, *others = parts.cloud.world.tenants
    kept = tuple(name for name in first.registration.permissions if name != permission)
    object.__setattr__(first, "registration", replace(first.registration, permissions=kept))
    assert parts.cloud.world == World((first, *others))


async def test_a_call_of_another_organisation_is_not_found(product: Product) -> None:
    call, other = await product.dial(), product.cloud.parts.cloud.world.tenants[1]
    answer = await product.graph("GET", f"/communications/calls/{call}", tenant=other)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mediaConfig": {}}, "callbackUri"),
        ({"callbackUri": "https://p.example", "mediaConfig": {"surprise": 1}}, "mediaConfig.surprise"),
        ({"callbackUri": 7, "mediaConfig": {}}, "callbackUri"),
        ({"callbackUri": "https://p.example", "mediaConfig": {}, "acceptedModalities": "audio"}, "acceptedModalities"),
    ],
)
async def test_a_wrong_body_is_refused_with_the_name_of_the_field(
    product: Product, body: dict[str, Any], field: str
) -> None:
    call = await product.dial()
    answer = await product.graph("POST", f"/communications/calls/{call}/answer", body)
    assert answer.status_code == 400
    assert f"'{field}'" in answer.json()["error"]["message"]


async def test_a_body_that_is_no_json_is_refused(product: Product) -> None:
    call = await product.dial()
    headers = {"Authorization": f"Bearer {await product.token()}"}
    url = f"{product.cloud.url}/graph/v1.0/communications/calls/{call}/answer"
    assert (await product.http.post(url, content=b"{", headers=headers)).status_code == 400


async def test_an_operation_outside_the_tables_is_refused_and_noted(product: Product) -> None:
    answer = await product.graph("POST", "/communications/calls/x/record", {})
    assert answer.status_code == 404
    assert [e["path"] for e in product.cloud.parts.cloud.journal.since(0, "outside the slice")] == [
        "/communications/calls/x/record"
    ]


async def test_microsofts_own_sdk_accepts_the_signature_of_an_activity(product: Product) -> None:
    agent = await product.manual()
    await product.act(agent, "say", text="help")
    said = product.activities[-1]
    metadata = f"{product.cloud.url}/botframework/v1/.well-known/openidconfiguration"
    arguments = product.tenant.registration.client_id, metadata, product.bearers[-1], said["serviceUrl"]
    claims = await asyncio.to_thread(read_with_the_sdk, *arguments)
    assert claims["serviceurl"] == said["serviceUrl"]


def read_with_the_sdk(client_id: str, metadata: str, bearer: str, service_url: str) -> dict[str, Any]:
    """In a thread: the SDK fetches keys with blocking calls."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK announces previews when it is imported
        from microsoft_teams.api.auth.cloud_environment import PUBLIC, with_overrides
        from microsoft_teams.apps.auth.token_validator import TokenValidator

        validator = TokenValidator.for_service(client_id, cloud=with_overrides(PUBLIC, openid_metadata_url=metadata))
        return asyncio.run(validator.validate_token(bearer, service_url))


async def test_the_key_of_activities_is_endorsed_for_teams(product: Product) -> None:
    keys = (await product.http.get(f"{product.cloud.url}/botframework/v1/.well-known/keys")).json()["keys"]
    assert "msteams" in keys[0]["endorsements"]


async def test_a_users_token_is_for_the_app_and_says_what_the_user_is(product: Product) -> None:
    agent = product.tenant.agents[0]
    made = await product.control("token", {"user": agent.id, "roles": ["Supervisor"]})
    claims = jwt.decode(made["token"], options={"verify_signature": False})
    assert (claims["oid"], claims["roles"], claims["aud"]) == (
        agent.id,
        ["Supervisor"],
        product.tenant.registration.client_id,
    )


async def test_the_same_seed_makes_the_same_world() -> None:
    async with running(rate=0, members_count=10) as one, running(rate=0, members_count=10) as other:
        assert one.parts.cloud.world == other.parts.cloud.world
