"""The Bot connector: which posts and changes it takes."""

from typing import Any

import pytest

from tests.emulator.product import Product

ADAPTIVE = "application/vnd.microsoft.card.adaptive"


def message(version: str = "1.5", kind: str = ADAPTIVE, **changes: Any) -> dict[str, Any]:
    card = {"type": "AdaptiveCard", "version": version, "body": [{"type": "TextBlock", "text": "hello"}]} | changes
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


@pytest.fixture
async def chat(product: Product) -> str:
    return f"/conversations/{(await product.manual()).conversation}/activities"


async def test_a_posted_card_can_be_changed_by_its_id(product: Product, chat: str) -> None:
    posted = await product.connector("POST", chat, message())
    changed = await product.connector("PUT", f"{chat}/{posted.json()['id']}", message(body=[]))
    assert (posted.status_code, changed.status_code) == (201, 200)
    seen = await product.control(f"agents/{product.tenant.agents[0].id}")
    assert [card["body"] for card in seen["cards"].values()] == [[]]


async def test_a_change_of_an_unknown_activity_is_404(product: Product, chat: str) -> None:
    assert (await product.connector("PUT", f"{chat}/123", message())).status_code == 404


@pytest.mark.parametrize(
    "bad",
    [
        message(version="1.6"),
        message(version="new"),
        message(kind="application/vnd.microsoft.card.hero"),
        {"attachments": []},
        message(type="Container"),
    ],
)
async def test_a_card_that_teams_would_not_show_is_refused(product: Product, chat: str, bad: dict[str, Any]) -> None:
    assert (await product.connector("POST", chat, bad)).status_code == 400


async def test_the_connector_wants_a_token_of_its_own(product: Product, chat: str) -> None:
    url = f"{product.cloud.url}/connector/{product.tenant.id}/v3{chat}"
    assert (await product.http.post(url, json=message())).status_code == 401
    graph = {"Authorization": f"Bearer {await product.token()}"}
    assert (await product.http.post(url, json=message(), headers=graph)).status_code == 401


async def test_the_bot_of_another_organisation_is_refused(product: Product, chat: str) -> None:
    other = product.cloud.parts.cloud.world.tenants[1]
    token = await product.token("https://api.botframework.com/.default", other)
    url = f"{product.cloud.url}/connector/{product.tenant.id}/v3{chat}"
    answer = await product.http.post(url, json=message(), headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


async def test_a_user_without_the_bot_cannot_be_written_to(product: Product) -> None:
    agent = product.tenant.agents[9]
    answer = await product.connector("POST", f"/conversations/{agent.conversation}/activities", message())
    assert answer.status_code == 403


async def test_a_chat_is_opened_with_an_agent_who_has_the_bot(product: Product) -> None:
    agent = await product.manual()
    answer = await product.connector("POST", "/conversations", {"members": [{"id": agent.teams_id}]})
    assert answer.json()["id"] == agent.conversation


async def test_the_bot_is_told_of_its_installation(product: Product) -> None:
    agent = await product.manual()
    assert [a["type"] for a in product.activities] == ["installationUpdate", "conversationUpdate"]
    assert product.activities[0]["from"]["aadObjectId"] == agent.id
    assert product.activities[0]["serviceUrl"] == f"{product.cloud.url}/connector/{product.tenant.id}/"


async def test_a_pressed_button_brings_its_data_and_the_inputs(product: Product, chat: str) -> None:
    action = {"type": "Action.Execute", "verb": "wrap_up", "data": {"call": "c1"}}
    choices = {"type": "Input.ChoiceSet", "id": "disposition", "choices": [{"title": "a", "value": "a"}]}
    await product.connector("POST", chat, message(body=[choices], actions=[action]))
    agent = product.tenant.agents[0]
    await product.act(agent, "press", verb="wrap_up", inputs={"disposition": "a"})
    pressed = product.activities[-1]
    assert (pressed["type"], pressed["name"]) == ("invoke", "adaptiveCard/action")
    assert pressed["value"]["action"]["data"] == {"call": "c1", "disposition": "a"}
    seen = await product.control(f"agents/{agent.id}")
    assert next(iter(seen["cards"].values()))["body"][0]["text"] == "Done"


async def test_an_activity_of_the_playground_is_signed_and_passed_on(product: Product) -> None:
    agent = product.tenant.agents[0]
    activity = {
        "type": "message",
        "text": "hi",
        "serviceUrl": "http://127.0.0.1:56150/_connector",
        "from": {"id": "u", "aadObjectId": agent.id},
        "conversation": {"id": "playground"},
    }
    url = f"{product.cloud.url}/playground/{product.tenant.id}/api/messages"
    assert (await product.http.post(url, json=activity)).status_code == 200
    passed_on = product.activities[-1]
    assert (passed_on["text"], passed_on["serviceUrl"]) == ("hi", activity["serviceUrl"])
    assert passed_on["conversation"]["tenantId"] == product.tenant.id
    assert len(product.bearers) == 1
