"""Gives the product its databases: a configured server, or one of our own that lives and dies with this process.

Our own server listens on a socket only, in a folder that only its user may enter. What happens when something is
killed:

- we are killed: the kernel ends the server (Linux); where it does not, the next start stops the orphan cleanly first.
- the server is killed: it is started again at once; PostgreSQL recovers by itself.
- the first set-up is killed: it was made beside its place and is thrown away; the next start makes it again.

One process owns the server of a data folder (a file lock, which goes away with the process). A second one with the same
data folder shares the running server, and is cut off when the owner ends.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from cordpair.errors import PermanentFailure
from cordpair.settings import Settings
from cordpair.store.cluster import Cluster, FolderLock, cluster_in
from cordpair.store.databases import APP_ROLE, KEYS_ROLE, QUEUE_ROLE, Connection, Databases
from cordpair.store.reach import FAILURES, WORDS, reached, refusal_of
from cordpair.store.supervisor import connected, supervised

_MAIN, _KEYS = "cordpair", "cordpair_keys"


@contextlib.asynccontextmanager
async def running(settings: Settings, *, programs: Path | None = None) -> AsyncIterator[Databases]:
    """The databases, for as long as the context lasts.

    `programs` names the folder of PostgreSQL's programs to use; otherwise it is looked for. Raises PermanentFailure
    with one line of help when there is no server and none can be started.
    """
    if settings.database_url:
        yield await _configured(settings)
        return
    cluster = await asyncio.to_thread(cluster_in, settings.data_dir, programs)
    with _lock(cluster) as lock:
        if lock.is_owner:
            async with supervised(cluster, lock):
                yield await _prepared(cluster)
        else:
            await asyncio.to_thread(lock.wait_until_started)
            yield await _prepared(cluster)


@contextlib.contextmanager
def _lock(cluster: Cluster) -> Iterator[FolderLock]:
    lock = FolderLock(cluster.home)
    try:
        yield lock
    finally:
        lock.close()


async def _configured(settings: Settings) -> Databases:
    await reached(settings.database_url, "CORDPAIR_DATABASE_URL")
    if settings.keys_database_url:
        await reached(settings.keys_database_url, "CORDPAIR_KEYS_DATABASE_URL")
    keys_url = settings.keys_database_url or await _beside(settings.database_url)
    return Databases(main_url=settings.database_url, keys_url=keys_url)


async def _beside(main_url: str) -> str:
    """The key database on the same server as the main one, made when it is missing."""
    parts = urlsplit(main_url)
    name = f"{parts.path.strip('/') or 'cordpair'}_keys"
    try:
        connection = await asyncpg.connect(main_url)
    except FAILURES as exc:
        raise PermanentFailure(f"CORDPAIR_DATABASE_URL: {WORDS[refusal_of(exc, main_url)]}") from exc
    try:
        if connection.get_server_version().major < 15:
            raise PermanentFailure("CORDPAIR_DATABASE_URL: PostgreSQL 15 or newer is needed")
        await _create_database(connection, name)
    finally:
        await connection.close()
    return urlunsplit(parts._replace(path=f"/{quote(name)}"))


async def _prepared(cluster: Cluster) -> Databases:
    """Our own server's databases and roles. The roles may log in: nobody else gets at the socket."""
    connection = await connected(cluster)
    try:
        for role in (APP_ROLE, QUEUE_ROLE, KEYS_ROLE):
            with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                await connection.execute(f"create role {role} login nosuperuser nobypassrls nocreatedb nocreaterole")
        for name in (_MAIN, _KEYS):
            await _create_database(connection, name)
    finally:
        await connection.close()
    return Databases(main_url=cluster.url(_MAIN), keys_url=cluster.url(_KEYS), direct_roles=True)


async def _create_database(connection: Connection, name: str) -> None:
    if await connection.fetchval("select exists (select from pg_database where datname = $1)", name):
        return
    with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        quoted = name.replace('"', '""')
        await connection.execute(f'create database "{quoted}"')
