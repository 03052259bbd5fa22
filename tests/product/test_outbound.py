"""Calls that agents place, whole: the agent's client rings first, then the telephone; talked, written up and logged."""

from msgspec.structs import replace

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.ids import CallId
from tests.product.house import House, Organisation, Person, until

OUTSIDE = "+493023125999"


async def placed(org: Organisation) -> CallId:
    """The newest call that we place, once Graph has named it."""

    async def look() -> CallId | None:
        async with org.house.store.open_tenant(org.id) as rows:
            found = await rows.calls._fetch("state = $2", "dialling")
        return found[-1].id if found else None

    found = await until(look)
    assert found is not None
    return found


async def one_queue(person: Person) -> None:
    """The agent serves one queue only: nothing is asked."""
    org = person.organisation

    agents = tuple(replace(one, queues=one.queues[:1]) for one in org.setup.agents)
    org.setup = replace(org.setup, agents=agents)
    await org.configure()


async def until_rings(house: House, number: str) -> None:
    async def rings() -> bool:
        return number in house.parts.outside.rings

    await until(rings)


async def test_a_member_is_called_from_the_chat_and_the_conversation_is_logged_as_outgoing(here: House) -> None:
    us, ada, outside = here.lanterns, here.lanterns.agents[0], here.parts.outside
    outside.is_manual = True
    await one_queue(ada)
    member = us.member()
    await us.until_known(member)
    await ada.come_in()
    number = member.e164[0]
    await ada.say(f"call {number}")
    call = await placed(us)
    assert outside.rings == {}
    await ada.answer()
    await us.until_call(call, CallState.REACHING)
    await until_rings(here, number)
    outside.answer(number)
    found = await us.until_call(call, CallState.CONNECTED)
    assert (found.agent, found.arrived_at, found.party is not None) == (ada.id, None, True)
    outside.hang_up(here.parts.exchange.calls[found.graph_id], number)
    await us.until_call(call, CallState.WRAP_UP)
    await ada.press("wrap_up", disposition="solved", note="Zurückgerufen.")

    async def logged() -> bool:
        found = await us.call(call)
        return found is not None and found.activity != ""

    await until(logged)
    closed = await us.call(call)
    assert closed is not None
    assert (closed.state, closed.outcome) == (CallState.CLOSED, Outcome.ANSWERED)
    (activity,) = us.activities()
    assert (activity["PartyId"], activity["NOTE"]) == (member.party_id, "Zurückgerufen.")
    assert (await ada.known()).state is AgentState.READY


async def test_a_telephone_that_is_not_picked_up_leaves_the_agent_to_write_that_down(here: House) -> None:
    us, ada, outside = here.lanterns, here.lanterns.agents[0], here.parts.outside
    outside.is_manual = True
    await one_queue(ada)
    await ada.come_in()
    await ada.say(f"anrufen {OUTSIDE}")
    call = await placed(us)
    await ada.answer()
    await until_rings(here, OUTSIDE)
    outside.decline(OUTSIDE)
    found = await us.until_call(call, CallState.WRAP_UP)
    assert (found.outcome, found.outcome_reason) == (Outcome.UNREACHED, "declined")

    async def is_out() -> bool:
        return ada.seat.call is None

    await until(is_out)


async def test_a_caller_who_gave_up_is_called_back_by_a_button(here: House) -> None:
    us, ada, outside = here.lanterns, here.lanterns.agents[0], here.parts.outside
    outside.is_manual = True
    await ada.come_in()
    missed = us.call_in(OUTSIDE)
    await ada.until_it_rings()
    us.caller_leaves(missed)
    await us.until_call(missed, CallState.CLOSED)
    await ada.until_state(AgentState.READY)
    await ada.press("place")
    call = await placed(us)
    found = await us.call(call)
    assert found is not None
    assert found.outbound is not None
    assert (found.outbound.because_of, found.caller.e164) == (missed, OUTSIDE)
    await ada.answer()
    await until_rings(here, OUTSIDE)


async def test_emergency_numbers_are_not_called(here: House) -> None:
    us, ada = here.lanterns, here.lanterns.agents[0]
    await one_queue(ada)
    await ada.come_in()
    await ada.say("call 110")
    assert us.asked_graph("/communications/calls") == []
    assert (await ada.known()).state is AgentState.READY
