"""Which server we speak to: after a fail-over the former one may come back, take writes, and know nothing of the new.

A cluster has an identifier for life, and a timeline whose number grows with each promotion. What a process has once
spoken to it never leaves for an older one: what is written there would be lost (a split brain).
"""

import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
import structlog

from cordpair.errors import TemporaryFailure
from cordpair.store.databases import Connection

log = structlog.get_logger(__name__)

_QUESTION = """
select (select system_identifier from pg_control_system()) as system,
  case when not pg_is_in_recovery() then ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end
  as timeline
"""


class Origin(msgspec.Struct, frozen=True):
    """A server's cluster (`system`), and how often one of it was promoted. `timeline` is None: it follows another."""

    system: int
    timeline: int | None


class WrongServer(TemporaryFailure):
    """This server is not the one that holds our data now. Somebody has to take it away; until then we wait."""


async def origin_of(connection: Connection) -> Origin | None:
    """None where the server does not tell us (some that are run by others do not)."""
    try:
        row = await connection.fetchrow(_QUESTION)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFunctionError):
        return None
    return None if row is None else Origin(row["system"], row["timeline"])


class Lineage:
    """What this process has last seen of one database. `promoted` is called when a newer server has taken over."""

    def __init__(self) -> None:
        self._newest: Origin | None = None
        self.promoted: list[Callable[[], Awaitable[None]]] = []

    async def check(self, connection: Connection) -> None:
        """Look at a new connection. Raises WrongServer, and then it must not be used."""
        seen = await origin_of(connection)
        if seen is not None and self.take(seen):
            log.warning("another database server has taken over")
            for tell in self.promoted:
                with contextlib.suppress(asyncpg.InterfaceError):  # a pool that is not open yet, or not any more
                    await tell()

    def take(self, seen: Origin) -> bool:
        """Believe in what was seen; whether it has taken over from another one. Raises WrongServer."""
        if why := refusal(self._newest, seen):
            log.error("a database server is refused", reason=why)
            raise WrongServer(f"the database server is refused: {why}")
        known, self._newest = self._newest, seen
        return known is not None and known != seen


def refusal(known: Origin | None, seen: Origin) -> str:
    """Why a server must not be written to by somebody who knows of another; empty when it may."""
    if seen.timeline is None:
        return "it follows another one"
    if known is None:
        return ""
    if seen.system != known.system:
        return "it belongs to another cluster; restart cordpair if this is meant"
    if known.timeline is not None and seen.timeline < known.timeline:
        return "it is a former primary, another one was promoted since: shut it down"
    return ""
