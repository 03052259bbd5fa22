"""Calls are found again by what matters, numbers are counted in the database, and wrong decisions do not commit."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.changes import Changes, OfferRecord, OfferState, PendingItem, Timer
from cordpair.core.events import OfferEnd, WrapUpExpired
from cordpair.core.ids import AgentId, offer_id
from cordpair.errors import Rejected
from cordpair.store.doors import Store
from tests.store.world import ANA, BEN, NOON, A, call, configured, leased


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def offer(
    one: Call,
    number: int,
    agent: AgentId,
    state: OfferState = OfferState.RINGING,
    ended_at: datetime | None = None,
    why: OfferEnd | None = None,
) -> OfferRecord:
    return OfferRecord(
        id=offer_id(one.id, number), call=one.id, agent=agent, number=number, state=state, made_at=NOON,
        ended_at=ended_at, why=why,
    )  # fmt: skip


async def write(store: Store, changes: Changes, *, fired: tuple[str, ...] = ()) -> None:
    epoch = await leased(store, A)
    async with store.open_tenant(A) as rows:
        await rows.write_fold(owner="node-1", epoch=epoch, changes=changes, folded={}, fired=fired, now=NOON)


def offers(*records: OfferRecord, calls: tuple[Call, ...] = ()) -> Changes:
    return Changes(calls={one.id: one for one in calls}, offers={one.id: one for one in records})


FIRST, SECOND = call(name="g1"), call(name="g2", sequence=2)


async def test_a_second_accepted_offer_of_a_call_does_not_commit(store: Store) -> None:
    await configured(store, A)
    await write(store, offers(offer(FIRST, 1, ANA, OfferState.ACCEPTED), calls=(FIRST,)))
    with pytest.raises(Rejected, match="offers_one_accepted"):
        await write(store, offers(offer(FIRST, 2, BEN, OfferState.ACCEPTED)))


async def test_an_agent_is_not_rung_by_two_calls(store: Store) -> None:
    await configured(store, A)
    await write(store, offers(offer(FIRST, 1, ANA), calls=(FIRST, SECOND)))
    with pytest.raises(Rejected, match="offers_one_ring"):
        await write(store, offers(offer(SECOND, 1, ANA)))


async def test_an_offer_that_ends_makes_room_in_the_same_fold(store: Store) -> None:
    await configured(store, A)
    await write(store, offers(offer(FIRST, 1, ANA), calls=(FIRST, SECOND)))
    ended = offer(FIRST, 1, ANA, OfferState.ENDED, after(20), OfferEnd.MISSED)
    await write(store, offers(offer(SECOND, 1, ANA), offer(FIRST, 2, BEN), ended))
    async with store.open_tenant(A) as rows:
        assert await rows.calls.offers_of(FIRST.id) == [ended, offer(FIRST, 2, BEN)]


async def test_what_does_not_commit_leaves_nothing(store: Store) -> None:
    await configured(store, A)
    changes = offers(offer(FIRST, 1, ANA), offer(SECOND, 1, ANA), calls=(FIRST, SECOND))
    with pytest.raises(Rejected):
        await write(store, changes)
    async with store.open_tenant(A) as rows:
        assert await rows.calls.load([FIRST.id, SECOND.id]) == []


async def test_a_refusal_names_the_rule_and_no_value(store: Store) -> None:
    await configured(store, A)
    with pytest.raises(Rejected) as refused:
        await write(store, offers(offer(FIRST, 1, ANA), offer(SECOND, 1, ANA), calls=(FIRST, SECOND)))
    assert ANA not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_the_floor_holds_what_lives_and_what_closed_recently(store: Store) -> None:
    await configured(store, A)
    old = call(name="old", state=CallState.CLOSED, closed_at=after(-601))
    recent = call(name="recent", sequence=2, state=CallState.CLOSED, closed_at=after(-600))
    live = call(name="live", sequence=3)
    await write(store, Changes(calls={one.id: one for one in (live, recent, old)}))
    async with store.open_tenant(A) as rows:
        floor = await rows.load_floor(timedelta(minutes=10), NOON)
    assert floor.calls == [recent, live]
    assert floor.next_sequence == 4


async def test_every_call_is_counted_once(store: Store) -> None:
    await configured(store, A)
    calls = [
        call(name="in target", state=CallState.CLOSED, outcome=Outcome.ANSWERED, connected_at=after(20)),
        call(name="late", state=CallState.CLOSED, outcome=Outcome.ANSWERED, connected_at=after(21)),
        call(name="short", state=CallState.CLOSED, outcome=Outcome.ABANDONED, ended_at=after(4.9)),
        call(name="abandoned", state=CallState.CLOSED, outcome=Outcome.ABANDONED, ended_at=after(5)),
        call(name="away", state=CallState.CLOSED, outcome=Outcome.FLOWED_OUT, ended_at=after(5)),
        call(name="waits"),
        call(name="yesterday", arrived_at=after(-1)),
        call(name="no queue", queue=None),
    ]
    await write(store, Changes(calls={one.id: one for one in calls}))
    async with store.open_tenant(A) as rows:
        (counts,) = await rows.calls.counts(NOON)
    assert (counts.offered, counts.answered, counts.in_target) == (6, 2, 1)
    assert (counts.abandoned, counts.short, counts.flowed_out, counts.waiting) == (2, 1, 1, 1)
    assert (counts.answer_wait_s, counts.longest_answer_wait_s) == (41.0, 21.0)


async def test_a_pending_call_is_settled_by_a_person(store: Store) -> None:
    await configured(store, A)
    item = PendingItem(call=FIRST.id, reason="unknown", since=NOON)
    await write(store, Changes(calls={FIRST.id: FIRST}, pending={FIRST.id: item}))
    async with store.open_tenant(A) as rows:
        assert [pending.item for pending in await rows.calls.pending()] == [item]
    await write(store, Changes(pending={FIRST.id: None}))
    async with store.open_tenant(A) as rows:
        assert await rows.calls.pending() == []


def timer(seconds: float) -> Timer:
    return Timer(key="t", run_at=after(seconds), event=WrapUpExpired(at=NOON, call=FIRST.id))


@pytest.mark.parametrize(
    ("changes", "fired", "left"),
    [
        (Changes(timers={"t": None}), (), None),
        (Changes(timers={"t": timer(90)}), (), after(90)),
        (Changes(), ("t",), None),
        (Changes(timers={"t": timer(90)}), ("t",), after(90)),
    ],
    ids=["cancelled", "moved", "fired", "fired and set again"],
)
async def test_a_timer_can_be(store: Store, changes: Changes, fired: tuple[str, ...], left: datetime | None) -> None:
    await configured(store, A)
    await write(store, Changes(timers={"t": timer(60)}))
    await write(store, changes, fired=fired)
    async with store.open_tenant(A) as rows:
        assert [one.run_at for one in await rows.timers.due(after(600), 9)] == ([] if left is None else [left])


async def test_a_tenant_with_something_to_fold_is_woken(store: Store) -> None:
    await configured(store, A)
    await write(store, Changes(timers={"t": timer(60)}))
    async with store.open_queue() as queue:
        assert await queue.ready_tenants(after(59)) == []
        assert await queue.ready_tenants(after(60)) == [A]


async def test_the_newest_value_of_a_call_is_kept(store: Store) -> None:
    await configured(store, A)
    await write(store, Changes(calls={FIRST.id: FIRST}))
    changed = replace(FIRST, state=CallState.CLOSED, closed_at=after(9), note="another note", party=None)
    await write(store, Changes(calls={FIRST.id: changed}))
    async with store.open_tenant(A) as rows:
        assert await rows.calls.get(FIRST.id) == changed
