"""What came in is stored once, before it is acknowledged, and never gets in the way of what comes after it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from cordpair.core.ids import TenantId
from cordpair.errors import Rejected, TemporaryFailure
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from cordpair.store.intake import Intake
from tests.store.world import NOON, A, B, configured

TOMORROW = NOON + timedelta(days=1)


def note(key: str, body: bytes = b"{}", source: str = "graph") -> Incoming:
    return Incoming(source, key, body, NOON)


async def keys(store: Store, tenant: TenantId = A) -> list[str]:
    async with store.open_tenant(tenant) as rows:
        return [row.key for row in await rows.inbox.unfolded(1000)]


async def test_a_notification_delivered_again_changes_nothing(store: Store) -> None:
    await configured(store, A)
    assert await store.accept(A, [note("n1"), note("n2")]) == 2
    assert await store.accept(A, [note("n2"), note("n3")]) == 1
    assert await keys(store) == ["n1", "n2", "n3"]


async def test_a_notification_is_known_again_on_the_next_day(store: Store) -> None:
    await configured(store, A)
    await store.accept(A, [note("n1")])
    assert await store.accept(A, [Incoming("graph", "n1", b"{}", TOMORROW)]) == 0


async def test_the_same_key_of_another_source_is_something_else(store: Store) -> None:
    await configured(store, A)
    await store.accept(A, [note("n1")])
    assert await store.accept(A, [note("n1", source="command")]) == 1


async def test_two_organisations_may_use_the_same_key(store: Store) -> None:
    await configured(store, A, B)
    assert await store.accept(A, [note("n1")]) + await store.accept(B, [note("n1")]) == 2


async def test_items_come_back_in_the_order_they_came_in(store: Store) -> None:
    await configured(store, A)
    for key in "zyxab":
        await store.accept(A, [note(key, body=key.encode())])
    async with store.open_tenant(A) as rows:
        assert [(row.key, row.body) for row in await rows.inbox.unfolded(3)] == [("z", b"z"), ("y", b"y"), ("x", b"x")]


async def test_many_at_once_are_all_stored_and_counted_once(store: Store) -> None:
    await configured(store, A, B)
    wanted = [(tenant, f"n{number % 40}") for number in range(80) for tenant in (A, B)]
    counts = await asyncio.gather(*(store.accept(tenant, [note(key)]) for tenant, key in wanted))
    assert sum(counts) == 80
    assert len(await keys(store, A)) == len(await keys(store, B)) == 40


@pytest.mark.parametrize(
    "item",
    [note(""), note("x" * 501), note("a\x00b"), note("\ud800"), note("k", source="rumour")],
    ids=["no key", "long key", "zero byte", "half a character", "unknown source"],
)
async def test_an_item_that_can_never_be_stored_is_refused_alone(store: Store, item: Incoming) -> None:
    await configured(store, A)
    good, bad = await asyncio.gather(store.accept(A, [note("good")]), store.accept(A, [item]), return_exceptions=True)
    assert good == 1
    assert isinstance(bad, Rejected)


async def test_a_parked_item_waits_for_a_person_and_can_be_retried(store: Store) -> None:
    await configured(store, A)
    await store.accept(A, [note("poison"), note("good")])
    async with store.open_tenant(A) as rows:
        poison = (await rows.inbox.unfolded(1))[0]
        await rows.inbox.park(poison.id, "KeyError")
    assert await keys(store) == ["good"]
    async with store.open_tenant(A) as rows:
        parked = await rows.inbox.parked()
        assert [(item.key, item.error, item.attempts) for item in parked] == [("poison", "KeyError", 1)]
        assert await rows.inbox.retry(poison.id)
        assert not await rows.inbox.retry(poison.id)
    assert await keys(store) == ["poison", "good"]


async def test_raw_payloads_are_erased_with_their_days_key(store: Store) -> None:
    await configured(store, A)
    await store.accept(A, [note("old"), Incoming("graph", "new", b"{}", TOMORROW)])
    assert await store.purge_intake(A, NOON + timedelta(days=3)) == 0  # the day of `old` ended less than three days ago
    assert await store.purge_intake(A, NOON + timedelta(days=4)) == 1
    assert await keys(store) == ["new"]


async def test_an_item_whose_key_is_gone_is_parked_and_blocks_nobody(store: Store) -> None:
    await configured(store, A)
    await store.accept(A, [note("old"), Incoming("graph", "new", b"{}", TOMORROW)])
    await store.keys.destroy_days(A, "intake", TOMORROW.date())
    assert await keys(store) == ["new"]
    async with store.open_tenant(A) as rows:
        assert [item.key for item in await rows.inbox.parked()] == ["old"]


async def test_a_failed_commit_is_told_to_every_caller_and_the_next_one_works() -> None:
    answers = iter([TemporaryFailure("away"), None])

    async def put(_tenant: TenantId, items: Sequence[Incoming]) -> set[tuple[str, str]]:
        await asyncio.sleep(0)
        if (failure := next(answers)) is not None:
            raise failure
        return {(item.source, item.key) for item in items}

    intake = Intake(put)
    first = await asyncio.gather(*(intake.accept(A, [note(key)]) for key in "ab"), return_exceptions=True)
    assert [type(answer) for answer in first] == [TemporaryFailure, TemporaryFailure]
    assert await intake.accept(A, [note("a")]) == 1


async def test_who_comes_during_a_commit_shares_the_next_one() -> None:
    commits: list[int] = []
    running = asyncio.Event()
    release = asyncio.Event()

    async def put(_tenant: TenantId, items: Sequence[Incoming]) -> set[tuple[str, str]]:
        commits.append(len(items))
        running.set()
        await release.wait()
        return set()

    intake = Intake(put)
    first = asyncio.create_task(intake.accept(A, [note("0")]))
    await running.wait()
    others = [asyncio.create_task(intake.accept(A, [note(str(number))])) for number in range(1, 8)]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(first, *others)
    assert commits == [1, 7]
