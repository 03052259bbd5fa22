"""The audit trail in a real database: written with the action, never forked, pruned without a gap in its proof."""

import asyncio
import contextlib
from datetime import date, datetime, timedelta

import asyncpg
import pytest

from cordpair.core.audit import Action, Deed, operator_actor
from cordpair.core.audit_check import FaultKind, faults
from cordpair.core.ids import TenantId
from cordpair.errors import Rejected
from cordpair.store.audit import PERIODS
from cordpair.store.databases import APP_ROLE, Databases
from cordpair.store.doors import Store
from cordpair.store.signing import Signing
from tests.databases import OPERATOR_KEY, Server
from tests.store.world import CANARY, NOON, A, B, configured

K = FaultKind
DAY = NOON.date()
SOMEBODY = operator_actor(1000)


def deed(name: str = "x", *, at: datetime = NOON) -> Deed:
    return Deed(at=at, actor=SOMEBODY, action=Action.SETUP_APPLIED, target=name, detail={"parts": f"{CANARY} {name}"})


async def append(store: Store, *names: str, at: datetime = NOON, tenant: TenantId = A) -> None:
    for name in names:
        async with store.open_tenant(tenant) as rows:
            await rows.audit.append(deed(name, at=at))


async def found(store: Store, today: date = DAY, *, signing: Signing | None = None) -> set[tuple[K, int]]:
    async with store.open_tenant(A) as rows:
        trail = await rows.audit.trail()
    is_signed = (signing or store.keys.signing).is_signed
    return {(it.kind, it.number) for it in faults(A, trail, today=today, periods=PERIODS, is_signed=is_signed)}


async def numbers(store: Store, tenant: TenantId = A) -> tuple[list[int], list[int], list[int]]:
    """Of the entries, the records and the checkpoints."""
    async with store.open_tenant(tenant) as rows:
        trail = await rows.audit.trail()
    entries, records, points = (
        [it.number for it in part] for part in (trail.entries, trail.records, trail.checkpoints)
    )
    return entries, records, points


async def test_what_was_done_is_shown_newest_first(store: Store) -> None:
    await configured(store, A)
    await append(store, "first", "second")
    async with store.open_tenant(A) as rows:
        shown = await rows.audit.shown()
    assert [(it.number, it.target, it.actor, it.action, it.at) for it in shown] == [
        (2, "second", SOMEBODY, "setup.applied", NOON),
        (1, "first", SOMEBODY, "setup.applied", NOON),
    ]
    assert shown[0].detail == {"parts": f"{CANARY} second"}
    assert await found(store) == set()


async def test_an_action_that_is_rolled_back_leaves_no_entry(store: Store) -> None:
    await configured(store, A)
    with contextlib.suppress(RuntimeError):
        async with store.open_tenant(A) as rows:
            await rows.audit.append(deed())
            raise RuntimeError("the action fails")
    assert await numbers(store) == ([], [], [])
    await append(store, "later")
    assert (await numbers(store))[0] == [1]


async def test_each_organisation_has_a_chain_of_its_own(store: Store) -> None:
    await configured(store, A, B)
    await append(store, "x", "y")
    await append(store, "z", tenant=B)
    assert (await numbers(store, A))[0] == [1, 2]
    assert (await numbers(store, B))[0] == [1]


async def test_an_organisation_that_is_not_set_up_has_no_trail(store: Store) -> None:
    with pytest.raises(Rejected):
        await append(store, "x")


async def test_two_nodes_that_write_at_once_make_one_chain(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        nodes = [await Store.open(databases, OPERATOR_KEY, pool_size=4) for _ in range(2)]
        await configured(nodes[0], A)
        await asyncio.gather(*(append(nodes[number % 2], f"deed {number}") for number in range(24)))
        assert await numbers(nodes[0]) == (list(range(1, 25)), list(range(1, 25)), [])
        assert await found(nodes[1]) == set()
        for node in nodes:
            await node.close()


# ---- somebody with a database client


TOUCHED: dict[str, tuple[str, set[tuple[K, int]]]] = {
    "a record is changed": ("update audit_records set actor = 'operator:0' where number = 2", {(K.RECORD_CHANGED, 2)}),
    "a detail is changed": (
        "update audit_records set detail_sealed = detail_sealed || '\\x00' where number = 2",
        {(K.RECORD_CHANGED, 2)},
    ),
    "a record is removed": ("delete from audit_records where number = 2", {(K.RECORD_MISSING, 2)}),
    "an entry is removed": (
        "delete from audit_records where number = 2; delete from audit_chain where number = 2",
        {(K.ENTRY_MISSING, 2)},
    ),
    "the last ones are removed": (
        "delete from audit_records where number > 2; delete from audit_chain where number > 2",
        {(K.HEAD_WRONG, 4)},
    ),
    "two have changed places": (
        "update audit_records set number = -number where number in (2, 3); "
        "update audit_records set number = 5 + number where number < 0",
        {(K.RECORD_CHANGED, 2), (K.RECORD_CHANGED, 3)},
    ),
    "one is put in": (
        "insert into audit_chain select tenant, 5, day, commitment, digest, sha256(digest) from audit_chain "
        "where number = 4; insert into audit_records select tenant, 5, at, actor, action, target, detail_sealed, salt "
        "from audit_records where number = 4",
        {(K.ENTRY_CHANGED, 5), (K.RECORD_CHANGED, 5), (K.HEAD_WRONG, 4)},
    ),
    "the head is set back": (
        "delete from audit_records where number > 3; delete from audit_chain where number > 3; "
        "update audit_heads set number = 3, digest = (select digest from audit_chain where number = 3)",
        {(K.HEAD_WRONG, 3)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TOUCHED)
async def test_what_a_database_client_does_to_the_trail_is_found(postgresql: Server, how: str) -> None:
    statements, expected = TOUCHED[how]
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await configured(store, A)
        await append(store, "a", "b", "c", "d")
        await as_owner(databases, statements)
        assert await found(store) == expected
        await store.close()


async def test_another_installations_signature_is_none(store: Store) -> None:
    await configured(store, A)
    await append(store, "x")
    await store.keep_audit(A, NOON)
    other = Signing(bytes(32))
    assert await found(store, signing=other) == {(K.HEAD_WRONG, 1), (K.CHECKPOINT_WRONG, 1)}


async def test_a_young_beginning_that_the_products_own_role_drops_is_missed(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await configured(store, A)
        await append(store, "a")
        await store.keep_audit(A, NOON)
        await append(store, "b")
        connection = await asyncpg.connect(databases.main_url, **databases.as_role(APP_ROLE))
        await connection.execute("select set_config('app.tenant', $1, false)", A)
        await connection.execute("delete from audit_records where number = 1")
        await connection.execute("delete from audit_chain where number = 1")
        await connection.close()
        assert await found(store) == {(K.ENTRY_MISSING, 1)}
        await store.close()


async def test_a_detail_moved_to_another_record_does_not_open(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await configured(store, A)
        await append(store, "a", "b")
        await as_owner(
            databases,
            "update audit_records set detail_sealed = (select detail_sealed from audit_records where number = 1) "
            "where number = 2",
        )
        async with store.open_tenant(A) as rows:
            assert [it.detail for it in await rows.audit.shown()] == [None, {"parts": f"{CANARY} a"}]
        await store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_records set actor = 'x'",
        "update audit_chain set day = day",
        "update audit_checkpoints set day = day",
        "delete from audit_heads",
        "delete from audit_chain",
    ],
)
async def test_the_products_own_role_cannot_touch_what_is_written_down(postgresql: Server, statement: str) -> None:
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await configured(store, A)
        await append(store, "a")
        await store.keep_audit(A, NOON)
        connection = await asyncpg.connect(databases.main_url, **databases.as_role(APP_ROLE))
        await connection.execute("select set_config('app.tenant', $1, false)", A)
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
            await connection.execute(statement)
        await connection.close()
        await store.close()


# ---- time


async def test_a_checkpoint_is_signed_once_a_day_and_only_when_something_is_new(store: Store) -> None:
    await configured(store, A)
    await store.keep_audit(A, NOON)
    assert await numbers(store) == ([], [], [])
    await append(store, "x")
    for hours in (0, 1, 24, 48):
        await store.keep_audit(A, NOON + timedelta(hours=hours))
    await append(store, "y")
    await store.keep_audit(A, NOON + timedelta(hours=72))
    assert (await numbers(store))[2] == [1, 2]
    assert await found(store) == set()


async def test_records_go_when_their_time_is_over_and_the_chain_still_proves_the_rest(store: Store) -> None:
    await configured(store, A)
    await append(store, "old")
    await append(store, "young", at=NOON + timedelta(days=100))
    later = NOON + timedelta(days=151)
    assert await store.keep_audit(A, later) == 1
    assert (await numbers(store))[:2] == ([1, 2], [2])
    assert await found(store, later.date()) == set()
    assert await found(store, NOON.date()) == {(K.RECORD_MISSING, 1)}


async def test_a_record_that_is_due_today_stays_until_its_day_is_over(store: Store) -> None:
    await configured(store, A)
    await append(store, "x")
    assert await store.keep_audit(A, NOON + timedelta(days=150)) == 0


async def test_with_a_record_goes_the_key_of_its_day(store: Store) -> None:
    await configured(store, A)
    await append(store, "x")
    assert await store.keys.destroy_days(A, "audit", NOON.date()) == 0
    await store.keep_audit(A, NOON + timedelta(days=151))
    assert await store.keys.destroy_days(A, "audit", date.max) == 0


async def test_the_beginning_of_the_chain_is_dropped_behind_a_checkpoint(store: Store) -> None:
    await configured(store, A)
    for day in (0, 1, 2, 100):
        await append(store, f"day {day}", at=NOON + timedelta(days=day))
        await store.keep_audit(A, NOON + timedelta(days=day))
    last = NOON + timedelta(days=172)
    await store.keep_audit(A, last)
    assert await numbers(store) == ([3, 4], [4], [2, 3, 4])
    assert await found(store, last.date()) == set()


async def test_a_chain_whose_time_is_over_ends_in_a_checkpoint_and_goes_on_from_there(store: Store) -> None:
    await configured(store, A)
    await append(store, "x", "y")
    await store.keep_audit(A, NOON)
    last = NOON + timedelta(days=400)
    await store.keep_audit(A, last)
    assert await numbers(store) == ([], [], [2])
    assert await found(store, last.date()) == set()
    await append(store, "z", at=last)
    assert (await numbers(store))[0] == [3]
    assert await found(store, last.date()) == set()


async def test_an_organisation_that_is_deleted_takes_its_trail_with_it(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await configured(store, A)
        await append(store, "x")
        connection = await asyncpg.connect(databases.main_url, **databases.as_role(APP_ROLE))
        await connection.execute("select set_config('app.tenant', $1, false)", A)
        await connection.execute("delete from tenants where tenant = $1", A)
        await connection.close()
        assert await numbers(store) == ([], [], [])
        await store.close()


async def as_owner(databases: Databases, statements: str) -> None:
    connection = await asyncpg.connect(databases.main_url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
