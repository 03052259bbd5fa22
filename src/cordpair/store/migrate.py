"""Brings both databases to the newest revision, on start, under a lock, in one transaction each."""

from pathlib import Path

import asyncpg

from cordpair.store.databases import Databases

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x636F7264  # any number, the same in every process: two starting nodes migrate one after the other


async def migrate(databases: Databases) -> None:
    """Bring the main and the key database to the newest revision. Waits for another process that is at it."""
    await _upgrade(databases.main_url, "main")  # one after the other: Alembic knows one migration per process
    await _upgrade(databases.keys_url, "keys")


async def _upgrade(url: str, which: str) -> None:
    if await revision_of(url) != newest(which):
        await _run_alembic(url, which)


def newest(which: str) -> str:
    """The newest revision of the `main` or the `keys` database, read from the file names."""
    return max(path.name[1:5] for path in (_SCRIPTS / which).glob("v[0-9][0-9][0-9][0-9]_*.py"))


async def revision_of(url: str) -> str | None:
    """The database's revision (None: empty), without loading Alembic: nearly every start has nothing to do."""
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("select to_regclass('alembic_version')") is None:
            return None
        revision: str | None = await connection.fetchval("select version_num from alembic_version")
        return revision
    finally:
        await connection.close()


async def _run_alembic(url: str, which: str) -> None:
    import alembic.command
    from alembic.config import Config
    from sqlalchemy import Connection, text
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    def upgrade(connection: Connection) -> None:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.set_main_option("version_locations", str(_SCRIPTS / which).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        alembic.command.upgrade(config, "head")

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()
