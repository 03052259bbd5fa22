"""Real PostgreSQL servers for tests: one per worker and version, a fresh pair of databases per test."""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg

from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.store.migrate import migrate

OPERATOR_KEY = bytes(range(32))
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
_numbers = itertools.count(1)


class Server:
    """A running server with migrated template databases."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._empty: list[str] = []

    @contextlib.asynccontextmanager
    async def fresh(self) -> AsyncIterator[Databases]:
        """A pair of empty databases that nobody else uses meanwhile.

        Emptied afterwards and used again: that is ten times cheaper than making new ones.
        """
        pair = self._empty.pop() if self._empty else await self._new_pair()
        main, keys = self.url(f"main_{pair}"), self.url(f"keys_{pair}")
        yield Databases(main_url=main, keys_url=keys, direct_roles=True)
        for url in (main, keys):
            await _empty(url)
        self._empty.append(pair)

    def url(self, name: str) -> str:
        """Address of a database as the server's owner, whom row-level security does not bind."""
        return self._databases.main_url.replace("///cordpair?", f"///{name}?")

    async def _new_pair(self) -> str:
        pair = str(next(_numbers))
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(f"create database main_{pair} template cordpair strategy file_copy")
            await connection.execute(f"create database keys_{pair} template cordpair_keys strategy file_copy")
        finally:
            await connection.close()
        return pair


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "do $$ declare name text; begin set local session_replication_role = replica; "
            "for name in select tablename from pg_tables where schemaname = 'public' loop "
            "if name <> 'alembic_version' then execute format('delete from %I', name); end if; end loop; end $$"
        )
    finally:
        await connection.close()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder that also the database's own user reaches (pytest's are closed to it)."""
    path = Path(tempfile.mkdtemp(prefix="cordpair-test-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def server(programs: Path | None = None) -> Iterator[Server]:
    """A server for many tests, whatever event loop each of them has. It lives in a loop of its own thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    life = contextlib.AsyncExitStack()
    with folder() as data_dir:
        try:
            yield Server(asyncio.run_coroutine_threadsafe(_start(life, data_dir, programs), loop).result(120))
        finally:
            asyncio.run_coroutine_threadsafe(life.aclose(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _start(life: contextlib.AsyncExitStack, data_dir: Path, programs: Path | None) -> Databases:
    databases = await life.enter_async_context(postgres.running(Settings(data_dir=data_dir), programs=programs))
    await migrate(databases)
    await _spare_the_disk(databases)
    return databases


async def _spare_the_disk(databases: Databases) -> None:
    """Only a power cut would show the difference; making and dropping databases is many times faster."""
    connection = await asyncpg.connect(databases.main_url)
    try:
        await connection.execute("alter system set fsync = off")
        await connection.execute("select pg_reload_conf()")
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def opened(server: Server, *, pool_size: int = 4) -> AsyncIterator[Store]:
    """A store on fresh databases."""
    async with server.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=pool_size)
        try:
            yield store
        finally:
            await store.close()
