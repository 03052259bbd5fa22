"""Who lives: a lock that belongs to a session, and that the server takes back as soon as its process is gone.

A lease alone says only that its owner lived a moment ago. Beside it each owner keeps a beacon burning; when a process
was killed its beacon is out at once, and its successor need not wait for the lease to run out. Where a whole machine or
the network is gone the server learns it late: then the lease decides, as before.
"""

import contextlib

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from cordpair.errors import CordpairError
from cordpair.store.databases import Pool
from cordpair.store.faults import translated

SPACE = 0x6C697665  #: first half of the lock's name; the second is a hash of the owner's name
_TIMEOUT_S = 5.0


class Beacon:
    """The beacon of one process. `owner` is its name in the lease rows."""

    def __init__(self, pool: Pool, owner: str) -> None:
        self._pool, self._owner = pool, owner
        self._connection: PoolConnectionProxy[asyncpg.Record] | None = None

    async def burn(self) -> None:
        """Light it, or make sure that it still burns. Raises TemporaryFailure."""
        with translated("beacon"):
            if self._connection is None or _is_gone(self._connection):
                await self.put_out()
                self._connection = await self._pool.acquire(timeout=_TIMEOUT_S)
            # Held already, it is simply held once more: this asks the session, and lights it where the session is new.
            await self._connection.execute(
                "select pg_try_advisory_lock($1, hashtext($2))", SPACE, self._owner, timeout=_TIMEOUT_S
            )

    async def put_out(self) -> None:
        """Let the session go, and the lock with it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(CordpairError), translated("beacon"):
                await self._pool.release(connection, timeout=_TIMEOUT_S)


def _is_gone(connection: "PoolConnectionProxy[asyncpg.Record]") -> bool:
    """A connection that broke is one that the pool has taken back: it answers no question any more."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True
