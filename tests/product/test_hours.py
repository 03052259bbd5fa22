"""A queue outside of its opening hours: callers reach somebody else or hear that we are busy; the page says so."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from msgspec.structs import replace

from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.hours import AtClosing, Hours
from cordpair.emulator.failing import Failing
from tests.databases import Server
from tests.product.house import Organisation, house, until
from tests.product.test_quota import change, told_graph

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(postgresql: Server) -> AsyncIterator[Organisation]:
    """An organisation with one who takes none of our calls, and nobody who does. Time goes little faster than real."""
    async with postgresql.fresh() as pair, house(pair, rate=3.0) as one:
        org = one.lanterns
        assert await one.parts.floor.sign_in(org.agents[1].seat)
        yield org


def open_from(org: Organisation, begin: timedelta, end: timedelta) -> Hours:
    """Hours that begin and end every day so long after now."""
    now = org.house.product.clock.now().astimezone(ZoneInfo(org.setup.time_zone))
    return Hours(time_zone=org.setup.time_zone, week=(f"mon-sun {now + begin:%H:%M}-{now + end:%H:%M}",))


async def apply(org: Organisation, hours: Hours, **fields: Any) -> None:
    """Give every queue these hours."""
    await change(org, queues=tuple(replace(queue, hours=hours, **fields) for queue in org.setup.queues))


async def sent_away(org: Organisation) -> Call:
    """One more call, which does not come in."""
    call = await org.until_call(org.call_in(None), CallState.CLOSED)
    assert (call.outcome, call.outcome_reason) == (Outcome.FLOWED_OUT, "closed")
    return call


async def test_the_call_at_a_closed_queue_rings_the_user_for_such_calls(us: Organisation) -> None:
    closed = open_from(us, timedelta(hours=2), timedelta(hours=3))
    await apply(us, closed, closed_user=us.agents[1].id)
    call = await sent_away(us)
    assert await told_graph(us, call, "redirect") == 202
    await us.agents[1].until_it_rings()
    ring = us.agents[1].seat.ring
    assert ring is not None
    assert (ring.call.id, ring.purpose) == (call.graph_id, "redirect")


async def test_with_nobody_for_such_calls_the_caller_hears_that_we_are_busy(us: Organisation) -> None:
    await apply(us, open_from(us, timedelta(hours=2), timedelta(hours=3)), closed_user="")
    assert await told_graph(us, await sent_away(us), "reject") == 202


async def test_the_floor_page_says_that_the_queue_is_closed_and_when_it_opens(us: Organisation) -> None:
    hours = open_from(us, timedelta(hours=2), timedelta(hours=3))
    await apply(us, hours)
    opens = hours.week[0].split()[1].split("-")[0]

    async def said() -> bool:
        page = (await us.house.http.get(us.house.floor_page(us), follow_redirects=True)).text
        return 'class="closed"' in page and f"{opens}</span>" in page

    await until(said)


async def test_an_open_queue_takes_the_next_call(us: Organisation) -> None:
    await apply(us, open_from(us, timedelta(hours=-1), timedelta(hours=3)))
    await us.until_call(us.call_in(None), CallState.QUEUED)


async def handed_over(org: Organisation) -> Call:
    """A call that waits until the queue closes. Its closing time comes at once."""
    until_closing = timedelta(minutes=6)
    hours = replace(open_from(org, timedelta(hours=-1), until_closing), at_closing=AtClosing.MOVE)
    await apply(org, hours, closed_user=org.agents[1].id)
    call = org.call_in(None)
    await org.until_call(call, CallState.QUEUED)
    await org.house.pass_time(until_closing.total_seconds())
    found = await org.until_call(call, CallState.CLOSED)
    assert (found.outcome, found.outcome_reason) == (Outcome.FLOWED_OUT, "closed")
    return found


async def test_who_waits_at_closing_time_is_handed_over_to_the_user_for_such_calls(us: Organisation) -> None:
    call = await handed_over(us)
    assert await told_graph(us, call, "transfer") == 202
    await us.agents[1].until_it_rings()
    ring = us.agents[1].seat.ring
    assert ring is not None
    assert (ring.call.id, ring.purpose) == (call.graph_id, "transfer")


async def test_a_call_that_nobody_takes_at_closing_time_does_not_wait_in_silence(us: Organisation) -> None:
    call = await handed_over(us)
    await us.agents[1].until_it_rings()
    ring = us.agents[1].seat.ring
    assert ring is not None
    us.house.parts.exchange.decline(ring)
    await until_ended(us, call)


async def test_a_call_that_graph_does_not_hand_over_is_ended(us: Organisation) -> None:
    us.house.parts.graph.failing = Failing(path="/transfer", status=403, times=1)
    await until_ended(us, await handed_over(us))
    assert await us.parked_effects() == []


async def until_ended(org: Organisation, call: Call) -> None:
    """Until the caller, who never hangs up, has been."""

    async def is_over() -> bool:
        return call.graph_id not in org.house.parts.callers.on_the_line

    await until(is_over)
