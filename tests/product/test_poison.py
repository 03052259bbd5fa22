"""What cannot be read or folded is put aside with its reason, for a person to see; nobody else waits for it."""

from typing import Any

import msgspec
import pytest

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.audit import operator_actor
from cordpair.core.call import CallState
from cordpair.core.ids import CallId, GraphCallId, call_id
from cordpair.store.inbox import Incoming
from tests.product.house import House, Organisation, until
from tests.product.test_webhooks import body, item, post

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOMEBODY = operator_actor(1000)
DEEP = b'{"resourceUrl": "/communications/calls/x", "resourceData": ' + b"[" * 990 + b"]" * 990 + b"}"


async def stored(us: Organisation, *rows: tuple[str, str, bytes]) -> None:
    """Rows in the inbox (source, key, body) as if they had come in."""
    now = us.house.product.clock.now()
    await us.house.store.accept(us.id, [Incoming(source, key, content, now) for source, key, content in rows])
    us.house.product.node.ring(us.id)


async def a_call_is_answered(us: Organisation) -> None:
    """The organisation works: a caller is answered and waits for an agent."""
    call = us.call_in("+493023125999")
    await us.until_call(call, CallState.QUEUED)
    us.caller_leaves(call)
    await us.until_call(call, CallState.CLOSED)


async def until_parked(us: Organisation, key: str) -> Any:
    async def look() -> Any:
        return next((one for one in await us.parked_items() if one.key == key), None)

    return await until(look)


class Broken:
    """A fold that has a mistake: it cannot take facts of these kinds about this call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call: CallId, *kinds: type) -> None:
        self._apply, self._call, self._kinds, self.is_mended = fold.apply, call, kinds, False
        monkeypatch.setattr(fold, "apply", self)

    def __call__(self, floor: Any, event: e.AnyEvent) -> None:
        hit = isinstance(event, self._kinds) and isinstance(event, e.CallFact) and event.call == self._call
        if hit and not self.is_mended:
            raise ZeroDivisionError("the number +493023125999 of a person")
        self._apply(floor, event)


@pytest.mark.parametrize(
    ("source", "content"),
    [
        pytest.param("graph", b"[]", id="a list"),
        pytest.param("graph", b"nonsense", id="no JSON"),
        pytest.param("graph", DEEP, id="nested to the last depth"),
        pytest.param("graph", b'{"resourceUrl": "/users"}', id="no call"),
        pytest.param("presence", b"7", id="a number"),
        pytest.param("result", b'{"type": "FromTheFuture"}', id="an event that this version does not have"),
        pytest.param("command", b"{}", id="no command"),
    ],
)
async def test_a_row_that_cannot_be_read_is_parked_and_callers_are_answered(
    shared: House, source: str, content: bytes, request: pytest.FixtureRequest
) -> None:
    us, key = shared.lanterns, request.node.callspec.id
    await stored(us, (source, key, content))
    parked = await until_parked(us, key)
    assert parked.error
    await a_call_is_answered(us)


async def test_a_call_id_that_no_database_takes_is_parked_and_callers_are_answered(shared: House) -> None:
    us = shared.lanterns
    before = len(await us.parked_items())
    assert (await post(shared, us, body(item(us, "no\x00call")))).status_code == 202

    async def one_more() -> bool:
        return len(await us.parked_items()) == before + 1

    await until(one_more)
    await a_call_is_answered(us)


async def test_a_mistake_in_the_fold_costs_one_notification_and_not_its_neighbours(
    shared: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    us, names = shared.lanterns, [f"neighbour-{number}" for number in range(6)]
    calls = [call_id(us.id, GraphCallId(name)) for name in names]
    Broken(monkeypatch, calls[3], e.CallEnded)
    ended = [item(us, name, changeType="deleted", resourceData={"state": "terminated"}) for name in names]
    await stored(us, *(("graph", it["resourceUrl"], msgspec.json.encode(it)) for it in ended))
    parked = await until_parked(us, "/communications/calls/neighbour-3")
    assert parked.error == "could not be folded: ZeroDivisionError"
    await us.until_folded()
    heard = [await us.call(call) for call in calls]
    assert [call is not None for call in heard] == [True, True, True, False, True, True]
    assert [one.key for one in await us.parked_items() if "neighbour" in one.key] == [parked.key]


async def test_a_parked_notification_is_folded_when_a_person_asks_for_it_again(
    shared: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    us, call = shared.lanterns, call_id(shared.lanterns.id, GraphCallId("again"))
    broken = Broken(monkeypatch, call, e.Arrived)
    await stored(us, ("graph", "again", msgspec.json.encode(item(us, "again"))))
    parked = await until_parked(us, "again")
    broken.is_mended = True
    page = shared.product.floor
    shown = [row for row in (await page.read(us.id)).parked if row.id == f"n{parked.id}"]
    assert [(row.what, row.why) for row in shown] == [("notification.graph", parked.error)]
    assert await page.retry_parked(us.id, shown[0].id, SOMEBODY)
    assert not await page.retry_parked(us.id, shown[0].id, SOMEBODY)
    found = await us.until_call(call, CallState.RINGING, CallState.CLOSED)
    assert found.arrived_at is not None


async def test_a_timer_that_cannot_be_folded_takes_no_notification_with_it(
    shared: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    us = shared.lanterns
    call = us.call_in("+493023125999")
    await us.until_call(call, CallState.QUEUED)
    Broken(monkeypatch, call, e.CheckDue)
    before = len(await us.parked_items())
    await shared.pass_time(31)  # its check is due
    await a_call_is_answered(us)

    async def one_more() -> bool:
        return len(await us.parked_items()) == before + 1

    await until(one_more)
    assert (await us.parked_items())[-1].source == "timer"
