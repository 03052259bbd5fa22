"""Limits and secrets are watched: people are warned once, in time; the month begins where the organisation lives."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from cordpair.core.changes import Changes
from cordpair.core.floor import Floor
from cordpair.core.ids import QueueId
from cordpair.core.quota import QuotaPolicy
from cordpair.core.tenant import TenantSetup
from cordpair.engine.quota import LimitWatch, MonthCount, month_begin
from cordpair.engine.setup_check import check_setup
from cordpair.errors import Rejected
from cordpair.store.doors import Store
from cordpair.telemetry import Metrics
from tests.engine.conftest import StandingClock, until
from tests.store.world import NOON, A, call, configured, leased, setup

USED = "Microsoft's limits are used up so far"
SECRET = "the secret of the app registration ends soon"


def limited(most: int) -> TenantSetup:
    return replace(setup(A), registration=replace(setup(A).registration, quota=QuotaPolicy(calls_per_month=most)))


def with_secret_until(ends_at: datetime) -> TenantSetup:
    return replace(setup(A), registration=replace(setup(A).registration, secret_expires_at=ends_at))


async def with_calls(store: Store, *heard: datetime) -> None:
    """These calls have been heard of, and have not ended."""
    await configured(store, A)
    epoch = await leased(store, A)
    calls = [call(name=f"g{number}", heard_at=at, sequence=number) for number, at in enumerate(heard)]
    changes = Changes(calls={one.id: one for one in calls})
    async with store.open_tenant(A) as rows:
        await rows.write_fold(owner="node-1", epoch=epoch, changes=changes, folded={}, fired=[], now=NOON)


async def test_a_step_is_told_once_and_the_next_one_too(store: Store, clock: StandingClock) -> None:
    await with_calls(store, *[NOON] * 9)
    watch = LimitWatch(limited(10), store, clock, Metrics())
    with capture_logs() as logs:
        await watch.once()
        await watch.once()
    assert [(line["event"], line["percent"]) for line in logs] == [(USED, 90)]


async def test_the_metrics_tell_how_far_each_limit_is_used_and_forget_it_at_the_end(
    store: Store, clock: StandingClock
) -> None:
    await with_calls(store, NOON, NOON)
    metrics = Metrics()
    watch = asyncio.create_task(LimitWatch(limited(8), store, clock, metrics).run())

    def told() -> dict[str, float | None]:
        return {
            limit: metrics.registry.get_sample_value("cc_quota_used_ratio", {"tenant": A, "limit": limit})
            for limit in ("month", "concurrent")
        }

    async def is_told() -> bool:
        return told()["concurrent"] is not None

    await until(is_told)
    assert told() == {"month": 0.25, "concurrent": 0.02}
    watch.cancel()
    await asyncio.wait({watch})
    assert told() == {"month": None, "concurrent": None}


async def test_a_secret_that_ends_soon_is_told_once_a_day(store: Store, clock: StandingClock) -> None:
    await configured(store, A)
    watch = LimitWatch(with_secret_until(NOON + timedelta(days=30)), store, clock, Metrics())
    with capture_logs() as logs:
        for hours in (0, 1, 22, 1):
            clock.move(hours * 3600)
            await watch.once()
    assert [(line["event"], line["days"]) for line in logs] == [(SECRET, 30), (SECRET, 29)]


async def test_a_secret_that_is_good_for_long_is_not_spoken_of(store: Store, clock: StandingClock) -> None:
    await configured(store, A)
    with capture_logs() as logs:
        await LimitWatch(with_secret_until(NOON + timedelta(days=31)), store, clock, Metrics()).once()
    assert logs == []


def test_the_month_begins_at_midnight_of_the_organisation() -> None:
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    assert month_begin("Europe/Berlin", late) == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert month_begin("America/New_York", late) == datetime(2026, 11, 1, 4, tzinfo=UTC)


async def test_calls_of_last_month_do_not_count(store: Store) -> None:
    await with_calls(store, NOON - timedelta(days=30), NOON)
    floor = Floor([], [])
    async with store.open_tenant(A) as rows:
        await MonthCount(setup(A)).follow(rows, floor, NOON)
    assert floor.month_calls == 1


async def test_a_new_month_begins_with_nothing(store: Store) -> None:
    await with_calls(store, NOON)
    floor, count = Floor([], []), MonthCount(setup(A))
    async with store.open_tenant(A) as rows:
        await count.follow(rows, floor, NOON)
        await count.follow(rows, floor, NOON + timedelta(days=7))
    assert floor.month_calls == 0


# ---- what an administrator may set

ACCOUNT = "b0d9d6f5-2f6a-4b9a-8a55-1f2f5a3c7e01"


def whole(**change: Any) -> TenantSetup:
    """A setup that can be applied, with a change somewhere in its registration or at its top."""
    known = setup(A)
    queues = tuple(replace(queue, resource_account=ACCOUNT) for queue in known.queues)
    registration = msgspec.convert(
        {**msgspec.to_builtins(known.registration), **change.pop("registration", {})}, type(known.registration)
    )
    return replace(known, registration=registration, **{"crm": None, "queues": queues, **change})


def test_a_setup_with_a_fallback_and_smaller_limits_can_be_applied() -> None:
    check_setup(whole(fallback_user=ACCOUNT.replace("b0", "c0"), registration={"quota": {"calls_per_month": 9_000}}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fallback_user": "somebody@example.org"}, "fallback_user: fallback_user must be the Entra object id"),
        ({"fallback_user": ACCOUNT}, "fallback_user: fallback_user is the resource account of a queue"),
        ({"registration": {"quota": {"calls_per_month": 10_001}}}, "quota.calls_per_month: must be 1 to 10000"),
        ({"registration": {"quota": {"concurrent_calls": 0}}}, "quota.concurrent_calls: must be 1 to 100"),
        ({"registration": {"secret_expires_at": "2027-01-31T00:00:00"}}, "secret_expires_at: has no time zone"),
    ],
)  # fmt: skip
def test_limits_and_fallbacks_that_cannot_work_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected) as refused:
        check_setup(whole(**change))
    assert said in str(refused.value)


def test_a_queue_s_own_fallback_is_looked_at_too() -> None:
    known = whole()
    queues = tuple(replace(queue, fallback_user=queue.resource_account) for queue in known.queues)
    with pytest.raises(Rejected, match=r"queues\.sales: fallback_user is the resource account"):
        check_setup(replace(known, queues=queues))
    assert known.queues[0].id == QueueId("sales")
