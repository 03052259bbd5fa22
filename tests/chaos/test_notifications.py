"""Notifications as they should not be (F7): doubled twenty times, hours late, of the future, a thousand at once."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.ids import GraphCallId, call_id
from cordpair.emulator.delivery import Faults
from tests.product.house import Organisation

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "+493023125999"
HOURS_S = 150 * 60.0


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def as_before(us: Organisation) -> AsyncIterator[None]:
    yield
    us.house.parts.delivery.faults = Faults()
    for call in list(us.house.parts.exchange.calls.values()):
        us.house.parts.exchange.caller_leaves(call)
    await us.house.pass_time(120)
    for person in us.agents:
        assert await person.say("ready")
        await person.until_state(AgentState.READY)


async def test_what_comes_twenty_times_is_stored_once_and_rings_once(us: Organisation) -> None:
    us.house.parts.delivery.faults = Faults(duplicate=1.0, copies=20)
    before = len(await us.inbox("graph"))
    call = us.call_in(UNKNOWN)
    found = await us.until_call(call, CallState.OFFERED)
    assert found.offer is not None
    await next(person for person in us.agents if person.id == found.offer.agent).answer()
    await us.until_call(call, CallState.CONNECTED)
    journal = us.house.parts.cloud.journal
    told = [one for one in journal.since(0, "notification") if one["graph_id"] == found.graph_id]
    assert len(told) >= 21
    assert len(await us.inbox("graph")) - before <= len(told) / 10
    assert len([one for one in journal.since(0, "ring") if one["graph_id"] == found.graph_id]) == 1


async def test_an_arrival_that_comes_hours_late_rings_nobody_and_is_closed(us: Organisation) -> None:
    us.house.parts.delivery.faults = Faults(delay=1.0, delay_s=HOURS_S)
    call = us.call_in(UNKNOWN)
    await us.house.pass_time(20)
    us.house.parts.delivery.faults = Faults()
    await us.house.pass_time(HOURS_S)
    found = await us.until_call(call, CallState.CLOSED, limit_s=20)
    assert found.outcome in (Outcome.ABANDONED, Outcome.FLOWED_OUT)
    assert [person.seat.ring for person in us.agents] == [None, None]


async def test_among_a_thousand_notifications_at_once_a_caller_is_answered(us: Organisation) -> None:
    line = us.house.parts.callers.call(us.tenant, us.tenant.queues[0], UNKNOWN, is_manual=True).call
    others = [_item(str(uuid.UUID(int=number)), {"state": "terminated"}) for number in range(999)]
    assert await _post(us, [*others, _item(line.id, {"state": "established", "n": 1})]) == 202
    await us.until_call(call_id(us.id, GraphCallId(line.id)), CallState.OFFERED)
    await us.until_folded()
    assert await us.parked_items() == []


async def test_dates_of_the_future_and_of_long_ago_change_nothing(us: Organisation) -> None:
    dates = ("2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "tomorrow", "")
    line = us.house.parts.callers.call(us.tenant, us.tenant.queues[0], UNKNOWN, is_manual=True).call
    for date in dates:
        data = {"state": "establishing", "createdDateTime": date, "eventDateTime": date, "callEndDateTime": date}
        assert await _post(us, [_item(line.id, data)]) == 202
    found = await us.until_call(call_id(us.id, GraphCallId(line.id)), CallState.OFFERED)
    assert found.arrived_at is not None
    assert abs((us.house.product.clock.now() - found.arrived_at).total_seconds()) < 600


async def test_a_call_of_another_organisation_in_a_batch_of_ours_is_refused_with_all_of_it(us: Organisation) -> None:
    before = len(await us.inbox())
    foreign = _item(str(uuid.uuid4()), {"state": "incoming", "tenantId": us.house.harbours.id})
    assert await _post(us, [_item(str(uuid.uuid4()), {"state": "terminated"}), foreign]) == 403
    assert len(await us.inbox("graph")) <= before
    await us.until_call(us.call_in(UNKNOWN), CallState.OFFERED)


def _item(graph_id: str, data: dict[str, Any]) -> dict[str, Any]:
    resource = f"/communications/calls/{graph_id}"
    return {"changeType": "updated", "resourceUrl": resource, "resourceData": {"id": graph_id, **data}}


async def _post(us: Organisation, items: list[dict[str, Any]]) -> int:
    url = us.house.parts.cloud.calling_webhook(us.tenant)
    header = us.house.parts.signer.header(us.tenant, None)
    return (await us.house.http.post(url, json={"value": items}, headers=header)).status_code
