"""Everything the tenant's door can do, done by A with the ids of B: nothing of B's comes back, nothing of B's changes.

What A gets is what an id gets that exists nowhere: not even an error tells one from the other.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio
from msgspec.structs import replace

from cordpair.core.agent import Agent
from cordpair.core.bucket import Asked, Peer
from cordpair.core.changes import Changes, Leg, OfferRecord, OfferState, PendingItem, Timer
from cordpair.core.effects import LogActivity
from cordpair.core.events import WrapUpExpired
from cordpair.core.identify import Contact
from cordpair.core.ids import CallId, GraphCallId, PartyRef, RegistrationId, TenantId, offer_id
from cordpair.core.party import ChatReference, PartyRecord
from cordpair.errors import CordpairError
from cordpair.store.chats import Card
from cordpair.store.databases import Databases
from cordpair.store.doors import Store, TenantRows
from cordpair.store.inbox import Incoming
from cordpair.store.marks import Bookmark, Subscription
from cordpair.store.parties import IndexedParty, IndexedPhone
from cordpair.store.sealing import call_subject
from tests.databases import OPERATOR_KEY, Server
from tests.isolation.filled import ARRIVALS, HOOK, LEASE, NUMBER, Filled, deed, filled, trunk, version
from tests.isolation.rows import rows_of
from tests.store.world import ANA, BEN, CANARY, NOBODY, NOON, A, B, setup

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER = NOON + timedelta(days=400)
Attempt = Callable[[TenantRows, Filled], Awaitable[object]]


def _timer(it: Filled) -> Timer:
    return Timer(key=it.timer, run_at=LATER, event=WrapUpExpired(at=LATER, call=it.call.id))


def _letter(it: Filled) -> str:
    return it.tenant[0]


ATTEMPTS: dict[str, Attempt] = {
    "setups.registration": lambda rows, it: rows.setups.registration(RegistrationId(f"reg-{_letter(it)}")),
    "calls.get": lambda rows, it: rows.calls.get(it.call.id),
    "calls.load": lambda rows, it: rows.calls.load([it.call.id]),
    "calls.expect": lambda rows, it: rows.calls.expect([it.call.id]),
    "calls.history_of": lambda rows, it: rows.calls.history_of(it.call.id),
    "calls.offers_of": lambda rows, it: rows.calls.offers_of(it.call.id),
    "callbacks.get": lambda rows, it: rows.callbacks.get(it.call.id),
    "prompts.seconds": lambda rows, it: rows.prompts.seconds([f"sound-{_letter(it)}"]),
    "prompts.samples": lambda rows, it: rows.prompts.samples([f"sound-{_letter(it)}"]),
    "prompts.keep": lambda rows, it: rows.prompts.keep(f"sound-{_letter(it)}", b"mine", 1.0, LATER),
    "timers.cancel": lambda rows, it: rows.timers.cancel([it.timer]),
    "timers.set": lambda rows, it: rows.timers.set([_timer(it)]),
    "orders.standing": lambda rows, it: rows.orders.standing(f"{_letter(it)}-0"),
    "inbox.put": lambda rows, it: rows.inbox.put([Incoming("graph", f"{_letter(it)}-0", b"mine", NOON)]),
    "inbox.take_in": lambda rows, it: rows.inbox.take_in([Incoming("graph", f"{_letter(it)}-0", b"mine", NOON)], NOON),
    "inbox.put_aside": lambda rows, it: rows.inbox.put_aside(
        Incoming("graph", f"{_letter(it)}-0", b"mine", NOON), "mine"
    ),
    "inbox.result": lambda rows, it: rows.inbox.result("graph", f"{_letter(it)}-0"),
    "inbox.fold": lambda rows, it: rows.inbox.fold({it.unfolded: b"mine"}, NOON),
    "inbox.park": lambda rows, it: rows.inbox.park(it.unfolded, "KeyError"),
    "inbox.retry": lambda rows, it: rows.inbox.retry(it.parked_item),
    "outbox.put": lambda rows, it: rows.outbox.put([it.effect], NOON),
    "outbox.load": lambda rows, it: rows.outbox.load([it.ready, it.claimed, it.parked]),
    "outbox.begin": lambda rows, it: rows.outbox.begin(it.claimed),
    "outbox.retry_later": lambda rows, it: rows.outbox.retry_later(it.claimed, LATER, "mine", unknown=True),
    "outbox.park": lambda rows, it: rows.outbox.park(it.ready, NOON, "mine", [_timer(it).event]),
    "outbox.done": lambda rows, it: rows.outbox.done(it.ready, NOON, [_timer(it).event]),
    "outbox.ended": lambda rows, it: rows.outbox.ended({it.ready: [_timer(it).event]}, NOON),
    "outbox.retry_parked": lambda rows, it: rows.outbox.retry_parked(it.parked, NOON),
    "flows.start": lambda rows, it: rows.flows.start(f"flow-{_letter(it)}", "sync", 1, LATER),
    "flows.keep_going": lambda rows, it: rows.flows.keep_going(f"flow-{_letter(it)}-parked", 1, NOON),
    "flows.begin": lambda rows, it: rows.flows.begin(it.flow, 1),
    "flows.begin_step": lambda rows, it: rows.flows.begin_step(it.flow, 1, "mine", LATER),
    "flows.end_step": lambda rows, it: rows.flows.end_step(it.flow, 1, "page 1", "mine", LATER),
    "flows.wait": lambda rows, it: rows.flows.wait(it.flow, 1, LATER),
    "flows.again": lambda rows, it: rows.flows.again(it.flow, 1, 1, LATER),
    "flows.finish": lambda rows, it: rows.flows.finish(it.flow, 1, LATER),
    "flows.fail": lambda rows, it: rows.flows.fail(it.flow, 1, LATER, "mine"),
    "flows.park": lambda rows, it: rows.flows.park(it.flow, 1, LATER, "mine", None),
    "flows.signal": lambda rows, it: rows.flows.signal(f"flow-{_letter(it)}-parked", "mine", 1, NOON),
    "flows.retry_parked": lambda rows, it: rows.flows.retry_parked(it.parked_flow, NOON),
    "cards.get": lambda rows, it: rows.cards.get(it.call.id, ANA),
    "cards.sheet": lambda rows, it: rows.cards.sheet(it.call.id, ANA),
    "cards.put": lambda rows, it: rows.cards.put(it.call.id, ANA, Card(activity_id="mine", number=9)),
    "parties.load": lambda rows, it: rows.parties.load([it.party]),
    "parties.remove": lambda rows, it: rows.parties.remove([it.party]),
    "parties.upsert": lambda rows, it: rows.parties.upsert([_party(it)]),
    "callers.known": lambda rows, it: _known(rows, it),
    "callers.contacts": lambda rows, it: rows.callers.contacts([it.party]),
    "callers.met": lambda rows, it: rows.callers.met(it.party, Contact(BEN, None, LATER)),
    "callers.chose": lambda rows, it: rows.callers.chose(NUMBER, it.party, LATER),
    "callers.forget": lambda rows, it: rows.callers.forget(NUMBER, it.party),
    "callers.put_trunks": lambda rows, it: rows.callers.put_trunks("imis", [trunk(it.party)]),
    "outbox.under_way": lambda rows, it: rows.outbox.under_way([it.effect.key]),
    "hooks.delivered": lambda rows, it: rows.hooks.delivered(it.delivery),
    "hooks.failed": lambda rows, it: rows.hooks.failed(it.delivery, "mine", LATER, None),
    "hooks.replay": lambda rows, it: rows.hooks.replay([it.dead], LATER),
    "subscriptions.put": lambda rows, it: rows.subscriptions.put(
        Subscription(kind="presence", graph_id=f"sub-{_letter(it)}", client_state="mine", expires_at=NOON)
    ),
}  # fmt: skip

#: After this one A has a call of its own under that id.
TAKEN: dict[str, Attempt] = {"calls.save": lambda rows, it: rows.calls.save([replace(it.call, note="mine")])}

#: These take no id of a row, or one that is the same for every tenant: they must leave B alone whatever they are given.
BLUNT: dict[str, Attempt] = {
    "agents.configure": lambda rows, _: rows.agents.configure(()),
    "agents.save": lambda rows, _: rows.agents.save([Agent(id=BEN, name="mine", since=NOON, idle_since=NOON)]),
    "chats.get": lambda rows, _: rows.chats.get(BEN),
    "chats.put": lambda rows, _: rows.chats.put(ANA, ChatReference(conversation="mine", service_url="https://a.test")),
    "prompts.named": lambda rows, _: rows.prompts.named(["other"]),
    "prompts.name": lambda rows, _: rows.prompts.name("mine", "sound-a", LATER),
    "prompts.remove": lambda rows, _: rows.prompts.remove("bell"),
    "parties.find": lambda rows, _: rows.parties.find("+449999999999"),
    "parties.find_many": lambda rows, _: rows.parties.find_many(["+449999999999"]),
    "parties.page": lambda rows, _: rows.parties.page("other", "", 10),
    "parties.hashes": lambda rows, _: rows.parties.hashes(b"", 10),
    "parties.key": lambda rows, _: rows.parties.key(),
    "parties.shared": lambda rows, _: rows.parties.shared(2),
    "callers.trunks_of": lambda rows, _: rows.callers.trunks_of(["+449999999999"]),
    "bookmarks.get": lambda rows, _: rows.bookmarks.get("other"),
    "bookmarks.put": lambda rows, _: rows.bookmarks.put("imis", Bookmark(bookmark="mine", at=LATER)),
    "subscriptions.remove": lambda rows, _: rows.subscriptions.remove("presence"),
    "outbox.take_back": lambda rows, _: rows.outbox.take_back([]),
    "hooks.put": lambda rows, _: rows.hooks.put(replace(HOOK, url="https://mine.example")),
    "hooks.spread": lambda rows, _: rows.hooks.spread(HOOK, ARRIVALS, LATER),
    "hooks.claim": lambda rows, _: rows.hooks.claim(LATER, LEASE, 10),
    "hooks.disable": lambda rows, _: rows.hooks.disable(HOOK.id),
    "hooks.purge": lambda rows, _: rows.hooks.purge(LATER),
    "hooks.remove": lambda rows, _: rows.hooks.remove(HOOK.id),
    "inbox.purge": lambda rows, _: rows.inbox.purge(LATER),
    "flows.purge": lambda rows, _: rows.flows.purge(LATER),
    "peers.put": lambda rows, _: rows.peers.put(Peer.GRAPH, Asked(since=LATER, until=LATER, bulk_until=LATER)),
    "audit.append": lambda rows, it: rows.audit.append(deed(it.tenant)),
    "audit.checkpoint": lambda rows, _: rows.audit.checkpoint(LATER),
    "audit.prune": lambda rows, _: rows.audit.prune(LATER),
    "versions.get": lambda rows, _: rows.versions.get(1),
    "versions.put": lambda rows, _: rows.versions.put(version("mine", number=2)),
    "versions.purge": lambda rows, _: rows.versions.purge(LATER),
    "setups.configure": lambda rows, _: rows.setups.configure(replace(setup(A), name="mine", agents=(), queues=())),
}

#: No id in, only what is A's out: tests/store/test_isolation.py asks them of a tenant that has nothing.
QUESTIONS = {
    "setups.get", "setups.crm", "setups.queues", "agents.of_floor", "agents.set_up", "calls.of_floor",
    "calls.arrived_since", "calls.count_since", "calls.counts", "calls.pending", "calls.next_sequence", "timers.due",
    "timers.planned", "inbox.unfolded", "inbox.parked", "outbox.parked", "flows.parked", "peers.asked",
    "parties.count", "subscriptions.all", "vitals.read", "vitals.newest", "vitals.backlog", "audit.shown",
    "audit.trail", "audit.head", "agents.names", "setups.revision", "setups.in_use",
    "setups.call_flows", "versions.newest", "call_pages.page", "callbacks.open", "callbacks.since",
    "prompts.all", "hooks.all", "hooks.dead", "hooks.waiting",
}  # fmt: skip


async def _known(rows: TenantRows, it: Filled) -> list[object]:
    """What is known of a party, without its name."""
    return list((await rows.callers.known(NUMBER, [it.party])).values())


def _party(it: Filled) -> IndexedParty:
    return IndexedParty(PartyRecord(ref=it.party, name="Max Muster"), (IndexedPhone(NUMBER),))


class Two:
    """A and B in one store, and something that exists nowhere."""

    def __init__(self, store: Store, databases: Databases, theirs: Filled) -> None:
        self.store, self.databases, self.theirs, self.nowhere = store, databases, theirs, nowhere(theirs)

    async def attempt(self, how: Attempt, it: Filled) -> str:
        """What A gets for it, without the ids that A itself put in."""
        try:
            async with self.store.open_tenant(A) as rows:
                found = repr(await how(rows, it))
        except CordpairError as exc:
            found = f"{type(exc).__name__}: {exc}"
        return found.replace(it.call.id, "CALL").replace(f"'{_letter(it)}-0'", "KEY")

    async def theirs_now(self) -> dict[str, str]:
        return await rows_of(self.databases, B)


def nowhere(it: Filled) -> Filled:
    """The same kinds of ids, and nobody's."""
    return Filled(
        tenant=TenantId("c0000000-0000-4000-8000-00000000000c"),
        call=replace(it.call, id=NOBODY, graph_id=GraphCallId("graph-c")),
        party=PartyRef("imis", "c-101"),
        unfolded=9_000_001,
        parked_item=9_000_002,
        ready=9_000_003,
        claimed=9_000_004,
        parked=9_000_005,
        flow=9_000_006,
        parked_flow=9_000_007,
        timer="timer-c",
        effect=LogActivity(call=NOBODY),
        delivery=replace(it.delivery, id=9_000_008),
        dead=9_000_009,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(postgresql: Server) -> AsyncIterator[Two]:
    async with postgresql.fresh() as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await filled(store, A)
        yield Two(store, databases, await filled(store, B))
        await store.close()


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_an_id_of_another_tenant_is_an_id_of_nobody(two: Two, name: str) -> None:
    before = await two.theirs_now()
    other = await two.attempt(ATTEMPTS[name], two.theirs)
    assert other == await two.attempt(ATTEMPTS[name], two.nowhere)
    assert CANARY not in other
    assert await two.theirs_now() == before


@pytest.mark.parametrize("name", BLUNT)
async def test_what_one_tenant_does_at_large_stops_at_its_own_rows(two: Two, name: str) -> None:
    before = await two.theirs_now()
    assert CANARY not in await two.attempt(BLUNT[name], two.theirs)
    assert await two.theirs_now() == before


async def test_every_method_of_the_tenants_door_is_attempted_here(two: Two) -> None:
    async with two.store.open_tenant(A) as rows:
        parts = {name: type(part) for name, part in vars(rows).items() if name[0] != "_" and name != "tenant"}
    methods = {f"{part}.{name}" for part, kind in parts.items() for name in vars(kind) if name[0] != "_"}
    assert methods == {*ATTEMPTS, *TAKEN, *BLUNT, *QUESTIONS}


# ---- a fold, the intake and the keys


def _foreign(call: CallId) -> dict[str, Changes]:
    number = offer_id(call, 1)
    offer = OfferRecord(id=number, call=call, agent=ANA, number=1, state=OfferState.ENDED, made_at=NOON, ended_at=NOON)
    return {
        "an offer": Changes(offers={number: offer}),
        "a leg": Changes(legs={(call, 0): Leg(call=call, number=0, agent=ANA, joined_at=LATER)}),
        "a pending item": Changes(pending={call: PendingItem(call=call, reason="mine", since=LATER)}),
        "nothing pending": Changes(pending={call: None}),
    }


@pytest.mark.parametrize("what", _foreign(NOBODY))
async def test_a_fold_of_one_tenant_writes_nothing_to_a_call_of_another(two: Two, what: str) -> None:
    before = await two.theirs_now()
    answers = []
    for it in (two.nowhere, two.theirs):

        async def fold(rows: TenantRows, it: Filled) -> None:
            await rows.write_fold(
                owner="node-1",
                epoch=1,
                changes=_foreign(it.call.id)[what],
                folded={it.unfolded: b"mine"},
                fired=[it.timer],
                now=NOON,
            )

        answers.append(await two.attempt(fold, it))
    assert answers[0] == answers[1]
    assert await two.theirs_now() == before


async def test_a_notification_of_one_tenant_is_no_repetition_of_anothers(two: Two) -> None:
    before = await two.theirs_now()
    keys = ("b-1", "c-1")
    assert [await two.store.accept(A, [Incoming("graph", key, b"{}", NOON)]) for key in keys] == [1, 1]
    assert await two.theirs_now() == before


async def test_the_purge_of_one_tenant_spares_the_others(two: Two) -> None:
    before = await two.theirs_now()
    await two.store.purge_intake(A, LATER)
    assert await two.theirs_now() == before


async def test_a_tenant_neither_opens_nor_destroys_the_keys_of_another(two: Two) -> None:
    before = await two.theirs_now()
    subject = call_subject(two.theirs.call.id)
    await two.store.keys.for_reading(B, [subject])  # remembered in memory from here on
    assert await two.store.keys.destroy(TenantId("c0000000-0000-4000-8000-00000000000c"), [subject]) == 0
    ours = await two.store.keys.for_writing(A, [subject])
    theirs = await two.store.keys.for_reading(B, [subject])
    sealed = theirs.seal("calls.sealed", subject, b"theirs")
    with pytest.raises(CordpairError):
        ours.open("calls.sealed", subject, sealed)
    await two.store.keys.destroy(A, [subject])
    assert await two.theirs_now() == before


@pytest.mark.parametrize("name", TAKEN)
async def test_a_call_with_the_id_of_anothers_is_the_tenants_own(two: Two, name: str) -> None:
    before = await two.theirs_now()
    assert await two.attempt(TAKEN[name], two.theirs) == await two.attempt(TAKEN[name], two.nowhere)
    async with two.store.open_tenant(A) as rows:
        found = await rows.calls.get(two.theirs.call.id)
    assert found is not None
    assert found.note == "mine"
    assert await two.theirs_now() == before
