"""The bot endpoint over real HTTP: what is refused before the SDK sees it, and what reaches the desk."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

import tests.loaded_sdk  # noqa: F401
from cordpair.connectors.teams.bot import BotEndpoint
from cordpair.connectors.teams.chat import BotChat
from cordpair.connectors.teams.desk import Pressed, Reply
from cordpair.connectors.teams.guard import Guard, ReplayWindow, host_allowed
from cordpair.connectors.teams.inbound import BotTokens
from cordpair.connectors.teams.keys import SigningKeys
from cordpair.core.ids import AgentId, RegistrationId, TenantId
from cordpair.core.party import ChatReference
from cordpair.core.tenant import Registration
from cordpair.errors import IllegalEvent, TemporaryFailure
from tests.connectors.teams_world import (
    ANA,
    CLIENT,
    ISSUER,
    OTHER_TENANT,
    REGISTRATION,
    TENANT,
    FixedTokens,
    Key,
    KeyServer,
    Recorder,
    bot_claims,
    now_utc,
    serving,
)

KEY = Key("teams", ["msteams"])
SKYPE = Key("skype", ["skype"])
CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [], "speak": "hello"}
LIMIT = 20_000


@dataclass
class Desk:
    """An engine that keeps what it was asked and answers what it is told to."""

    reply: Reply = field(default_factory=lambda: Reply(text="ok"))
    answer: Pressed = field(default_factory=lambda: Pressed(message="ok"))
    trouble: Exception | None = None
    heard: list[tuple[Any, ...]] = field(default_factory=list)

    async def installed(self, tenant: TenantId, agent: AgentId, chat: ChatReference) -> None:
        self.heard.append(("installed", tenant, agent, chat))

    async def said(self, tenant: TenantId, agent: AgentId, text: str, locale: str) -> Reply:
        self.heard.append(("said", tenant, agent, text, locale))
        if self.trouble:
            raise self.trouble
        return self.reply

    async def pressed(
        self, tenant: TenantId, agent: AgentId, verb: str, data: Mapping[str, Any], locale: str
    ) -> Pressed:
        self.heard.append(("pressed", tenant, agent, verb, dict(data), locale))
        if self.trouble:
            raise self.trouble
        return self.answer


@dataclass
class Bot:
    desk: Desk
    connector: Recorder
    keys: KeyServer
    refused: list[str]
    http: httpx.AsyncClient
    address: str
    service_url: str
    number: int = 0

    def activity(self, kind: str = "message", **changes: Any) -> dict[str, Any]:
        self.number += 1
        good: dict[str, Any] = {
            "type": kind,
            "id": f"activity-{self.number}",
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "locale": "de-DE",
            "from": {"id": "29:ana", "aadObjectId": ANA.upper(), "name": "Ana"},
            "recipient": {"id": f"28:{CLIENT}"},
            "conversation": {"id": "a:1", "conversationType": "personal", "tenantId": TENANT},
            "channelData": {"tenant": {"id": TENANT}},
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def message(self, text: str = "status", **changes: Any) -> dict[str, Any]:
        return self.activity("message", text=text, **changes)

    def press(self, verb: str = "not_now", **data: Any) -> dict[str, Any]:
        action = {"type": "Action.Execute", "verb": verb, "data": data}
        return self.activity("invoke", name="adaptiveCard/action", value={"action": action, "trigger": "manual"})

    async def post(self, body: Any, *, key: Key = KEY, to: str = "reg-1", **claims: Any) -> httpx.Response:
        token = key.sign(bot_claims(**{"serviceurl": self.service_url, **claims}))
        how = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.http.post(f"{self.address}/bot/{to}", headers={"Authorization": f"Bearer {token}"}, **how)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    desk, keys, refused = Desk(), KeyServer([KEY, SKYPE]), list[str]()
    connector = Recorder([JSONResponse({"id": "sent-1"}, status_code=201)])
    async with (
        serving(keys.app()) as issuer,
        serving(connector.app()) as outside,
        httpx.AsyncClient() as http,
        serving(endpoint(desk, http, issuer, refused)) as address,
    ):
        yield Bot(desk, connector, keys, refused, http, address, f"{outside}/connector/{TENANT}/")


def endpoint(desk: Desk, http: httpx.AsyncClient, issuer: str, refused: list[str]) -> Starlette:
    hosts = ("127.0.0.1",)
    tokens = BotTokens(SigningKeys(http, f"{issuer}/openidconfiguration"), issuer=ISSUER, now=now_utc)

    async def find(name: RegistrationId) -> Registration | None:
        return REGISTRATION if name == REGISTRATION.id else None

    bots = BotEndpoint(
        desk=desk,
        find=find,
        chat=lambda _: BotChat(http, FixedTokens(), hosts=hosts),
        guard=Guard(tokens, hosts=hosts, replays=ReplayWindow(), refused=refused.append),
        tokens=tokens,
        login_url="http://127.0.0.1:1",
        openid_url=f"{issuer}/openidconfiguration",
        issuer=ISSUER,
        body_limit=LIMIT,
    )
    return Starlette(routes=[Route("/bot/{registration}", bots.handle, methods=["POST"])])


async def test_what_an_agent_writes_reaches_the_desk(bot: Bot) -> None:
    assert (await bot.post(bot.message("status"))).status_code == 200
    assert ("said", TENANT, ANA, "status", "de-DE") in bot.desk.heard


async def test_the_desks_card_is_posted_into_the_chat(bot: Bot) -> None:
    bot.desk.reply = Reply(card=CARD)
    await bot.post(bot.message())
    (sent,) = bot.connector.seen
    assert sent.path == f"/connector/{TENANT}/v3/conversations/a:1/activities"
    assert sent.body["attachments"][0]["content"] == CARD
    assert sent.body["summary"] == "hello"


async def test_an_installation_tells_where_the_agent_is_reached(bot: Bot) -> None:
    await bot.post(bot.activity("installationUpdate", action="add"))
    chat = ChatReference(conversation="a:1", service_url=bot.service_url, locale="de-DE")
    assert bot.desk.heard == [("installed", TENANT, ANA, chat)]


async def test_an_installation_is_welcomed_in_the_agents_language(bot: Bot) -> None:
    await bot.post(bot.activity("installationUpdate", action="add"))
    (sent,) = bot.connector.seen
    assert sent.body["attachments"][0]["content"]["body"][0]["text"] == "Guten Tag!"


async def test_an_added_bot_tells_where_the_agent_is_reached(bot: Bot) -> None:
    await bot.post(bot.activity("conversationUpdate", membersAdded=[{"id": f"28:{CLIENT}"}]))
    assert [heard[0] for heard in bot.desk.heard] == ["installed"]


async def test_a_removed_bot_is_not_taken_for_an_added_one(bot: Bot) -> None:
    await bot.post(bot.activity("conversationUpdate", membersRemoved=[{"id": f"28:{CLIENT}"}]))
    await bot.post(bot.activity("installationUpdate", action="remove"))
    assert bot.desk.heard == []


async def test_a_missed_installation_heals_with_the_first_message(bot: Bot) -> None:
    await bot.post(bot.message())
    await bot.post(bot.message())
    assert [heard[0] for heard in bot.desk.heard] == ["installed", "said", "said"]


async def test_an_address_that_changed_is_told_again(bot: Bot) -> None:
    await bot.post(bot.message())
    await bot.post(bot.message(locale="en-GB"))
    assert [heard[0] for heard in bot.desk.heard] == ["installed", "said", "installed", "said"]


async def test_an_activity_without_a_language_is_in_the_one_known_before(bot: Bot) -> None:
    await bot.post(bot.message())
    await bot.post(bot.activity("conversationUpdate", membersAdded=[{"id": f"28:{CLIENT}"}], locale=None))
    await bot.post(bot.message(locale=None))
    assert bot.desk.heard[2:] == [("said", TENANT, ANA, "status", "de-DE")]


async def test_a_pressed_button_reaches_the_desk_with_its_data(bot: Bot) -> None:
    await bot.post(bot.press("wrap_up", call="c1", note="called back"))
    assert bot.desk.heard == [("pressed", TENANT, ANA, "wrap_up", {"call": "c1", "note": "called back"}, "de-DE")]


async def test_the_desks_card_replaces_the_pressed_one(bot: Bot) -> None:
    bot.desk.answer = Pressed(card=CARD)
    answer = await bot.post(bot.press())
    assert answer.json() == {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": CARD}


async def test_the_desks_message_stands_under_the_card(bot: Bot) -> None:
    answer = await bot.post(bot.press())
    assert answer.json() == {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "ok"}


async def test_a_claim_that_comes_too_late_says_so(bot: Bot) -> None:
    bot.desk.trouble = IllegalEvent("closed")
    assert (await bot.post(bot.press("claim"))).json()["value"] == "Dieser Anruf wartet nicht mehr."


async def test_trouble_at_the_desk_asks_the_agent_to_try_again(bot: Bot) -> None:
    bot.desk.trouble = TemporaryFailure("database away")
    await bot.post(bot.message(locale="en-US"))
    assert bot.connector.seen[0].body["text"] == "That did not work. Please try again."


async def test_a_desk_that_breaks_answers_500_and_the_repetition_is_welcome(bot: Bot) -> None:
    bot.desk.trouble = RuntimeError("Ana Beck said something")
    press = bot.press()
    assert (await bot.post(press)).status_code == 500
    bot.desk.trouble = None
    assert (await bot.post(press)).status_code == 200


async def test_a_chat_answer_that_cannot_be_sent_does_not_repeat_the_command(bot: Bot) -> None:
    bot.connector.answers[:] = [JSONResponse({}, status_code=503)]
    assert (await bot.post(bot.message())).status_code == 200


async def test_the_bot_works_in_personal_chats_only(bot: Bot) -> None:
    group = {"id": "19:x", "conversationType": "groupChat", "tenantId": TENANT}
    await bot.post(bot.message(conversation=group, locale="en"))
    assert bot.desk.heard == []
    assert bot.connector.seen[0].body["text"].startswith("I work in a personal chat only")


@pytest.mark.parametrize("kind", ["typing", "messageReaction", "somethingNew"])
async def test_activities_of_other_kinds_are_taken_and_dropped(bot: Bot, kind: str) -> None:
    assert (await bot.post(bot.activity(kind))).status_code == 200
    assert bot.desk.heard == []


async def test_invokes_of_other_kinds_are_not_implemented(bot: Bot) -> None:
    assert (await bot.post(bot.activity("invoke", name="composeExtension/query"))).status_code == 501


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "another tenant in the conversation": (
        {"conversation": {"id": "a:1", "conversationType": "personal", "tenantId": OTHER_TENANT}},
        403,
        "the activity belongs to another tenant",
    ),
    "another tenant in the channel data": (
        {"channelData": {"tenant": {"id": OTHER_TENANT}}},
        403,
        "the activity belongs to another tenant",
    ),
    "no tenant at all": (
        {"channelData": None, "conversation": {"id": "a:1", "conversationType": "personal"}},
        403,
        "the activity belongs to another tenant",
    ),
    "another service address than the token's": (
        {"serviceUrl": "http://127.0.0.1:1/"},
        403,
        "the token is for another service address",
    ),
    "no service address": ({"serviceUrl": None}, 400, "the activity has no serviceUrl"),
    "no id": ({"id": None}, 400, "the activity has no id"),
    "another channel": ({"channelId": "emulator"}, 403, "the token's key is not endorsed for this channel"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_an_activity_that_is_not_ours_is_refused(bot: Bot, case: str) -> None:
    changes, status, why = REFUSED[case]
    answer = await bot.post(bot.message(**changes))
    assert (answer.status_code, answer.json()) == (status, {"error": why})
    assert bot.desk.heard == []
    assert bot.refused == [why]


async def test_an_endorsed_channel_that_is_not_teams_is_refused(bot: Bot) -> None:
    answer = await bot.post(bot.message(channelId="skype"), key=SKYPE)
    assert answer.json() == {"error": "only Microsoft Teams may use this bot"}


async def test_a_service_address_off_the_list_is_refused_though_the_token_names_it(bot: Bot) -> None:
    url = "https://evil.example.org/"
    answer = await bot.post(bot.message(serviceUrl=url), serviceurl=url)
    assert answer.status_code == 403
    assert bot.connector.seen == []


async def test_a_token_of_another_bot_is_refused(bot: Bot) -> None:
    assert (await bot.post(bot.message(), aud="another")).status_code == 403


async def test_an_unsigned_request_is_refused(bot: Bot) -> None:
    answer = await bot.http.post(f"{bot.address}/bot/reg-1", json=bot.message())
    assert answer.status_code == 401


async def test_the_sdk_asks_our_token_check_too(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    async def blind(_self: Guard, found: Registration, _authorization: str | None, _body: bytes) -> Any:
        return found, bot.message()

    monkeypatch.setattr(Guard, "check", blind)
    assert (await bot.post(b"{}", key=Key("teams"))).status_code == 401
    assert bot.desk.heard == []


async def test_an_activity_is_taken_once(bot: Bot) -> None:
    message = bot.message()
    await bot.post(message)
    assert (await bot.post(message)).status_code == 403
    assert len([heard for heard in bot.desk.heard if heard[0] == "said"]) == 1


async def test_the_address_of_nobody_refuses_every_token(bot: Bot) -> None:
    assert (await bot.post(bot.message(), to="reg-2")).status_code == 403
    assert bot.desk.heard == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"null"])
async def test_a_body_that_is_no_activity_is_a_bad_request(bot: Bot, body: bytes) -> None:
    assert (await bot.post(body)).status_code == 400


async def test_a_body_beyond_the_limit_is_not_read(bot: Bot) -> None:
    assert (await bot.post(b" " * (LIMIT + 1))).status_code == 413


async def test_a_body_without_a_length_is_limited_too(bot: Bot) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000
            await asyncio.sleep(0)

    answer = await bot.http.post(f"{bot.address}/bot/reg-1", content=endless())
    assert answer.status_code == 413


async def test_without_signing_keys_the_answer_asks_to_come_again(bot: Bot) -> None:
    bot.keys.is_down = True
    assert (await bot.post(bot.message())).status_code == 503


@pytest.fixture
def python_log() -> Iterator[StringIO]:
    """All that reaches Python's root logger (pytest's own capture also takes what does not)."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


async def test_no_word_of_an_agent_reaches_the_log(
    bot: Bot, python_log: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.desk.trouble = RuntimeError("Geheimwort")
    with structlog.testing.capture_logs() as logs:
        await bot.post(bot.message("Geheimwort"))
        await bot.post(bot.press(note="Geheimwort"))
        await bot.post(bot.activity("invoke", name="adaptiveCard/action", value={"action": "Geheimwort"}))
    assert len(logs) >= 2
    assert "Geheimwort" not in f"{logs}{python_log.getvalue()}{capsys.readouterr()}"


async def test_the_environment_does_not_reconfigure_the_bot(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "CLIENT_SECRET": "planted",
        "CLOUD": "China",
        "SERVICE_URL": "https://evil.example.org",
    }.items():
        monkeypatch.setenv(name, value)
    assert (await bot.post(bot.message())).status_code == 200
    assert os.environ["CLIENT_SECRET"] == "planted"


def test_a_node_that_starts_takes_calls_before_it_loads_the_sdk() -> None:
    program = "import sys, cordpair.app; print(sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert b"microsoft_teams" not in done.stdout


def test_a_dotenv_file_of_the_working_directory_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CLIENT_SECRET=planted\n")
    program = "import os, cordpair.connectors.teams.conversation; print(os.environ.get('CLIENT_SECRET'))"
    env = {name: value for name, value in os.environ.items() if name != "CLIENT_SECRET"}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, check=True)
    assert done.stdout.decode().strip() == "None"


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://smba.trafficmanager.net/emea/", True),
        ("https://a.botframework.com/", True),
        ("https://botframework.com/", False),
        ("https://evilbotframework.com/", False),
        ("http://smba.trafficmanager.net/", False),
        ("https://user@smba.trafficmanager.net/", False),
        ("https://smba.trafficmanager.net.evil.org/", False),
        ("http://127.0.0.1:99/", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_only_listed_hosts_are_answered(url: str, is_allowed: bool) -> None:
    assert host_allowed(url, ("smba.trafficmanager.net", "*.botframework.com")) is is_allowed


def test_the_replay_window_forgets_the_oldest_first() -> None:
    window = ReplayWindow(limit=2)
    for name in ("1", "2", "3"):
        assert window.first(("r", "c", name))
    assert not window.first(("r", "c", "3"))
    assert window.first(("r", "c", "1"))


def test_the_replay_window_is_a_window() -> None:
    now = [0.0]
    window = ReplayWindow(window_s=10, clock=lambda: now[0])
    assert window.first(("r", "c", "1"))
    now[0] = 11
    assert window.first(("r", "c", "1"))
