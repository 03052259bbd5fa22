"""An effect is claimed by one worker, its tries are durable, and what may have happened is marked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cordpair.core.effects import AnswerCall, Effect, HangUp, Lane, LogActivity, RefreshCall
from cordpair.core.events import ActivityLogged, decode
from cordpair.core.ids import CallId, GraphCallId, PartyRef, TenantId
from cordpair.store.doors import Store
from cordpair.store.queue_door import Limit
from tests.store.world import NOON, A, B, configured

C1, C2 = CallId("c1"), CallId("c2")
G = GraphCallId("g")
LEASE = timedelta(seconds=30)
LATER = NOON + timedelta(seconds=31)


async def ordered(store: Store, *orders: Effect, tenant: TenantId = A, at: datetime = NOON) -> None:
    async with store.open_tenant(tenant) as rows:
        await rows.outbox.put(orders, at)


async def claimed(
    store: Store, limit: int = 10, now: datetime = NOON, tenants: Sequence[TenantId] | None = None
) -> list[tuple[TenantId, str]]:
    """(tenant, effect key) of what is claimed."""
    async with store.open_queue() as queue:
        found = await queue.claim(limit, now, LEASE, tenants)
    keys = []
    for one in found:
        async with store.open_tenant(one.tenant) as rows:
            keys.append((one.tenant, (await rows.outbox.load([one.id]))[0].key))
    return keys


async def first_id(store: Store, now: datetime = NOON) -> int:
    async with store.open_queue() as queue:
        return (await queue.claim(1, now, LEASE))[0].id


async def test_the_same_order_twice_is_one_effect(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1), LogActivity(call=C1))
    await ordered(store, LogActivity(call=C1))
    assert await claimed(store) == [(A, "activity:c1")]


async def test_a_ringing_call_overtakes_all_else(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1), HangUp(call=C1, graph_id=G))
    await ordered(store, AnswerCall(call=C2, graph_id=G), at=NOON + timedelta(seconds=1))
    found = await claimed(store, now=NOON + timedelta(seconds=1))
    assert [key for _, key in found] == ["answer:c2", "hangup:c1", "activity:c1"]


async def test_a_busy_organisation_does_not_hold_up_a_quiet_one(store: Store) -> None:
    await configured(store, A, B)
    await ordered(store, *(RefreshCall(call=C1, graph_id=G, number=number) for number in range(50)))
    await ordered(store, RefreshCall(call=C2, graph_id=G, number=0), tenant=B, at=NOON + timedelta(seconds=1))
    found = await claimed(store, limit=2, now=NOON + timedelta(seconds=1))
    assert [tenant for tenant, _ in found] == [A, B]


async def test_only_effects_of_the_named_organisations_are_claimed(store: Store) -> None:
    await configured(store, A, B)
    await ordered(store, LogActivity(call=C1))
    await ordered(store, LogActivity(call=C2), tenant=B)
    assert await claimed(store, tenants=[B]) == [(B, "activity:c2")]


async def test_a_lane_that_must_wait_holds_up_no_other(store: Store) -> None:
    await configured(store, A, B)
    await ordered(store, *(HangUp(call=CallId(f"c{number}"), graph_id=G) for number in range(30)), LogActivity(call=C1))
    await ordered(store, HangUp(call=C2, graph_id=G), tenant=B)
    async with store.open_queue() as queue:
        found = await queue.claim(3, NOON, LEASE, limits=[Limit(A, Lane.CONTROL, 1)])
    assert [(one.tenant, one.lane) for one in found] == [(A, Lane.CONTROL), (B, Lane.CONTROL), (A, Lane.CRM)]


async def test_bulk_takes_no_more_than_it_is_given_and_urgent_lanes_take_the_rest(store: Store) -> None:
    await configured(store, A)
    await ordered(store, *(LogActivity(call=CallId(f"c{number}")) for number in range(5)))
    await ordered(store, *(HangUp(call=CallId(f"c{number}"), graph_id=G) for number in range(5)))
    async with store.open_queue() as queue:
        found = await queue.claim(20, NOON, LEASE, most_bulk=2)
    assert [one.lane for one in found] == [Lane.CONTROL] * 5 + [Lane.CRM] * 2


async def test_what_is_claimed_is_not_claimed_again(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1))
    assert len(await claimed(store)) == 1
    assert await claimed(store) == []


async def test_two_workers_at_the_same_moment_claim_different_effects(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1), LogActivity(call=C2))
    async with store.open_queue() as one, store.open_queue() as other:
        first = await one.claim(1, NOON, LEASE)
        second = await other.claim(1, NOON, LEASE)
    assert len({*first, *second}) == 2


async def test_an_effect_waits_for_its_instant(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1), at=LATER)
    assert await claimed(store) == []
    assert len(await claimed(store, now=LATER)) == 1


async def test_a_lost_worker_that_had_not_begun_leaves_nothing_unknown(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1))
    await first_id(store)
    async with store.open_queue() as queue:
        assert await queue.expired(NOON + LEASE) == 1
    again = await first_id(store, LATER)
    async with store.open_tenant(A) as rows:
        row = await rows.outbox.begin(again)
    assert row is not None
    assert (row.unknown, row.attempts) == (False, 1)


async def test_a_lost_worker_that_had_begun_may_have_done_it(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1))
    effect = await first_id(store)
    async with store.open_tenant(A) as rows:
        await rows.outbox.begin(effect)
    async with store.open_queue() as queue:
        await queue.expired(LATER)
    await first_id(store, LATER)
    async with store.open_tenant(A) as rows:
        row = await rows.outbox.begin(effect)
    assert row is not None
    assert (row.unknown, row.attempts) == (True, 2)


async def test_a_worker_that_lost_its_claim_does_not_begin(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1))
    effect = await first_id(store)
    async with store.open_queue() as queue:
        await queue.expired(LATER)
    async with store.open_tenant(A) as rows:
        assert await rows.outbox.begin(effect) is None


async def test_results_come_in_once_with_the_effect_that_made_them(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1))
    effect = await first_id(store)
    logged = ActivityLogged(at=NOON, call=C1, party=PartyRef("imis", "101"), reference="a1")
    for _ in range(2):
        async with store.open_tenant(A) as rows:
            await rows.outbox.done(effect, NOON, [logged])
    async with store.open_tenant(A) as rows:
        items = await rows.inbox.unfolded(10)
    assert [(item.source, item.key, decode(item.body)) for item in items] == [("result", "activity:c1#0", logged)]
    assert await claimed(store, now=LATER) == []


async def test_an_effect_is_tried_again_at_its_time(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1))
    effect = await first_id(store)
    async with store.open_tenant(A) as rows:
        await rows.outbox.begin(effect)
        await rows.outbox.retry_later(effect, LATER, "TemporaryFailure", unknown=True)
    assert await claimed(store) == []
    assert await first_id(store, LATER) == effect
    async with store.open_tenant(A) as rows:
        assert [row.unknown for row in await rows.outbox.load([effect])] == [True]


async def test_a_parked_effect_is_seen_and_tried_again_when_a_person_says_so(store: Store) -> None:
    await configured(store, A)
    await ordered(store, LogActivity(call=C1))
    effect = await first_id(store)
    async with store.open_tenant(A) as rows:
        await rows.outbox.begin(effect)
        await rows.outbox.park(effect, NOON, "iMIS refuses the activity")
    async with store.open_tenant(A) as rows:
        parked = await rows.outbox.parked()
        assert [(one.kind, one.call, one.reason, one.attempts, one.since) for one in parked] == [
            ("LogActivity", C1, "iMIS refuses the activity", 1, NOON)
        ]
        assert await rows.outbox.retry_parked(effect, LATER)
        assert not await rows.outbox.retry_parked(effect, LATER)
    assert await claimed(store, now=LATER) == [(A, "activity:c1")]
