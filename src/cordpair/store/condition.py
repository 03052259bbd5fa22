"""How a database is, without changing anything in it."""

import asyncpg
import msgspec

from cordpair.store.migrate import newest, revision_of
from cordpair.store.reach import FAILURES, Unreachable, Way, refusal_of, way_of

OLDEST_MAJOR = 15


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Of one database: the server's version, the schema in it (None: none yet), the one we want, and the way there."""

    version: str
    major: int
    revision: str | None
    newest: str
    way: Way


async def condition(url: str, which: str) -> Condition:
    """Of the `main` or the `keys` database at `url`. Raises Unreachable when it does not let us in."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            version = connection.get_server_version()
            way = await way_of(connection, url)
        finally:
            await connection.close()
        revision = await revision_of(url)
    except FAILURES as exc:
        raise Unreachable(refusal_of(exc, url)) from exc
    return Condition(
        version=f"{version.major}.{version.micro}",  # the library's name for the second number since PostgreSQL 10
        major=version.major,
        revision=revision,
        newest=newest(which),
        way=way,
    )
