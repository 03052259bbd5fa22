"""The whole connector against the emulated Microsoft cloud, over HTTP only: a call from ring to done."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import tests.loaded_sdk  # noqa: F401
from cordpair.connectors.teams.bot import BotEndpoint
from cordpair.connectors.teams.calls import GraphCalls
from cordpair.connectors.teams.cards import card, read_wrap_up
from cordpair.connectors.teams.chat import BotChat
from cordpair.connectors.teams.desk import Pressed, Reply
from cordpair.connectors.teams.desk_cards import help_card
from cordpair.connectors.teams.guard import Guard, ReplayWindow
from cordpair.connectors.teams.inbound import BotTokens, same_client_state
from cordpair.connectors.teams.keys import SigningKeys
from cordpair.connectors.teams.presence import GraphPresence
from cordpair.connectors.teams.subscriptions import GraphSubscriptions, presence_resource
from cordpair.connectors.teams.tokens import AppTokens
from cordpair.connectors.teams.translate import notification_items, translate, translate_presence
from cordpair.connectors.teams.users import GraphUsers
from cordpair.core.effects import Face
from cordpair.core.events import (
    Arrived,
    CallEnded,
    Established,
    InviteCompleted,
    OfferEnd,
    OfferFailed,
    PresenceSeen,
    RosterSeen,
)
from cordpair.core.ids import AgentId, GraphCallId, OfferId, RegistrationId, TenantId, offer_id, participant_id
from cordpair.core.party import ChatReference
from cordpair.core.tenant import Registration
from tests.connectors.card_people import ONE
from tests.connectors.teams_world import ISSUER, serving

Fact = TypeVar("Fact")
SECRET = "presence secret"
HOSTS = ("127.0.0.1",)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Product:
    """The product's outside: webhooks and bot of one registration, with an engine that only keeps what it hears."""

    registration: Registration
    tokens: BotTokens
    heard: "asyncio.Queue[Any]" = field(default_factory=asyncio.Queue)
    chats: dict[AgentId, ChatReference] = field(default_factory=dict)
    pressed_with: Mapping[str, Any] | None = None

    async def calls(self, request: Request) -> Response:
        await self.tokens.verify(request.headers.get("authorization"), audience=self.registration.client_id)
        for item in notification_items(await request.body()):
            facts = translate(item, tenant=self.registration.tenant, region="DE", at=now())
            for fact in facts if isinstance(facts, list) else [facts]:
                self.heard.put_nowait(fact)
        return Response(status_code=202)

    async def changes(self, request: Request) -> Response:
        if token := request.query_params.get("validationToken"):
            return PlainTextResponse(token)
        for item in notification_items(await request.body()):
            assert same_client_state(item, SECRET)
            self.heard.put_nowait(translate_presence(item, at=now()))
        return Response(status_code=202)

    async def installed(self, _tenant: TenantId, agent: AgentId, chat: ChatReference) -> None:
        self.chats[agent] = chat

    async def said(self, _tenant: TenantId, _agent: AgentId, _text: str, locale: str) -> Reply:
        return Reply(card=help_card(locale))

    async def pressed(
        self, _tenant: TenantId, _agent: AgentId, _verb: str, data: Mapping[str, Any], _locale: str
    ) -> Pressed:
        self.pressed_with = data
        return Pressed(card=card(Face.DONE, ONE))

    async def hears(self, kind: type[Fact]) -> Fact:
        """The next fact of this kind; others that come before it are dropped."""
        async with asyncio.timeout(20):
            while True:
                fact = await self.heard.get()
                if isinstance(fact, kind):
                    return fact


@dataclass
class World:
    """The product, and hands in the emulated cloud. `agent` sits before a Teams client that rings until told."""

    product: Product
    cloud: httpx.AsyncClient
    queue: dict[str, Any]
    agent: AgentId
    calls: GraphCalls
    chat: BotChat
    presence: GraphPresence
    subscriptions: GraphSubscriptions
    users: GraphUsers

    async def control(self, path: str, **body: Any) -> Any:
        answer = await self.cloud.post(f"/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def act(self, what: str, **body: Any) -> Any:
        return await self.control(f"agents/{self.agent}/{what}", **body)

    async def a_call(self) -> Arrived:
        """A caller dials and is answered."""
        await self.control("calls", queue=self.queue["id"], number="+4962215550100", is_manual=True)
        arrived = await self.product.hears(Arrived)
        await self.calls.answer(arrived.graph_id)
        await self.product.hears(Established)
        return arrived

    async def offer(self, arrived: Arrived) -> OfferId:
        """The agent's client rings."""
        offer = offer_id(arrived.call, 1)
        await self.calls.invite(arrived.graph_id, self.agent, participant_id(offer), offer)
        async with asyncio.timeout(20):
            while (await self.seat())["ringing"] is None:  # noqa: ASYNC110 -- the other process tells nobody
                await asyncio.sleep(0.02)
        return offer

    async def seat(self) -> Any:
        return (await self.cloud.get(f"/_control/agents/{self.agent}")).json()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[World]:
    """The product beside the emulated cloud at `url`."""
    async with httpx.AsyncClient(base_url=url) as cloud, httpx.AsyncClient() as http:
        described = (await cloud.get("/_control/world")).json()
        tenant = described["tenants"][0]
        registration = Registration(tenant=TenantId(tenant["id"]), **_known(tenant["registration"]))
        keys = SigningKeys(http, described["bot_openid_url"])
        product = Product(registration, BotTokens(keys, issuer=ISSUER, now=now))
        tokens = AppTokens(registration, login_url=described["login_url"])
        chat = BotChat(http, tokens, hosts=HOSTS)
        app = Starlette(routes=routes(product, chat, described))
        async with serving(app) as address:
            await cloud.post("/_control/product", json={"url": address})
            base = f"{address}/graph/{registration.id}"
            graph: Any = {"http": http, "tokens": tokens, "graph_url": described["graph_url"]}
            calls = GraphCalls(
                **graph,
                tenant=registration.tenant,
                region="DE",
                callback_uri=f"{base}/calls",
                media_uri=lambda name: f"{address}/media/{name}",
                now=now,
            )
            yield World(
                product,
                cloud,
                tenant["queues"][0],
                AgentId(tenant["agents"][0]["id"]),
                calls,
                chat,
                GraphPresence(**graph, client_id=registration.client_id),
                GraphSubscriptions(**graph, notification_url=f"{base}/changes"),
                GraphUsers(**graph),
            )
        tokens.close()


def _known(registration: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "client_id", "client_secret", "bot_id", "bot_name")
    return {name: registration[name] for name in names}


def routes(product: Product, chat: BotChat, described: dict[str, Any]) -> list[Route]:
    async def find(name: RegistrationId) -> Registration | None:
        return product.registration if name == product.registration.id else None

    bots = BotEndpoint(
        desk=product,
        find=find,
        chat=lambda _: chat,
        guard=Guard(product.tokens, hosts=HOSTS, replays=ReplayWindow(), refused=lambda _: None),
        tokens=product.tokens,
        login_url=described["login_url"],
        openid_url=described["bot_openid_url"],
        issuer=ISSUER,
        body_limit=100_000,
    )
    return [
        Route("/graph/{registration}/calls", product.calls, methods=["POST"]),
        Route("/graph/{registration}/changes", product.changes, methods=["POST"]),
        Route("/bot/{registration}", bots.handle, methods=["POST"]),
    ]


@pytest.fixture(scope="module")
def cloud_url() -> Iterator[str]:
    """The emulated cloud in a process of its own, ten times as fast as life."""
    command = [sys.executable, "-m", "cordpair.emulator", "--members", "20", "--rate", "10"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.fixture
async def world(cloud_url: str) -> AsyncIterator[World]:
    async with connected(cloud_url) as made:
        await made.act("manual")
        await made.act("sign_in")
        yield made
        await made.act("sign_out")


async def test_an_agent_who_accepts_the_ring_stands_in_the_roster(world: World) -> None:
    arrived = await world.a_call()
    assert (arrived.dialled, arrived.caller.e164) == (world.queue["resource_account"], "+4962215550100")
    offer = await world.offer(arrived)
    await world.act("accept")
    assert (await world.product.hears(InviteCompleted)).offer == offer
    while world.agent not in (roster := await world.product.hears(RosterSeen)).users:
        pass
    assert roster.graph_id == arrived.graph_id
    assert world.agent in next(f for f in await world.calls.read(arrived.graph_id) if isinstance(f, RosterSeen)).users
    await world.calls.keep_alive(arrived.graph_id)
    await world.calls.hang_up(arrived.graph_id)
    assert (await world.product.hears(CallEnded)).graph_id == arrived.graph_id


async def test_an_agent_who_refuses_in_teams_has_declined(world: World) -> None:
    arrived = await world.a_call()
    offer = await world.offer(arrived)
    await world.act("decline")
    failed = await world.product.hears(OfferFailed)
    assert (failed.offer, failed.why) == (offer, OfferEnd.DECLINED)
    await world.calls.hang_up(arrived.graph_id)


async def test_a_ring_that_is_taken_back_stops(world: World) -> None:
    arrived = await world.a_call()
    offer = await world.offer(arrived)
    await world.calls.remove(arrived.graph_id, participant_id(offer))
    assert (await world.product.hears(OfferFailed)).why is OfferEnd.WITHDRAWN
    assert (await world.seat())["ringing"] is None
    await world.calls.hang_up(arrived.graph_id)


async def test_a_call_that_is_over_reads_as_ended(world: World) -> None:
    arrived = await world.a_call()
    await world.control(f"calls/{arrived.graph_id}/hang_up")
    await world.product.hears(CallEnded)
    assert [type(fact) for fact in await world.calls.read(arrived.graph_id)] == [CallEnded]
    assert [type(fact) for fact in await world.calls.read(GraphCallId("unknown"))] == [CallEnded]


async def test_one_card_goes_from_ring_to_done_in_place(world: World) -> None:
    await world.act("say", text="hi")
    chat = world.product.chats[world.agent]
    shown = await world.chat.send(chat, card(Face.RINGING, ONE))
    for face in (Face.DECLINED, Face.MISSED, Face.TAKEN, Face.STRIP, Face.WRAP_UP):
        await world.chat.update(chat, shown, card(face, ONE))
    answer = await world.act("press", verb="wrap_up", inputs={"disposition": "solved", "note": "done"})
    assert answer["answer"]["type"] == "application/vnd.microsoft.card.adaptive"
    assert world.product.pressed_with is not None
    assert read_wrap_up(world.product.pressed_with).note == "done"
    assert (await world.seat())["cards"][shown] == card(Face.DONE, ONE)


async def test_what_an_agent_says_is_answered_with_a_card(world: World) -> None:
    before = len((await world.seat())["cards"])
    await world.act("say", text="help")
    assert len((await world.seat())["cards"]) == before + 1


async def test_presence_is_subscribed_told_and_read(world: World) -> None:
    subscription = await world.subscriptions.create(
        presence_resource([world.agent]), secret=SECRET, expires_at=now() + timedelta(hours=1)
    )
    await world.act("presence", availability="Busy", activity="InACall")
    told = await world.product.hears(PresenceSeen)
    (read,) = await world.presence.read([world.agent], at=now())
    assert (told.agent, told.availability) == (read.agent, read.availability) == (world.agent, "Busy")
    await world.subscriptions.renew(subscription.id, now() + timedelta(hours=1))
    await world.subscriptions.delete(subscription.id)
    await world.subscriptions.delete(subscription.id)


async def test_the_people_of_the_tenant_can_be_listed(world: World) -> None:
    people = [person async for person in world.users.all()]
    assert world.agent in {person.id for person in people}
    assert await world.users.get(AgentId("99999999-9999-4999-8999-999999999999")) is None
