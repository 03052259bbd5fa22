"""Another tenant sees nothing, whichever way it asks; the queue's door sees no content at all."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest
from msgspec.structs import replace

from cordpair.core.audit import Action, Actor, Deed, Trail
from cordpair.core.bucket import Asked, Peer
from cordpair.core.changes import Changes, HistoryEntry, Leg, OfferRecord, OfferState, PendingItem, Timer
from cordpair.core.effects import LogActivity
from cordpair.core.events import WrapUpExpired, encode
from cordpair.core.flow import Flow
from cordpair.core.ids import FlowId, PartyRef, RegistrationId, TenantId, offer_id
from cordpair.core.party import ChatReference, PartyRecord
from cordpair.core.quota import QuotaUse
from cordpair.errors import Rejected
from cordpair.store.agents import Agents
from cordpair.store.audit import Audit
from cordpair.store.call_pages import CallFilter, CallPages
from cordpair.store.callbacks import Callbacks
from cordpair.store.calls import Calls
from cordpair.store.chats import Card, Cards, Chats, Sheet
from cordpair.store.databases import APP_ROLE, QUEUE_ROLE, Databases
from cordpair.store.doors import Store, TenantRows
from cordpair.store.flow_turns import Code
from cordpair.store.flows import Flows
from cordpair.store.hooks import Hooks
from cordpair.store.inbox import Inbox, Incoming
from cordpair.store.marks import Bookmark, Bookmarks, Subscription, Subscriptions
from cordpair.store.orders import Orders
from cordpair.store.outbox import Outbox
from cordpair.store.parties import IndexedParty, IndexedPhone, Parties, PartyHit
from cordpair.store.peers import Peers
from cordpair.store.prompts import Prompts
from cordpair.store.sealing import Unreadable
from cordpair.store.setup_versions import SetupVersion, SetupVersions
from cordpair.store.setups import Setups
from cordpair.store.timers import Timers
from cordpair.store.vitals import Backlog, Vitals, VitalSigns
from tests.databases import OPERATOR_KEY, Server
from tests.isolation.filled import ARRIVALS, HOOK, opened_callback
from tests.store.world import ANA, NOON, A, B, call, configured, leased, setup

CALL = call()
NUMBER = "+493012345678"
PARTY = PartyRef("imis", "101")
WAITING = LogActivity(call=CALL.id, revision=1)
Question = Callable[[TenantRows], Awaitable[object]]

QUESTIONS: dict[str, Question] = {
    "setups.get": lambda rows: rows.setups.get(),
    "setups.registration": lambda rows: rows.setups.registration(RegistrationId("reg-a")),
    "setups.crm": lambda rows: rows.setups.crm(),
    "setups.queues": lambda rows: rows.setups.queues(),
    "agents.of_floor": lambda rows: rows.agents.of_floor(),
    "agents.set_up": lambda rows: rows.agents.set_up(),
    "calls.get": lambda rows: rows.calls.get(CALL.id),
    "calls.load": lambda rows: rows.calls.load([CALL.id]),
    "calls.of_floor": lambda rows: rows.calls.of_floor(NOON - timedelta(days=1)),
    "calls.arrived_since": lambda rows: rows.calls.arrived_since(NOON - timedelta(days=1)),
    "calls.count_since": lambda rows: rows.calls.count_since(NOON - timedelta(days=1)),
    "calls.counts": lambda rows: rows.calls.counts(NOON - timedelta(days=1)),
    "calls.history_of": lambda rows: rows.calls.history_of(CALL.id),
    "calls.offers_of": lambda rows: rows.calls.offers_of(CALL.id),
    "calls.pending": lambda rows: rows.calls.pending(),
    "callbacks.get": lambda rows: rows.callbacks.get(CALL.id),
    "callbacks.open": lambda rows: rows.callbacks.open(),
    "callbacks.since": lambda rows: rows.callbacks.since(NOON),
    "prompts.all": lambda rows: rows.prompts.all(),
    "prompts.named": lambda rows: rows.prompts.named(["harp"]),
    "prompts.seconds": lambda rows: rows.prompts.seconds(["harp-1"]),
    "prompts.samples": lambda rows: rows.prompts.samples(["harp-1"]),
    "call_pages.page": lambda rows: rows.call_pages.page(CallFilter(), 9),
    "orders.standing": lambda rows: rows.orders.standing("ordered"),
    "timers.due": lambda rows: rows.timers.due(NOON, 10),
    "timers.planned": lambda rows: rows.timers.planned(),
    "inbox.unfolded": lambda rows: rows.inbox.unfolded(10),
    "inbox.result": lambda rows: rows.inbox.result("graph", "folded"),
    "inbox.parked": lambda rows: rows.inbox.parked(),
    "outbox.load": lambda rows: rows.outbox.load(range(1000)),
    "outbox.parked": lambda rows: rows.outbox.parked(),
    "flows.parked": lambda rows: rows.flows.parked(),
    "peers.asked": lambda rows: rows.peers.asked(),
    "cards.get": lambda rows: rows.cards.get(CALL.id, ANA),
    "cards.sheet": lambda rows: _anything_on(rows.cards.sheet(CALL.id, ANA)),
    "chats.get": lambda rows: rows.chats.get(ANA),
    "parties.find": lambda rows: rows.parties.find(NUMBER),
    "parties.find_many": lambda rows: _any_found(rows, NUMBER),
    "parties.count": lambda rows: rows.parties.count(),
    "parties.load": lambda rows: rows.parties.load([PARTY]),
    "parties.page": lambda rows: rows.parties.page("imis", "", 10),
    "parties.hashes": lambda rows: rows.parties.hashes(b"", 10),
    "parties.shared": lambda rows: rows.parties.shared(1),
    "outbox.under_way": lambda rows: rows.outbox.under_way([WAITING.key]),
    "hooks.all": lambda rows: rows.hooks.all(),
    "hooks.dead": lambda rows: rows.hooks.dead(),
    "hooks.waiting": lambda rows: rows.hooks.waiting(),
    "bookmarks.get": lambda rows: rows.bookmarks.get("imis"),
    "agents.names": lambda rows: rows.agents.names(),
    "setups.revision": lambda rows: rows.setups.revision(),
    "setups.call_flows": lambda rows: rows.setups.call_flows(),
    "setups.in_use": lambda rows: _any_use(rows),
    "versions.get": lambda rows: rows.versions.get(1),
    "versions.newest": lambda rows: rows.versions.newest(10),
    "audit.shown": lambda rows: rows.audit.shown(),
    "audit.trail": lambda rows: _anything_in(rows.audit.trail()),
    "audit.head": lambda rows: rows.audit.head(),
    "subscriptions.all": lambda rows: rows.subscriptions.all(),
    "vitals.newest": lambda rows: rows.vitals.newest(),
    "vitals.read": lambda rows: _any_sign(rows),
    "vitals.backlog": lambda rows: _anything_due(rows),
}


async def _any_use(rows: TenantRows) -> bool:
    used = await rows.setups.in_use()
    return bool(used.queues or used.agents)


async def _any_sign(rows: TenantRows) -> bool:
    signs = await rows.vitals.read(NOON - timedelta(days=1), NOON)
    return signs != VitalSigns(
        use=QuotaUse(month=0, concurrent=0),
        oldest_new_at=None,
        oldest_due_at=None,
        parked_effects=0,
        parked_items=0,
        owned_until=None,
    )


async def _anything_due(rows: TenantRows) -> bool:
    found = await rows.vitals.backlog(NOON + timedelta(days=9))
    nothing = Backlog(pending_effects=0, parked_effects=0, subscription_ends_at=None, overdue_records=0)
    return found != nothing


async def _anything_on(asked: Awaitable[Sheet]) -> bool:
    sheet = await asked
    return bool(sheet.card or sheet.chat or sheet.call or sheet.offers)


async def _anything_in(asked: Awaitable[Trail]) -> bool:
    trail = await asked
    return bool(trail.entries or trail.records or trail.checkpoints or trail.head)


async def _any_found(rows: TenantRows, number: str) -> list[PartyHit]:
    return (await rows.parties.find_many([number]))[number]


async def filled(store: Store) -> None:
    """Something of everything, for A."""
    await configured(store, A)
    epoch = await leased(store, A)
    await store.accept(A, [Incoming("graph", key, b"{}", NOON) for key in ("folded", "parked", "new")])
    changes = Changes(
        calls={CALL.id: CALL},
        callbacks={CALL.id: opened_callback(CALL)},
        offers={
            offer_id(CALL.id, 1): OfferRecord(
                id=offer_id(CALL.id, 1), call=CALL.id, agent=ANA, number=1, state=OfferState.RINGING, made_at=NOON
            )
        },
        legs={(CALL.id, 0): Leg(call=CALL.id, number=0, agent=None, joined_at=NOON)},
        history=[HistoryEntry(at=NOON, what="Arrived", call=one) for one in (CALL.id, call(name="other").id)],
        effects=[LogActivity(call=CALL.id), WAITING],
        timers={"t": Timer(key="t", run_at=NOON, event=WrapUpExpired(at=NOON, call=CALL.id))},
        pending={CALL.id: PendingItem(call=CALL.id, reason="unknown", since=NOON)},
    )
    async with store.open_tenant(A) as rows:
        first, second, _ = await rows.inbox.unfolded(3)
        await rows.hooks.put(HOOK)
        await rows.write_fold(
            owner="node-1", epoch=epoch, changes=changes, folded={first.id: b"done"}, fired=[], now=NOON
        )
        await rows.inbox.park(second.id, "KeyError")
        await rows.cards.put(CALL.id, ANA, Card(activity_id="card-1", number=1))
        await rows.chats.put(ANA, ChatReference(conversation="chat-1", service_url="https://smba.example"))
        party = PartyRecord(ref=PARTY, name="Erika Beispiel")
        await rows.parties.upsert([IndexedParty(party, (IndexedPhone(NUMBER),))])
        await rows.bookmarks.put("imis", Bookmark(bookmark="7", at=NOON))
        await rows.subscriptions.put(
            Subscription(kind="presence", graph_id="graph-1", client_state="secret", expires_at=NOON)
        )
        await rows.audit.append(Deed(at=NOON, actor=Actor("operator:0"), action=Action.SETUP_APPLIED, target=A))
        await rows.setups.configure(replace(setup(A), flows=(Flow(id=FlowId("front"), start="end", steps={}),)))
        await rows.versions.put(SetupVersion(number=1, at=NOON, actor=Actor("operator:0"), note="", setup=setup(A)))
        await rows.flows.start("sync", "sync", 1, NOON)
        await rows.prompts.keep("harp-1", b"harp", 1.0, NOON)
        await rows.prompts.name("harp", "harp-1", NOON)
        await rows.hooks.spread(HOOK, ARRIVALS, NOON)
        _, dead = await rows.hooks.claim(NOON, timedelta(seconds=30), 2)
        await rows.hooks.failed(dead, "410", NOON, None)
        await rows.peers.put(Peer.GRAPH, Asked(since=NOON, until=NOON, bulk_until=NOON))
    async with store.open_queue() as queue:
        (claimed,) = await queue.claim(1, NOON, timedelta(seconds=30))
        (turn,) = await queue.flows.claim(1, NOON, timedelta(seconds=30), [A], {Code("sync", 1)})
    async with store.open_tenant(A) as rows:
        await rows.flows.park(turn.flow, turn.claim, NOON, "PermanentFailure", None)
        await rows.outbox.park(claimed.id, NOON, "refused")
    order = WrapUpExpired(at=NOON, call=CALL.id)
    await store.accept(A, [Incoming("command", "ordered", encode(order), NOON)])


async def test_another_tenant_sees_nothing(store: Store) -> None:
    await filled(store)
    for name, ask in QUESTIONS.items():
        async with store.open_tenant(A) as rows:
            assert await ask(rows), f"{name}: the owner sees it"
        async with store.open_tenant(B) as rows:
            assert not await ask(rows), name


def test_every_question_of_the_tenants_door_is_asked_above() -> None:
    parts = {
        "inbox": Inbox, "outbox": Outbox, "timers": Timers, "calls": Calls, "agents": Agents, "setups": Setups,
        "cards": Cards, "chats": Chats, "parties": Parties, "bookmarks": Bookmarks, "subscriptions": Subscriptions,
        "audit": Audit, "flows": Flows, "peers": Peers, "vitals": Vitals, "versions": SetupVersions,
        "call_pages": CallPages, "callbacks": Callbacks, "orders": Orders,
        "prompts": Prompts, "hooks": Hooks,
    }  # fmt: skip
    writes = {
        "put", "put_aside", "fold", "park", "retry", "purge", "begin", "done", "retry_later", "retry_parked",
        "take_back", "take_in", "ended", "cancel", "set", "save", "configure", "upsert", "remove", "append",
        "checkpoint", "prune", "start", "keep_going", "begin_step", "end_step", "wait", "again", "finish", "fail",
        "signal", "expect", "keep", "name", "spread", "claim", "delivered", "failed", "disable", "replay",
    }  # fmt: skip
    questions = {
        f"{part}.{name}" for part, kind in parts.items() for name in vars(kind) if name[0] != "_" and name not in writes
    }
    assert questions == {*QUESTIONS, "calls.next_sequence", "parties.key"}


async def connected(databases: Databases, role: str, tenant: str | None = None) -> asyncpg.Connection:
    connection: asyncpg.Connection = await asyncpg.connect(databases.main_url, **databases.as_role(role))
    if tenant is not None:
        await connection.execute("select set_config('app.tenant', $1, false)", tenant)
    return connection


async def test_without_a_tenant_there_are_no_rows(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await filled(store)
        connection = await connected(databases, APP_ROLE)
        assert await connection.fetchval("select count(*) from calls") == 0
        await connection.close()
        await store.close()


async def test_a_row_cannot_be_written_for_or_moved_to_another_tenant(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await configured(store, A, B)
        connection = await connected(databases, APP_ROLE, A)
        for statement in ("update queues set tenant = $1", "insert into tenants values ($1, 'x', 'DE', 'UTC')"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement, B)
        assert await connection.execute("delete from queues where tenant = $1", B) == "DELETE 0"
        await connection.close()
        await store.close()


@pytest.mark.parametrize("table", ["calls", "agents", "parties", "party_phones", "history", "chats", "crm_setups"])
async def test_the_queues_role_cannot_read_what_is_content(postgresql: Server, table: str) -> None:
    async with postgresql.fresh() as databases:
        connection = await connected(databases, QUEUE_ROLE)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"select * from {table}")
        await connection.close()


@pytest.mark.parametrize(
    "column",
    ["inbox.sealed", "inbox.key", "outbox.body", "outbox.call", "timers.body", "flows.body", "flow_steps.result"],
)
async def test_the_queues_role_cannot_read_content_of_what_it_queues(postgresql: Server, column: str) -> None:
    table, name = column.split(".")
    async with postgresql.fresh() as databases:
        connection = await connected(databases, QUEUE_ROLE)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"select {name} from {table}")
        await connection.close()


async def test_a_ciphertext_copied_into_another_tenants_row_does_not_open(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await configured(store, A, B)
        owner = await asyncpg.connect(databases.main_url)
        await owner.execute(
            "update agents b set name_sealed = a.name_sealed from agents a where a.tenant = $1 and b.tenant = $2", A, B
        )
        await owner.close()
        with pytest.raises(Unreadable):
            async with store.open_tenant(B) as rows:
                await rows.agents.of_floor()
        await store.close()


async def test_a_tenant_that_is_no_uuid_is_refused(store: Store) -> None:
    with pytest.raises(Rejected):
        async with store.open_tenant(TenantId("x'; drop table calls; --")):
            pass


async def test_an_app_registration_leads_to_its_tenant(store: Store) -> None:
    await configured(store, A, B)
    async with store.open_queue() as queue:
        assert await queue.directory(RegistrationId("reg-b")) == B
        assert await queue.directory(RegistrationId("reg-x")) is None
        assert await queue.tenants() == [A, B]
