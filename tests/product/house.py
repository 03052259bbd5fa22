"""The whole product on a database and an emulated Microsoft cloud, small and fast: two organisations, four agents."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import pytest
from msgspec.structs import replace

import tests.loaded_sdk  # noqa: F401
from cordpair.app import Product, serve
from cordpair.cli.demo_world import setup_of
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import Call, CallState
from cordpair.core.ids import AgentId, CallId, GraphCallId, PartyRef, TenantId, call_id
from cordpair.core.tenant import TenantSetup
from cordpair.emulator import cards, world
from cordpair.emulator.floor import Seat
from cordpair.emulator.members import Member, holders
from cordpair.emulator.parts import Parts
from cordpair.emulator.server import running
from cordpair.engine.sync import PartySync
from cordpair.errors import TemporaryFailure
from cordpair.settings import Settings, read_settings
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.web.floor_access import floor_link
from tests.databases import OPERATOR_KEY
from tests.product.line import Line

RATE = 5.0  #: emulated seconds in a real one: a call that rings 15 s leaves three real ones for our answer
SOON_S = 10.0  #: real: longer than anything here should take
AGENTS = 2  #: of each organisation
MEMBERS = 30

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T | None]], limit_s: float = SOON_S) -> T:
    """What `look` gives, as soon as that is something. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.02)


class House:
    """A product that runs (unless told otherwise), its database, and the emulated world around it."""

    def __init__(self, parts: Parts, product: Product, http: httpx.AsyncClient, line: Line, store: Store) -> None:
        self.parts, self.product, self.http, self.line = parts, product, http, line
        self.store = store  #: by a way of its own, which is there when the product's is cut
        self.lanterns, self.harbours = (Organisation(self, tenant) for tenant in parts.cloud.world.tenants)

    @property
    def url(self) -> str:
        return self.product.settings.public_url

    def floor_page(self, of: "Organisation") -> str:
        """The address that opens an organisation's floor page."""
        product = self.product
        return floor_link(
            product.link_key, of.id, public_url=self.url, now=product.clock.now(), valid=timedelta(hours=1)
        )

    async def pass_time(self, seconds: float) -> None:
        """Let emulated time pass at once, for the cloud and for the product."""
        await self.parts.cloud.clock.advance(seconds)
        self.product.outbox.bell.ring()
        for tenant in self.product.node.tenants:
            self.product.node.ring(tenant)


class Organisation:
    """One organisation: its people, its line, and what the product knows of it."""

    def __init__(self, house: House, tenant: world.Tenant) -> None:
        self.house, self.tenant, self.id = house, tenant, TenantId(tenant.id)
        described = next(it for it in house.parts.described()["tenants"] if it["id"] == tenant.id)
        whole = setup_of(described)
        first = whole.queues[0].id
        chosen = [agent for agent in whole.agents if first in agent.queues][:AGENTS]
        queues = tuple(replace(queue, skills=frozenset()) for queue in whole.queues)
        self.setup: TenantSetup = replace(whole, agents=tuple(chosen), queues=queues)
        self.agents = [Person(self, house.parts.floor.seats[agent.id]) for agent in chosen]

    async def configure(self) -> None:
        async with self.house.store.open_tenant(self.id) as rows:
            await rows.setups.configure(self.setup)

    # ---- callers

    def member(self, number: int = 0) -> Member:
        """A member whose one telephone number is nobody else's."""
        known = holders(self.house.parts.members[self.id])
        alone = [who[0] for who in known.values() if len(who) == 1 and len(who[0].e164) == 1]
        return sorted(alone, key=lambda member: member.party_id)[number]

    async def until_known(self, member: Member) -> None:
        """Until the member stands in the phone index."""
        await until(lambda: self._find(member.e164[0]))

    async def _find(self, number: str) -> Any:
        async with self.house.store.open_tenant(self.id) as rows:
            return await rows.parties.find_many([number])

    def call_in(self, number: str | None) -> CallId:
        """Somebody calls the first queue and stays on the line; how the product names the call."""
        caller = self.house.parts.callers.call(self.tenant, self.tenant.queues[0], number, is_manual=True)
        return call_id(self.id, GraphCallId(caller.call.id))

    def caller_leaves(self, call: CallId) -> None:
        on_the_line = self.house.parts.exchange.calls.values()
        self.house.parts.exchange.caller_leaves(
            next(one for one in on_the_line if call_id(self.id, GraphCallId(one.id)) == call)
        )

    async def talked(self, number: str | None) -> tuple["Person", CallId]:
        """Somebody has called and talked to an agent, who writes it up now. Needs agents who are ready."""
        call = self.call_in(number)
        offered = await self.until_call(call, CallState.OFFERED)
        person = next(one for one in self.agents if offered.offer is not None and one.id == offered.offer.agent)
        await person.answer()
        await self.until_call(call, CallState.CONNECTED)
        self.caller_leaves(call)
        await self.until_call(call, CallState.WRAP_UP)
        return person, call

    # ---- what the product knows

    async def call(self, call: CallId) -> Call | None:
        async with self.house.store.open_tenant(self.id) as rows:
            return await rows.calls.get(call)

    async def synced(self) -> None:
        """The phone index holds what iMIS holds now."""
        parts = await self.house.product.workshop.of(self.id)
        assert parts.crm is not None
        await self.house.pass_time(3700)
        product = self.house.product
        sync = PartySync(self.id, product.store, parts.crm, product.clock, "DE", changed=product.memories.changed)
        with contextlib.suppress(TemporaryFailure):  # the product's own has just been at it
            await sync.once()
        await sync.learn()

    async def found_party(self, call: CallId) -> PartyRef | None:
        """Who the caller is taken for."""
        found = await self.call(call)
        return None if found is None else found.party

    async def until_call(self, call: CallId, *states: CallState, limit_s: float = SOON_S) -> Call:
        """The call, once it is in one of these states. Raises TimeoutError."""

        async def look() -> Call | None:
            found = await self.call(call)
            return found if found is not None and found.state in states else None

        found = await until(look, limit_s)
        assert found is not None
        return found

    async def inbox(self, source: str = "") -> list[str]:
        """Keys of all that came in."""
        async with self.house.store.open_tenant(self.id) as rows:
            found = await rows.inbox._scope.connection.fetch(
                "select key from inbox where tenant = $1 and ($2 = '' or source = $2) order by id", self.id, source
            )
        return [row["key"] for row in found]

    async def unfolded(self) -> int:
        async with self.house.store.open_tenant(self.id) as rows:
            return len(await rows.inbox.unfolded(100))

    async def until_folded(self) -> None:
        """Until nothing waits in the inbox."""

        async def look() -> bool:
            return await self.unfolded() == 0

        await until(look)

    async def parked_effects(self) -> list[Any]:
        async with self.house.store.open_tenant(self.id) as rows:
            return list(await rows.outbox.parked())

    async def parked_items(self) -> list[Any]:
        async with self.house.store.open_tenant(self.id) as rows:
            return list(await rows.inbox.parked())

    async def pending(self) -> dict[CallId, str]:
        """Calls that wait for a person, each with its reason."""
        async with self.house.store.open_tenant(self.id) as rows:
            return {one.item.call: one.item.reason for one in await rows.calls.pending()}

    def imis(self) -> Any:
        """The organisation's emulated iMIS."""
        return self.house.parts.imis[self.id].state.imis

    def activities(self) -> list[dict[str, Any]]:
        """What stands in that iMIS as activities."""
        return list(self.imis().activities)

    def asked_graph(self, tail: str) -> list[dict[str, Any]]:
        """Requests to the emulated Graph of this organisation whose path ends so."""
        entries = self.house.parts.cloud.journal.since(0, "graph")
        return [one for one in entries if one["tenant"] == self.id and one["path"].endswith(tail)]


class Person:
    """One agent, driven by hand."""

    def __init__(self, organisation: Organisation, seat: Seat) -> None:
        self.organisation, self.seat, self.id = organisation, seat, AgentId(seat.agent.id)
        seat.is_manual = True

    @property
    def _parts(self) -> Parts:
        return self.organisation.house.parts

    async def come_in(self) -> None:
        """Opens Teams and says ready; returns when the product would ring them."""
        assert await self._parts.floor.sign_in(self.seat)
        await self.say("ready")

        async def look() -> bool:
            agent = await self.known()
            return (
                agent.state is AgentState.READY
                and agent.presence is not None
                and agent.presence.availability == "Available"
            )

        await until(look)

    async def known(self) -> Agent:
        """As the product sees them."""
        async with self.organisation.house.store.open_tenant(self.organisation.id) as rows:
            return next(agent for agent in await rows.agents.of_floor() if agent.id == self.id)

    async def until_state(self, *states: AgentState) -> Agent:
        async def look() -> Agent | None:
            agent = await self.known()
            return agent if agent.state in states else None

        found = await until(look)
        assert found is not None
        return found

    async def say(self, text: str) -> bool:
        return await self._parts.chats.say(self.seat.chat, text)

    async def until_it_rings(self) -> None:
        async def look() -> bool:
            return self.seat.ring is not None

        await until(look)

    async def answer(self) -> None:
        await self.until_it_rings()
        assert self.seat.ring is not None
        self._parts.exchange.accept(self.seat.ring)

    def hang_up(self) -> None:
        assert self.seat.call is not None
        self._parts.exchange.user_leaves(self.seat.call, self.id)

    async def press(self, verb: str, **inputs: Any) -> Any:
        """Press the newest card's button of this verb, as soon as there is one; the answer."""

        async def look() -> Any:
            return self.seat.chat.pressable(verb)

        activity, card = await until(look)
        pressed = cards.button(card, verb)
        assert pressed is not None
        return await self._parts.chats.press(self.seat.chat, activity, pressed, inputs)

    async def forge(self, verb: str, **data: Any) -> Any:
        """What the bot answers to a button that no card of ours has: a forged request with a good token."""
        return await self._parts.chats.press(
            self.seat.chat, "forged", cards.Button("Action.Execute", verb, data, "forged"), {}
        )

    def words(self) -> str:
        """All that the agent's cards say now."""
        return str(list(self.seat.chat.cards.values()))


@contextlib.asynccontextmanager
async def house(
    databases: Databases, *, runs: bool = True, rate: float = RATE, **settings: Any
) -> AsyncIterator[House]:
    """A house on empty databases. `runs` False: it answers HTTP, but nothing is folded or carried out."""
    async with contextlib.AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(running(rate=rate, members_count=MEMBERS))
        line = await stack.enter_async_context(Line.to(databases))
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        known = _settings(cloud.parts.described(), listening.getsockname()[1], settings)
        cloud.parts.cloud.product_url = known.public_url
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20, trust_env=False))
        stores = [await stack.enter_async_context(_opened(one)) for one in (databases, line.databases)]
        with _one_time(cloud.parts):
            product = Product(known, stores[1], OPERATOR_KEY, http)
        stack.push_async_callback(product.workshop.close)
        one = House(cloud.parts, product, http, line, stores[0])
        await one.lanterns.configure()
        await one.harbours.configure()
        await stack.enter_async_context(_serving(one, listening, runs=runs))
        yield one


@contextlib.asynccontextmanager
async def _opened(databases: Databases) -> AsyncIterator[Store]:
    store = await Store.open(databases, OPERATOR_KEY)
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def _one_time(parts: Parts) -> Iterator[None]:
    """The product lives in the emulated world's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cordpair.app.clock_at", lambda rate: parts.cloud.clock)
        yield


@contextlib.asynccontextmanager
async def _serving(one: House, listening: socket.socket, *, runs: bool) -> AsyncIterator[None]:
    if not runs:
        one.product.run = _idle  # type: ignore[method-assign]
    serving = asyncio.create_task(serve(one.product, sock=listening))
    try:
        if runs:
            await until(lambda: _owned(one))
        yield
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _idle() -> None:
    await asyncio.Event().wait()


async def _owned(one: House) -> bool:
    return len(one.product.node.tenants) == 2


def _settings(described: dict[str, Any], port: int, wanted: dict[str, Any]) -> Settings:
    return read_settings(
        **{
            "host": "127.0.0.1",
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "graph_url": described["graph_url"],
            "login_url": described["login_url"],
            "bot_openid_url": described["bot_openid_url"],
            "service_url_hosts": ("127.0.0.1",),
            **wanted,
        }
    )
