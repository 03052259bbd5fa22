"""A released call, whole: the agent gets it from Teams, we are out, and what we no longer see is said so."""

from msgspec.structs import replace

from cordpair.connectors.teams.texts import text
from cordpair.core.call import CallState, Outcome
from cordpair.core.tenant import Topology
from tests.product.house import House, until
from tests.product.test_quota import change
from tests.product.test_transfers import until_said


async def test_a_released_call_is_taken_lost_from_sight_and_ended_by_presence(here: House) -> None:
    us = here.lanterns
    await change(us, queues=tuple(replace(queue, topology=Topology.RELEASED) for queue in us.setup.queues))
    ada = us.agents[0]
    await ada.come_in()
    call = us.call_in(None)
    await ada.until_it_rings()
    ring = ada.seat.ring
    assert ring is not None
    assert ring.purpose == "transfer"
    await ada.answer()
    await us.until_call(call, CallState.RELEASED)
    await until_said(ada, "released_hint")
    assert us.asked_graph("/participants/invite") == []

    async def seen_talking() -> bool:
        found = await us.call(call)
        return found is not None and found.seen_talking

    await until(seen_talking)
    ada.hang_up()
    found = await us.until_call(call, CallState.WRAP_UP)
    assert (found.outcome, found.inferred) == (Outcome.ANSWERED, ("ended_at",))
    await ada.press("wrap_up", disposition="solved")
    await us.until_call(call, CallState.CLOSED)


async def test_who_declines_a_released_call_does_not_lose_it_for_the_caller(here: House) -> None:
    us = here.lanterns
    await change(us, queues=tuple(replace(queue, topology=Topology.RELEASED) for queue in us.setup.queues))
    ada, bruno = us.agents
    await ada.come_in()
    await bruno.come_in()
    call = us.call_in(None)
    await ada.until_it_rings()
    assert ada.seat.ring is not None
    here.parts.exchange.decline(ada.seat.ring)
    await bruno.answer()
    found = await us.until_call(call, CallState.RELEASED)
    assert found.agent == bruno.id
    await until_said(bruno, "released_over")
    await bruno.press("hang_up")
    await us.until_call(call, CallState.WRAP_UP)
    assert text("de", "released_over") not in bruno.words()
