"""A Microsoft Graph in trouble: the caller is answered all the same, the next agent rings, what cannot be is said."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.events import OfferEnd
from cordpair.core.ids import CallId
from cordpair.emulator.delivery import Faults
from cordpair.emulator.failing import Failing
from tests.databases import Server
from tests.product.house import Organisation, house, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "+493023125999"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(postgresql: Server) -> AsyncIterator[Organisation]:
    """An organisation in a world that goes little faster than the real one: Graph's fifteen seconds are real work."""
    async with postgresql.fresh() as pair, house(pair, rate=3.0) as one:
        for person in one.lanterns.agents:
            await person.come_in()
        yield one.lanterns


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def as_before(us: Organisation) -> AsyncIterator[None]:
    """After each test Graph is well, everybody has hung up, and both agents are ready."""
    yield
    us.house.parts.graph.failing, us.house.parts.delivery.faults = Failing(), Faults()
    for call in list(us.house.parts.exchange.calls.values()):
        us.house.parts.exchange.caller_leaves(call)
    await us.house.pass_time(120)  # the longest wrap-up
    for person in us.agents:
        assert await person.say("ready")
        await person.until_state(AgentState.READY)


def failing(us: Organisation, path: str, status: int, times: int = 1, **more: Any) -> None:
    us.house.parts.graph.failing = Failing(path=path, status=status, times=times, **more)


async def offers(us: Organisation, call: CallId) -> list[Any]:
    async with us.house.store.open_tenant(us.id) as rows:
        return list(await rows.calls.offers_of(call))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
@pytest.mark.parametrize("after", [False, True], ids=["before it acts", "after it has acted"])
async def test_a_caller_is_answered_once_though_graph_fails_once(us: Organisation, status: int, after: bool) -> None:
    failing(us, "/answer", status, after=after)
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED)
    assert found.established_at is not None
    answers = [one for one in us.asked_graph("/answer") if one["path"].split("/")[3] == found.graph_id]
    assert [one["status"] for one in answers].count(202) == (0 if after else 1)
    assert found.outcome is None


async def test_an_answer_that_was_given_already_is_no_refusal(us: Organisation) -> None:
    failing(us, "/answer", 503, after=True)
    us.house.parts.delivery.faults = Faults(delay=1.0, delay_s=4.0)  # it is answered long before we are told so
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED, CallState.CLOSED)
    assert found.state is CallState.OFFERED, found.outcome_reason


async def test_graph_is_left_alone_as_long_as_it_asks_for(us: Organisation) -> None:
    failing(us, "/answer", 429, retry_after="4")
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED)
    assert found.arrived_at is not None
    assert found.established_at is not None
    assert (found.established_at - found.arrived_at).total_seconds() >= 4


async def test_an_answer_that_graph_refuses_ends_the_call_with_that_reason(us: Organisation) -> None:
    failing(us, "/answer", 403, times=10)
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.CLOSED)
    assert (found.outcome, found.outcome_reason) == (Outcome.FLOWED_OUT, "answer_failed:403")
    assert await offers(us, call) == []


async def test_a_caller_who_left_before_our_answer_is_abandoned_and_rings_nobody(us: Organisation) -> None:
    failing(us, "/answer", 404, times=10)
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.CLOSED)
    assert found.outcome is Outcome.ABANDONED
    assert await offers(us, call) == []


async def test_an_agent_whom_graph_will_not_ring_is_not_responding_and_the_next_one_rings(us: Organisation) -> None:
    failing(us, "/participants/invite", 403)
    call = us.call_in(UNKNOWN)

    async def second() -> Any:
        made = await offers(us, call)
        return made if len(made) == 2 else None

    first, other = await until(second)
    assert (first.why, other.why) == (OfferEnd.FAILED, None)
    agents = {person.id: person for person in us.agents}
    assert (await agents[first.agent].known()).state is AgentState.NOT_RESPONDING
    await agents[other.agent].answer()
    assert (await us.until_call(call, CallState.CONNECTED)).agent == other.agent


@pytest.mark.parametrize("status", [500, 503])
async def test_an_invite_that_graph_has_carried_out_although_it_failed_rings_once(
    us: Organisation, status: int
) -> None:
    failing(us, "/participants/invite", status, after=True)
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED)
    assert found.offer is not None
    person = next(one for one in us.agents if found.offer is not None and one.id == found.offer.agent)
    await person.answer()
    await us.until_call(call, CallState.CONNECTED)
    invites = [one for one in us.asked_graph("/participants/invite") if one["path"].split("/")[3] == found.graph_id]
    assert len(invites) == 1


async def test_an_agent_who_rings_although_graph_was_said_to_be_away_is_the_only_one_who_does(us: Organisation) -> None:
    failing(us, "/participants/invite", 503, after=True, retry_after="1")  # it says: not done, come again
    call = us.call_in(UNKNOWN)
    await us.until_call(call, CallState.OFFERED)
    await us.house.pass_time(5)  # in which the invite is tried again
    (only,) = await offers(us, call)
    person = next(one for one in us.agents if one.id == only.agent)
    await person.answer()
    found = await us.until_call(call, CallState.CONNECTED)
    assert found.agent == person.id
    assert len(await offers(us, call)) == 1
    assert len([one for one in us.asked_graph("/invite") if one["path"].split("/")[3] == found.graph_id]) == 1


async def test_an_invite_that_graph_refuses_for_a_moment_rings_after_it(us: Organisation) -> None:
    failing(us, "/participants/invite", 429, retry_after="1")
    call = us.call_in(UNKNOWN)
    await us.until_call(call, CallState.OFFERED)
    await until(lambda: _rings(us))
    assert len(await offers(us, call)) == 1


@pytest.mark.parametrize(("status", "retry_after"), [(500, ""), (503, ""), (503, "1")])
async def test_an_invite_that_was_lost_is_missed_and_the_next_agent_rings(
    us: Organisation, status: int, retry_after: str
) -> None:
    failing(us, "/participants/invite", status, retry_after=retry_after)
    call = us.call_in(UNKNOWN)
    await us.until_call(call, CallState.OFFERED)
    await asyncio.sleep(0.3)
    await us.house.pass_time(21)

    async def second() -> bool:
        return len(await offers(us, call)) == 2

    await until(second)
    await until(lambda: _rings(us))


async def test_a_call_that_is_gone_when_an_agent_is_to_be_rung_is_over(us: Organisation) -> None:
    failing(us, "/participants/invite", 404)
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.CLOSED)
    assert found.outcome is Outcome.ABANDONED
    assert [person.seat.ring for person in us.agents] == [None, None]


async def test_a_prompt_that_does_not_play_keeps_nobody_from_talking(us: Organisation) -> None:
    failing(us, "/playPrompt", 403)
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED)
    person = next(one for one in us.agents if found.offer is not None and one.id == found.offer.agent)
    await person.answer()
    await us.until_call(call, CallState.CONNECTED)
    assert [one.kind for one in await us.parked_effects() if one.call == call] == ["PlayPrompt"]


async def _rings(us: Organisation) -> bool:
    return any(person.seat.ring is not None for person in us.agents)
