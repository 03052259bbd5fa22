"""A disk without room (F6), for data or for the log of changes: callers are sent on, and all goes on with new room."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.cluster import cluster_in
from cordpair.store.databases import Databases
from tests.chaos.callers import calls, is_served, ready_with_a_fallback
from tests.databases import folder
from tests.product.house import Organisation, house

pytestmark = [pytest.mark.long, pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")]


@contextlib.contextmanager
def small_disk(at: Path, megabytes: int) -> Iterator[None]:
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "tmpfs", str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not a byte of room."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file, contextlib.suppress(OSError):
        while True:
            os.write(file.fileno(), b"\0" * 4096)
    try:
        yield
    finally:
        ballast.unlink()


async def use_up(databases: Databases) -> None:
    """Write until the server has used all room that it had laid by."""
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(databases.main_url)
        try:
            for _ in range(100):
                await connection.execute("select pg_logical_emit_message(true, 'harm', repeat('x', 1000))")
                await connection.execute("select pg_switch_wal()")
        finally:
            await connection.close(timeout=2)


@contextlib.asynccontextmanager
async def product_in(home: Path) -> AsyncIterator[tuple[Organisation, Databases]]:
    async with postgres.running(Settings(data_dir=home)) as databases, house(databases, rate=3.0) as one:
        await ready_with_a_fallback(one.lanterns)
        yield one.lanterns, databases


async def callers_meet_a_full_disk(us: Organisation, databases: Databases, disk: Path) -> None:
    with full(disk):
        await use_up(databases)
        went = [(await calls(us))[1] for _ in range(3)]
    assert "sent on" in went
    await is_served(us)


async def test_a_disk_that_is_full_of_data_sends_callers_on_until_it_has_room() -> None:
    with folder() as place, small_disk(place / "disk", 400):
        async with product_in(place / "disk") as (us, databases):
            await callers_meet_a_full_disk(us, databases, place / "disk")


async def test_a_log_of_changes_without_room_sends_callers_on_until_it_has_room() -> None:
    with folder() as place, small_disk(place / "log", 200):
        home = place / "home"
        async with postgres.running(Settings(data_dir=home)):
            pass
        _move_the_log(home, place / "log" / "wal")
        async with product_in(home) as (us, databases):
            await callers_meet_a_full_disk(us, databases, place / "log")


def _move_the_log(home: Path, there: Path) -> None:
    """Let the server of this folder, which stands still, keep its log of changes elsewhere."""
    cluster = cluster_in(home)
    shutil.move(cluster.data / "pg_wal", there)
    (cluster.data / "pg_wal").symlink_to(there)
    for path in (there, *there.rglob("*")):
        cluster.runner.own(path)
