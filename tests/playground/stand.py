"""The whole thing, up: cordpair on a PostgreSQL of its own, and an emulated Microsoft cloud where nobody works yet."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

import tests.loaded_sdk  # noqa: F401
from cordpair.app import Product, assembled, serve
from cordpair.cli.demo_world import setup_of
from cordpair.core.ids import AgentId, TenantId
from cordpair.core.party import ChatReference
from cordpair.emulator.members import Member, holders
from cordpair.emulator.server import Running, running
from cordpair.emulator.world import Agent, Tenant
from cordpair.engine.sync import PartySync
from cordpair.settings import Settings, read_settings

_MEMBERS = 200
_SOON_S = 15.0
_START_S = 60.0


class Stand:
    """The running product and the emulated world around it."""

    def __init__(self, cloud: Running, product: Product, http: httpx.AsyncClient) -> None:
        self.cloud, self.product = cloud, product
        self._http = http

    def desk(self, name: str) -> "Desk":
        """The desk of an agent of the demo world."""
        tenants = self.cloud.parts.cloud.world.tenants
        return next(Desk(self, tenant, agent) for tenant in tenants for agent in tenant.agents if agent.name == name)

    async def get(self, path: str) -> Any:
        """Ask the emulated world something."""
        return (await self._http.get(self.cloud.url + path)).raise_for_status().json()

    async def post(self, url: str, body: dict[str, Any]) -> None:
        """Send something, which must be taken."""
        (await self._http.post(url, json=body)).raise_for_status()

    async def control(self, what: str, **body: object) -> Any:
        """Tell the emulated world something."""
        answer = await self._http.post(f"{self.cloud.url}/_control/{what}", json=body)
        return answer.raise_for_status().json()


class Desk:
    """One agent, driven by hand, and the telephone line of their organisation."""

    def __init__(self, stand: Stand, tenant: Tenant, agent: Agent) -> None:
        self.tenant, self.agent = tenant, agent
        self._stand = stand

    @property
    def bot_endpoint(self) -> str:
        """Where a bot client without credentials posts the agent's activities."""
        return f"{self._stand.cloud.url}/playground/{self.tenant.id}/api/messages"

    async def sign_in(self) -> None:
        """The agent opens Teams, and cordpair hears of it. What happens there is up to the test."""
        await self.do("manual")
        await self.do("sign_in")
        await _until(self._is_seen, _SOON_S)

    async def do(self, what: str) -> None:
        """In the Teams client: accept, hang_up, sign_out."""
        await self._stand.control(f"agents/{self.agent.id}/{what}")

    async def until_it_rings(self, *, ringing: bool = True) -> None:
        """Wait until the agent's Teams client rings, or no longer does."""
        await _until(lambda: self._rings(ringing), _SOON_S)

    async def call_in(self, number: str) -> str:
        """Somebody calls the organisation's first queue, and stays on the line until told otherwise."""
        placed = await self._stand.control("calls", tenant=self.tenant.id, number=number, is_manual=True)
        return str(placed["call"])

    async def caller_hangs_up(self, call: str) -> None:
        await self._stand.control(f"calls/{call}/hang_up")

    async def logged(self) -> list[dict[str, Any]]:
        """What stands in the organisation's iMIS, once something does."""
        found: list[dict[str, Any]] = await _until(self._activities, _SOON_S)
        return found

    def member(self) -> Member:
        """A member with a number that is only theirs."""
        known = holders(self._stand.cloud.parts.members[self.tenant.id])
        return next(who[0] for who in known.values() if len(who) == 1 and len(who[0].e164) == 1 and who[0].company)

    async def chat(self) -> ChatReference:
        """Where the product reaches the agent."""
        async with self._stand.product.store.open_tenant(TenantId(self.tenant.id)) as rows:
            found = await rows.chats.get(AgentId(self.agent.id))
        assert found is not None
        return found

    async def _rings(self, ringing: bool) -> bool:
        seen = await self._stand.get(f"/_control/agents/{self.agent.id}")
        return (seen["ringing"] is not None) is ringing

    async def _is_seen(self) -> bool:
        async with self._stand.product.store.open_tenant(TenantId(self.tenant.id)) as rows:
            seen = {agent.id: agent.presence for agent in await rows.agents.of_floor()}[AgentId(self.agent.id)]
        return seen is not None and seen.availability == "Available"

    async def _activities(self) -> Any:
        return await self._stand.get(f"/imis/{self.tenant.imis}/_control/activities")


@contextlib.asynccontextmanager
async def standing() -> AsyncIterator[Stand]:
    """Everything up. Nobody works, nobody calls."""
    async with running(seed=7, members_count=_MEMBERS) as cloud, httpx.AsyncClient(timeout=20) as http:
        world = (await http.get(f"{cloud.url}/_control/world")).json()
        with _folder() as folder, socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
            settings = _settings(world, folder, listening.getsockname()[1])
            async with assembled(settings) as product:
                stand = Stand(cloud, product, http)
                for tenant in world["tenants"]:
                    await _set_up(product, tenant)
                await stand.control("product", url=settings.public_url)
                async with _serving(product, listening, len(world["tenants"])):
                    yield stand


async def _set_up(product: Product, tenant: dict[str, Any]) -> None:
    """What an administrator does; and the members come into the phone index."""
    setup = setup_of(tenant)
    async with product.store.open_tenant(setup.id) as rows:
        await rows.setups.configure(setup)
    parts = await product.workshop.of(setup.id)
    assert parts.crm is not None
    await PartySync(setup.id, product.store, parts.crm, product.clock, setup.region).once()


@contextlib.asynccontextmanager
async def _serving(product: Product, listening: socket.socket, tenants: int) -> AsyncIterator[None]:
    serving = asyncio.create_task(serve(product, sock=listening))
    try:
        await _until(lambda: _owned(product, tenants), _START_S)
        yield
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _owned(product: Product, tenants: int) -> bool:
    return len(product.node.tenants) == tenants


async def _until(look: Callable[[], Awaitable[Any]], limit_s: float) -> Any:
    """What `look` gives as soon as that is something. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """As root the database runs as another user, in a closed folder below this one."""
    with tempfile.TemporaryDirectory(prefix="cordpair-playground-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _settings(world: dict[str, Any], folder: Path, port: int) -> Settings:
    return read_settings(
        data_dir=folder,
        database_url="",
        keys_database_url="",
        host="127.0.0.1",
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        graph_url=world["graph_url"],
        login_url=world["login_url"],
        bot_openid_url=world["bot_openid_url"],
        service_url_hosts=("127.0.0.1",),
    )
