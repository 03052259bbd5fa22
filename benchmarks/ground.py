"""What benchmarks of the engine stand on: a real PostgreSQL that syncs every commit, and one busy organisation."""

import asyncio
import contextlib
import resource
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec

from cordpair.core import events as e
from cordpair.core.ids import AgentId, QueueId, RegistrationId, TenantId
from cordpair.core.party import ChatReference
from cordpair.core.tenant import AgentSetup, Disposition, Queue, Registration, TenantSetup
from cordpair.engine.node import LEASE_S, RENEW_S
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming

OPERATOR_KEY = bytes(range(32))
ACCOUNT = "0b5e7f4c-3f2d-4a7e-9f64-6d0c5b8a1e01"
CLIENT = "cccccccc-0000-4000-8000-00000000000c"


class Ground(msgspec.Struct, frozen=True):
    """Databases that are up, and the folder of their server."""

    databases: Databases
    folder: Path

    def environment(self, **settings: str) -> dict[str, str]:
        """Settings for a process of the product on these databases."""
        known = {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.databases.main_url,
            "KEYS_DATABASE_URL": self.databases.keys_url,
            "OPERATOR_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "LOG_LEVEL": "error",
            **settings,
        }
        return {f"CORDPAIR_{name}": value for name, value in known.items()}


@contextlib.asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """PostgreSQL from the wheel, fresh, durable: fsync and synchronous commits are on."""
    with tempfile.TemporaryDirectory(prefix="cordpair-bench-") as name:
        folder = Path(name)
        await asyncio.to_thread(folder.chmod, 0o755)  # the server runs as a user of its own
        async with postgres.running(Settings(data_dir=folder, database_url="")) as databases:
            yield Ground(databases, folder)


@contextlib.asynccontextmanager
async def opened(databases: Databases, *, pool_size: int = 12) -> AsyncIterator[Store]:
    """The product's store."""
    store = await Store.open(databases, OPERATOR_KEY, pool_size=pool_size)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def pool(databases: Databases, size: int) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    """Connections as the owner, whom row-level security does not bind: for opponents."""
    async with asyncpg.create_pool(databases.main_url, min_size=size, max_size=size) as connections:
        yield connections


def tenant_id(number: int) -> TenantId:
    return TenantId(f"{number:08}-0000-4000-8000-00000000000a")


def agent_id(number: int) -> AgentId:
    return AgentId(f"{number:08}-1111-4111-8111-111111111111")


def organisation(number: int, *, agents: int) -> TenantSetup:
    """One queue, and agents who all serve it."""
    queue = QueueId("service")
    tenant = tenant_id(number)
    return TenantSetup(
        id=tenant,
        name="Verband",
        registration=Registration(
            id=RegistrationId(f"bench-{number}"),
            tenant=tenant,
            client_id=CLIENT,
            client_secret="bench",
            bot_id=f"28:{CLIENT}",
        ),
        queues=(
            Queue(
                id=queue,
                name="Service",
                resource_account=ACCOUNT,
                dispositions=(Disposition(id="done", en="Done", de="Erledigt"),),
            ),
        ),
        agents=tuple(AgentSetup(id=agent_id(one), name=f"Agent {one}", queues=(queue,)) for one in range(agents)),
    )


async def set_up(store: Store, setup: TenantSetup, *, chats_at: str = "") -> None:
    """Apply the setup; with `chats_at` every agent has opened the bot's chat at that service address."""
    async with store.open_tenant(setup.id) as rows:
        await rows.setups.configure(setup)
        for agent in setup.agents if chats_at else ():
            await rows.chats.put(agent.id, ChatReference(conversation=f"chat-{agent.id}", service_url=chats_at))


@contextlib.asynccontextmanager
async def held_elsewhere(store: Store, tenant: TenantId) -> AsyncIterator[None]:
    """For as long as this lasts another owner holds the tenant, and renews its lease as a node does.

    A lease that outlasts what a node asks for would count as one that a clock has left behind, and be taken.
    """

    async def hold() -> None:
        await beacon.burn()
        async with store.open_queue() as queue:
            await queue.lease([tenant], "elsewhere", now(), timedelta(seconds=LEASE_S))

    async def keep_holding() -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            await hold()

    beacon = store.beacon("elsewhere")
    await hold()
    holding = asyncio.create_task(keep_holding())
    try:
        yield
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        await beacon.put_out()


def ready(agents: Sequence[AgentId], at: datetime) -> list[Incoming]:
    """Every agent says that they are ready."""
    return [command(f"ready:{agent}", e.WentReady(at=at, agent=agent), at) for agent in agents]


def command(key: str, event: e.AnyEvent, at: datetime) -> Incoming:
    return Incoming("command", key, e.encode(event), at)


def now() -> datetime:
    return datetime.now(UTC)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of all reach. Raises ValueError for no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def own_cpu_s() -> float:
    """Processor seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_of(pid: int) -> float:
    """Processor seconds of another process's living threads so far, to the microsecond."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


async def until_quiet(store: Store, tenant: TenantId, limit_s: float = 60) -> None:
    """Until the tenant's inbox is folded."""
    async with asyncio.timeout(limit_s):
        while True:
            async with store.open_tenant(tenant) as rows:
                if not await rows.inbox.unfolded(1):
                    return
            await asyncio.sleep(0.05)
