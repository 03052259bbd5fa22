"""What the metrics say of an organisation's rows, and that they forget it when the node does."""

import asyncio
from datetime import timedelta

import pytest

from cordpair.core.effects import HangUp
from cordpair.core.ids import CallId, GraphCallId
from cordpair.engine.backlog import BacklogWatch
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from cordpair.store.marks import Subscription
from cordpair.telemetry import Metrics
from tests.engine.conftest import StandingClock, until
from tests.store.world import NOON, A, configured

PENDING, PARKED = "cc_outbox_pending", "cc_outbox_parked"
SUBSCRIPTION, OVERDUE = "cc_graph_subscription_expiry_seconds", "cc_retention_overdue_records"


def told(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name, {"tenant": A})


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def watch(store: Store, clock: StandingClock, metrics: Metrics) -> BacklogWatch:
    await configured(store, A)
    return BacklogWatch(A, store, clock, clock, metrics)


async def ordered(store: Store, *names: str) -> list[int]:
    """Ids of orders that wait in the outbox."""
    async with store.open_tenant(A) as rows:
        await rows.outbox.put([HangUp(call=CallId(name), graph_id=GraphCallId("g")) for name in names], NOON)
        found = await rows.outbox._scope.connection.fetch("select id from outbox where tenant = $1 order by id", A)
    return [row["id"] for row in found]


async def subscribed(store: Store, kind: str, graph_id: str, left: timedelta) -> None:
    async with store.open_tenant(A) as rows:
        await rows.subscriptions.put(
            Subscription(kind=kind, graph_id=graph_id, client_state="s", expires_at=NOON + left)
        )


async def test_an_effect_that_nobody_has_begun_is_pending(store: Store, watch: BacklogWatch, metrics: Metrics) -> None:
    await ordered(store, "one", "two")
    await watch.once()
    assert told(metrics, PENDING) == 2


async def test_an_effect_that_a_worker_is_at_is_pending_still(
    store: Store, watch: BacklogWatch, metrics: Metrics
) -> None:
    await ordered(store, "one")
    async with store.open_queue() as queue:
        (claimed,) = await queue.claim(1, NOON, timedelta(seconds=30))
    async with store.open_tenant(A) as rows:
        await rows.outbox.begin(claimed.id)
    await watch.once()
    assert told(metrics, PENDING) == 1


async def test_an_effect_that_is_done_or_parked_is_not_pending(
    store: Store, watch: BacklogWatch, metrics: Metrics
) -> None:
    done, parked = await ordered(store, "one", "two")
    async with store.open_tenant(A) as rows:
        await rows.outbox.done(done, NOON)
        await rows.outbox.park(parked, NOON, "refused")
    await watch.once()
    assert (told(metrics, PENDING), told(metrics, PARKED)) == (0, 1)


async def test_of_several_subscriptions_the_one_that_ends_first_is_told(
    store: Store, watch: BacklogWatch, metrics: Metrics
) -> None:
    await subscribed(store, "presence:a", "g-1", timedelta(minutes=50))
    await subscribed(store, "presence:b", "g-2", timedelta(minutes=-1))
    await watch.once()
    assert told(metrics, SUBSCRIPTION) == -60


async def test_a_subscription_that_does_not_stand_yet_or_any_more_is_not_told(
    store: Store, watch: BacklogWatch, metrics: Metrics
) -> None:
    await subscribed(store, "presence:a", "g-1", timedelta(minutes=50))
    await watch.once()
    await subscribed(store, "presence:a", "", timedelta(minutes=55))
    await watch.once()
    assert told(metrics, SUBSCRIPTION) is None


@pytest.mark.parametrize(("days", "count"), [(3, 0), (5, 2)])
async def test_raw_payloads_that_the_purge_has_forgotten_are_told(
    store: Store, clock: StandingClock, watch: BacklogWatch, metrics: Metrics, days: int, count: int
) -> None:
    await store.accept(A, [Incoming("graph", f"old-{number}", b"{}", NOON) for number in (1, 2)])
    await store.accept(A, [Incoming("graph", "new", b"{}", NOON + timedelta(days=days))])
    clock.move(days * 86_400)
    await watch.once()
    assert told(metrics, OVERDUE) == count


async def test_nothing_is_overdue_once_the_purge_has_been_there(
    store: Store, clock: StandingClock, watch: BacklogWatch, metrics: Metrics
) -> None:
    await store.accept(A, [Incoming("graph", "old", b"{}", NOON)])
    clock.move(5 * 86_400)
    await store.purge_intake(A, clock.now())
    await watch.once()
    assert told(metrics, OVERDUE) == 0


async def test_a_node_that_gives_the_organisation_up_says_nothing_of_it_any_more(
    watch: BacklogWatch, metrics: Metrics
) -> None:
    at_work = asyncio.create_task(watch.run())

    async def is_told() -> bool:
        return told(metrics, PENDING) is not None

    await until(is_told)
    at_work.cancel()
    await asyncio.wait({at_work})
    assert [told(metrics, name) for name in (PENDING, PARKED, SUBSCRIPTION, OVERDUE)] == [None] * 4
