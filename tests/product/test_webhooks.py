"""What comes in over HTTP: accepted once and durably, or refused with a clear word and nothing stored."""

import asyncio
import json
import tracemalloc
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cordpair.emulator.keys import SigningKey
from cordpair.store.marks import Subscription
from tests.product.house import House, Organisation, until
from tests.product.signed import asked

pytestmark = pytest.mark.asyncio(loop_scope="module")

NESTED = b"[" * 200_000 + b"]" * 200_000


def token(house: House, us: Organisation, **claims: object) -> dict[str, str]:
    """A bearer as the Bot Framework signs it, with other claims where a test names them."""
    whole = {"iss": "https://api.botframework.com", "aud": us.tenant.registration.client_id, **claims}
    return {"Authorization": f"Bearer {house.parts.cloud.bot_key.sign(whole, 300)}"}


def item(us: Organisation, graph_id: str = "", **changes: object) -> dict[str, Any]:
    """A notification of a call that rings."""
    graph_id = graph_id or str(uuid.uuid4())
    queue = us.tenant.queues[0]
    return {
        "changeType": "created",
        "resourceUrl": f"/communications/calls/{graph_id}",
        "resourceData": {
            "@odata.type": "#microsoft.graph.call",
            "state": "incoming",
            "direction": "incoming",
            "tenantId": us.id,
            "source": {"identity": {"phone": {"id": "+493023125999"}}},
            "targets": [{"identity": {"applicationInstance": {"id": queue.resource_account}}}],
        },
    } | changes


def body(*items: object) -> bytes:
    return json.dumps({"value": items}).encode()


async def post(
    house: House, us: Organisation, content: bytes, headers: dict[str, str] | None = None, *, to: str = "calls"
) -> httpx.Response:
    """To the calling webhook (or `to`) with a good token, or with these headers."""
    url = f"{house.url}/graph/{us.tenant.registration.id}/{to}"
    return await house.http.post(url, content=content, headers=token(house, us) if headers is None else headers)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_more(asleep: House) -> AsyncIterator[None]:
    """Whatever a test of this module sends, it leaves the other organisation's inbox as it was."""
    before = await asleep.harbours.inbox()
    yield
    assert await asleep.harbours.inbox() == before


async def test_a_notification_is_stored_before_it_is_acknowledged(asleep: House) -> None:
    us = asleep.lanterns
    before = await us.inbox("graph")
    answer = await post(asleep, us, body(item(us)))
    assert answer.status_code == 202
    assert len(await us.inbox("graph")) == len(before) + 1


async def test_a_notification_that_comes_again_is_acknowledged_and_stored_once(asleep: House) -> None:
    us, told = asleep.lanterns, body(item(asleep.lanterns))
    before = await us.inbox("graph")
    answers = await asyncio.gather(*(post(asleep, us, told) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    assert len(await us.inbox("graph")) == len(before) + 1


async def test_the_same_content_later_is_news(asleep: House) -> None:
    us, told = asleep.lanterns, body(item(asleep.lanterns))
    before = await us.inbox("graph")
    await post(asleep, us, told)
    await asleep.parts.cloud.clock.advance(601)
    await post(asleep, us, told)
    assert len(await us.inbox("graph")) == len(before) + 2


async def test_what_a_call_comes_back_to_is_news_and_what_is_said_twice_in_a_row_is_not(asleep: House) -> None:
    us, graph_id = asleep.lanterns, str(uuid.uuid4())
    before = await us.inbox("graph")
    for state in ("established", "established", "hold", "established", "established"):
        told = item(us, graph_id, changeType="updated", resourceData={"state": state, "tenantId": us.id})
        assert (await post(asleep, us, body(told))).status_code == 202
    assert len(await us.inbox("graph")) == len(before) + 3


async def test_the_order_of_the_fields_makes_no_new_notification(asleep: House) -> None:
    us, told = asleep.lanterns, item(asleep.lanterns)
    before = await us.inbox("graph")
    await post(asleep, us, body(told))
    await post(asleep, us, body(dict(reversed(told.items()))))
    assert len(await us.inbox("graph")) == len(before) + 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"value": [', id="cut off"),
        pytest.param(b"<html>proxy</html>", id="a page"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b'{"value": [{"a": "\\ud800"}]}', id="half a character"),
        pytest.param(NESTED, id="nested without end"),
        pytest.param(b'{"value": ' + NESTED + b"}", id="nested value"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="no value"),
        pytest.param(b'{"value": {}}', id="value is no list"),
        pytest.param(b'{"value": [7]}', id="an item is a number"),
        pytest.param(b'{"value": [{}]}', id="an item names no call"),
        pytest.param(b'{"value": [{"resourceUrl": "/communications/calls"}]}', id="a path without an id"),
        pytest.param(b'{"value": [{"resourceUrl": 7}]}', id="a path that is a number"),
    ],
)
async def test_what_is_no_notification_is_refused_and_nothing_is_stored(asleep: House, content: bytes) -> None:
    before = await asleep.lanterns.inbox()
    answer = await post(asleep, asleep.lanterns, content)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert await asleep.lanterns.inbox() == before


async def test_one_item_that_names_no_call_refuses_the_whole_notification(asleep: House) -> None:
    us = asleep.lanterns
    before = await us.inbox()
    assert (await post(asleep, us, body(item(us), {"resourceUrl": "/users"}))).status_code == 400
    assert await us.inbox() == before


async def test_members_that_microsoft_adds_one_day_are_stored_like_all_others(asleep: House) -> None:
    us = asleep.lanterns
    told = item(us, changeType="merged", resourceData={"state": "teleporting", "somethingNew": [1, {"deep": None}]})
    before = await us.inbox("graph")
    assert (await post(asleep, us, body(told))).status_code == 202
    assert len(await us.inbox("graph")) == len(before) + 1


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        pytest.param({"aud": "11111111-2222-4333-8444-555555555555"}, 403, id="made for another bot"),
        pytest.param({"aud": ["x", "y"]}, 403, id="made for others"),
        pytest.param({"iss": "https://sts.windows.net/someone/"}, 403, id="another issuer"),
        pytest.param({"exp": 1_700_000_000}, 403, id="expired"),
        pytest.param({"nbf": 4_000_000_000}, 403, id="not valid yet"),
    ],
)
async def test_a_token_that_is_not_for_us_is_refused(asleep: House, claims: dict[str, object], status: int) -> None:
    us = asleep.lanterns
    before = await us.inbox()
    answer = await post(asleep, us, body(item(us)), token(asleep, us, **claims))
    assert answer.status_code == status
    assert await us.inbox() == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="none"),
        pytest.param({"Authorization": ""}, 401, id="empty"),
        pytest.param({"Authorization": "Basic dXNlcjpwYXNz"}, 401, id="another scheme"),
        pytest.param({"Authorization": "Bearer"}, 401, id="no token"),
        pytest.param({"Authorization": "Bearer a.b.c"}, 403, id="no JWT"),
        pytest.param({"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}, 403, id="not signed"),
    ],
)
async def test_without_a_good_token_nothing_is_stored(asleep: House, headers: dict[str, str], status: int) -> None:
    us = asleep.lanterns
    before = await us.inbox()
    assert (await post(asleep, us, body(item(us)), headers)).status_code == status
    assert await us.inbox() == before


async def test_a_token_that_somebody_else_signed_is_refused(asleep: House) -> None:
    us, stranger = asleep.lanterns, SigningKey()
    stranger.kid = asleep.parts.cloud.bot_key.kid
    claims = {"iss": "https://api.botframework.com", "aud": us.tenant.registration.client_id}
    headers = {"Authorization": f"Bearer {stranger.sign(claims, 300)}"}
    assert (await post(asleep, us, body(item(us)), headers)).status_code == 403


async def test_the_token_of_one_organisation_opens_no_webhook_of_another(asleep: House) -> None:
    us, they = asleep.lanterns, asleep.harbours
    assert (await post(asleep, they, body(item(they)), token(asleep, us))).status_code == 403


async def test_a_call_of_another_organisation_is_refused_whatever_the_token(asleep: House) -> None:
    us, they = asleep.lanterns, asleep.harbours
    before = await us.inbox()
    assert (await post(asleep, us, body(item(they)))).status_code == 403
    assert await us.inbox() == before


@pytest.mark.parametrize("name", ["nobody", "reg-lantern", "%00", "%2e%2e", "x" * 5_000, "%F0%9F%94%94"])
async def test_the_address_of_nobody_refuses_every_token_and_knows_no_secret(asleep: House, name: str) -> None:
    us = asleep.lanterns
    for path, status in (("calls", 403), ("changes", 202)):
        answer = await asleep.http.post(f"{asleep.url}/graph/{name}/{path}", content=body(), headers=token(asleep, us))
        assert answer.status_code in (400, status), path


async def test_a_body_of_ten_megabytes_is_refused_before_it_is_in_memory(asleep: House) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 1_000_000

    us = asleep.lanterns
    url = f"{asleep.url}/graph/{us.tenant.registration.id}/calls"
    tracemalloc.start()
    try:
        answer = await asleep.http.post(url, content=endless(), headers=token(asleep, us))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 413
    assert most < 8_000_000


async def test_what_the_database_could_not_take_is_taken_when_it_is_back(asleep: House) -> None:
    us, told = asleep.lanterns, body(item(asleep.lanterns))
    before = await us.inbox("graph")
    await asleep.line.cut()
    try:
        away = await post(asleep, us, told)
    finally:
        await asleep.line.mend()
    assert (away.status_code, away.headers.get("retry-after")) == (503, "1")

    async def taken() -> bool:
        return (await post(asleep, us, told)).status_code == 202

    await until(taken)
    assert len(await us.inbox("graph")) == len(before) + 1


# ---- change notifications


async def test_graphs_handshake_is_answered_with_its_token_as_plain_text(asleep: House) -> None:
    url = f"{asleep.url}/graph/{asleep.lanterns.tenant.registration.id}/changes"
    answer = await asleep.http.post(url, params={"validationToken": "Validation: <b>1</b> & ü %41"})
    assert (answer.status_code, answer.text) == (200, "Validation: <b>1</b> & ü %41")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_handshake_without_end_is_refused(asleep: House) -> None:
    url = f"{asleep.url}/graph/{asleep.lanterns.tenant.registration.id}/changes"
    assert (await asleep.http.post(url, params={"validationToken": "x" * 5_000})).status_code == 400


def presence(us: Organisation, state: object = "secret", **changes: object) -> dict[str, Any]:
    """A change of the subscription `stands`, with its secret or with something else in its place."""
    data = {"id": us.agents[0].id, "availability": "Away", "activity": "Away"}
    whole = {"clientState": state, "subscriptionId": "stands", "changeType": "updated", "resourceData": data}
    return {**whole, "tenantId": us.id, **changes}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def subscribed(asleep: House) -> House:
    """The first organisation has a subscription that stands, one that has ended, and one that Graph has not named."""
    now = asleep.product.clock.now()
    lives = {"stands": timedelta(hours=1), "ended": timedelta(seconds=-1), "": timedelta(hours=1)}
    async with asleep.store.open_tenant(asleep.lanterns.id) as rows:
        for name, lasts in lives.items():
            secret = {"stands": "secret", "ended": "old secret", "": "new secret"}[name]
            await rows.subscriptions.put(
                Subscription(kind=f"presence:{name}", graph_id=name, client_state=secret, expires_at=now + lasts)
            )
    return asleep


FOREIGN: dict[str, dict[str, object]] = {
    "another secret": {"clientState": "wrong"},
    "an empty secret": {"clientState": ""},
    "no secret": {"clientState": None},
    "a number": {"clientState": 7},
    "half a character": {"clientState": "\U0001f514"},
    "the secret of another subscription of ours": {"clientState": "new secret"},
    "a subscription that has ended": {"subscriptionId": "ended", "clientState": "old secret"},
    "a subscription that nobody knows": {"subscriptionId": "made up"},
    "no subscription": {"subscriptionId": None},
    "another organisation": {"tenantId": "99999999-9999-4999-8999-999999999999"},
}


@pytest.mark.parametrize("case", FOREIGN)
async def test_a_change_that_does_not_hold_is_acknowledged_and_forgotten(subscribed: House, case: str) -> None:
    us = subscribed.lanterns
    before = await us.inbox()
    told = body(presence(us, **FOREIGN[case]))
    assert (await post(subscribed, us, told, {}, to="changes")).status_code == 202
    assert await us.inbox() == before


async def test_the_first_change_may_come_before_graph_has_named_the_subscription(subscribed: House) -> None:
    us = subscribed.lanterns
    before = await us.inbox("presence")
    told = body(presence(us, "new secret", subscriptionId="named later"))
    assert (await post(subscribed, us, told, {}, to="changes")).status_code == 202
    assert len(await us.inbox("presence")) == len(before) + 1


async def test_the_secret_of_one_organisation_holds_at_no_address_of_another(subscribed: House) -> None:
    they = subscribed.harbours
    assert (await post(subscribed, they, body(presence(they)), {}, to="changes")).status_code == 202


@pytest.mark.parametrize("what", ["calls", "changes"])
async def test_who_is_refused_costs_no_write_of_the_database(subscribed: House, what: str) -> None:
    us, bad = subscribed.lanterns, {"Authorization": "Bearer a.b.c"}
    content = body(item(us)) if what == "calls" else body(*(presence(us, f"guess {number}") for number in range(20)))

    async def guess() -> None:
        for _ in range(20):
            await post(subscribed, us, content, bad, to=what)

    _, is_stored = await asked(subscribed, guess)
    assert not is_stored


async def test_among_foreign_changes_ours_is_kept(subscribed: House) -> None:
    us, asleep = subscribed.lanterns, subscribed
    before = await us.inbox("presence")
    told = body(presence(us, "wrong"), presence(us), presence(us, tenantId=subscribed.harbours.id))
    assert (await post(asleep, us, told, {}, to="changes")).status_code == 202
    assert len(await us.inbox("presence")) == len(before) + 1


@pytest.mark.parametrize(
    "content", [b"", b"{", NESTED, b'{"value": 1}'], ids=["nothing", "cut off", "nested", "no list"]
)
async def test_a_change_that_is_none_is_refused(asleep: House, content: bytes) -> None:
    before = await asleep.lanterns.inbox()
    assert (await post(asleep, asleep.lanterns, content, {}, to="changes")).status_code == 400
    assert await asleep.lanterns.inbox() == before
