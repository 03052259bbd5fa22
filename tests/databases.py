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

    @contextlib.asynccontextmanager
    async def fresh(self) -> AsyncIterator[Databases]:
        """A pair of databases that nobody else uses, gone afterwards."""
        number = next(_numbers)
        main, keys = f"main_{number}", f"keys_{number}"
        connection = await asyncpg.connect(self._url("postgres"))
        try:
            await connection.execute(f'create database {main} template "cordpair"')
            await connection.execute(f'create database {keys} template "cordpair_keys"')
            yield Databases(main_url=self._url(main), keys_url=self._url(keys), direct_roles=True)
        finally:
            for name in (main, keys):
                await connection.execute(f"drop database if exists {name} with (force)")
            await connection.close()

    def _url(self, name: str) -> str:
        return self._databases.main_url.replace("///cordpair?", f"///{name}?")


@contextlib.contextmanager
def server(programs: Path | None = None) -> Iterator[Server]:
    """A server for many tests, whatever event loop each of them has. It lives in a loop of its own thread."""
    folder = Path(tempfile.mkdtemp(prefix="cordpair-test-"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    life = contextlib.AsyncExitStack()
    try:
        yield Server(asyncio.run_coroutine_threadsafe(_start(life, folder, programs), loop).result(120))
    finally:
        asyncio.run_coroutine_threadsafe(life.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _start(life: contextlib.AsyncExitStack, folder: Path, programs: Path | None) -> Databases:
    databases = await life.enter_async_context(postgres.running(Settings(data_dir=folder), programs=programs))
    await migrate(databases)
    return databases


@contextlib.asynccontextmanager
async def opened(server: Server, *, pool_size: int = 4) -> AsyncIterator[Store]:
    """A store on fresh databases."""
    async with server.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=pool_size)
        try:
            yield store
        finally:
            await store.close()
