"""How a database is, without changing anything in it."""

import contextlib
from urllib.parse import parse_qs, urlsplit

import asyncpg
import msgspec
from asyncpg.connect_utils import SessionAttribute

from cordpair.store.lineage import origin_of
from cordpair.store.migrate import newest, revision_of
from cordpair.store.reach import FAILURES, Unreachable, Way, refusal_of, way_of

OLDEST_MAJOR = 15


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Of one database: the server's version, the schema in it (None: none yet), the one we want, and the way there.

    `takes_writes`: it does not only follow another server. `writers` are how many servers of the address do.
    """

    version: str
    major: int
    revision: str | None
    newest: str
    way: Way
    takes_writes: bool
    writers: int


async def condition(url: str, which: str) -> Condition:
    """Of the `main` or the `keys` database at `url`. Raises Unreachable when it does not let us in."""
    try:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            version = connection.get_server_version()
            way = await way_of(connection, url)
            origin = await origin_of(connection)
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
        takes_writes=origin is None or origin.timeline is not None,
        writers=await writers(url),
    )


async def writers(url: str) -> int:
    """How many of the servers that the address names take writes, as far as they let us in."""
    count = 0
    for host, port in servers_of(url):
        with contextlib.suppress(*FAILURES):
            connection = await asyncpg.connect(
                url, host=host, port=port, timeout=10, target_session_attrs=SessionAttribute.any
            )
            try:
                origin = await origin_of(connection)
            finally:
                await connection.close()
            count += origin is not None and origin.timeline is not None
    return count


def servers_of(url: str) -> list[tuple[str, int]]:
    """Host and port of each server that a database's address names, if there are several; in either spelling."""
    told, query = urlsplit(url), parse_qs(urlsplit(url).query)
    hosts = query.get("host", [""])[0] or told.netloc.rpartition("@")[2]
    ports = query.get("port", [""])[0].split(",")
    found = []
    for number, part in enumerate(hosts.split(",")):
        host, colon, port = part.rpartition(":")
        given = port if colon and port.isdigit() else ports[min(number, len(ports) - 1)]
        found.append((host if colon and port.isdigit() else part, int(given or 5432)))
    return found if len(found) > 1 else []
