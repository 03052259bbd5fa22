"""What a fold has changed becomes true together, once, and only for the tenant's owner."""

from datetime import timedelta

from msgspec.structs import replace

from cordpair.core.agent import Agent, AgentState, Presence
from cordpair.core.changes import Changes, HistoryEntry, Leg, OfferRecord, OfferState, PendingItem, Timer
from cordpair.core.effects import AnswerCall, LogActivity
from cordpair.core.events import WrapUpExpired
from cordpair.core.ids import offer_id
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from tests.store.world import ANA, NOON, A, call, configured, leased

_LEGS = "select call, number, agent, joined_at, left_at from legs"


async def test_a_fold_reads_back_as_it_was_written(store: Store) -> None:
    await configured(store, A)
    epoch = await leased(store, A)
    await store.accept(A, [Incoming("graph", "n1", b"{}", NOON)])
    one = call()
    ana = Agent(
        id=ANA, name="", state=AgentState.RINGING, since=NOON, idle_since=NOON, call=one.id, reason="lunch",
        presence=Presence(availability="Busy", activity="InACall", sequence=3, at=NOON),
    )  # fmt: skip
    offer = OfferRecord(
        id=offer_id(one.id, 1), call=one.id, agent=ANA, number=1, state=OfferState.RINGING, made_at=NOON
    )
    leg = Leg(call=one.id, number=0, agent=None, joined_at=NOON)
    entry = HistoryEntry(at=NOON, what="Arrived", call=one.id, before="heard_of", after="ringing", detail={"why": "x"})
    timer = Timer(key=f"wrap:{one.id}", run_at=NOON + timedelta(seconds=60), event=WrapUpExpired(at=NOON, call=one.id))
    changes = Changes(
        calls={one.id: one},
        agents={ANA: ana},
        offers={offer.id: offer},
        legs={(one.id, 0): leg},
        history=[entry],
        effects=[AnswerCall(call=one.id, graph_id=one.graph_id), LogActivity(call=one.id)],
        timers={timer.key: timer},
        pending={one.id: PendingItem(call=one.id, reason="unknown", since=NOON)},
    )
    async with store.open_tenant(A) as rows:
        item = (await rows.inbox.unfolded(10))[0]
        await rows.write_fold(
            owner="node-1", epoch=epoch, changes=changes, folded={item.id: b"done"}, fired=[], now=NOON
        )
    async with store.open_tenant(A) as rows:
        floor = await rows.load_floor(timedelta(hours=1), NOON)
        assert floor.calls == [one]
        assert floor.next_sequence == 2
        assert floor.agents[0].state is AgentState.RINGING
        assert floor.agents[0].presence == ana.presence
        assert floor.agents[0].name == "Ana Kanari"  # the administrator's, not the fold's
        assert floor.agents[0].queues == ("sales",)
        assert await rows.calls.offers_of(one.id) == [offer]
        assert [Leg(**row) for row in await rows.calls._scope.connection.fetch(_LEGS)] == [leg]
        assert await rows.calls.history_of(one.id) == [entry]
        assert await rows.timers.due(timer.run_at, 10) == [timer]
        assert [pending.call for pending in await rows.calls.pending()] == [one]
        assert await rows.inbox.unfolded(10) == []
        assert await rows.inbox.result("graph", "n1") == b"done"
    async with store.open_queue() as queue:
        claimed = await queue.claim(10, NOON, timedelta(seconds=30))
    async with store.open_tenant(A) as rows:
        assert [row.effect for row in await rows.outbox.load([one.id for one in claimed])] == changes.effects


async def test_a_timer_that_cannot_be_read_is_put_aside_and_the_others_are_due(store: Store) -> None:
    await configured(store, A)
    timer = Timer(key="good", run_at=NOON, event=WrapUpExpired(at=NOON, call=call().id))
    async with store.open_tenant(A) as rows:
        await rows.timers.set([timer, replace(timer, key="bad")])
        await rows.timers._scope.connection.execute(
            """update timers set body = '{"type": "FromTomorrow"}' where tenant = $1 and key = 'bad'""", A
        )
    async with store.open_tenant(A) as rows:
        assert await rows.timers.due(NOON, 10) == [timer]
    async with store.open_tenant(A) as rows:
        parked = await rows.inbox.parked()
        assert [(one.source, one.error) for one in parked] == [("timer", "a deadline that this version cannot read")]
        assert await rows.timers.due(NOON, 10) == [timer]
