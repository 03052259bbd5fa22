"""Callers are passed on, whole: by the card, through Graph, to an agent, a queue and a telephone outside."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from cordpair.connectors.teams.texts import text
from cordpair.core.agent import AgentState
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.ids import CallId
from cordpair.emulator.failing import Failing
from tests.product.house import House, Organisation, Person, until

OUTSIDE = "+493023125999"
LONG_S = 30.0  #: real: several orders one after the other, on a machine that does other things too

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def here(shared: House) -> AsyncIterator[House]:
    """The house of all tests here; what one has begun ends before the next one."""
    yield shared
    shared.parts.graph.failing, shared.parts.outside.is_manual = Failing(), False
    for line in list(shared.parts.exchange.calls.values()):
        shared.parts.exchange.caller_leaves(line)
    for person in shared.lanterns.agents:
        await go_home(person)


async def go_home(person: Person) -> None:
    """Write up what is to be written up, and sign out."""
    free = (AgentState.READY, AgentState.OFFLINE, AgentState.BREAK, AgentState.NOT_RESPONDING)
    agent = await person.until_state(*free, AgentState.WRAP_UP)
    if agent.state is AgentState.WRAP_UP:
        await person.press("wrap_up", disposition="solved")
        await person.until_state(*free)
    await person.say("offline")
    await person.until_state(AgentState.OFFLINE)
    person.seat.chat.cards.clear()


async def talking(org: Organisation) -> tuple[Person, Person, CallId]:
    """An agent who talks to a caller, and one who is ready."""
    first, second = org.agents
    await first.come_in()
    call = org.call_in(None)
    await first.answer()
    await org.until_call(call, CallState.CONNECTED)
    await second.come_in()
    return first, second, call


async def until_call(org: Organisation, call: CallId, **fields: Any) -> Call:
    """The call, once these fields of it have these values."""

    async def look() -> Call | None:
        found = await org.call(call)
        return found if found and all(getattr(found, name) == value for name, value in fields.items()) else None

    found = await until(look, LONG_S)
    assert found is not None
    return found


async def until_alone(person: Person) -> None:
    """Until the person's client is in no call."""

    async def look() -> bool:
        return person.seat.call is None

    await until(look, LONG_S)


async def until_said(person: Person, key: str, **values: str) -> None:
    """Until a card of theirs says it."""
    words = text(person.seat.agent.locale, key, **values)

    async def look() -> bool:
        return words in person.words()

    try:
        await until(look, LONG_S)
    except TimeoutError:
        raise AssertionError(f"{words!r} is not among {person.words()!r}") from None


def held(house: House) -> bool:
    """Whether the caller of the only call hears music."""
    (call,) = house.parts.exchange.calls.values()
    return any(one.is_held for one in call.participants.values() if one.is_caller)


async def until_held(house: House, *, on: bool) -> None:
    async def look() -> bool:
        return held(house) is on

    await until(look, LONG_S)


async def test_a_caller_is_passed_on_blind_and_written_down_once_by_the_second_agent(here: House) -> None:
    us = here.lanterns
    first, second, call = await talking(us)
    await first.press("pass_on", how="blind", target=f"agent:{second.id}", pass_note="Beitrag 2026")
    await second.answer()
    found = await until_call(us, call, agent=second.id)
    assert (found.state, found.note) == (CallState.CONNECTED, "Beitrag 2026")
    await until_alone(first)
    await first.until_state(AgentState.READY)
    await until_said(second, "passed_by", name=first.seat.agent.name)
    us.caller_leaves(call)
    await second.press("wrap_up", disposition="solved")
    closed = await us.until_call(call, CallState.CLOSED)
    assert (closed.agent, closed.outcome) == (second.id, Outcome.ANSWERED)
    assert call in await us.pending()


async def test_a_declined_transfer_is_told_and_the_caller_stays(here: House) -> None:
    us = here.lanterns
    first, second, call = await talking(us)
    await first.press("pass_on", how="blind", target=f"agent:{second.id}")
    await second.until_it_rings()
    assert second.seat.ring is not None
    here.parts.exchange.decline(second.seat.ring)
    await until_said(first, "pass_failed", name=second.seat.agent.name, why=text("de", "pass_declined"))
    found = await us.call(call)
    assert found is not None
    assert (found.state, found.agent) == (CallState.CONNECTED, first.id)
    await second.until_state(AgentState.READY)


async def test_the_caller_hears_music_while_the_agents_talk_and_is_handed_over(here: House) -> None:
    us = here.lanterns
    first, second, call = await talking(us)
    await first.press("pass_on", how="consult", target=f"agent:{second.id}")
    await until_held(here, on=True)
    await second.answer()
    await until_said(first, "pass_consults", name=second.seat.agent.name)
    await first.press("complete")
    await until_held(here, on=False)
    await until_call(us, call, agent=second.id)
    await until_alone(first)
    assert second.seat.call is not None


async def test_a_caller_is_taken_back_from_a_consultation(here: House) -> None:
    us = here.lanterns
    first, second, call = await talking(us)
    await first.press("pass_on", how="consult", target=f"agent:{second.id}")
    await second.answer()
    await first.press("take_back")
    await until_held(here, on=False)
    await until_alone(second)
    found = await until_call(us, call, transfer=None)
    assert (found.state, found.agent) == (CallState.CONNECTED, first.id)
    assert first.seat.call is not None


async def test_a_telephone_outside_gets_the_caller_and_the_agent_is_free_while_we_hold_the_line(here: House) -> None:
    us, outside = here.lanterns, here.parts.outside
    outside.is_manual = True
    first, _, call = await talking(us)
    await first.press("pass_on", how="blind", number="030 23125-999")

    async def rings() -> bool:
        return OUTSIDE in outside.rings

    await until(rings)
    outside.answer(OUTSIDE)
    await us.until_call(call, CallState.WRAP_UP)
    await until_alone(first)
    await first.press("wrap_up", disposition="passed_on")
    passed = await us.until_call(call, CallState.PASSED_ON)
    line = here.parts.exchange.calls[passed.graph_id]
    outside.hang_up(line, OUTSIDE)
    await us.until_call(call, CallState.CLOSED)

    async def is_over() -> bool:
        return line.is_over

    await until(is_over)


async def test_a_queue_where_nobody_is_signed_in_is_doubted_and_waits_for_the_caller_all_the_same(here: House) -> None:
    us = here.lanterns
    first, _, call = await talking(us)
    other = us.setup.queues[2]
    await first.press("pass_on", how="blind", target=f"queue:{other.id}")
    await until_said(first, "doubt_nobody_there")
    found = await us.call(call)
    assert found is not None
    assert found.queue != other.id
    await first.press("pass_on")
    found = await until_call(us, call, queue=other.id)
    assert found.arrived_at is not None
    await until_alone(first)
    assert (await us.until_call(call, CallState.QUEUED)).agent is None


async def test_the_number_that_is_dialled_stands_in_no_column_that_can_be_read(here: House) -> None:
    us = here.lanterns
    here.parts.outside.is_manual = True
    first, _, call = await talking(us)
    await first.press("pass_on", how="blind", number=OUTSIDE)
    found = await until_call(us, call, dialled=OUTSIDE)
    assert found.transfer is not None
    async with here.store.open_tenant(us.id) as rows:
        body = await rows.calls._scope.connection.fetchval("select body::text from calls where call = $1", call)
    assert OUTSIDE[1:] not in body


async def test_an_agent_who_hangs_up_early_leaves_the_caller_to_who_is_rung(here: House) -> None:
    us = here.lanterns
    first, second, call = await talking(us)
    await first.press("pass_on", how="blind", target=f"agent:{second.id}")
    await second.until_it_rings()
    first.hang_up()
    await second.answer()
    found = await until_call(us, call, agent=second.id)
    assert (found.state, found.transfer) == (CallState.CONNECTED, None)
    await first.until_state(AgentState.READY)


async def test_a_caller_whom_nobody_takes_any_more_waits_again_with_their_age(here: House) -> None:
    us = here.lanterns
    first, second, call = await talking(us)
    arrived = (await us.until_call(call, CallState.CONNECTED)).arrived_at
    await first.press("pass_on", how="blind", target=f"agent:{second.id}")
    await second.until_it_rings()
    assert second.seat.ring is not None
    first.hang_up()

    async def has_left() -> bool:
        found = await us.call(call)
        return found is not None and found.transfer is not None and found.transfer.agent_left is not None

    await until(has_left)
    here.parts.exchange.decline(second.seat.ring)
    found = await us.until_call(call, CallState.OFFERED, CallState.QUEUED)
    assert (found.arrived_at, found.former) == (arrived, first.id)


async def test_a_caller_who_hangs_up_while_it_rings_frees_the_other_agent(here: House) -> None:
    us = here.lanterns
    first, second, call = await talking(us)
    await first.press("pass_on", how="consult", target=f"agent:{second.id}")
    await second.until_it_rings()
    us.caller_leaves(call)
    await us.until_call(call, CallState.WRAP_UP)
    await second.until_state(AgentState.READY)
    await first.press("wrap_up", disposition="solved")
    assert (await us.until_call(call, CallState.CLOSED)).agent == first.id


async def test_where_graph_plays_no_music_the_card_says_that_the_caller_hears(here: House) -> None:
    us = here.lanterns
    first, second, _ = await talking(us)
    here.parts.graph.failing = Failing(path="/startHoldMusic", status=403, times=1)
    await first.press("pass_on", how="consult", target=f"agent:{second.id}")
    await second.answer()  # whom nothing takes away any more, however long it lasts until the card says so
    await until_said(first, "pass_not_held")


@pytest.mark.xfail(strict=False, reason="on a busy machine the card says that it rings until its time is over")
async def test_a_ring_that_graph_refuses_is_told_and_parks_nothing(here: House) -> None:
    us = here.lanterns
    here.parts.outside.is_manual = True
    first, _, call = await talking(us)
    here.parts.graph.failing = Failing(path="/participants/invite", status=403, times=1)
    await first.press("pass_on", how="blind", number=OUTSIDE)
    await until_said(first, "pass_forbidden")
    found = await us.call(call)
    assert found is not None
    assert (found.state, found.agent, await us.parked_effects()) == (CallState.CONNECTED, first.id, [])


async def test_in_a_conference_all_three_stay_until_one_leaves(here: House) -> None:
    us = here.lanterns
    first, second, call = await talking(us)
    await first.press("pass_on", how="conference", target=f"agent:{second.id}")
    await second.answer()
    await until_said(first, "pass_together", name=second.seat.agent.name)
    assert not held(here)
    first.hang_up()
    await until_call(us, call, agent=second.id)
    await first.until_state(AgentState.READY)
