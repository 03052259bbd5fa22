"""A flow is one worker's at a time, its steps are kept, and an older claim writes nothing."""

from datetime import datetime, timedelta

import pytest

from cordpair.core.ids import TenantId
from cordpair.store.doors import Store
from cordpair.store.flow_turns import Code, Turn
from cordpair.store.flows import FlowRow, LostFlow
from tests.store.world import NOON, A, B, configured

CODE = Code("sync", 1)
LEASE = timedelta(seconds=60)
LATER = NOON + timedelta(seconds=61)
UNTIL = LATER + LEASE


async def started(store: Store, *keys: str, tenant: TenantId = A, at: datetime = NOON, code: Code = CODE) -> None:
    async with store.open_tenant(tenant) as rows:
        for key in keys:
            await rows.flows.start(key, code.kind, code.version, at, {"of": key})


async def claimed(
    store: Store, now: datetime = NOON, limit: int = 10, tenants: tuple[TenantId, ...] = (A, B), code: Code = CODE
) -> list[Turn]:
    async with store.open_queue() as queue:
        return await queue.flows.claim(limit, now, LEASE, tenants, {code})


async def begun(store: Store, turn: Turn) -> FlowRow:
    async with store.open_tenant(turn.tenant) as rows:
        return await rows.flows.begin(turn.flow, turn.claim)


async def stepped(store: Store, turn: Turn, name: str, result: object) -> None:
    async with store.open_tenant(turn.tenant) as rows:
        await rows.flows.begin_step(turn.flow, turn.claim, name, UNTIL)
    async with store.open_tenant(turn.tenant) as rows:
        await rows.flows.end_step(turn.flow, turn.claim, name, result, UNTIL)


@pytest.fixture
async def one(store: Store) -> Turn:
    """A flow that is claimed."""
    await configured(store, A, B)
    await started(store, "one")
    (turn,) = await claimed(store)
    return turn


async def test_the_same_flow_is_begun_once(store: Store) -> None:
    await configured(store, A)
    await started(store, "one", "one")
    assert len(await claimed(store)) == 1


async def test_a_flow_is_one_workers_until_its_lease_has_run_out(store: Store, one: Turn) -> None:
    assert await claimed(store) == []
    (again,) = await claimed(store, LATER)
    assert (again.flow, again.claim) == (one.flow, one.claim + 1)


async def test_two_workers_at_the_same_moment_claim_different_flows(store: Store) -> None:
    await configured(store, A)
    await started(store, "one", "two")
    async with store.open_queue() as left, store.open_queue() as right:
        first = await left.flows.claim(1, NOON, LEASE, [A], {CODE})
        second = await right.flows.claim(1, NOON, LEASE, [A], {CODE})
    assert len({turn.flow for turn in (*first, *second)}) == len(first) + len(second)


async def test_a_flow_waits_for_its_instant(store: Store) -> None:
    await configured(store, A)
    await started(store, "one", at=LATER)
    assert await claimed(store, NOON) == []
    assert len(await claimed(store, LATER)) == 1


async def test_a_busy_organisation_does_not_hold_up_a_quiet_one(store: Store) -> None:
    await configured(store, A, B)
    await started(store, *(f"flow {number}" for number in range(20)))
    await started(store, "quiet", tenant=B, at=NOON + timedelta(seconds=1))
    assert {turn.tenant for turn in await claimed(store, LATER, limit=2)} == {A, B}


async def test_what_another_version_has_begun_waits_for_that_version(store: Store) -> None:
    await configured(store, A)
    await started(store, "one", code=Code("sync", 2))
    assert await claimed(store) == []
    async with store.open_queue() as queue:
        assert await queue.flows.unfinished() == {Code("sync", 2): 1}


async def test_what_was_done_is_known_to_the_next_worker(store: Store, one: Turn) -> None:
    await stepped(store, one, "page 1", {"count": 3})
    async with store.open_tenant(A) as rows:
        await rows.flows.begin_step(one.flow, one.claim, "page 2", UNTIL)
    (again,) = await claimed(store, UNTIL)
    row = await begun(store, again)
    assert (row.steps, row.body) == ({"page 1": {"count": 3}}, {"of": "one"})


async def test_a_step_knows_how_often_it_has_begun(store: Store, one: Turn) -> None:
    async with store.open_tenant(A) as rows:
        counts = [await rows.flows.begin_step(one.flow, one.claim, "page 1", UNTIL) for _ in range(3)]
    assert counts == [1, 2, 3]


async def test_a_worker_that_comes_back_from_the_dead_writes_nothing(store: Store, one: Turn) -> None:
    (again,) = await claimed(store, LATER)
    async with store.open_tenant(A) as rows:
        with pytest.raises(LostFlow):
            await rows.flows.end_step(one.flow, one.claim, "page 1", 1, UNTIL)
        with pytest.raises(LostFlow):
            await rows.flows.begin_step(one.flow, one.claim, "page 1", UNTIL)
        with pytest.raises(LostFlow):
            await rows.flows.finish(one.flow, one.claim, LATER)
        with pytest.raises(LostFlow):
            await rows.flows.fail(one.flow, one.claim, UNTIL, "late")
    assert (await begun(store, again)).steps == {}


async def test_a_new_round_knows_nothing_of_the_steps_of_the_last(store: Store, one: Turn) -> None:
    await stepped(store, one, "page 1", 1)
    async with store.open_tenant(A) as rows:
        await rows.flows.again(one.flow, one.claim, 1, LATER)
    assert await claimed(store, NOON) == []
    (next_round,) = await claimed(store, LATER)
    row = await begun(store, next_round)
    assert (row.steps, row.round) == ({}, 1)


async def test_a_flow_that_is_done_is_not_claimed_and_not_begun_again(store: Store, one: Turn) -> None:
    async with store.open_tenant(A) as rows:
        await rows.flows.finish(one.flow, one.claim, NOON)
    await started(store, "one")
    assert await claimed(store, UNTIL) == []
    async with store.open_tenant(A) as rows:
        assert await rows.flows.purge(LATER) == 1


async def test_a_parked_flow_waits_for_a_person_and_goes_on_where_it_stood(store: Store, one: Turn) -> None:
    await stepped(store, one, "page 1", 1)
    async with store.open_tenant(A) as rows:
        await rows.flows.park(one.flow, one.claim, NOON, "page 2: PermanentFailure 403", None)
    assert await claimed(store, UNTIL) == []
    async with store.open_tenant(A) as rows:
        assert [(it.key, it.reason) for it in await rows.flows.parked()] == [("one", "page 2: PermanentFailure 403")]
        assert await rows.flows.retry_parked(one.flow, LATER)
        assert not await rows.flows.retry_parked(one.flow, LATER)
    (again,) = await claimed(store, LATER)
    assert (await begun(store, again)).steps == {"page 1": 1}


async def test_an_event_wakes_the_flow_that_waits_for_it_once(store: Store, one: Turn) -> None:
    async with store.open_tenant(A) as rows:
        await rows.flows.wait(one.flow, one.claim, None)
    assert await claimed(store, UNTIL) == []
    async with store.open_tenant(A) as rows:
        assert await rows.flows.signal("one", "picked", "p1", NOON)
        assert not await rows.flows.signal("one", "picked", "p2", NOON)
    (again,) = await claimed(store)
    assert (await begun(store, again)).steps == {"event:picked": "p1"}


async def test_an_event_that_comes_while_the_flow_runs_is_not_slept_through(store: Store, one: Turn) -> None:
    async with store.open_tenant(A) as rows:
        await rows.flows.signal("one", "picked", "p1", NOON)
        await rows.flows.wait(one.flow, one.claim, UNTIL)
    assert len(await claimed(store, NOON)) == 1


async def test_a_flow_that_runs_well_is_not_woken_by_who_only_wants_it_to_go_on(store: Store, one: Turn) -> None:
    async with store.open_tenant(A) as rows:
        await rows.flows.again(one.flow, one.claim, 1, UNTIL)
        await rows.flows.keep_going("one", 1, NOON)
    assert await claimed(store, NOON) == []


async def test_a_flow_that_does_not_get_on_is_woken_by_who_wants_it_to_go_on(store: Store, one: Turn) -> None:
    async with store.open_tenant(A) as rows:
        await rows.flows.fail(one.flow, one.claim, UNTIL, "page 1: TemporaryFailure")
        await rows.flows.keep_going("one", 1, NOON)
    assert len(await claimed(store, NOON)) == 1
