"""Several writes become one statement without mixing up what stands for which parameter."""

from cordpair.store.doors import Store
from cordpair.store.together import Write, together
from tests.store.world import A, configured


def test_parameters_are_counted_on_from_write_to_write() -> None:
    whole = together([Write("f($1, $2)", ("a", "b"))], Write("g($2, $1)", ("c", "d")))
    assert whole == Write("with w0 as (f($1, $2)) g($4, $3)", ("a", "b", "c", "d"))


def test_without_writes_the_last_one_stands_alone() -> None:
    assert together([], Write("select $1", (1,))) == Write("select $1", (1,))


async def test_all_writes_happen_and_the_last_one_answers(store: Store) -> None:
    await configured(store, A)
    put = "insert into sync_bookmarks (tenant, connector, bookmark, at) values ($1, $2, $3, now())"
    whole = together([Write(put, (A, name, "b")) for name in ("imis", "memory")], Write("select $1::text", ("done",)))
    async with store.open_tenant(A) as rows:
        connection = rows.inbox._scope.connection
        assert await connection.fetchval(whole.sql, *whole.values) == "done"
        found = await connection.fetch("select connector from sync_bookmarks where tenant = $1 order by 1", A)
    assert [row["connector"] for row in found] == ["imis", "memory"]
