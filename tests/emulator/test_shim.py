"""The shim between a bot client without credentials and the product: what becomes of its activities."""

from typing import Any

import httpx
import jwt
import pytest

from tests.emulator.product import Product

SERVICE = "http://127.0.0.1:9/_connector"


def activity(**changes: Any) -> dict[str, Any]:
    """As the Playground sends it when it was told nothing of the demo world."""
    plain: dict[str, Any] = {
        "type": "message",
        "id": "1",
        "text": "ready",
        "locale": "en-US",
        "serviceUrl": SERVICE,
        "channelId": "msteams",
        "from": {"id": "user-id-0", "aadObjectId": "00000000-0000-0000-0000-0000000000020"},
        "conversation": {"id": "chat", "conversationType": "personal", "tenantId": "00000000"},
    }
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


async def posted(product: Product, body: Any, tenant: str = "") -> httpx.Response:
    url = f"{product.cloud.url}/playground/{tenant or product.tenant.id}/api/messages"
    return await product.http.post(url, json=body)


async def test_an_activity_arrives_as_of_an_agent_of_the_organisation(product: Product) -> None:
    assert (await posted(product, activity())).status_code == 200
    (arrived,) = product.activities
    assert arrived["from"]["aadObjectId"] == product.tenant.agents[0].id
    assert arrived["conversation"]["tenantId"] == arrived["channelData"]["tenant"]["id"] == product.tenant.id


async def test_a_named_agent_stays_the_one_who_writes(product: Product) -> None:
    await posted(product, activity(**{"from": {"id": "x", "aadObjectId": product.tenant.agents[3].id}}))
    assert product.activities[0]["from"] == {"id": "x", "aadObjectId": product.tenant.agents[3].id}


async def test_the_bearer_is_for_the_service_address_of_the_activity(product: Product) -> None:
    await posted(product, activity())
    assert jwt.decode(product.bearers[0], options={"verify_signature": False})["serviceurl"] == SERVICE


async def test_the_language_is_the_agents(product: Product) -> None:
    await posted(product, activity())
    assert product.activities[0]["locale"] == "de-DE"


async def test_a_language_that_was_left_out_stays_left_out(product: Product) -> None:
    await posted(product, activity(locale=None))
    assert "locale" not in product.activities[0]


async def test_an_installation_counts_for_the_directory_too(product: Product) -> None:
    await posted(product, activity(type="installationUpdate", action="add"))
    assert product.tenant.agents[0].id in product.cloud.parts.chats.installed


@pytest.mark.parametrize("bad", [[], "text", {}, activity(serviceUrl=None), activity(conversation="chat")])
async def test_what_is_no_activity_is_400(product: Product, bad: Any) -> None:
    assert (await posted(product, bad)).status_code == 400


async def test_an_unknown_organisation_is_404(product: Product) -> None:
    assert (await posted(product, activity(), tenant="nobody")).status_code == 404
