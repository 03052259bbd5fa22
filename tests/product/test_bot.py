"""Chat and cards through the running product: what nobody was shown cannot be pressed, what is odd harms nothing."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cordpair.connectors.teams.texts import text
from cordpair.core.agent import AgentState
from cordpair.core.call import Call, CallState
from cordpair.core.ids import CallId
from tests.product.house import House, Organisation, Person, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = str(uuid.UUID(int=7))
NESTED = b"[" * 200_000 + b"]" * 200_000


def repr_short(value: object) -> str:
    return repr(value)[:20]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(shared: House) -> Person:
    await shared.lanterns.until_known(shared.lanterns.member())
    for person in shared.lanterns.agents:
        await person.come_in()
    return shared.lanterns.agents[0]


@pytest_asyncio.fixture(loop_scope="module")
async def written_up(shared: House, ada: Person) -> AsyncIterator[tuple[Person, CallId]]:
    """A conversation is over; whoever had it writes it up."""
    us = shared.lanterns
    person, call = await us.talked(us.member().e164[0])
    yield person, call
    found = await us.call(call)
    if found is not None and found.state is CallState.WRAP_UP:
        await person.press("wrap_up", disposition="solved")
    await person.until_state(AgentState.READY)


def said(answer: Any) -> str:
    """What the agent reads after a press: a message, or `card`."""
    return str(answer["value"]) if answer["type"].endswith("message") else "card"


# ---- forged and late buttons


async def test_a_call_of_another_organisation_is_as_unknown_as_one_that_never_was(shared: House, ada: Person) -> None:
    theirs = shared.harbours.call_in("+442079460999")
    await shared.harbours.until_call(theirs, CallState.QUEUED)
    for verb, data in (("claim", {}), ("wrap_up", {"disposition": "solved", "note": ""})):
        other, nowhere = [await ada.forge(verb, call=call, **data) for call in (theirs, NOWHERE)]
        assert other == nowhere
        assert said(other) == text("de", "too_late")
    other, nowhere = [await ada.forge("not_now", call=call, offer=f"{call}/1") for call in (theirs, NOWHERE)]
    assert other == nowhere
    found = await shared.harbours.call(theirs)
    assert found is not None
    assert found.state is CallState.QUEUED
    shared.harbours.caller_leaves(theirs)


@pytest.mark.parametrize("call", ["", "nonsense", "\x00", 7, None, {"a": 1}, ["x"], "x" * 10_000], ids=repr_short)
@pytest.mark.parametrize("verb", ["claim", "wrap_up", "not_now"])
async def test_a_button_whose_data_is_no_call_is_answered_at_once(
    shared: House, ada: Person, verb: str, call: object
) -> None:
    before = await shared.lanterns.inbox("command")
    answer = await ada.forge(verb, call=call, offer=f"{call}/1", disposition="solved", note="")
    assert said(answer) == text("de", "unreadable")
    assert await shared.lanterns.inbox("command") == before


@pytest.mark.parametrize("verb", ["", "delete", "wrap_up ", "WRAP_UP", "\x00"])
async def test_a_button_that_no_card_has_is_answered_and_does_nothing(shared: House, ada: Person, verb: str) -> None:
    assert said(await ada.forge(verb, call=NOWHERE)) == text("de", "unreadable")


async def test_a_button_of_an_offer_that_is_over_says_so_and_changes_nothing(
    shared: House, written_up: tuple[Person, CallId]
) -> None:
    us, (person, call) = shared.lanterns, written_up
    before = await us.call(call)
    answer = await person.forge("not_now", call=call, offer=f"{call}/1")
    assert said(answer) == text("de", "too_late")
    assert await us.call(call) == before


async def test_nobody_writes_up_the_call_of_a_colleague(shared: House, written_up: tuple[Person, CallId]) -> None:
    us, (person, call) = shared.lanterns, written_up
    colleague = next(one for one in us.agents if one.id != person.id)
    answer = await colleague.forge("wrap_up", call=call, disposition="solved", note="Mine.")
    assert said(answer) == text("de", "too_late")
    assert await state(us, call) is CallState.WRAP_UP


async def test_a_call_that_is_written_up_cannot_be_claimed(shared: House, written_up: tuple[Person, CallId]) -> None:
    us, (person, call) = shared.lanterns, written_up
    colleague = next(one for one in us.agents if one.id != person.id)
    assert said(await colleague.forge("claim", call=call)) == text("de", "too_late")


# ---- wrap-up


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param({"disposition": "sold"}, id="an unknown disposition"),
        pytest.param({"disposition": "solved\x00"}, id="a disposition that no database takes"),
        pytest.param({"disposition": ""}, id="no disposition"),
        pytest.param({"disposition": 7}, id="a number"),
        pytest.param({"disposition": "solved", "note": {"a": 1}}, id="a note that is an object"),
        pytest.param({"disposition": "solved", "party": "imis:999999"}, id="nobody of the candidates"),
        pytest.param({"disposition": "solved", "party": "imis:\x00"}, id="a party that no database takes"),
    ],
)
async def test_a_wrap_up_that_cannot_be_says_so_and_can_be_corrected(
    shared: House, written_up: tuple[Person, CallId], inputs: dict[str, Any]
) -> None:
    us, (person, call) = shared.lanterns, written_up
    assert said(await person.forge("wrap_up", call=call, **inputs)) == text("de", "unreadable")
    assert await state(us, call) is CallState.WRAP_UP
    assert said(await person.press("wrap_up", disposition="solved", note="Jetzt richtig.")) == "card"
    assert await state(us, call) is CallState.CLOSED


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        pytest.param("# **fett** [Bank](javascript:alert(1)) <b onclick=x>&amp;", None, id="markdown and HTML"),
        pytest.param("ä" * 5_000, "ä" * 4_000, id="five thousand characters"),
        pytest.param("Zeile 1\nZeile 2\t☎ 🏮", None, id="lines and pictures"),
        pytest.param("vor\x00nach", "vornach", id="a character that no system takes"),
    ],
)
async def test_a_note_reaches_imis_as_it_was_written(
    shared: House, written_up: tuple[Person, CallId], note: str, kept: str | None
) -> None:
    us, (person, _) = shared.lanterns, written_up
    before = len(us.activities())
    assert said(await person.press("wrap_up", disposition="solved", note=note)) == "card"

    async def logged() -> bool:
        return len(us.activities()) == before + 1

    await until(logged)
    assert us.activities()[-1]["NOTE"] == (kept if kept is not None else note)
    assert await us.parked_effects() == []


async def test_a_note_cannot_make_a_link_of_itself_on_a_card(shared: House, written_up: tuple[Person, CallId]) -> None:
    person, _ = written_up
    await person.press("wrap_up", disposition="solved", note="[Bank](https://evil.example)")
    assert "[Bank](https://evil.example)" not in person.words()


# ---- chat


@pytest.mark.parametrize("words", ["", "\x00", "<script>", "a" * 100_000, "\u202eready", "break " + "💥" * 500])
async def test_whatever_an_agent_types_is_answered(shared: House, ada: Person, words: str) -> None:
    heard = len(ada.seat.chat.cards) + len(ada.seat.chat.texts)
    assert await ada.say(words)
    assert len(ada.seat.chat.cards) + len(ada.seat.chat.texts) == heard + 1
    await ada.say("ready")


# ---- the endpoint


def activity(house: House, us: Organisation, person: Person, **changes: Any) -> dict[str, Any]:
    """A message as Teams sends it."""
    whole = house.parts.chats._envelope(person.seat.chat)
    return {**whole, "type": "message", "text": "status", **changes}


async def post(house: House, us: Organisation, told: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    signed = house.parts.signer.header(us.tenant, house.parts.cloud.service_url(us.tenant))
    how = {"content": told} if isinstance(told, bytes) else {"json": told}
    url = f"{house.url}/bot/{us.tenant.registration.id}"
    return await house.http.post(url, headers=signed if headers is None else headers, **how)


async def test_a_good_activity_is_taken_once(shared: House, ada: Person) -> None:
    told = activity(shared, shared.lanterns, ada)
    answers = [await post(shared, shared.lanterns, told) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 403]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"serviceUrl": "https://evil.example/"}, 403, id="answers would go elsewhere"),
        pytest.param({"serviceUrl": None}, 400, id="no service address"),
        pytest.param({"channelId": "webchat"}, 403, id="another channel"),
        pytest.param({"channelData": {"tenant": {"id": NOWHERE}}}, 403, id="another tenant"),
        pytest.param({"id": ""}, 400, id="no id"),
        pytest.param({"type": 7}, 400, id="no type"),
        pytest.param({"type": "somethingNew"}, 200, id="a type that Microsoft has added"),
        pytest.param({"type": "invoke", "name": "somethingNew"}, 501, id="an invoke that we do not know"),
    ],
)
async def test_an_activity_that_is_not_for_us_is_refused(
    shared: House, ada: Person, changes: dict[str, Any], status: int
) -> None:
    answer = await post(shared, shared.lanterns, activity(shared, shared.lanterns, ada, **changes))
    assert answer.status_code == status


@pytest.mark.parametrize("value", [None, 7, {}, {"action": 7}, {"action": {}}, {"action": {"data": []}}], ids=str)
async def test_a_button_without_the_shape_of_one_is_refused_without_an_incident(
    shared: House, ada: Person, value: object
) -> None:
    told = activity(shared, shared.lanterns, ada, type="invoke", name="adaptiveCard/action", value=value)
    answer = await post(shared, shared.lanterns, told)
    assert answer.status_code == 400


@pytest.mark.parametrize("changes", [{"text": 7}, {"from": None}, {"conversation": {"tenantId": NOWHERE}}], ids=str)
async def test_a_message_without_the_shape_of_one_is_refused(
    shared: House, ada: Person, changes: dict[str, Any]
) -> None:
    answer = await post(shared, shared.lanterns, activity(shared, shared.lanterns, ada, **changes))
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", NESTED, b"\xff"], ids=["nothing", "cut off", "list", "nested", "bytes"]
)
async def test_what_is_no_activity_is_refused(shared: House, ada: Person, content: bytes) -> None:
    assert (await post(shared, shared.lanterns, content)).status_code == 400


async def test_a_body_of_ten_megabytes_is_refused(shared: House, ada: Person) -> None:
    assert (await post(shared, shared.lanterns, b"x" * 10_000_000)).status_code == 413


async def test_the_token_of_another_organisation_opens_no_chat(shared: House, ada: Person) -> None:
    foreign = shared.parts.signer.header(shared.harbours.tenant, shared.parts.cloud.service_url(shared.lanterns.tenant))
    told = activity(shared, shared.lanterns, ada)
    assert (await post(shared, shared.lanterns, told, foreign)).status_code == 403
    assert (await post(shared, shared.lanterns, told, {})).status_code == 401
    assert (await post(shared, shared.lanterns, told)).status_code == 200


async def test_an_agent_who_writes_while_the_database_is_away_reads_that_it_did_not_work(
    shared: House, ada: Person
) -> None:
    told = activity(shared, shared.lanterns, ada)
    await shared.line.cut()
    try:
        away = await post(shared, shared.lanterns, told)
    finally:
        await shared.line.mend()
    assert away.status_code == 200
    assert ada.seat.chat.texts[-1] == text("de", "try_again")


async def state(us: Organisation, call: CallId) -> CallState:
    found: Call | None = await us.call(call)
    assert found is not None
    return found.state
