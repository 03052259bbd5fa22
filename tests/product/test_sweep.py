"""Calls that nobody brings on any more are found and mended by themselves, and the metric of stuck calls says so."""

from cordpair.core.call import CallState, Outcome
from cordpair.emulator.failing import Failing
from tests.product.house import House, Organisation, until

UNKNOWN = "+493023125999"


async def without_timers(us: Organisation) -> None:
    """All deadlines of the organisation are lost."""
    async with us.house.store.open_tenant(us.id) as rows:
        await rows.timers.cancel(sorted(await rows.timers.planned()))


def stuck(here: House) -> float:
    here.product.gauges.look()
    found = here.product.metrics.registry.get_sample_value("cc_stuck_calls")
    assert found is not None
    return found


async def test_a_call_that_graph_has_forgotten_and_we_wait_for_ends_as_inferred(here: House) -> None:
    us = here.lanterns
    call = us.call_in(UNKNOWN)
    await us.until_call(call, CallState.QUEUED)
    here.parts.exchange.calls.clear()  # nobody tells us
    await without_timers(us)
    await here.pass_time(125)
    found = await us.until_call(call, CallState.CLOSED)
    assert (found.outcome, "ended_at" in found.inferred) == (Outcome.ABANDONED, True)


async def test_stuck_calls_come_back_to_none_unaided(here: House) -> None:
    us = here.lanterns
    for person in us.agents:
        await person.come_in()
    _, call = await us.talked(UNKNOWN)
    await without_timers(us)
    here.product.flows.workers.bell.ring()
    await here.pass_time(60 + 95)  # the wrap-up, and the time that is given to everything that is late
    await us.until_call(call, CallState.CLOSED)

    async def none() -> bool:
        return stuck(here) == 0

    await until(none)


async def test_a_call_that_was_to_be_hung_up_and_still_stands_is_ended(here: House) -> None:
    us = here.lanterns
    for person in us.agents:
        await person.come_in()
    call = us.call_in(UNKNOWN)
    offered = await us.until_call(call, CallState.OFFERED)
    person = next(one for one in us.agents if offered.offer is not None and one.id == offered.offer.agent)
    await person.answer()
    await us.until_call(call, CallState.CONNECTED)
    here.parts.graph.failing = Failing(path=f"/calls/{offered.graph_id}", status=403, times=1)
    person.hang_up()
    await us.until_call(call, CallState.WRAP_UP)

    async def parked() -> bool:
        return [one.kind for one in await us.parked_effects()] == ["HangUp"]

    await until(parked)
    assert offered.graph_id in here.parts.exchange.calls
    await here.pass_time(65)

    async def ended() -> bool:
        return offered.graph_id not in here.parts.exchange.calls and await us.parked_effects() == []

    await until(ended)


async def test_a_well_call_is_left_alone(here: House) -> None:
    us = here.lanterns
    call = us.call_in(UNKNOWN)
    await us.until_call(call, CallState.QUEUED)
    await here.pass_time(200)
    found = await us.call(call)
    assert found is not None
    assert found.state is CallState.QUEUED
    assert [key for key in await us.inbox("timer") if key.startswith("sweep")] == []
