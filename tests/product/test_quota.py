"""A registration whose limit is used up: callers go to the fallback user or hear that we are busy; people are told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.quota import QuotaPolicy
from cordpair.emulator.failing import Failing
from tests.databases import Server
from tests.product.house import Organisation, house, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: A call that counts, however far it has come: on a busy machine it may ring too long.
COUNTED = (CallState.QUEUED, CallState.OFFERED, CallState.CLOSED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(postgresql: Server) -> AsyncIterator[Organisation]:
    """An organisation that may take one call a month, and has taken it. Time goes little faster than real."""
    async with postgresql.fresh() as pair, house(pair, rate=3.0) as one:
        org = one.lanterns
        await org.agents[0].come_in()
        assert await one.parts.floor.sign_in(org.agents[1].seat)  # in Teams, but takes none of our calls
        registration = replace(org.setup.registration, quota=QuotaPolicy(calls_per_month=1))
        await change(org, registration=registration, fallback_user=org.agents[1].id)
        await org.until_call(org.call_in(None), *COUNTED)
        yield org


async def change(org: Organisation, **changes: Any) -> None:
    """Change the setup; returns when the product works on it."""
    org.setup = replace(org.setup, **changes)
    await org.configure()

    async def taken_up() -> bool:
        setup = (await org.house.product.workshop.of(org.id)).setup
        known = all(getattr(setup, name) == value for name, value in changes.items())
        return known and org.id in org.house.product.node.tenants

    await until(taken_up)


async def sent_on(org: Organisation) -> Call:
    """One more call, which is not taken."""
    call = await org.until_call(org.call_in(None), CallState.CLOSED)
    assert (call.outcome, call.outcome_reason) == (Outcome.FLOWED_OUT, "quota")
    return call


async def told_graph(org: Organisation, call: Call, action: str) -> int:
    """How Graph has answered this action of the call, as soon as it was asked."""

    async def look() -> int:
        return next((one["status"] for one in org.asked_graph(f"/{call.graph_id}/{action}")), 0)

    return await until(look)


async def test_the_call_beyond_the_limit_rings_the_fallback_user(us: Organisation) -> None:
    call = await sent_on(us)
    assert await told_graph(us, call, "redirect") == 202
    await us.agents[1].until_it_rings()
    ring = us.agents[1].seat.ring
    assert ring is not None
    assert (ring.call.id, ring.purpose) == (call.graph_id, "redirect")


async def test_the_caller_hears_that_we_are_busy_where_graph_does_not_take_the_fallback(us: Organisation) -> None:
    us.house.parts.graph.failing = Failing(path="/redirect", status=403, times=1)
    call = await sent_on(us)
    assert await told_graph(us, call, "reject") == 202
    assert await us.parked_effects() == []


async def test_the_floor_page_says_that_calls_are_sent_on(us: Organisation) -> None:
    await sent_on(us)

    async def said() -> bool:
        page = (await us.house.http.get(us.house.floor_page(us), follow_redirects=True)).text
        return "limit is used up" in page and "New calls are sent on" in page

    await until(said)


async def test_what_is_used_of_the_limits_stands_in_the_metrics(us: Organisation) -> None:
    async def told() -> bool:
        await us.house.pass_time(60)
        labels = {"tenant": us.id, "limit": "month"}
        return (us.house.product.metrics.registry.get_sample_value("cc_quota_used_ratio", labels) or 0.0) >= 1.0

    await until(told)


async def test_the_count_of_a_month_survives_a_new_start(us: Organisation) -> None:
    await change(us, name="Verband der Windlichter")
    await sent_on(us)
