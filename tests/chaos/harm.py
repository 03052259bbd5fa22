"""What can be done to a database server: stall it, kill it, lock its tables, use its room up."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg

from cordpair.store.cluster import cluster_in

#: What a connection of ours meets when the server goes away meanwhile.
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def server_pid(home: Path) -> int | None:
    """The process of the server in this folder; None while there is none."""
    try:
        return int((cluster_in(home).data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def stalled(home: Path) -> Iterator[None]:
    """The server and all of its sessions stand still, and do not know it."""
    parent = server_pid(home)
    assert parent is not None
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    pids = [parent, *map(int, children)]
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(reversed(pids), signal.SIGCONT)


def kill(home: Path) -> None:
    """kill -9 of the server; its sessions find out by themselves."""
    pid = server_pid(home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    """Somebody holds the whole table, as a careless administrator does."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("set local lock_timeout = '2s'")
            await connection.execute(f"lock table {table} in access exclusive mode")
            yield
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def raising(url: str, table: str, sqlstate: str, times: int) -> AsyncIterator[None]:
    """The next so many statements that write to `table` fail with this state, whoever makes them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_RAISING.format(table=table, sqlstate=sqlstate, times=times))
        yield
    finally:
        await _calm(connection, url, table)


async def _calm(connection: "asyncpg.Connection[asyncpg.Record]", url: str, table: str) -> None:
    """Take it back, whatever became of the connection: what stays behind would refuse nothing, but it would stay."""
    while True:
        try:
            await connection.execute(_CALM.format(table=table))
            await connection.close()
        except AWAY:
            connection.terminate()
            await asyncio.sleep(0.1)
            with contextlib.suppress(*AWAY):
                connection = await asyncpg.connect(url)
        else:
            return


@contextlib.asynccontextmanager
async def crowded(url: str) -> AsyncIterator[None]:
    """Strangers take every connection that the server has; those of the product are ended, and find no room."""
    ours: list[asyncpg.Connection[asyncpg.Record]] = [await asyncpg.connect(url)]
    crowding = asyncio.create_task(_crowd(url, ours))
    try:
        await asyncio.sleep(0)
        while len(ours) < 10:  # noqa: ASYNC110 - others take them
            await asyncio.sleep(0.01)
        await ours[0].execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cordpair'"
        )
        yield
    finally:
        crowding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await crowding
        for connection in ours:
            connection.terminate()


async def _crowd(url: str, ours: list["asyncpg.Connection[asyncpg.Record]"]) -> None:
    while True:
        try:
            ours.append(await asyncpg.connect(url))
        except AWAY:
            await asyncio.sleep(0.01)


def _signal(pids: Iterator[int] | list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


# A sequence counts what was refused: it does not go back with a transaction that is rolled back.
_RAISING = """
create sequence harm_count;
create function harm() returns trigger language plpgsql security definer as $$ begin
    if nextval('public.harm_count') <= {times} then raise exception 'harm' using errcode = '{sqlstate}'; end if;
    return null;
end $$;
create trigger harm before insert or update on {table} for each statement execute function harm()
"""
_CALM = "drop trigger if exists harm on {table}; drop function if exists harm; drop sequence if exists harm_count"
