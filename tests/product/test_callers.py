"""Odd callers and odd notifications, all the way through: every call ends once, nobody is looked up who must not be."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.ids import GraphCallId, PartyRef, call_id
from cordpair.emulator.members import Phone
from tests.product.house import House, Organisation, until
from tests.product.test_webhooks import body, item, post

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(shared: House) -> Organisation:
    await shared.lanterns.until_known(shared.lanterns.member())
    for person in shared.lanterns.agents:
        await person.come_in()
    return shared.lanterns


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        pytest.param(None, "withheld", id="withheld"),
        pytest.param("anonymous", "withheld", id="withheld in words"),
        pytest.param("110", "short_number", id="the police"),
        pytest.param("tel:112", "short_number", id="an ambulance"),
        pytest.param("+49112", "short_number", id="an ambulance with its country"),
        pytest.param("115", "short_number", id="the authorities"),
        pytest.param("nonsense", "unknown", id="no number"),
        pytest.param("+", "unknown", id="a plus"),
        pytest.param("+999999999999999999999", "unknown", id="too long"),
        pytest.param("+49 30 ☎ 🏮", "unknown", id="pictures"),
        pytest.param("+4930231259990;ext=<b>1</b>", "unknown", id="markup"),
        pytest.param("x" * 20_000, "unknown", id="without end"),
        pytest.param("+49302312\x005999", "unknown", id="a character that no database takes"),
    ],
)
async def test_a_caller_who_is_nobody_s_is_answered_never_looked_up_in_imis_and_left_to_a_person(
    us: Organisation, number: str | None, reason: str
) -> None:
    asked, written = us.imis().counters.requests, len(us.activities())
    person, call = await us.talked(number)
    await person.press("wrap_up", disposition="solved", note="")
    found = await us.until_call(call, CallState.CLOSED)
    assert (found.outcome, found.party, found.activity) == (Outcome.ANSWERED, None, "")
    assert (await us.pending())[call] == reason
    assert (us.imis().counters.requests, len(us.activities())) == (asked, written)
    assert await us.parked_items() == []


async def test_a_number_that_the_index_does_not_know_is_asked_for_once_and_creates_nobody(us: Organisation) -> None:
    asked, people = us.imis().counters.requests, us.imis().store.party_ids()
    for _ in range(2):
        person, call = await us.talked("+493023125999")
        await person.press("wrap_up", disposition="solved", note="")
        await us.until_call(call, CallState.CLOSED)
        assert (await us.pending())[call] == "unknown"
    assert us.imis().counters.requests - asked <= 5
    assert us.imis().store.party_ids() == people


async def test_a_caller_who_was_entered_just_now_is_found_while_it_rings(us: Organisation) -> None:
    stranger = replace(us.member(), party_id="77001", phones=(Phone("03023125777", "Home"),), company="", region="DE")
    us.imis().store.add(stranger)
    person, call = await us.talked("+493023125777")
    found = await until(lambda: us.found_party(call))
    assert found == PartyRef("imis", "77001")
    await person.press("wrap_up", disposition="solved", note="")
    await us.until_call(call, CallState.CLOSED)


async def test_a_call_to_one_organisation_leaves_no_trace_at_the_other(shared: House, us: Organisation) -> None:
    they = shared.harbours
    before = (await they.inbox("graph"), await they.parked_items(), await they.pending())
    person, call = await us.talked(us.member().e164[0])
    await person.press("wrap_up", disposition="solved")
    await us.until_call(call, CallState.CLOSED)
    assert (await they.inbox("graph"), await they.parked_items(), await they.pending()) == before
    assert await they.call(call) is None
    assert they.activities() == []
    async with shared.store.open_tenant(they.id) as rows:
        assert await rows.calls.history_of(call) == []
        assert await rows.calls.offers_of(call) == []


async def test_the_same_call_id_at_two_organisations_is_two_calls(shared: House, us: Organisation) -> None:
    name = str(uuid.uuid4())
    for one in (us, shared.harbours):
        assert (await post(shared, one, body(item(one, name)))).status_code == 202
        await until(lambda one=one: one.call(call_id(one.id, GraphCallId(name))))  # type: ignore[misc]
    assert call_id(us.id, GraphCallId(name)) != call_id(shared.harbours.id, GraphCallId(name))


# ---- notifications of calls that are not there, or of states that nobody knows


def told(us: Organisation, name: str, **changes: object) -> bytes:
    return body(item(us, name, **changes))


async def heard(us: Organisation, name: str) -> Call | None:
    await us.until_folded()
    return await us.call(call_id(us.id, GraphCallId(name)))


@pytest.mark.parametrize(
    ("tail", "data"),
    [
        ("", {"state": "established"}),
        ("", {"state": "terminated", "resultInfo": {"code": "x", "subCode": []}}),
        ("/participants", []),
        ("/participants", [7, None, {"info": 7}, {"info": {"identity": {"user": {"id": 7}}}}]),
    ],
    ids=["established", "terminated", "empty roster", "odd roster"],
)
async def test_a_call_that_graph_does_not_know_either_ends_unseen(us: Organisation, tail: str, data: Any) -> None:
    name = str(uuid.uuid4())
    path = f"/communications/calls/{name}{tail}"
    updated = told(us, name, changeType="updated", resourceUrl=path, resourceData=data)
    assert (await post(us.house, us, updated)).status_code == 202
    found = await heard(us, name)
    assert found is not None
    await us.house.pass_time(3)
    closed = await us.until_call(found.id, CallState.CLOSED)
    assert (closed.outcome, closed.outcome_reason) == (Outcome.FLOWED_OUT, "unseen")


INVITE = "#microsoft.graph.inviteParticipantsOperation"


@pytest.mark.parametrize(
    ("tail", "changes"),
    [
        ("", {"resourceData": {"state": "teleporting"}}),
        ("", {"resourceData": None}),
        ("", {"resourceData": "text"}),
        ("", {"resourceData": [1, 2]}),
        ("", {"changeType": 7, "resourceData": {"state": 7}}),
        ("/holograms", {"resourceData": {}}),
        ("/operations/1", {"resourceData": {"@odata.type": 7, "status": "failed"}}),
        ("/operations/1", {"resourceData": {"@odata.type": INVITE, "status": "failed", "clientContext": {"a": 1}}}),
        ("/a/b/c/d/e", {}),
    ],
    ids=str,
)
async def test_what_microsoft_adds_one_day_is_ignored_and_parks_nothing(
    us: Organisation, tail: str, changes: dict[str, Any]
) -> None:
    name = str(uuid.uuid4())
    odd = item(us, name, **{"resourceUrl": f"/communications/calls/{name}{tail}", **changes})
    assert (await post(us.house, us, body(odd))).status_code == 202
    assert await heard(us, name) is None
    assert await us.parked_items() == []


@pytest.mark.parametrize(
    "resource",
    [
        {"targets": None},
        {"targets": [{"identity": {"applicationInstance": {"id": "somebody-else"}}}]},
        {"targets": 7, "source": 7},
    ],
    ids=["no target", "a queue of nobody", "numbers"],
)
async def test_a_caller_who_dialled_no_queue_is_sent_away_with_that_reason(us: Organisation, resource: Any) -> None:
    name = str(uuid.uuid4())
    data = {**item(us)["resourceData"], **resource}
    assert (await post(us.house, us, told(us, name, resourceData=data))).status_code == 202
    closed = await us.until_call(call_id(us.id, GraphCallId(name)), CallState.CLOSED)
    assert (closed.outcome, closed.outcome_reason) == (Outcome.FLOWED_OUT, "no_queue")


async def test_a_ringing_call_that_graph_has_forgotten_is_over_at_once(us: Organisation) -> None:
    name = str(uuid.uuid4())
    assert (await post(us.house, us, told(us, name))).status_code == 202
    closed = await us.until_call(call_id(us.id, GraphCallId(name)), CallState.CLOSED)
    assert closed.outcome is Outcome.ABANDONED
