"""A streaming replica takes over (F4): the product is told of both, finds the one that writes, and lost nothing."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import asyncpg
import pytest
from msgspec.structs import replace

from cordpair.engine.doctor_database import examine_databases
from cordpair.errors import CordpairError
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.cluster import SUPERUSER, Cluster, cluster_in, environment
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from cordpair.store.lineage import WrongServer
from tests.chaos import harm
from tests.databases import DEBIAN_15, OPERATOR_KEY, folder
from tests.store.world import A, configured

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not DEBIAN_15.exists(), reason="needs pg_basebackup of a PostgreSQL beside the wheel's"),
]

NOON = datetime(2030, 1, 7, 12, tzinfo=UTC)
FOUND_S = 60.0  #: real
_STREAMS = "select count(*) from pg_stat_replication where state = 'streaming'"


def note(name: str) -> Incoming:
    return Incoming("graph", name, b"{}", NOON)


def both(databases: Databases, *clusters: Cluster, attrs: str = "read-write") -> Databases:
    """The addresses that an operator gives: both servers, whichever takes writes."""

    def url(name: str) -> str:
        hosts = ",".join(str(cluster.socket) for cluster in clusters)
        ports = ",".join("5432" for _ in clusters)
        told = {"host": hosts, "port": ports, "user": SUPERUSER, "target_session_attrs": attrs}
        return f"postgresql:///{name}?{urlencode(told)}"

    return replace(databases, main_url=url("cordpair"), keys_url=url("cordpair_keys"))


@contextlib.asynccontextmanager
async def replica(of: Cluster, home: Path) -> AsyncIterator[Cluster]:
    """A server that follows the other one: a commit there waits until it stands here, too."""
    mine = cluster_in(home, DEBIAN_15)
    source = f"host={of.socket} user={SUPERUSER} application_name=replica"
    await asyncio.to_thread(_run, mine, ["pg_basebackup", "-D", str(mine.data), "-R", "-c", "fast", "-d", source])
    process = await asyncio.create_subprocess_exec(
        *mine.command(),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=mine.home,
        env=environment(),
        preexec_fn=mine.runner.before_exec(die_with_us=True),
    )
    try:
        yield mine
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGQUIT)
        await process.wait()


def _run(cluster: Cluster, command: list[str]) -> None:
    program = str(cluster.programs / command[0])
    prepare = cluster.runner.before_exec(die_with_us=True)
    cluster.runner.own(cluster.home)
    subprocess.run([program, *command[1:]], check=True, cwd=cluster.home, env=environment(), preexec_fn=prepare)


async def follows(primary: Cluster) -> None:
    """From now on no commit is acknowledged that the replica does not hold."""
    connection = await asyncpg.connect(primary.url("postgres"))
    async with asyncio.timeout(FOUND_S):
        while not await connection.fetchval(_STREAMS):  # noqa: ASYNC110 - the other server begins
            await asyncio.sleep(0.1)
    await connection.execute("alter system set synchronous_standby_names = 'replica'")
    await connection.execute("select pg_reload_conf()")
    await connection.close()


async def promoted(standby: Cluster) -> None:
    connection = await asyncpg.connect(standby.url("postgres"))
    assert await connection.fetchval("select pg_promote()")
    await connection.close()


async def accepted(store: Store, item: Incoming) -> int:
    """As Graph does it: again, until it is acknowledged."""
    async with asyncio.timeout(FOUND_S):
        while True:
            try:
                return await store.accept(A, [item])
            except CordpairError:
                await asyncio.sleep(0.2)


async def test_after_a_fail_over_the_product_writes_to_the_new_server_and_nothing_is_lost() -> None:
    with folder() as place:
        settings = Settings(data_dir=place / "first")
        async with postgres.running(settings, programs=DEBIAN_15) as databases:
            primary = cluster_in(place / "first", DEBIAN_15)
            async with replica(primary, place / "second") as standby:
                await follows(primary)
                store = await Store.open(both(databases, primary, standby), OPERATOR_KEY, pool_size=4)
                await configured(store, A)
                assert await accepted(store, note("before")) == 1
                _stop_for_good(place / "first")
                await promoted(standby)
                assert await accepted(store, note("after")) == 1
                assert await accepted(store, note("before")) == 0
                await store.close()


async def test_a_former_primary_that_comes_back_is_refused_until_somebody_takes_it_away() -> None:
    with folder() as place:
        settings = Settings(data_dir=place / "first")
        async with postgres.running(settings, programs=DEBIAN_15) as databases:
            primary = cluster_in(place / "first", DEBIAN_15)
            async with replica(primary, place / "second") as standby:
                await follows(primary)
                assert await found(both(databases, standby, attrs="any")) == {"database.follows"}
                store = await Store.open(both(databases, primary, standby), OPERATOR_KEY, pool_size=4)
                await configured(store, A)
                _stop_for_good(place / "first")
                await promoted(standby)
                assert await accepted(store, note("after")) == 1
                gone = primary.data.with_name("gone")
                gone.rename(primary.data)  # the machine is back, and its server with it
                await takes_writes(primary)
                assert await found(both(databases, primary, standby)) == {"database.two_primaries"}
                await cut_off(standby)  # so that we connect anew, to whichever is named first
                with pytest.raises(WrongServer, match="former primary"):
                    await refused(store, note("late"))
                _stop_for_good(place / "first")
                assert await accepted(store, note("late")) == 1
                await store.close()


async def found(databases: Databases) -> set[str]:
    return {one.key for one in await examine_databases(databases) if one.check == "database"}


async def takes_writes(server: Cluster) -> None:
    """Wait for the server, and let it commit without its former standby."""
    async with asyncio.timeout(FOUND_S):
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(server.url("postgres"), timeout=5)
                await connection.execute("alter system reset synchronous_standby_names")
                await connection.execute("select pg_reload_conf()")
                await connection.close()
                return
            await asyncio.sleep(0.1)


async def cut_off(server: Cluster) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename is not null"
    )
    await connection.close()


async def refused(store: Store, item: Incoming) -> None:
    """Try to store it until that is refused; connections that were cut off are found to be so one by one."""
    async with asyncio.timeout(FOUND_S):
        while True:
            try:
                await store.accept(A, [item])
            except WrongServer:
                raise
            except CordpairError:
                await asyncio.sleep(0.1)
            else:
                raise AssertionError("it was stored by a former primary")


def _stop_for_good(home: Path) -> None:
    """kill -9, and nobody starts it again: its files are gone with the machine."""
    pid = harm.server_pid(home)
    assert pid is not None
    data = cluster_in(home, DEBIAN_15).data
    data.rename(data.with_name("gone"))
    os.kill(pid, signal.SIGKILL)
