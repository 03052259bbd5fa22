"""Offers and wrap-ups in the running product: several rung at once, claim first, more time, breaks by the card."""

from typing import Any

from msgspec.structs import replace

from cordpair.connectors.teams.texts import text
from cordpair.core.agent import AgentState
from cordpair.core.call import CallState
from cordpair.core.changes import OfferState
from cordpair.core.ids import CallId
from cordpair.core.queue_rules import WrapUpMode
from tests.product.house import House, Organisation, until
from tests.product.test_quota import change
from tests.product.test_transfers import until_said


async def settled(us: Organisation, **settings: Any) -> None:
    await change(us, queues=tuple(replace(queue, **settings) for queue in us.setup.queues))


async def offers_of(us: Organisation, call: CallId) -> dict[str, OfferState]:
    async with us.house.store.open_tenant(us.id) as rows:
        return {offer.agent: offer.state for offer in await rows.calls.offers_of(call)}


async def test_of_two_who_are_rung_the_first_to_answer_has_the_call_and_the_other_is_ready(here: House) -> None:
    us = here.lanterns
    await settled(us, parallel_offers=2)
    ada, bruno = us.agents
    await ada.come_in()
    await bruno.come_in()
    call = us.call_in(None)
    await ada.until_it_rings()
    await bruno.until_it_rings()
    await bruno.answer()
    found = await us.until_call(call, CallState.CONNECTED)
    assert found.agent == bruno.id
    await ada.until_state(AgentState.READY)
    await until_said(ada, "taken")

    async def taken_back() -> bool:
        return ada.seat.ring is None

    await until(taken_back)
    assert await offers_of(us, call) == {ada.id: OfferState.ENDED, bruno.id: OfferState.ACCEPTED}


async def test_whoever_takes_a_call_that_all_are_shown_is_rung_for_it(here: House) -> None:
    us = here.lanterns
    await settled(us, claim_first=True)
    ada, bruno = us.agents
    await ada.come_in()
    await bruno.come_in()
    call = us.call_in(None)
    await until_said(ada, "claimable")
    await until_said(bruno, "claimable")
    assert us.asked_graph("/participants/invite") == []
    await bruno.press("claim")
    await bruno.answer()
    found = await us.until_call(call, CallState.CONNECTED)
    assert found.agent == bruno.id
    await until_said(ada, "taken")


async def test_an_agent_takes_more_time_for_a_wrap_up_and_ends_it_without_a_result(here: House) -> None:
    us = here.lanterns
    await settled(us, extensions=1)
    await us.agents[0].come_in()
    ada, call = await us.talked(None)
    before = await us.until_call(call, CallState.WRAP_UP)
    await ada.press("extend")
    found = await us.until_call(call, CallState.WRAP_UP)
    assert before.wrap_up_until is not None
    assert found.wrap_up_until is not None
    assert (found.wrap_up_until - before.wrap_up_until).total_seconds() == 60
    await ada.press("end_wrap_up")
    await us.until_call(call, CallState.CLOSED)
    await ada.until_state(AgentState.READY)


async def test_with_an_optional_wrap_up_the_next_call_rings_while_the_last_is_written_down(here: House) -> None:
    us = here.lanterns
    await settled(us, wrap_up=WrapUpMode.OPTIONAL)
    await us.agents[0].come_in()
    ada, first = await us.talked(None)
    await us.until_call(first, CallState.WRAP_UP)
    us.call_in(None)
    await ada.until_state(AgentState.RINGING)


async def test_a_break_is_chosen_on_the_status_card(here: House) -> None:
    ada = here.lanterns.agents[0]
    await ada.come_in()
    await ada.press("go_break", reason="coffee")
    agent = await ada.until_state(AgentState.BREAK)
    assert agent.reason == "coffee"
    await until_said(ada, "go_ready")
    await ada.press("go_ready")
    await ada.until_state(AgentState.READY)


async def test_a_caller_comes_to_the_agent_who_talked_to_them_before(here: House) -> None:
    us = here.lanterns
    await settled(us, last_agent_s=20.0)
    member = us.member()
    await us.until_known(member)
    number = member.e164[0]
    await us.agents[0].come_in()
    ada, call = await us.talked(number)
    await ada.press("wrap_up", disposition=us.setup.queues[0].dispositions[0].id)
    await us.until_call(call, CallState.CLOSED)

    async def remembered() -> bool:
        found = await us.call(call)
        return found is not None and bool(found.activity)

    await until(remembered)
    bruno = us.agents[1]
    await bruno.come_in()
    await ada.say("pause")
    await ada.until_state(AgentState.BREAK)
    await ada.say("bereit")  # so that Bruno is idle longer
    await ada.until_state(AgentState.READY)
    us.call_in(number)
    await ada.until_it_rings()
    assert text("de", "ringing") not in bruno.words()


async def test_teams_shows_agents_as_busy_until_the_wrap_up_is_over_where_that_is_wanted(here: House) -> None:
    us = here.lanterns
    await change(us, writes_presence=True)
    await us.agents[0].come_in()
    ada, _ = await us.talked(None)
    await ada.press("end_wrap_up")

    async def shown() -> list[str]:
        asked = [request["body"]["availability"] for request in us.asked_graph("/setPresence")]
        return asked if len(asked) == 2 else []

    assert await until(shown) == ["Busy", "Available"]
