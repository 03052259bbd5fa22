"""A server that is not the one that holds our data now gets no connection to write by."""

import asyncpg
import pytest
from msgspec.structs import replace

from cordpair.errors import TemporaryFailure
from cordpair.store.condition import servers_of
from cordpair.store.lineage import Lineage, Origin, WrongServer, origin_of, refusal
from tests.databases import Server

FIRST = Origin(system=7, timeline=1)
PROMOTED = Origin(system=7, timeline=2)


def test_a_former_primary_is_refused_once_the_promoted_one_was_seen() -> None:
    lineage = Lineage()
    assert not lineage.take(FIRST)
    assert lineage.take(PROMOTED)
    with pytest.raises(WrongServer, match="former primary"):
        lineage.take(FIRST)
    assert not lineage.take(PROMOTED)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(PROMOTED, system=8), "another cluster"),
        (replace(PROMOTED, timeline=None), "follows another"),
        (FIRST, "former primary"),
        (replace(PROMOTED, timeline=3), ""),
    ],
)
def test_what_is_refused_has_its_reason(seen: Origin, why: str) -> None:
    assert why in refusal(PROMOTED, seen)
    assert bool(why) == bool(refusal(PROMOTED, seen))


def test_a_refused_server_is_waited_out_like_one_that_is_away() -> None:
    assert issubclass(WrongServer, TemporaryFailure)


async def test_a_server_tells_where_it_comes_from_to_our_own_roles(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        connection = await asyncpg.connect(databases.main_url, **databases.as_role("cordpair_app"))
        try:
            seen = await origin_of(connection)
        finally:
            await connection.close()
    assert seen is not None
    assert seen.timeline == 1


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("postgresql://u:p@one:5432,two:5433/db", [("one", 5432), ("two", 5433)]),
        ("postgresql://u:p@one,two/db?target_session_attrs=read-write", [("one", 5432), ("two", 5432)]),
        ("postgresql:///db?host=/run/a,/run/b&port=5432,6432", [("/run/a", 5432), ("/run/b", 6432)]),
        ("postgresql://u:p@one/db", []),
        ("postgresql:///db?host=/run/a", []),
    ],
)
def test_each_server_that_an_address_names_is_known(url: str, servers: list[tuple[str, int]]) -> None:
    assert servers_of(url) == servers
