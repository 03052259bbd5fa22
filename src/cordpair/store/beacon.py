"""Who lives: a lock that belongs to a session, and that the server takes back as soon as its process is gone.

A lease alone says only that its owner lived a moment ago. Beside it each owner keeps a beacon burning; when a process
was killed its beacon is out at once, and its successor need not wait for the lease to run out. Where a whole machine or
the network is gone the server learns it late: then the lease decides, as before.

The same session hears news for all processes: leases were given back, a setup was changed. News only wake; what is true
stands in the rows.
"""

import contextlib
from collections.abc import Callable

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from cordpair.errors import CordpairError
from cordpair.store.databases import Pool
from cordpair.store.faults import translated

SPACE = 0x6C697665  #: first half of the lock's name; the second is a hash of the owner's name
TAKES = 0x74616B65  #: the same for a second lock: whoever holds it takes tenants; who leaves gives it up first
NEWS = "cordpair_nodes"  #: the channel of news for all processes
_TIMEOUT_S = 5.0


class Beacon:
    """The beacon of one process. `owner` is its name in the lease rows; `heard` is called for every news."""

    def __init__(self, pool: Pool, owner: str, heard: Callable[[], None]) -> None:
        self._pool, self._owner, self._heard = pool, owner, heard
        self._connection: PoolConnectionProxy[asyncpg.Record] | None = None
        self._takes = True

    async def burn(self) -> None:
        """Light it, or make sure that it still burns. Raises TemporaryFailure."""
        with translated("beacon"):
            if self._connection is None or _is_gone(self._connection):
                await self.put_out()
                await self._light()
            else:  # held already, it is simply held once more: this asks the session
                await self._lock(self._connection, SPACE)

    async def stand_down(self) -> None:
        """From now on nobody counts on us to take tenants; the beacon burns on. Raises TemporaryFailure."""
        self._takes = False
        if self._connection is not None:
            with translated("beacon"):
                await self._connection.execute(
                    "select pg_advisory_unlock($1, hashtext($2))", TAKES, self._owner, timeout=_TIMEOUT_S
                )

    async def put_out(self) -> None:
        """Let the session go, and the locks with it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(CordpairError), translated("beacon"):
                if not _is_gone(connection):
                    await connection.remove_listener(NEWS, self._on_news)
                await self._pool.release(connection, timeout=_TIMEOUT_S)

    async def _light(self) -> None:
        self._connection = connection = await self._pool.acquire(timeout=_TIMEOUT_S)
        try:
            await connection.add_listener(NEWS, self._on_news)
            for space in (SPACE, TAKES) if self._takes else (SPACE,):
                await self._lock(connection, space)
        except BaseException:
            await self.put_out()
            raise

    async def _lock(self, connection: "PoolConnectionProxy[asyncpg.Record]", space: int) -> None:
        await connection.execute(
            "select pg_try_advisory_lock($1, hashtext($2))", space, self._owner, timeout=_TIMEOUT_S
        )

    def _on_news(self, *_: object) -> None:
        self._heard()


def _is_gone(connection: "PoolConnectionProxy[asyncpg.Record]") -> bool:
    """A connection that broke is one that the pool has taken back: it answers no question any more."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True
