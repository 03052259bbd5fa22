"""Runs our own PostgreSQL server: starts it, starts it again when it dies, and stops it with us."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import structlog

from cordpair.errors import PermanentFailure
from cordpair.store.cluster import Cluster, FolderLock, environment, set_up
from cordpair.store.databases import Connection

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.05
_RECOVERY_S = 600.0  # a server that recovers a long log is not dead
_STOP_S = 30.0
_TRIES = 100  # at 50 ms: the last processes of a killed server let go of its memory
_LOG_LIMIT = 20_000_000  # bytes, then the log begins anew and the former one is kept


@contextlib.asynccontextmanager
async def supervised(cluster: Cluster, lock: FolderLock) -> AsyncIterator[None]:
    """Keep the server running for as long as the context lasts. Raises PermanentFailure when it does not start."""
    await asyncio.to_thread(set_up, cluster)
    server = _Server(cluster)
    await server.start()
    lock.set_started()
    watch = asyncio.create_task(server.keep_alive())
    try:
        yield
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        await server.stop()


class _Server:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._process: asyncio.subprocess.Process | None = None

    async def keep_alive(self) -> None:
        """Start the server again whenever it ends."""
        while self._process is not None:
            status = await self._process.wait()
            log.error("the database server ended and is started again", status=status)
            try:
                await self.start()
            except PermanentFailure as failure:
                log.error("the database server does not start", error=type(failure).__name__)

    async def start(self) -> None:
        """Start the server and wait until it takes connections. Raises PermanentFailure when it does not."""
        await _clear_away(self._cluster)
        for _ in range(_TRIES):
            self._process = await _launch(self._cluster)
            if await _is_ready(self._cluster, self._process):
                return
            # What is left of a killed server holds on to its memory for a moment.
            await asyncio.sleep(_LOOK_EVERY_S)
        raise PermanentFailure(f"PostgreSQL does not start: see {self._cluster.log_file}")

    async def stop(self) -> None:
        """Fast shutdown of our own server."""
        await _stop(self._cluster)
        if self._process is not None:
            await self._process.wait()
        if self._cluster.socket.parent != self._cluster.home:
            with contextlib.suppress(OSError):
                self._cluster.socket.rmdir()


async def _launch(cluster: Cluster) -> asyncio.subprocess.Process:
    _turn_log(cluster.log_file)
    descriptor = os.open(cluster.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *cluster.command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=cluster.home,
            env=environment(),
            start_new_session=True,  # Ctrl-C is for us: we stop the server when we have finished with it
            preexec_fn=cluster.runner.before_exec(die_with_us=True),
        )
    finally:
        os.close(descriptor)


def _turn_log(path: Path) -> None:
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))


async def _is_ready(cluster: Cluster, process: asyncio.subprocess.Process) -> bool:
    """Wait until the server takes connections; False when it ends instead."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + _RECOVERY_S
    while clock() < deadline:
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            connection = await asyncpg.connect(cluster.url("postgres"), timeout=5)
            await connection.close()
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _LOOK_EVERY_S)
            return False
    raise PermanentFailure(f"PostgreSQL takes no connections: see {cluster.log_file}")


async def _clear_away(cluster: Cluster) -> None:
    """Stop a server that a killed process of ours left behind, and what a killed server left behind.

    We hold the folder: no living process of ours runs a server in it.
    """
    if _server_pid(cluster) is not None:
        log.info("a former database server is stopped")
        await _stop(cluster)
    elif _written_pid(cluster) is not None:
        # The number belongs to another process by now, but PostgreSQL would believe it.
        (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    for stale in cluster.socket.glob(".s.PGSQL.*"):
        stale.unlink(missing_ok=True)


async def _stop(cluster: Cluster) -> None:
    """Fast shutdown: open transactions are rolled back. A server that does not follow is ended at once; it recovers."""
    for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        pid = _server_pid(cluster)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, order)
        await _wait_until_gone(cluster)


async def _wait_until_gone(cluster: Cluster) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + _STOP_S
    while _server_pid(cluster) is not None and clock() < deadline:
        await asyncio.sleep(_LOOK_EVERY_S / 2)


def _written_pid(cluster: Cluster) -> int | None:
    """The living process that the server's own file names, whoever that is by now."""
    try:
        pid = int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except PermissionError:
        return pid
    except (OSError, ValueError):
        return None
    return pid


def _server_pid(cluster: Cluster) -> int | None:
    """Process id of the server that runs in this folder. A number that was given away again does not count."""
    pid = _written_pid(cluster)
    if pid is None or not Path("/proc/self").exists():  # macOS: believe the file
        return pid
    try:
        is_zombie = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return pid if not is_zombie and Path(f"/proc/{pid}/cwd").resolve() == cluster.data.resolve() else None
    except OSError:
        return None


async def connected(cluster: Cluster) -> Connection:
    """A connection to our own server. One that has just been killed may end those who come while it is set right."""
    for _ in range(_TRIES):
        try:
            return await asyncpg.connect(cluster.url("postgres"))
        except (asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
            await asyncio.sleep(_LOOK_EVERY_S)
    return await asyncpg.connect(cluster.url("postgres"))
