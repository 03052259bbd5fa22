"""A tenant has one owner at a time, and only the owner's folds become true."""

import asyncio
from datetime import datetime, timedelta

import pytest

from cordpair.core.changes import Changes
from cordpair.core.ids import TenantId
from cordpair.store.doors import Store, TenantRows
from cordpair.store.faults import StaleLease
from cordpair.store.flow_turns import Code
from tests.store.world import NOBODY, NOON, TTL, A, B, call, configured, leased

AFTER = NOON + TTL


async def lease(store: Store, owner: str, now: datetime = NOON, *tenants: TenantId) -> dict[TenantId, int]:
    async with store.open_queue() as queue:
        return await queue.lease(tenants or (A,), owner, now, TTL)


async def fold(rows: TenantRows, epoch: int, owner: str = "node-1") -> None:
    await rows.write_fold(
        owner=owner, epoch=epoch, changes=Changes(calls={NOBODY: call()}), folded={}, fired=[], now=NOON
    )


async def test_the_first_to_ask_becomes_the_owner(store: Store) -> None:
    await configured(store, A, B)
    assert await lease(store, "node-1", NOON, A, B) == {A: 1, B: 1}
    assert await lease(store, "node-2", NOON, A, B) == {}


async def test_an_owner_stays_the_owner_in_the_same_epoch(store: Store) -> None:
    await configured(store, A)
    await lease(store, "node-1")
    assert await lease(store, "node-1", NOON + timedelta(seconds=10)) == {A: 1}
    assert await lease(store, "node-2", AFTER) == {}


async def test_a_silent_owner_is_replaced_in_a_higher_epoch(store: Store) -> None:
    await configured(store, A)
    await lease(store, "node-1")
    assert await lease(store, "node-2", AFTER) == {A: 2}
    assert await lease(store, "node-1", AFTER) == {}


async def test_who_gives_its_tenants_back_is_replaced_at_once(store: Store) -> None:
    await configured(store, A)
    await lease(store, "node-1")
    async with store.open_queue() as queue:
        await queue.release("node-1")
    assert await lease(store, "node-2") == {A: 2}


async def test_a_former_owner_cannot_write(store: Store) -> None:
    await configured(store, A)
    former = await leased(store, A)
    await lease(store, "node-2", AFTER)
    with pytest.raises(StaleLease):
        async with store.open_tenant(A) as rows:
            await fold(rows, former)
    async with store.open_tenant(A) as rows:
        assert await rows.calls.get(call().id) is None


async def test_a_lease_does_not_change_hands_while_a_fold_commits(store: Store) -> None:
    await configured(store, A)
    epoch = await leased(store, A)
    async with store.open_tenant(A) as rows:
        await fold(rows, epoch)
        assert await lease(store, "node-2", AFTER) == {}  # not yet: it does not wait either
    assert await lease(store, "node-2", AFTER) == {A: 2}


async def test_renewing_does_not_wait_for_a_fold(store: Store) -> None:
    await configured(store, A)
    epoch = await leased(store, A)
    async with store.open_tenant(A) as rows:
        await fold(rows, epoch)
        assert await asyncio.wait_for(lease(store, "node-1"), 5) == {A: epoch}


async def test_who_is_gone_is_replaced_before_the_lease_runs_out(store: Store) -> None:
    await configured(store, A)
    beacon = store.beacon("node-1")
    await beacon.burn()
    await lease(store, "node-1")
    async with store.open_queue() as queue:
        assert await queue.bury(NOON) == []
    await beacon.put_out()
    async with store.open_queue() as queue:
        assert await queue.bury(NOON) == [A]
    assert await lease(store, "node-2") == {A: 2}


async def test_a_flow_of_who_is_gone_goes_on_at_once(store: Store) -> None:
    await configured(store, A)
    beacon = store.beacon("node-1")
    await beacon.burn()
    await lease(store, "node-1")
    async with store.open_tenant(A) as rows:
        await rows.flows.start("one", "count", 1, NOON)
    hour, code = timedelta(hours=1), [Code("count", 1)]
    async with store.open_queue() as queue:
        (first,) = await queue.flows.claim(1, NOON, hour, [A], code)
        assert await queue.flows.claim(1, NOON, hour, [A], code) == []
    await beacon.put_out()
    async with store.open_queue() as queue:
        await queue.bury(NOON)
        (second,) = await queue.flows.claim(1, NOON, hour, [A], code)
    assert (second.flow, second.claim) == (first.flow, first.claim + 1)


async def test_who_has_its_share_takes_no_further_tenant_but_keeps_what_it_has(store: Store) -> None:
    await configured(store, A, B)
    await lease(store, "node-1", NOON, B)
    await lease(store, "node-2", NOON, A)
    async with store.open_queue() as queue:
        await queue.release("node-1")
        assert await queue.lease([A, B], "node-2", NOON, TTL, most=1) == {A: 1}
        assert await queue.lease([A, B], "node-2", NOON, TTL, most=2) == {A: 1, B: 2}


async def test_a_node_counts_while_it_takes_tenants_and_keeps_its_leases(store: Store) -> None:
    await configured(store, A)
    first, second = store.beacon("node-1"), store.beacon("node-2")
    await first.burn()
    await second.burn()
    await lease(store, "node-1")
    assert await counted(store, NOON) == 2
    assert await counted(store, AFTER) == 1  # node-1 stands still: its lease has run out
    await second.stand_down()
    assert await counted(store, NOON) == 1
    await first.put_out()
    await second.put_out()
    assert await counted(store, NOON) == 0


async def counted(store: Store, now: datetime) -> int:
    async with store.open_queue() as queue:
        return (await queue.crew(now, timedelta(seconds=5))).nodes


async def test_who_waits_is_told_that_tenants_were_given_back(store: Store) -> None:
    await configured(store, A)
    heard = asyncio.Event()
    waiting = store.beacon("node-2", heard.set)
    await waiting.burn()
    await lease(store, "node-1")
    async with store.open_queue() as queue:
        await queue.release("node-1", [A], NOON)
    await asyncio.wait_for(heard.wait(), 10)
    await waiting.put_out()


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=180)])
async def test_a_lease_of_somebody_gone_is_not_held_for_ever_when_the_clock_goes_back(
    store: Store, back: timedelta
) -> None:
    await configured(store, A)
    await lease(store, "node-1")
    assert await lease(store, "node-2", NOON - back) == {A: 2}


async def test_an_owner_who_renews_after_the_clock_went_back_stays_the_owner(store: Store) -> None:
    await configured(store, A)
    await lease(store, "node-1")
    before = NOON - timedelta(hours=1)
    assert await lease(store, "node-1", before) == {A: 1}
    assert await lease(store, "node-2", before) == {}
    assert await lease(store, "node-2", before + TTL) == {A: 2}


async def test_all_nodes_are_told_the_time_by_the_database(store: Store) -> None:
    async with store.open_queue() as queue:
        told = await queue.now()
        assert told.utcoffset() == timedelta(0)
        assert await queue.now() > told
