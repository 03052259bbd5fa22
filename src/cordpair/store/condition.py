"""How a database is, without changing anything in it."""

import asyncpg
import msgspec

from cordpair.errors import TemporaryFailure
from cordpair.store.migrate import newest, revision_of

OLDEST_MAJOR = 15


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Of one database: the server's version, the schema that stands in it (None: none yet) and the one we want."""

    version: str
    major: int
    revision: str | None
    newest: str


async def condition(url: str, which: str) -> Condition:
    """Of the `main` or the `keys` database at `url`. Raises TemporaryFailure when it does not let us in."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            version = connection.get_server_version()
        finally:
            await connection.close()
        revision = await revision_of(url)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        raise TemporaryFailure(f"it does not let us in ({type(exc).__name__})") from exc
    return Condition(
        version=f"{version.major}.{version.micro}",  # the library's name for the second number since PostgreSQL 10
        major=version.major,
        revision=revision,
        newest=newest(which),
    )
