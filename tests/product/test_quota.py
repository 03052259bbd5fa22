"""A registration whose limit is used up: callers go to the fallback user or hear that we are busy; people are told."""

from msgspec.structs import replace

from cordpair.core.call import CallState, Outcome
from cordpair.core.quota import QuotaPolicy
from cordpair.emulator.failing import Failing
from tests.product.house import House, Organisation, until


async def limited(here: House, *, fallback: bool) -> Organisation:
    """An organisation that may take one call a month, and the product knows."""
    org = here.lanterns
    registration = replace(org.setup.registration, quota=QuotaPolicy(calls_per_month=1))
    org.setup = replace(org.setup, registration=registration, fallback_user=org.agents[1].id if fallback else "")
    await org.configure()

    async def taken_up() -> bool:
        parts = await here.product.workshop.of(org.id)
        return parts.setup.registration == registration and org.id in here.product.node.tenants

    await until(taken_up)
    return org


async def test_the_call_beyond_the_limit_rings_the_fallback_user(here: House) -> None:
    org = await limited(here, fallback=True)
    for person in org.agents:
        await person.come_in()
    first = org.call_in(None)
    await org.until_call(first, CallState.OFFERED)
    second = await org.until_call(org.call_in(None), CallState.CLOSED)
    assert (second.outcome, second.outcome_reason) == (Outcome.FLOWED_OUT, "quota")

    async def redirected() -> bool:
        return [one["status"] for one in org.asked_graph("/redirect")] == [202]

    await until(redirected)

    async def said() -> bool:
        page = (await here.http.get(here.floor_page(org), follow_redirects=True)).text
        return "limit is used up" in page and "New calls are sent on" in page

    await until(said)


async def test_the_caller_hears_that_we_are_busy_where_graph_does_not_take_the_fallback(here: House) -> None:
    org = await limited(here, fallback=True)
    here.parts.graph.failing = Failing(path="/redirect", status=403, times=1)
    await org.until_call(org.call_in(None), CallState.RINGING, CallState.QUEUED)
    await org.until_call(org.call_in(None), CallState.CLOSED)

    async def refused() -> bool:
        return [one["status"] for one in org.asked_graph("/reject")] == [202]

    await until(refused)
    assert await org.parked_effects() == []


async def test_the_count_of_a_month_survives_a_change_of_owner(here: House) -> None:
    org = await limited(here, fallback=False)
    await org.until_call(org.call_in(None), CallState.QUEUED)
    org.setup = replace(org.setup, name="Verband der Windlichter")
    await org.configure()

    async def taken_up() -> bool:
        return (await here.product.workshop.of(org.id)).setup.name == org.setup.name

    await until(taken_up)
    refused = await org.until_call(org.call_in(None), CallState.CLOSED)
    assert refused.outcome_reason == "quota"


async def test_what_is_used_of_the_limits_stands_in_the_metrics(here: House) -> None:
    org = await limited(here, fallback=False)
    await org.until_call(org.call_in(None), CallState.QUEUED)

    async def told() -> bool:
        await here.pass_time(60)
        labels = {"tenant": org.id, "limit": "month"}
        return here.product.metrics.registry.get_sample_value("cc_quota_used_ratio", labels) == 1.0

    await until(told)
