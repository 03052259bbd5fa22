"""A whole installation under fire: PostgreSQL, an emulated cloud with its CRMs, nodes behind a front, wires between."""

import asyncio
import base64
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
from msgspec.structs import replace

from cordpair.cli.demo_world import setup_of
from cordpair.core.tenant import TenantSetup
from cordpair.emulator.callers import Manners
from cordpair.emulator.parts import Parts
from cordpair.emulator.server import running
from cordpair.emulator.world import World
from cordpair.engine.clock import SystemClock
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.cluster import cluster_in
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.web.floor_source import StoreFloor
from tests.chaos.nodes import Front, NodeProcess
from tests.chaos.office import Office
from tests.chaos.wire import Ends, Wire, tcp_wire, unix_wire
from tests.crash.life import free_port
from tests.crash.products import products
from tests.databases import OPERATOR_KEY

RATE = 5.0  #: emulated seconds in a real one
MEMBERS = 60
START_S = 150.0  # real; a sync that fails at first is tried again after a minute
_SOCKET = ".s.PGSQL.5432"


class Stand:
    """Everything that can be harmed, by name."""

    def __init__(self, parts: Parts, databases: Databases, store: Store, home: Path) -> None:
        self.parts, self.databases, self.store, self.home = parts, databases, store, home
        self.office = Office(parts, store)
        self.nodes: list[NodeProcess] = []
        self.database_wires: list[Wire] = []
        self.cloud_wire: Wire
        self.front_wire: Wire
        self.setups: list[TenantSetup] = []

    async def set_up(self) -> None:
        """What an administrator does, with little patience everywhere so that a day is short."""
        for described in self.parts.described()["tenants"]:
            setup = setup_of(described)
            queues = tuple(replace(queue, ring_timeout_s=15.0, wrap_up_s=20.0) for queue in setup.queues)
            self.setups.append(replace(setup, queues=queues))
            await self.office.set_up(self.setups[-1])
        self.parts.callers.manners = Manners(least_patience_s=40.0, most_patience_s=90.0, talk_s=20.0)

    def weights(self) -> list[dict[str, int]]:
        """What each node holds that is there."""
        return [weight for node in self.nodes if (weight := node.weight()) is not None]

    async def shown(self) -> dict[str, dict[str, Any]]:
        """What the floor page says of the day, by tenant and queue."""
        floor = StoreFloor(self.store, self.parts.cloud.clock, SystemClock())
        views = [await floor.read(setup.id) for setup in self.setups]
        return {it.tenant: {tile.id: msgspec.to_builtins(tile.numbers) for tile in it.queues} for it in views}

    async def begin(self) -> None:
        """Wait until all nodes serve and know the members; then the agents come in. Raises TimeoutError."""
        try:
            async with asyncio.timeout(START_S), httpx.AsyncClient(timeout=5, trust_env=False) as http:
                while not await self._is_ready(http):  # noqa: ASYNC110 - other processes get ready
                    await asyncio.sleep(0.1)
        except TimeoutError:
            said = "\n".join(node.log.read_text()[-2000:] for node in self.nodes if node.log.exists())
            raise TimeoutError(f"the nodes do not get ready:\n{said}") from None
        await self.parts.floor.begin()

    async def roll(self) -> None:
        """A rolling restart: every node is told to end, and is back and ready before the next one is."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            for node in self.nodes:
                ends = len(node.exits)
                node.tell_to_end()
                while len(node.exits) == ends or not await node.is_ready(http):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.05)

    async def _is_ready(self, http: httpx.AsyncClient) -> bool:
        """All nodes serve, and every organisation's members stand in the phone index."""
        if not all([await node.is_ready(http) for node in self.nodes]):
            return False
        for setup in self.setups:
            async with self.store.open_tenant(setup.id) as rows:
                if await rows.bookmarks.get("imis") is None:
                    return False
        return True


@contextlib.asynccontextmanager
async def stand(
    folder: Path, *, seed: int, nodes: int, rate: float = RATE, world: World | None = None, is_wired: bool = True
) -> AsyncIterator[Stand]:
    """A stand in `folder` (which the database's own user can reach), with nodes that start.

    Without wires nothing can be cut, nothing slows it down, and all requests go to the first node.
    """
    async with contextlib.AsyncExitStack() as stack:
        home = folder / "database"
        databases = await stack.enter_async_context(postgres.running(Settings(data_dir=home, database_url="")))
        await _spare_the_disk(databases)
        store = await Store.open(databases, OPERATOR_KEY, pool_size=4)
        stack.push_async_callback(store.close)
        journal = folder / "journal.jsonl"
        cloud = await stack.enter_async_context(
            running(seed=seed, rate=rate, members_count=MEMBERS, journal=journal, world=world)
        )
        one = Stand(cloud.parts, databases, store, home)
        front, ports = Front(), [free_port() for _ in range(nodes)]
        cloud.parts.cloud.product_url = f"http://127.0.0.1:{ports[0]}"
        if is_wired:
            one.cloud_wire, cloud.parts.cloud.url = await stack.enter_async_context(tcp_wire(_to_port(cloud.url)))
            one.front_wire, cloud.parts.cloud.product_url = await stack.enter_async_context(tcp_wire(front.reach))
        await one.set_up()
        for number, port in enumerate(ports):
            own = tempfile.TemporaryDirectory(prefix="cordpair-wire-")
            database = {"database_url": databases.main_url, "keys_database_url": databases.keys_url}
            if is_wired:
                database = await _database_of(stack, one, Path(stack.enter_context(own)))
            settings = {**database, **_settings(one.parts, folder), "port": port}
            born = stack.enter_context(products())
            front.nodes.append(NodeProcess(number, born, settings, folder, cloud.parts.cloud.clock.now))
        one.nodes = front.nodes
        keeping = [asyncio.create_task(node.keep_alive(rate)) for node in one.nodes]
        stack.push_async_callback(_end, keeping)
        yield one


async def _database_of(stack: contextlib.AsyncExitStack, one: Stand, folder: Path) -> dict[str, Any]:
    """A node's own way to the database."""
    there = cluster_in(one.home).socket

    async def reach() -> Ends:
        return await asyncio.open_unix_connection(there / _SOCKET)

    one.database_wires.append(await stack.enter_async_context(unix_wire(reach, folder / _SOCKET)))
    host, mine = (str(path).replace("/", "%2F") for path in (there, folder))
    return {
        "database_url": one.databases.main_url.replace(host, mine),
        "keys_database_url": one.databases.keys_url.replace(host, mine),
    }


def _settings(parts: Parts, folder: Path) -> dict[str, Any]:
    described = parts.described()
    return {
        "operator_key": base64.b64encode(OPERATOR_KEY).decode(),
        "data_dir": str(folder),
        "public_url": parts.cloud.product_url,
        "graph_url": described["graph_url"],
        "login_url": described["login_url"],
        "bot_openid_url": described["bot_openid_url"],
        "service_url_hosts": ["127.0.0.1"],
        "clock_rate": parts.cloud.clock.rate,
        "log_format": "json",
        "log_level": "warning",
    }


def _to_port(url: str) -> Any:
    port = int(url.rpartition(":")[2])

    async def reach() -> Ends:
        return await asyncio.open_connection("127.0.0.1", port)

    return reach


async def _spare_the_disk(databases: Databases) -> None:
    """Only a power cut would show the difference: a killed server's writes are in the system's hands already."""
    connection = await asyncpg.connect(databases.main_url)
    try:
        await connection.execute("alter system set fsync = off")
        await connection.execute("select pg_reload_conf()")
    finally:
        await connection.close()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
