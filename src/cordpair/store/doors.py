"""The two doors to the data: `open_tenant` for all content of one tenant, `open_queue` for whose turn it is."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Self

import asyncpg

from cordpair.core.changes import Changes
from cordpair.core.ids import TenantId
from cordpair.errors import Rejected
from cordpair.store.agents import Agents
from cordpair.store.audit import Audit
from cordpair.store.beacon import Beacon
from cordpair.store.call_pages import CallPages
from cordpair.store.callbacks import Callbacks
from cordpair.store.callers import Callers
from cordpair.store.calls import Calls
from cordpair.store.chats import Cards, Chats
from cordpair.store.databases import APP_ROLE, KEYS_ROLE, QUEUE_ROLE, Connection, Databases, Pool
from cordpair.store.due import due
from cordpair.store.faults import committing, translated
from cordpair.store.flows import Flows
from cordpair.store.fold import FloorRows, Fold
from cordpair.store.hooks import Hooks
from cordpair.store.inbox import Inbox, Incoming, days, incoming, new_ones
from cordpair.store.intake import Folder, Intake
from cordpair.store.keys import KeyStore
from cordpair.store.lineage import Lineage
from cordpair.store.marks import Bookmarks, Subscriptions
from cordpair.store.migrate import migrate
from cordpair.store.orders import Orders
from cordpair.store.outbox import Handed, Outbox
from cordpair.store.parties import Parties
from cordpair.store.peers import Peers
from cordpair.store.prompts import Prompts
from cordpair.store.queue_door import QueueRows
from cordpair.store.scope import Scope
from cordpair.store.setup_versions import KEY_OF, SetupVersions
from cordpair.store.setups import Setups
from cordpair.store.timers import Timers
from cordpair.store.vitals import Vitals

_STATEMENT_TIMEOUT_S = 30.0


class TenantRows:
    """All rows of one tenant, in one transaction that commits when its context ends without an error."""

    def __init__(self, scope: Scope) -> None:
        self.tenant = scope.tenant
        self.inbox = Inbox(scope)
        self.outbox = Outbox(scope, self.inbox)
        self.timers = Timers(scope, self.inbox)
        self.calls = Calls(scope)
        self.callbacks = Callbacks(scope)
        self.call_pages = CallPages(scope)
        self.orders = Orders(scope, self.inbox)
        self.agents = Agents(scope)
        self.setups = Setups(scope, self.agents)
        self.versions = SetupVersions(scope)
        self.cards = Cards(scope)
        self.chats = Chats(scope)
        self.parties = Parties(scope)
        self.callers = Callers(scope, self.parties)
        self.bookmarks = Bookmarks(scope)
        self.subscriptions = Subscriptions(scope)
        self.vitals = Vitals(scope)
        self.flows = Flows(scope)
        self.peers = Peers(scope)
        self.prompts = Prompts(scope)
        self.hooks = Hooks(scope)
        self.audit = Audit(scope)
        self._fold = Fold(scope, calls=self.calls, agents=self.agents, setups=self.setups)

    async def load_floor(self, recent: timedelta, now: datetime) -> FloorRows:
        """What the tenant's floor is rebuilt from: everything that lives, and calls closed within `recent`."""
        return await self._fold.load_floor(recent, now)

    async def write_fold(
        self,
        *,
        owner: str,
        epoch: int,
        changes: Changes,
        folded: Mapping[int, bytes | None],
        fired: Sequence[str],
        now: datetime,
        handed: Handed | None = None,
    ) -> dict[str, int]:
        """Write what a fold has changed. Raises StaleLease when `owner` does not own the tenant in `epoch` any more.

        `folded` maps inbox ids to what they came to (for a waiting caller) or None; `fired` are the keys of timers
        whose events were folded. Returns the ids of new effects that were handed over as `handed` allows, by key.
        """
        return await self._fold.write(
            owner=owner, epoch=epoch, changes=changes, folded=folded, fired=fired, now=now, handed=handed
        )


class Store:
    """The product's memory: one main database, one key database."""

    def __init__(
        self, app: Pool, queue: Pool, keys: KeyStore, keys_pool: Pool, opened: AsyncExitStack, lineage: Lineage
    ) -> None:
        self._app = app
        self._queue = queue
        self._keys_pool = keys_pool
        self._opened = opened
        self._lineage = lineage
        self.keys = keys
        self._intake = Intake(self._put_incoming)

    @classmethod
    async def open(cls, databases: Databases, operator_key: bytes, *, pool_size: int = 12) -> Self:
        """Bring the databases up to date and connect. `operator_key`: 32 bytes. Raises TemporaryFailure."""
        few = max(2, pool_size // 4)
        async with AsyncExitStack() as opened:
            with translated("start"):
                await migrate(databases)
                main, of_keys = Lineage(), Lineage()
                app = await opened.enter_async_context(_pool(databases.main_url, databases, APP_ROLE, pool_size, main))
                queue = _pool(databases.main_url, databases, QUEUE_ROLE, few + 1, main)
                await opened.enter_async_context(queue)
                keys = await opened.enter_async_context(_pool(databases.keys_url, databases, KEYS_ROLE, few, of_keys))
            return cls(app, queue, KeyStore(keys, operator_key), keys, opened.pop_all(), main)

    async def close(self) -> None:
        """Finish the commits under way and disconnect."""
        await self._intake.close()
        await self._opened.aclose()

    @asynccontextmanager
    async def open_tenant(self, tenant: TenantId) -> AsyncIterator[TenantRows]:
        """One transaction on the content of one tenant. Raises Rejected when `tenant` is no UUID."""
        begin = f"begin; select set_config('app.tenant', '{_checked(tenant)}', true)"
        async with _transaction(self._app, begin, "tenant's door") as connection:
            yield TenantRows(Scope(connection, tenant, self.keys))

    @asynccontextmanager
    async def glance(self, tenant: TenantId) -> AsyncIterator[TenantRows]:
        """For one question that opens the tenant's door by itself: one way to the database and back instead of three.

        Any other question finds the door closed: no rows. Raises Rejected when `tenant` is no UUID.
        """
        checked = TenantId(_checked(tenant))
        with translated("tenant's door"):
            async with self._app.acquire(timeout=_STATEMENT_TIMEOUT_S) as connection:
                yield TenantRows(Scope(connection, checked, self.keys))

    @asynccontextmanager
    async def open_queue(self) -> AsyncIterator[QueueRows]:
        """One transaction on ids and instants of all tenants."""
        async with _transaction(self._queue, "begin", "queue's door") as connection:
            yield QueueRows(connection)

    def beacon(self, owner: str, heard: Callable[[], None] = lambda: None) -> Beacon:
        """Says, for as long as it burns, that the owner of this name lives. Keeps one connection.

        `heard` is called when leases were given back or a setup was changed, by whichever process.
        """
        beacon = Beacon(self._queue, owner, heard)
        self._lineage.promoted.append(beacon.put_out)
        return beacon

    async def accept(self, tenant: TenantId, items: Sequence[Incoming], *, within_s: float | None = None) -> int:
        """Store what came in, durably before this returns; returns how many were new (a known source and key is not).

        Concurrent callers share commits; `within_s` (real seconds) is how long this one waits.
        Raises TemporaryFailure when the database is away: nothing is acknowledged.
        """
        return await self._intake.accept(tenant, items, within_s=within_s)

    def folded_by(self, tenant: TenantId, folder: Folder) -> AbstractContextManager[None]:
        """For as long as this lasts, what is accepted here for the tenant is offered to `folder` first."""
        return self._intake.folded_by(tenant, folder)

    async def purge_intake(self, tenant: TenantId, now: datetime) -> int:
        """Erase raw payloads of days that ended INTAKE_KEPT ago, and their keys; returns how many items there were.

        Whatever became of them: fold first.
        """
        before = due(now).intake_before
        async with self.open_tenant(tenant) as rows:
            gone = await rows.inbox.purge(before)
        await self.keys.destroy_days(tenant, "intake", before.date())
        return gone

    async def purge_versions(self, tenant: TenantId, now: datetime) -> int:
        """Erase versions of the setup that had their time, and the keys of their days; returns how many."""
        before = due(now).versions_before
        async with self.open_tenant(tenant) as rows:
            gone = await rows.versions.purge(before)
        await self.keys.destroy_days(tenant, KEY_OF, before.date())
        return gone

    async def keep_audit(self, tenant: TenantId, now: datetime) -> int:
        """Sign where the tenant's audit trail stands, and erase records that had their time; returns how many."""
        async with self.open_tenant(tenant) as rows:
            await rows.audit.checkpoint(now)
            gone = await rows.audit.prune(now)
        await self.keys.destroy_days(tenant, "audit", due(now).audit_before)
        return gone

    async def ping(self) -> None:
        """Whether a commit goes through in both databases. Raises TemporaryFailure."""
        with translated("readiness"):
            for pool in (self._app, self._keys_pool):
                async with pool.acquire(timeout=5) as connection, connection.transaction():
                    await connection.execute("select pg_current_xact_id()", timeout=5)

    async def _put_incoming(self, tenant: TenantId, items: Sequence[Incoming]) -> set[tuple[str, str]]:
        checked = TenantId(_checked(tenant))
        keys = await self.keys.for_writing(checked, days(items))
        write = incoming(checked, items, keys)
        with translated("way in"):
            async with self._app.acquire(timeout=_STATEMENT_TIMEOUT_S) as connection:
                with committing("way in"):  # one statement is a whole transaction
                    return new_ones(await connection.fetch(write.sql, *write.values))


@asynccontextmanager
async def _transaction(pool: Pool, begin: str, what: str) -> AsyncIterator[Connection]:
    with translated(what):
        async with pool.acquire(timeout=_STATEMENT_TIMEOUT_S) as connection:
            await connection.execute(begin)
            try:
                yield connection
            except BaseException:
                await _roll_back(connection)
                raise
            with committing(what):
                await connection.execute("commit")


async def _roll_back(connection: Connection) -> None:
    """End the transaction, or the connection: what went wrong before is what the caller shall hear of."""
    try:
        await connection.execute("rollback")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()


def _pool(url: str, databases: Databases, role: str, size: int, lineage: Lineage) -> Pool:
    """Connections to one server, and never to an older one afterwards: see Lineage."""
    pool: Pool = asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        command_timeout=_STATEMENT_TIMEOUT_S,
        init=lineage.check,
        reset=None if role == QUEUE_ROLE else _nothing_to_reset,
        **databases.as_role(role),
    )
    lineage.promoted.append(pool.expire_connections)
    return pool


async def _nothing_to_reset(_connection: Connection) -> None:
    """All that we set ends with its transaction; only a beacon's connection holds something longer."""


def _checked(tenant: TenantId) -> str:
    try:
        return str(uuid.UUID(tenant))
    except ValueError:
        raise Rejected("a tenant id is a UUID") from None
