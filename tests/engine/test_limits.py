"""A peer that asks for less is asked less, by all effects and by the next owner; nobody takes all workers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cordpair.core.bucket import LEAST_SHARE, PEERS, RATES, Peer
from cordpair.core.effects import AnswerCall, Effect, HangUp, Lane, LogActivity, PlayPrompt
from cordpair.core.ids import CallId, GraphCallId, TenantId
from cordpair.engine.limits import PeerLimits
from cordpair.engine.outbox import OutboxWorkers
from cordpair.engine.perform import Performer
from cordpair.errors import TemporaryFailure, Throttled, UnknownOutcome
from cordpair.store.doors import Store
from cordpair.telemetry import Metrics
from tests.engine.conftest import StandingClock, until
from tests.store.world import A, B, configured

G = GraphCallId("g")
Act = Callable[[Effect], Any]


class Peers:
    """Carries out effects: notes them, and does for each kind what the test says."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.acts: dict[type[Effect], Act] = {}

    def connector(self, _: Any) -> str:
        return "teams"

    async def perform(self, effect: Any, attempt: Any) -> list[Any]:
        self.done.append(effect.key)
        if act := self.acts.get(type(effect)):
            await act(effect)
        return []


@pytest.fixture
async def peers(store: Store) -> Peers:
    await configured(store, A, B)
    return Peers()


def workers(store: Store, clock: StandingClock, peers: Peers, limits: PeerLimits | None) -> OutboxWorkers:
    async def performer_of(_: TenantId) -> Performer:
        return peers  # type: ignore[return-value]

    return OutboxWorkers(
        store,
        clock,
        performer_of,
        owned=lambda: frozenset({A, B}),
        ring=lambda tenant: None,
        width=4,
        metrics=Metrics(),
        chance=lambda: 1.0,
        limits=limits,
    )


@contextlib.asynccontextmanager
async def at_work(outbox: OutboxWorkers) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def limited(store: Store, clock: StandingClock) -> PeerLimits:
    """Limits whose buckets are full."""
    limits = PeerLimits(store, clock)
    await limits.follow({A, B})
    clock.move(60)
    return limits


async def order(store: Store, clock: StandingClock, *orders: Effect, tenant: TenantId = A) -> None:
    async with store.open_tenant(tenant) as rows:
        await rows.outbox.put(orders, clock.now())


async def done(peers: Peers, outbox: OutboxWorkers, count: int) -> list[str]:
    async def look() -> list[str] | None:
        outbox.bell.ring()
        return peers.done if len(peers.done) >= count else None

    found = await until(look)
    assert found is not None
    return found


def hang_up(name: str) -> HangUp:
    return HangUp(call=CallId(name), graph_id=G)


@pytest.mark.parametrize(
    "failure", [Throttled("Graph answers 429", retry_after_s=60), UnknownOutcome("Graph answers 503", retry_after_s=60)]
)
async def test_a_peer_that_asks_for_a_pause_is_left_alone_by_all_effects(
    store: Store, clock: StandingClock, peers: Peers, failure: TemporaryFailure
) -> None:
    async def throttle(_: Effect) -> None:
        del peers.acts[HangUp]
        raise failure

    peers.acts[HangUp] = throttle
    outbox = workers(store, clock, peers, await limited(store, clock))
    await order(store, clock, hang_up("one"))
    async with at_work(outbox):
        await done(peers, outbox, 1)
        await until(lambda: _is_free(outbox))
        await order(store, clock, hang_up("two"), LogActivity(call=CallId("c")))
        assert await done(peers, outbox, 2) == ["hangup:one", "activity:c"]  # the CRM has asked for nothing
        clock.move(59)
        outbox.bell.ring()
        await asyncio.sleep(0.1)
        assert len(peers.done) == 2
        clock.move(2)
        assert set(await done(peers, outbox, 4)) == {"hangup:one", "activity:c", "hangup:two"}


async def test_a_peer_of_one_organisation_says_nothing_about_another(
    store: Store, clock: StandingClock, peers: Peers
) -> None:
    limits = await limited(store, clock)
    await limits.heed(A, Lane.CONTROL, Throttled("Graph answers 429", retry_after_s=60))
    outbox = workers(store, clock, peers, limits)
    await order(store, clock, hang_up("ours"))
    await order(store, clock, hang_up("theirs"), tenant=B)
    async with at_work(outbox):
        assert await done(peers, outbox, 1) == ["hangup:theirs"]


async def test_what_a_peer_asked_for_is_known_to_the_next_owner(
    store: Store, clock: StandingClock, peers: Peers
) -> None:
    before = await limited(store, clock)
    await before.heed(A, Lane.CONTROL, Throttled("Graph answers 429", retry_after_s=60))
    after = PeerLimits(store, clock)
    await after.follow({A, B})
    clock.move(30)
    closed = {one.lane for one in after.below(1) if one.tenant == A}
    assert closed == {lane for lane, peer in PEERS.items() if peer is Peer.GRAPH}


async def test_a_new_owner_is_no_reason_for_another_burst(store: Store, clock: StandingClock, peers: Peers) -> None:
    limits = PeerLimits(store, clock)
    await limits.follow({A})
    assert {one.lane for one in limits.below(1)} == set(Lane)
    clock.move(60)
    assert list(limits.below(1)) == []


async def test_no_more_begins_than_the_bucket_holds(store: Store, clock: StandingClock, peers: Peers) -> None:
    burst = int(RATES[Peer.CRM].burst)
    outbox = workers(store, clock, peers, await limited(store, clock))
    await order(store, clock, *(LogActivity(call=CallId(f"c{number}")) for number in range(burst + 5)))
    async with at_work(outbox):
        await done(peers, outbox, burst)
        outbox.bell.ring()
        await asyncio.sleep(0.1)
        assert len(peers.done) == burst
        clock.move(1)
        assert len(await done(peers, outbox, burst + 5)) == burst + 5


async def test_a_throttled_peer_is_asked_at_a_lower_rate_afterwards(
    store: Store, clock: StandingClock, peers: Peers
) -> None:
    limits = await limited(store, clock)
    for _ in range(10):
        await limits.heed(A, Lane.CRM, Throttled("iMIS asks for less haste"))
    async with store.open_tenant(A) as rows:
        assert (await rows.peers.asked())[Peer.CRM].share == LEAST_SHARE


async def test_a_crm_that_hangs_leaves_no_caller_ringing(store: Store, clock: StandingClock, peers: Peers) -> None:
    async def hang(_: Effect) -> None:
        await asyncio.Event().wait()

    peers.acts[LogActivity] = hang
    outbox = workers(store, clock, peers, None)
    await order(store, clock, *(LogActivity(call=CallId(f"c{number}")) for number in range(20)))
    async with at_work(outbox):
        await done(peers, outbox, 3)
        await order(store, clock, AnswerCall(call=CallId("rings"), graph_id=G))
        assert "answer:rings" in await done(peers, outbox, 4)


async def test_one_organisations_trouble_leaves_a_worker_to_the_others(
    store: Store, clock: StandingClock, peers: Peers
) -> None:
    async def hang(effect: Effect) -> None:
        if effect.call != "theirs":
            await asyncio.Event().wait()

    peers.acts[HangUp] = hang
    outbox = workers(store, clock, peers, None)
    await order(store, clock, *(hang_up(f"ours{number}") for number in range(2)))
    async with at_work(outbox):
        await done(peers, outbox, 2)
        await order(store, clock, *(hang_up(f"more{number}") for number in range(20)))
        await done(peers, outbox, 3)
        await order(store, clock, hang_up("theirs"), tenant=B)
        assert "hangup:theirs" in await done(peers, outbox, 4)


async def test_a_throttled_prompt_does_not_keep_a_caller_ringing(
    store: Store, clock: StandingClock, peers: Peers
) -> None:
    limits = await limited(store, clock)
    await limits.heed(A, Lane.PROMPT, Throttled("Graph answers 429", retry_after_s=300))
    outbox = workers(store, clock, peers, limits)
    await order(store, clock, PlayPrompt(call=CallId("c"), graph_id=G, prompt="greeting", number=1))
    await order(store, clock, AnswerCall(call=CallId("c"), graph_id=G))
    async with at_work(outbox):
        assert await done(peers, outbox, 1) == ["answer:c"]


async def _is_free(outbox: OutboxWorkers) -> bool:
    return outbox.at_work(A) == []
