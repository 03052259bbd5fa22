"""Other systems in the running product: told of a call, and ordering something in return."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from cordpair.connectors.cloudtoolz import new_secret, sign
from cordpair.connectors.cloudtoolz.messages import DEFAULT_FIELDS
from cordpair.core.call import CallState
from cordpair.core.ids import CallId
from cordpair.store.databases import Databases
from cordpair.store.hooks import Hook
from tests.engine.hook_receiver import Receiver
from tests.product.house import House, house, until

SECRET = new_secret(b"a" * 32)


@pytest.fixture
async def open_house(databases: Databases) -> AsyncIterator[House]:
    async with house(databases, private_networks="127.0.0.0/8") as one:
        yield one


async def hooked(one: House) -> Receiver:
    """The first organisation tells a receiver what happens."""
    receiver = Receiver([SECRET])
    receiver.start()
    events = frozenset({"call.queued", "call.answered", "call.closed"})
    hook = Hook(id="flows", url=receiver.url, profile="flowz", events=events, fields=DEFAULT_FIELDS, secrets=(SECRET,))
    async with one.store.open_tenant(one.lanterns.id) as rows:
        await rows.hooks.put(hook)
    return receiver


async def order(one: House, message: str, secret: str = SECRET, hook: str = "flows", **body: str) -> httpx.Response:
    content = json.dumps(body).encode()
    headers = sign([secret], message, one.product.clock.now(), content)
    return await one.http.post(f"{one.url}/hooks/{one.lanterns.id}/{hook}", content=content, headers=headers)


async def written_up(one: House) -> CallId:
    """A member has called and talked; the agent writes it up."""
    us = one.lanterns
    member = us.member()
    await us.until_known(member)
    for agent in us.agents:
        await agent.come_in()
    _, call = await us.talked(member.e164[0])
    return call


async def test_a_call_is_told_and_written_up_by_the_one_who_was_told(open_house: House) -> None:
    receiver = await hooked(open_house)
    call = await written_up(open_house)
    await until(lambda: _told(receiver, "org.cordpair.call.answered.v1"), 40)
    answer = await order(open_house, "m1", command="write_up", call=call, disposition="solved", note="By a flow.")
    assert (answer.status_code, answer.json()) == (200, {"result": "ok"})
    await open_house.lanterns.until_call(call, CallState.CLOSED)
    await until(lambda: _logged(open_house))
    assert [one["NOTE"] for one in open_house.lanterns.activities()] == ["By a flow."]
    await until(lambda: _told(receiver, "org.cordpair.call.closed.v1"), 40)


async def test_a_follow_up_that_is_ordered_twice_stands_in_the_crm_once(open_house: House) -> None:
    await hooked(open_house)
    call = await written_up(open_house)
    given = {"command": "follow_up", "call": call, "subject": "Send the catalogue", "due": "2026-12-01"}
    first, again = await order(open_house, "m1", **given), await order(open_house, "m1", **given)
    assert (first.status_code, first.json()) == (200, again.json())
    assert [one["DESCRIPTION"] for one in open_house.lanterns.activities()] == ["Send the catalogue"]


async def test_whoever_cannot_sign_learns_nothing_and_changes_nothing(open_house: House) -> None:
    await hooked(open_house)
    call = await written_up(open_house)
    given = {"command": "write_up", "call": call, "disposition": "solved"}
    wrong = await order(open_house, "m1", secret=new_secret(b"b" * 32), **given)
    nowhere = await order(open_house, "m1", hook="none", **given)
    assert (wrong.status_code, wrong.content) == (nowhere.status_code, nowhere.content) == (401, wrong.content)
    found = await open_house.lanterns.call(call)
    assert found is not None
    assert found.state is CallState.WRAP_UP


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"command": "erase", "call": "x"}, 400),
        ({"command": "write_up", "call": "00000000-0000-4000-8000-000000000000", "disposition": "solved"}, 404),
    ],
)
async def test_what_cannot_be_ordered_is_refused(body: dict[str, str], status: int, open_house: House) -> None:
    await hooked(open_house)
    assert (await order(open_house, "m1", **body)).status_code == status


async def _told(receiver: Receiver, kind: str) -> bool:
    return any(json.loads(one.body)["type"] == kind for one in receiver.taken)


async def _logged(one: House) -> bool:
    return bool(one.lanterns.activities())
