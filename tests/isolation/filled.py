"""Two tenants of one database with something of everything, in both the same kinds of rows."""

from datetime import timedelta

import msgspec

from cordpair.core.audit import Action, Deed, operator_actor
from cordpair.core.bucket import Asked, Peer
from cordpair.core.call import Call
from cordpair.core.callback import Callback, CallbackKind, CallbackState, place_of
from cordpair.core.changes import Changes, HistoryEntry, Leg, OfferRecord, OfferState, PendingItem, Timer
from cordpair.core.effects import LogActivity
from cordpair.core.events import WrapUpExpired, encode
from cordpair.core.identify import Contact
from cordpair.core.ids import PartyRef, QueueId, TenantId, offer_id
from cordpair.core.party import ChatReference, PartyRecord
from cordpair.core.trunk import Origin, Trunk
from cordpair.store.chats import Card
from cordpair.store.doors import Store
from cordpair.store.flow_turns import Code
from cordpair.store.hooks import Delivery, Hook
from cordpair.store.inbox import Incoming
from cordpair.store.marks import Bookmark, Subscription
from cordpair.store.parties import IndexedParty, IndexedPhone
from cordpair.store.setup_versions import SetupVersion
from tests.store.world import ANA, NOON, A, call, configured, leased, setup

NUMBER = "+493012345678"
LEASE = timedelta(seconds=30)
HOOK = Hook(
    id="flowz",
    url="https://flowz.example/in",
    profile="cloudevents",
    events=frozenset({"call.arrived"}),
    fields=frozenset(),
    secrets=("whsec_secret",),
)
ARRIVALS = {"Arrived": "call.arrived"}


class Filled(msgspec.Struct, frozen=True):
    """What one tenant holds, by the names that another one could guess or learn."""

    tenant: TenantId
    call: Call
    party: PartyRef
    unfolded: int
    parked_item: int
    ready: int
    claimed: int
    parked: int
    flow: int
    parked_flow: int
    timer: str
    effect: LogActivity
    delivery: Delivery
    dead: int


async def filled(store: Store, tenant: TenantId) -> Filled:
    """Something of everything for this tenant."""
    await configured(store, tenant)
    epoch = await leased(store, tenant)
    held = call(tenant, f"graph-{tenant[0]}")
    others = [call(tenant, f"graph-{tenant[0]}-{number}", sequence=number) for number in (2, 3)]
    await store.accept(tenant, [Incoming("graph", f"{tenant[0]}-{number}", b"{}", NOON) for number in range(3)])
    async with store.open_tenant(tenant) as rows:
        items = [row.id for row in await rows.inbox.unfolded(3)]
        await rows.hooks.put(HOOK)
        await rows.write_fold(
            owner="node-1", epoch=epoch, changes=_changes(held, others), folded={items[0]: b"done"}, fired=[], now=NOON
        )
        await rows.inbox.park(items[1], "KeyError")
        await rows.cards.put(held.id, ANA, Card(activity_id=f"card-{tenant[0]}", number=1))
        await rows.chats.put(ANA, ChatReference(conversation=f"chat-{tenant[0]}", service_url="https://smba.example"))
        party = PartyRecord(ref=PartyRef("imis", f"{tenant[0]}-101"), name="Erika Beispiel")
        await rows.parties.upsert([IndexedParty(party, (IndexedPhone(NUMBER),))])
        await rows.callers.met(party.ref, Contact(ANA, None, NOON))
        await rows.callers.chose(NUMBER, party.ref, NOON)
        await rows.callers.put_trunks("imis", [trunk(party.ref)])
        await rows.bookmarks.put("imis", Bookmark(bookmark=f"mark-{tenant[0]}", at=NOON))
        await rows.prompts.keep(f"sound-{tenant[0]}", b"harp", 1.0, NOON)
        await rows.prompts.name("bell", f"sound-{tenant[0]}", NOON)
        await rows.subscriptions.put(
            Subscription(kind="presence", graph_id=f"sub-{tenant[0]}", client_state="secret", expires_at=NOON)
        )
        await rows.audit.append(deed(tenant))
        await rows.audit.checkpoint(NOON)
        await rows.versions.put(version("their note", tenant))
        await rows.hooks.spread(HOOK, ARRIVALS, NOON)
        delivery, dead = await rows.hooks.claim(NOON, LEASE, 2)
        await rows.hooks.failed(dead, "410", NOON, None)
    async with store.open_queue() as queue:
        taken = [one.id for one in await queue.claim(2, NOON, LEASE, [tenant])]
    async with store.open_tenant(tenant) as rows:
        await rows.outbox.park(taken[0], NOON, "refused")
    async with store.open_queue() as queue:
        ready = [one.id for one in await queue.claim(1, NOON, LEASE, [tenant])]
    async with store.open_tenant(tenant) as rows:
        await rows.outbox.retry_later(ready[0], NOON + LEASE, "TemporaryFailure", unknown=False)
    await store.accept(tenant, [Incoming("command", f"{tenant[0]}-0", encode(_expired(held)), NOON)])
    running, parked_flow = await _flows(store, tenant)
    async with store.open_tenant(tenant) as rows:
        await rows.peers.put(Peer.GRAPH, Asked(since=NOON, until=NOON, bulk_until=NOON))
    return Filled(
        tenant=tenant,
        call=held,
        party=party.ref,
        unfolded=items[2],
        parked_item=items[1],
        ready=ready[0],
        claimed=taken[1],
        parked=taken[0],
        flow=running,
        parked_flow=parked_flow,
        timer=f"timer-{tenant[0]}",
        effect=LogActivity(call=held.id),
        delivery=delivery,
        dead=dead.id,
    )


def opened_callback(held: Call) -> Callback:
    """The caller of a call keeps a place."""
    return Callback(
        call=held.id,
        kind=CallbackKind.KEPT,
        state=CallbackState.WAITING,
        queue=QueueId("members"),
        place=place_of(held, QueueId("members")),
        asked_at=NOON,
        since=NOON,
        latest=NOON + timedelta(hours=1),
        caller=held.caller,
    )


def _expired(held: Call) -> WrapUpExpired:
    return WrapUpExpired(at=NOON, call=held.id)


def deed(tenant: TenantId) -> Deed:
    return Deed(at=NOON, actor=operator_actor(1000), action=Action.SETUP_APPLIED, target=tenant, detail={"parts": "x"})


def version(note: str, tenant: TenantId = A, number: int = 1) -> SetupVersion:
    return SetupVersion(number=number, at=NOON, actor=operator_actor(1000), note=note, setup=setup(tenant))


def trunk(party: PartyRef) -> Trunk:
    return Trunk(root=NUMBER[:-2], extension=2, origin=Origin.LEARNED, company="Docht AG", party=party)


async def _flows(store: Store, tenant: TenantId) -> tuple[int, int]:
    """One that runs, with a step, and one that is parked."""
    keys = (f"flow-{tenant[0]}", f"flow-{tenant[0]}-parked")
    async with store.open_tenant(tenant) as rows:
        for key in keys:
            await rows.flows.start(key, "sync", 1, NOON)
    async with store.open_queue() as queue:
        first, second = sorted(
            await queue.flows.claim(2, NOON, LEASE, [tenant], {Code("sync", 1)}), key=lambda it: it.flow
        )
    async with store.open_tenant(tenant) as rows:
        await rows.flows.begin_step(first.flow, first.claim, "page 1", NOON + LEASE)
        await rows.flows.park(second.flow, second.claim, NOON, "page 1: PermanentFailure", None)
    return first.flow, second.flow


def _changes(held: Call, others: list[Call]) -> Changes:
    offer = OfferRecord(
        id=offer_id(held.id, 1), call=held.id, agent=ANA, number=1, state=OfferState.RINGING, made_at=NOON
    )
    timer = f"timer-{held.graph_id[6]}"
    return Changes(
        callbacks={held.id: opened_callback(held)},
        calls={one.id: one for one in (held, *others)},
        offers={offer.id: offer},
        legs={(held.id, 0): Leg(call=held.id, number=0, agent=None, joined_at=NOON)},
        history=[HistoryEntry(at=NOON, what="Arrived", call=one.id) for one in (held, others[0])],
        effects=[LogActivity(call=one.id) for one in (held, *others)],
        timers={timer: Timer(key=timer, run_at=NOON, event=_expired(held))},
        pending={held.id: PendingItem(call=held.id, reason="unknown", since=NOON)},
    )
