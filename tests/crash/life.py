"""One call, whole, on an emulated cloud, while the product may die: who calls, who answers, what must be true then."""

import asyncio
import base64
import contextlib
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cordpair.cli.demo_world import setup_of
from cordpair.core.agent import AgentState
from cordpair.core.call import CallState
from cordpair.core.ids import GraphCallId, TenantId, call_id
from cordpair.core.tenant import TenantSetup
from cordpair.emulator import cards
from cordpair.emulator.floor import Seat
from cordpair.emulator.parts import Parts
from cordpair.emulator.server import Running, running
from cordpair.store.doors import Store
from tests.crash.child import Order
from tests.crash.products import Products
from tests.crash.verdict import Left
from tests.databases import OPERATOR_KEY, Server

RATE = 10.0  #: emulated seconds in a real one
_PATIENCE_S = 150.0  #: emulated: how long the caller waits for an agent
_TALK_S = 6.0
_LIMIT_S = 110.0  #: real: for a whole life
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Died(AssertionError):
    """The product ended by itself, not by our hand."""


class Life:
    """A world, a database, a product. `kill` is the step at which the product dies.

    `is_told` puts the end off until others have heard of it too.
    """

    def __init__(
        self, cloud: Running, store: Store, settings: dict[str, Any], products: Products, folder: Path
    ) -> None:
        self._cloud, self._store, self._settings, self._products = cloud, store, settings, products
        self.parts = cloud.parts
        self.is_told: Callable[[], bool] = lambda: True
        self._folder = folder
        self._setup = _small(cloud.parts)
        self._kill: tuple[str, int] | None = None
        self._killed_at: datetime | None = None  # emulated
        self._cards: dict[str, int] = {}  # before the call

    @property
    def was_killed(self) -> bool:
        return self._killed_at is not None

    @property
    def tenant(self) -> TenantId:
        return self._setup.id

    async def live(self, kill: tuple[str, int] | None = None) -> Left:
        """Live it to its end. Raises TimeoutError when it does not come to one, Died when the product gives up."""
        self._kill = kill
        async with self._store.open_tenant(self.tenant) as rows:
            await rows.setups.configure(self._setup)
        keeping = asyncio.create_task(self._keep_alive())
        lived = asyncio.create_task(self._all())
        try:
            await asyncio.wait({keeping, lived}, timeout=_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                await keeping
            if not lived.done():
                raise TimeoutError(f"the life does not end: {await self._state()}")
            return await lived
        finally:
            for task in (keeping, lived):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
            await self._products.stop()

    # ---- the product

    async def _keep_alive(self) -> None:
        """Start the product, and once more when it was killed."""
        clock = self._cloud.parts.cloud.clock
        self._cloud.parts.cloud.product_url = self._settings["public_url"]
        while True:
            order = Order(
                settings=self._settings,
                log=str(self._folder / "product.log"),
                journal=str(self._folder / ("before.steps" if not self.was_killed else "after.steps")),
                instant=clock.now(),
                monotonic=time.monotonic(),
                rate=RATE,
                kill=None if self.was_killed else self._kill,
            )
            await self._products.start(order)
            ended = await self._products.ended()
            if ended != -signal.SIGKILL or self.was_killed:
                raise Died(f"the product ended by itself ({ended}):\n{self.log()}")
            self._killed_at = clock.now()

    def log(self) -> str:
        """The last lines of the product's log."""
        path = self._folder / "product.log"
        return path.read_text()[-3000:] if path.exists() else ""

    # ---- the people

    async def _all(self) -> Left:
        parts, tenant = self._cloud.parts, self._cloud.parts.cloud.world.tenants[0]
        first, second = (parts.floor.seats[agent.id] for agent in self._setup.agents)
        number = _number(parts)
        await self._until_members_are_known(number)
        for seat in (first, second):
            seat.is_manual = True
            await self._come_in(seat)
        self._cards = {seat.agent.id: len(seat.chat.cards) for seat in (first, second)}
        caller = parts.callers.call(tenant, tenant.queues[0], number, is_manual=True)
        truth = caller.call.truth
        acting = [self._says_not_now(first), self._answers(second), self._calls(caller.call), self._writes_up(second)]
        tasks = [parts.cloud.clock.spawn(act) for act in acting]
        await caller.over.wait()
        await self._until_quiet(GraphCallId(truth.graph_id))
        for task in tasks:
            task.cancel()
        return await self._left(GraphCallId(truth.graph_id))

    async def _until_members_are_known(self, number: str) -> None:
        while True:
            async with self._store.open_tenant(self.tenant) as rows:
                if (await rows.parties.find_many([number]))[number]:
                    return
            await asyncio.sleep(0.05)

    async def _come_in(self, seat: Seat) -> None:
        """Opens Teams, and says ready until the product has it so."""
        parts = self._cloud.parts
        while not (await parts.floor.sign_in(seat) and await parts.chats.say(seat.chat, "ready")):
            parts.chats.installed.discard(seat.agent.id)
            await parts.cloud.clock.sleep(1.0)

    async def _says_not_now(self, seat: Seat) -> None:
        parts = self._cloud.parts
        while True:
            await parts.cloud.clock.sleep(1.0)
            offer = seat.ring.operation.context if seat.ring and seat.ring.operation else None
            for activity_id, card in list(seat.chat.cards.items()) if offer else ():
                found = cards.button(card, "not_now")
                if found and found.data.get("offer") == offer:
                    await parts.chats.press(seat.chat, activity_id, found, {})
                    break

    async def _answers(self, seat: Seat) -> None:
        parts = self._cloud.parts
        while True:
            await parts.cloud.clock.sleep(0.5)
            if seat.ring is not None:
                await parts.cloud.clock.sleep(2.0)
                if seat.ring is not None:
                    parts.exchange.accept(seat.ring)

    async def _calls(self, call: Any) -> None:
        """Waits for somebody, talks, hangs up."""
        clock, exchange = self._cloud.parts.cloud.clock, self._cloud.parts.exchange
        gives_up = clock.elapsed() + _PATIENCE_S
        while not call.users() and clock.elapsed() < gives_up and not call.is_over:
            await clock.sleep(0.5)
        await clock.sleep(_TALK_S if call.users() else 0)
        exchange.caller_leaves(call)

    async def _writes_up(self, seat: Seat) -> None:
        parts, dice = self._cloud.parts, random.Random(7)
        while True:
            await parts.cloud.clock.sleep(2.0)
            found = seat.chat.pressable("wrap_up") if seat.call is None else None
            pressed = cards.button(found[1], "wrap_up") if found else None
            if found and pressed:
                await parts.chats.press(seat.chat, found[0], pressed, cards.filled(found[1], dice))

    # ---- the end

    async def _until_quiet(self, graph_id: GraphCallId) -> None:
        """Until the product has come to an end with everything, and stays there for a while."""
        since = None
        while since is None or time.monotonic() - since < 0.5:
            quiet = await self._is_quiet(graph_id)
            since = (since or time.monotonic()) if quiet else None
            await asyncio.sleep(0.1)

    async def _is_quiet(self, graph_id: GraphCallId) -> bool:
        async with self._store.open_tenant(self.tenant) as rows:
            call = await rows.calls.get(call_id(self.tenant, graph_id))
            agents = await rows.agents.of_floor()
        if call is None:
            told = self._cloud.parts.cloud.journal.since(0, "notification")
            return not any(note["status"] == 202 for note in told) and self._products.pid != 0
        free = (AgentState.READY, AgentState.NOT_RESPONDING)
        return (
            call.state is CallState.CLOSED
            and all(agent.state in free for agent in agents)
            and not await self._unfinished()
            and self.is_told()
        )

    async def _unfinished(self) -> list[str]:
        """Effects and items that are neither done nor parked."""
        async with self._store.open_tenant(self.tenant) as rows:
            connection = rows.outbox._connection
            effects = await connection.fetch(
                "select kind || ' is ' || state as it from outbox where state not in ('done', 'parked')"
            )
            items = await connection.fetch("select source || ' item is ' || state as it from inbox where state = 'new'")
        return [row["it"] for row in [*effects, *items]]

    async def _left(self, graph_id: GraphCallId) -> Left:
        parts = self._cloud.parts
        name = call_id(self.tenant, graph_id)
        async with self._store.open_tenant(self.tenant) as rows:
            call, agents = await rows.calls.get(name), await rows.agents.of_floor()
            offers, parked = await rows.calls.offers_of(name), await rows.outbox.parked()
            items = await rows.inbox.parked()
        truth = next(one for one in parts.cloud.journal.truth() if one["graph_id"] == graph_id)
        return Left(
            truth=truth,
            journal=parts.cloud.journal.since(0),
            activities=[dict(one) for one in parts.imis[self.tenant].state.imis.activities],
            call=call,
            agents=agents,
            offers=Counter(str(offer.state) for offer in offers),
            parked=[f"{one.kind}: {one.reason}" for one in parked] + [f"{one.source}: {one.error}" for one in items],
            unfinished=await self._unfinished(),
            cards=Counter({agent: len(parts.chats.of(agent).cards) - before for agent, before in self._cards.items()}),
            steps=read_steps(self._folder / "before.steps"),
            killed_at=self._killed_at,
        )

    async def _state(self) -> str:
        """For whoever reads of a life that did not end."""
        async with self._store.open_tenant(self.tenant) as rows:
            calls, agents = await rows.calls.arrived_since(_BEGINNING), await rows.agents.of_floor()
        told = [f"call {call.state} {call.outcome}" for call in calls]
        told += [f"agent {agent.state}" for agent in agents]
        return ", ".join([*told, *await self._unfinished()]) + "\n" + self.log()


@contextlib.asynccontextmanager
async def life(server: Server, products: Products, folder: Path, **wanted: Any) -> AsyncIterator[Life]:
    """A new world with a new database and a product that has not begun. `wanted` are settings of it."""
    async with server.fresh() as databases, running(rate=RATE, members_count=12) as cloud:
        port = free_port()
        described = cloud.parts.described()
        settings = {
            "database_url": databases.main_url,
            "keys_database_url": databases.keys_url,
            "operator_key": base64.b64encode(OPERATOR_KEY).decode(),
            "data_dir": str(folder),
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "graph_url": described["graph_url"],
            "login_url": described["login_url"],
            "bot_openid_url": described["bot_openid_url"],
            "service_url_hosts": ["127.0.0.1"],
            "clock_rate": RATE,
            "log_format": "console",
            "log_level": "warning",
            **wanted,
        }
        store = await Store.open(databases, OPERATOR_KEY, pool_size=4)
        try:
            yield Life(cloud, store, settings, products, folder)
        finally:
            await store.close()


def _small(parts: Parts) -> TenantSetup:
    """The larger organisation with two agents who serve its first queue, and little patience."""
    setup = setup_of(parts.described()["tenants"][0])
    queue = replace(setup.queues[0], ring_timeout_s=15.0, wrap_up_s=20.0)
    agents = tuple(agent for agent in setup.agents if queue.id in agent.queues)[:2]
    return replace(setup, queues=(queue,), agents=agents)


def _number(parts: Parts) -> str:
    """A number that one member has alone."""
    members = parts.members[parts.cloud.world.tenants[0].id]
    holders = Counter(number for member in members for number in member.e164)
    return min(number for number, count in holders.items() if count == 1)


def free_port() -> int:
    """Below the ports that the system gives to outgoing connections, so that it is still free after a restart."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def read_steps(path: Path) -> list[tuple[str, int]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(name, int(number)) for number, name in (line.split("\t") for line in lines)]
