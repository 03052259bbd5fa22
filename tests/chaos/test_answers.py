"""Answers that no service should give (F9): a caller is answered all the same, nothing hangs, nothing rings twice."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState
from cordpair.core.ids import CallId
from cordpair.emulator.failing import Failing, Kind
from tests.product.house import Organisation, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "+493023125999"
KINDS: tuple[Kind, ...] = ("page", "half", "huge")


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def as_before(us: Organisation) -> AsyncIterator[None]:
    """After each test all is well, everybody has hung up, and both agents are ready."""
    yield
    us.house.parts.graph.failing = us.house.parts.connector.failing = Failing()
    us.imis().faults.clear()
    for call in list(us.house.parts.exchange.calls.values()):
        us.house.parts.exchange.caller_leaves(call)
    await us.house.pass_time(120)
    for person in us.agents:
        assert await person.say("ready")
        await person.until_state(AgentState.READY)


def asked(us: Organisation, graph_id: str, tail: str) -> list[int]:
    """How Graph answered requests of this kind about one call."""
    return [one["status"] for one in us.asked_graph(tail) if one["path"].split("/")[3] == graph_id]


async def until_done(us: Organisation, call: CallId) -> None:
    """Until nothing that was ordered for the call is to be done any more."""

    async def look() -> bool:
        async with us.house.store.open_tenant(us.id) as rows:
            waiting = await rows.outbox._connection.fetchval(
                "select count(*) from outbox where tenant = $1 and call = $2 and state <> 'done'", us.id, call
            )
        await us.house.pass_time(1)
        return bool(waiting == 0)

    await until(look)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [False, True], ids=["before it acts", "after it has acted"])
async def test_a_caller_is_answered_though_graphs_answer_is_none(us: Organisation, kind: Kind, after: bool) -> None:
    us.house.parts.graph.failing = Failing(path="/answer", times=1, kind=kind, after=after)
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED)
    await until_done(us, call)
    assert len(asked(us, found.graph_id, "/answer")) == (1 if after else 2)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_invite_whose_answer_is_none_rings_once(us: Organisation, kind: Kind) -> None:
    us.house.parts.graph.failing = Failing(path="/participants/invite", times=1, kind=kind, after=True)
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED)
    await next(one for one in us.agents if found.offer and one.id == found.offer.agent).answer()
    await us.until_call(call, CallState.CONNECTED)
    await until_done(us, call)
    assert len(asked(us, found.graph_id, "/participants/invite")) == 1


@pytest.mark.parametrize("retry_after", ["0", "1", "Thu, 01 Jan 1970 00:00:00 GMT", "soon", "-5", ""])
async def test_whatever_graph_says_of_when_to_come_again_the_caller_is_answered(
    us: Organisation, retry_after: str
) -> None:
    us.house.parts.graph.failing = Failing(path="/answer", status=429, times=1, retry_after=retry_after)
    await us.until_call(us.call_in(UNKNOWN), CallState.OFFERED)


async def test_graph_that_wants_no_answer_for_years_is_asked_again_within_minutes(us: Organisation) -> None:
    us.house.parts.graph.failing = Failing(path="/playPrompt", status=429, times=1, retry_after="99999999999")
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED)

    async def asked_again(times: int) -> bool:
        return len(asked(us, found.graph_id, "/playPrompt")) >= times

    async def waits() -> bool:
        async with us.house.store.open_tenant(us.id) as rows:
            return bool(await rows.outbox._connection.fetchval(_WAITS, us.id, call))

    await until(lambda: asked_again(1))
    await until(waits)
    await us.house.pass_time(301)
    await until(lambda: asked_again(2))


_WAITS = "select count(*) from outbox where tenant = $1 and call = $2 and kind = 'PlayPrompt' and state = 'ready'"


async def test_a_connector_that_answers_by_the_drop_keeps_no_caller_waiting(us: Organisation) -> None:
    us.house.parts.connector.failing = Failing(times=2, kind="drip")
    call: CallId = us.call_in(UNKNOWN)
    await us.until_call(call, CallState.OFFERED)
