"""Cards in the bot's chats."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from cordpair.connectors.teams.chat import BotChat
from cordpair.core.party import ChatReference
from cordpair.errors import PermanentFailure, TemporaryFailure, UnknownOutcome
from tests.connectors.teams_world import FixedTokens, Recorder, serving

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [], "speak": "Incoming call"}


@dataclass
class World:
    chat: BotChat
    place: ChatReference
    connector: Recorder


@pytest.fixture
async def world() -> AsyncIterator[World]:
    connector = Recorder([JSONResponse({"id": "card-1"}, status_code=201)])
    async with serving(connector.app()) as url, httpx.AsyncClient() as http:
        place = ChatReference(conversation="a:1/ä", service_url=f"{url}/connector/t/")
        yield World(BotChat(http, FixedTokens(), hosts=("127.0.0.1",)), place, connector)


async def test_a_card_that_was_sent_has_an_id(world: World) -> None:
    assert await world.chat.send(world.place, CARD) == "card-1"
    (sent,) = world.connector.seen
    assert (sent.method, sent.path) == ("POST", "/connector/t/v3/conversations/a:1%2F%C3%A4/activities")
    assert sent.headers["authorization"] == "Bearer t1"


async def test_a_card_is_replaced_in_place(world: World) -> None:
    world.connector.answers[:] = [Response(status_code=200)]
    await world.chat.update(world.place, "card-1", CARD)
    (sent,) = world.connector.seen
    assert (sent.method, sent.path.rpartition("/")[2], sent.body["id"]) == ("PUT", "card-1", "card-1")


async def test_a_text_is_sent_without_markup(world: World) -> None:
    await world.chat.say(world.place, "**hello**")
    assert world.connector.seen[0].body == {"type": "message", "text": "**hello**", "textFormat": "plain"}


async def test_no_token_goes_to_an_address_off_the_list(world: World) -> None:
    elsewhere = ChatReference(conversation="a:1", service_url="https://evil.example.org/")
    with pytest.raises(PermanentFailure):
        await world.chat.send(elsewhere, CARD)


async def test_a_chat_that_is_gone_is_final(world: World) -> None:
    world.connector.answers[:] = [JSONResponse({"error": {"code": "ConversationNotFound"}}, status_code=404)]
    with pytest.raises(PermanentFailure) as failure:
        await world.chat.update(world.place, "card-1", CARD)
    assert (failure.value.status, str(failure.value)) == (
        404,
        "the Bot Connector answers 404 ConversationNotFound",
    )


async def test_a_card_that_may_stand_in_the_chat_already_is_not_sent_blindly_again(world: World) -> None:
    world.connector.answers[:] = [JSONResponse({}, status_code=502)]
    with pytest.raises(UnknownOutcome):
        await world.chat.send(world.place, CARD)


async def test_an_update_can_be_repeated(world: World) -> None:
    world.connector.answers[:] = [JSONResponse({}, status_code=502)]
    with pytest.raises(TemporaryFailure) as failure:
        await world.chat.update(world.place, "card-1", CARD)
    assert not isinstance(failure.value, UnknownOutcome)


async def test_an_answer_without_an_id_leaves_open_whether_the_card_stands(world: World) -> None:
    world.connector.answers[:] = [JSONResponse({}, status_code=200)]
    with pytest.raises(UnknownOutcome):
        await world.chat.send(world.place, CARD)
