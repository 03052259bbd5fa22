"""Callbacks in the running product: kept places and missed calls, by cards in Teams and by the API."""

from typing import Any

from msgspec.structs import replace

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.callback import Callback, CallbackEnd, CallbackRules, CallbackState
from cordpair.core.ids import CallId
from tests.product.api import person
from tests.product.house import House, Organisation, Person, until
from tests.product.test_outbound import placed, until_rings

STRANGER = "+493023125999"
BY_HAND = CallbackRules(missed_list=True, dials=False)


async def with_rules(us: Organisation, rules: CallbackRules) -> None:
    """The first queue calls back like this, from now on."""
    first, *others = us.setup.queues
    us.setup = replace(us.setup, queues=(replace(first, callbacks=rules), *others))
    before = floor_of(us)
    await us.configure()

    async def taken_up() -> bool:
        return floor_of(us) not in (before, None)

    await until(taken_up)


async def kept(us: Organisation, call: CallId, *states: CallbackState) -> Callback:
    async def look() -> Callback | None:
        async with us.house.store.open_tenant(us.id) as rows:
            found = await rows.callbacks.get(call)
        return found if found is not None and found.state in states else None

    found = await until(look)
    assert found is not None
    return found


async def waiting(us: Organisation) -> CallId:
    call = us.call_in(STRANGER)
    await us.until_call(call, CallState.QUEUED)
    return call


async def goes_ready(one: Person) -> None:
    """They are asked at once, so that nobody ever sees them ready."""
    assert await one._parts.floor.sign_in(one.seat)
    await one.say("ready")


def floor_of(us: Organisation) -> object:
    return dict(us.house.product.node.floors()).get(us.id)


async def until_card_says(person_: Person, text: str) -> None:
    async def look() -> bool:
        return text in person_.words()

    await until(look)


async def test_a_caller_keeps_their_place_and_is_called_back_from_teams(here: House) -> None:
    us, (ada, ben) = here.lanterns, here.lanterns.agents
    await with_rules(us, BY_HAND)
    call = await waiting(us)
    await person(ben, "Supervisor").order("POST", f"/calls/{call}/callback", json={})
    us.caller_leaves(call)
    closed = await us.until_call(call, CallState.CLOSED)
    assert (closed.outcome, closed.outcome_reason) == (Outcome.FLOWED_OUT, "callback")
    await goes_ready(ada)
    offered = await kept(us, call, CallbackState.OFFERED)
    assert offered.agent == ada.id
    await until_card_says(ada, "Bitte zurückrufen")
    await ada.press("callback_take")
    await kept(us, call, CallbackState.TAKEN)
    assert (await ada.known()).state is AgentState.TALKING
    await until_card_says(ada, f"4:{STRANGER}")
    await ada.press("callback_report", result="reached")
    over = await kept(us, call, CallbackState.CLOSED)
    assert over.outcome is CallbackEnd.REACHED
    await ada.until_state(AgentState.READY)


async def asked_to_call_back(here: House) -> tuple[Organisation, Person, CallId]:
    """A caller keeps a place and has hung up; an agent is asked, and presses the button."""
    us, (ada, ben) = here.lanterns, here.lanterns.agents
    here.parts.outside.is_manual = True
    call = await waiting(us)
    await person(ben, "Supervisor").order("POST", f"/calls/{call}/callback", json={})
    us.caller_leaves(call)
    await us.until_call(call, CallState.CLOSED)
    await goes_ready(ada)
    await kept(us, call, CallbackState.OFFERED)
    await ada.press("callback_take")
    return us, ada, call


async def test_a_kept_place_is_dialled_for_the_agent_and_over_when_both_talk(here: House) -> None:
    us, ada, call = await asked_to_call_back(here)
    back = await placed(us)
    await ada.answer()
    await until_rings(here, STRANGER)
    here.parts.outside.answer(STRANGER)
    talks = await us.until_call(back, CallState.CONNECTED)
    assert talks.outbound is not None
    assert (talks.agent, talks.outbound.because_of) == (ada.id, call)
    assert (await kept(us, call, CallbackState.CLOSED)).outcome is CallbackEnd.REACHED


async def test_a_telephone_that_is_not_picked_up_is_tried_again_later(here: House) -> None:
    us, ada, call = await asked_to_call_back(here)
    await placed(us)
    await ada.answer()
    await until_rings(here, STRANGER)
    here.parts.outside.decline(STRANGER)
    waits = await kept(us, call, CallbackState.WAITING)
    assert (waits.tries, waits.agent) == (1, None)


async def test_a_missed_call_is_listed_taken_by_one_agent_and_done(here: House) -> None:
    us, (ada, ben) = here.lanterns, here.lanterns.agents
    await with_rules(us, BY_HAND)
    call = await waiting(us)
    us.caller_leaves(call)
    await kept(us, call, CallbackState.LISTED)
    await ada.come_in()
    await ben.come_in()
    await ada.say("verpasst")
    await until_card_says(ada, "Verpasste Anrufe (1)")
    assert (await person(ben, "Agent").order("POST", f"/callbacks/{call}/take"))["progress"] == "done"
    assert (await person(ada, "Agent").order("POST", f"/callbacks/{call}/take"))["reason"] == "callback_taken"
    listed: Any = await person(ada, "Agent").get("/callbacks", kind="missed")
    assert [(it["call"], it["state"], it["agent"]) for it in listed["callbacks"]] == [(call, "taken", ben.id)]
    await person(ben, "Agent").order("POST", f"/callbacks/{call}/report", json={"result": "reached"})
    assert (await person(ada, "Agent").get("/callbacks"))["callbacks"] == []


async def test_whoever_is_missed_and_calls_again_is_crossed_off_the_list(here: House) -> None:
    us, (ada, _) = here.lanterns, here.lanterns.agents
    await with_rules(us, BY_HAND)
    call = await waiting(us)
    us.caller_leaves(call)
    await kept(us, call, CallbackState.LISTED)
    await ada.come_in()
    await us.talked(STRANGER)
    assert (await kept(us, call, CallbackState.CLOSED)).outcome is CallbackEnd.CALLED_IN


async def test_a_kept_place_outlives_its_owner(here: House) -> None:
    """The floor is built anew from the store: whoever takes the organisation over asks the next agent."""
    us, (ada, ben) = here.lanterns, here.lanterns.agents
    call = await waiting(us)
    await person(ben, "Supervisor").order("POST", f"/calls/{call}/callback", json={})
    us.caller_leaves(call)
    await us.until_call(call, CallState.CLOSED)
    await with_rules(us, BY_HAND)
    await goes_ready(ada)
    assert (await kept(us, call, CallbackState.OFFERED)).agent == ada.id


async def test_a_supervisor_takes_a_callback_off(here: House) -> None:
    us, (_, ben) = here.lanterns, here.lanterns.agents
    call = await waiting(us)
    lead = person(ben, "Supervisor")
    await lead.order("POST", f"/calls/{call}/callback", json={})
    us.caller_leaves(call)
    await us.until_call(call, CallState.CLOSED)
    assert (await lead.order("POST", f"/callbacks/{call}/cancel"))["progress"] == "done"
    assert (await kept(us, call, CallbackState.CLOSED)).outcome is CallbackEnd.CANCELLED
    assert (await lead.order("POST", f"/callbacks/{call}/cancel"))["reason"] == "callback_over"
