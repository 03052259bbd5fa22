"""Every place of every operation into which an id can be put, as a function of that id.

A slot sends a request that is right in everything else: our token, our session, our own call. It gives what comes
back: status, headers that say something, body, and what the bot writes into the chat of the agent who asked.
"""

import html
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from cordpair.web.api_roles import OPERATIONS, PREFIX
from cordpair.web.sign_in import Role
from tests.isolation.neighbours import Neighbours

Ask = Callable[[Neighbours, str], Awaitable["Answer"]]

_SAID = ("content-type", "location", "retry-after", "set-cookie", "allow")


class Answer(msgspec.Struct, frozen=True):
    """What somebody learns. `told` has the id that was asked with replaced, `raw` has everything."""

    told: str
    raw: str

    @classmethod
    def of(cls, response: httpx.Response, value: str, *more: object) -> "Answer":
        headers = [f"{name}: {response.headers[name]}" for name in _SAID if name in response.headers]
        raw = "\n".join([str(response.status_code), *headers, response.text, *map(str, more)])
        told = raw
        for form in {value, html.escape(value), quote(value), quote(value, safe="")} - {""}:
            told = told.replace(form, "{id}")
        return cls(told, raw)


def _url(two: Neighbours, path: str) -> str:
    return f"{two.house.url}{path}"


# ---- the bot: messages and buttons

_ACTION = {"type": "invoke", "name": "adaptiveCard/action"}


async def _activity(two: Neighbours, value: str, told: dict[str, Any], *, to: str = "") -> Answer:
    """An activity of our agent, signed for our bot; with what the bot answers and writes."""
    house, seat = two.house, two.asking.seat
    body = {**house.parts.chats._envelope(seat.chat), **told}
    headers = house.parts.signer.header(two.us.tenant, body["serviceUrl"])
    texts, cards = len(seat.chat.texts), set(seat.chat.cards)
    url = _url(two, f"/bot/{to or two.us.tenant.registration.id}")
    answer = await house.http.post(url, json=body, headers=headers)
    written = [*seat.chat.texts[texts:], *(card for name, card in seat.chat.cards.items() if name not in cards)]
    return Answer.of(answer, value, *written)


def button(verb: str, **data: str) -> Ask:
    """A press; `{}` in the data is the id, `{own}` the call that our agent writes up."""

    async def ask(two: Neighbours, value: str) -> Answer:
        filled = {name: it.replace("{own}", two.writing).replace("{}", value) for name, it in data.items()}
        action = {"type": "Action.Execute", "verb": verb.replace("{}", value), "data": filled}
        return await _activity(two, value, {**_ACTION, "value": {"action": action, "trigger": "manual"}})

    return ask


def message(**changes: Any) -> Ask:
    """A chat message in which the id stands at `{}`, however deep."""

    async def ask(two: Neighbours, value: str) -> Answer:
        base = {"type": "message", "text": "status", "textFormat": "plain"}
        envelope = two.house.parts.chats._envelope(two.asking.seat.chat)
        return await _activity(two, value, {**base, **_merged(envelope, _put(changes, value))})

    return ask


def _put(node: Any, value: str) -> Any:
    if isinstance(node, dict):
        return {name: _put(child, value) for name, child in node.items()}
    if isinstance(node, list):
        return [_put(child, value) for child in node]
    return node.replace("{}", value) if isinstance(node, str) else node


def _merged(envelope: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The changes, with what the envelope has beside them in the same object."""
    return {
        name: {**envelope[name], **change}
        if isinstance(change, dict) and isinstance(envelope.get(name), dict)
        else change
        for name, change in changes.items()
    }


async def bot_address(two: Neighbours, value: str) -> Answer:
    return await _activity(two, value, {"type": "message", "text": "status"}, to=quote(value, safe=""))


BOT: dict[str, Ask] = {
    "not_now: call": button("not_now", call="{}", offer="{own}/1"),
    "not_now: offer": button("not_now", call="{own}", offer="{}"),
    "not_now: offer of a call": button("not_now", call="{own}", offer="{}/1"),
    "claim: call": button("claim", call="{}"),
    "callback_take: call": button("callback_take", call="{}"),
    "callback_decline: call": button("callback_decline", call="{}"),
    "callback_report: call": button("callback_report", call="{}", result="reached"),
    "wrap_up: call": button("wrap_up", call="{}", disposition="solved", note=""),
    "wrap_up: party": button("wrap_up", call="{own}", disposition="solved", note="", party="imis:{}"),
    "wrap_up: party of another connector": button("wrap_up", call="{own}", disposition="solved", party="{}:1"),
    "wrap_up: disposition": button("wrap_up", call="{own}", disposition="{}", note=""),
    "a verb": button("{}", call="{own}"),
    "words": message(text="{}"),
    "words after a word": message(text="status {}"),
    "who says it": message(**{"from": {"aadObjectId": "{}"}}),
    "who says it, Teams' id": message(**{"from": {"id": "{}"}}),
    "the sender's tenant": message(**{"from": {"tenantId": "{}"}}),
    "the chat": message(conversation={"id": "{}"}),
    "the chat's tenant": message(conversation={"tenantId": "{}"}),
    "the channel's tenant": message(channelData={"tenant": {"id": "{}"}}),
    "whom it is for": message(recipient={"id": "{}"}),
    "what it answers": message(replyToId="{}"),
    "who installs the bot": message(type="installationUpdate", action="add", **{"from": {"aadObjectId": "{}"}}),
    "who is added": message(type="conversationUpdate", membersAdded=[{"id": "{}"}]),
    "the bot's address": bot_address,
}  # fmt: skip


# ---- the webhooks of Graph


async def _notify(two: Neighbours, value: str, content: Any, *, to: str = "calls", registration: str = "") -> Answer:
    audience = two.us.tenant.registration.client_id
    claims = {"iss": "https://api.botframework.com", "aud": audience}
    headers = {"Authorization": f"Bearer {two.house.parts.cloud.bot_key.sign(claims, 300)}"}
    url = _url(two, f"/graph/{registration or two.us.tenant.registration.id}/{to}")
    return Answer.of(await two.house.http.post(url, json=content, headers=headers), value)


def notification(tail: str = "", call: str = "", change: str = "updated", **data: Any) -> Ask:
    """An item of the calling webhook about a call that only it names, or about `call`."""

    async def ask(two: Neighbours, value: str) -> Answer:
        path = f"/communications/calls/{_put(call, value) or uuid.uuid4()}{tail}"
        item = {"changeType": change, "resourceUrl": path, "resourceData": _put(data.get("data", data), value)}
        return await _notify(two, value, {"value": [item]})

    return ask


async def calls_address(two: Neighbours, value: str) -> Answer:
    item = {"resourceUrl": f"/communications/calls/{uuid.uuid4()}", "resourceData": {"state": "establishing"}}
    return await _notify(two, value, {"value": [item]}, registration=quote(value, safe=""))


def change(**item: Any) -> Ask:
    """A presence change with our secret, or with the id in its place."""

    async def ask(two: Neighbours, value: str) -> Answer:
        async with two.house.store.open_tenant(two.us.id) as rows:
            secret = (await rows.subscriptions.all())[0].client_state
        return await _notify(two, value, {"value": [{"clientState": secret, **_put(item, value)}]}, to="changes")

    return ask


async def changes_address(two: Neighbours, value: str) -> Answer:
    item = {"clientState": "guessed", "resourceData": {"id": two.theirs.agent, "availability": "Away"}}
    return await _notify(two, value, {"value": [item]}, to="changes", registration=quote(value, safe=""))


async def handshake(two: Neighbours, value: str) -> Answer:
    url = _url(two, f"/graph/{quote(value, safe='')}/changes")
    return Answer.of(await two.house.http.post(url, params={"validationToken": "hello"}), value)


_CALLER = {"identity": {"phone": {"id": "+493023125888"}}}
_INVITED = "#microsoft.graph.inviteParticipantsOperation"
WEBHOOKS: dict[str, Ask] = {
    "the address for calls": calls_address,
    "a call": notification(call="{}", state="established"),
    "a call that is over": notification(call="{}", change="deleted", state="terminated"),
    "the tenant of a call": notification(state="incoming", tenantId="{}", source=_CALLER),
    "who is called": notification(
        state="incoming", source=_CALLER, targets=[{"identity": {"applicationInstance": {"id": "{}"}}}]
    ),
    "who calls": notification(state="incoming", source={"identity": {"phone": {"id": "{}"}}}),
    "a user who calls": notification(state="incoming", source={"identity": {"user": {"id": "{}"}}}),
    "who stands in a call": notification("/participants", data=[{"info": {"identity": {"user": {"id": "{}"}}}}]),
    "whose roster it is": notification("/participants", call="{}", data=[]),
    "whose invite it is": notification(
        "/operations/1", **{"@odata.type": _INVITED, "status": "failed", "clientContext": "{}"}
    ),
    "whose invite it is, in that call": notification(
        "/operations/1", call="{}", **{"@odata.type": _INVITED, "status": "completed", "clientContext": "{}/1"}
    ),
    "the address for changes": changes_address,
    "the address of a handshake": handshake,
    "a secret": change(clientState="{}", resourceData={"id": "x", "availability": "Away"}),
    "whose presence": change(resourceData={"id": "{}", "availability": "Away", "activity": "Away"}),
    "a subscription": change(subscriptionId="{}", resourceData={"id": "x", "availability": "Away"}),
}


# ---- pages


def page(path: str, method: str = "GET", *, part: bool = False, headers: tuple[str, ...] = ()) -> Ask:
    """A request of our browser; `{}` in the path is the id, as are these `headers`. `part`: an open page asks."""

    async def ask(two: Neighbours, value: str) -> Answer:
        sent = {"Origin": two.house.url, **({"hx-request": "true"} if part else {}), **dict.fromkeys(headers, value)}
        url = _url(two, path.replace("{}", quote(value, safe="")))
        return Answer.of(await two.browser.request(method, url, headers=sent), value)

    return ask


async def cookie(two: Neighbours, value: str) -> Answer:
    """The id as a session."""
    name = next(iter(two.browser.cookies))
    headers = {"Cookie": f"{name}={quote(value, safe='')}"}
    return Answer.of(await two.house.http.get(_url(two, "/floor"), headers=headers), value)


PAGES: dict[str, Ask] = {
    "calls of a queue": page("/floor/calls?of=offered&queue={}"),
    "calls that wait in a queue": page("/floor/calls?of=waiting&queue={}", part=True),
    "calls that were answered in a queue": page("/floor/calls?of=answered&queue={}&lang=de"),
    "a set of calls": page("/floor/calls?of={}"),
    "one more try": page("/floor/parked/{}/retry", "POST"),
    "one more try on an open page": page("/floor/parked/{}/retry", "POST", part=True),
    "a link": page("/floor/{}"),
    "a language": page("/floor?lang={}"),
    "a theme": page("/floor?theme={}"),
    "whatever else the page is asked": page("/floor?tenant={}&call={}"),
    "a header that names a tenant": page("/floor", headers=("x-tenant", "x-ms-client-tenant-id")),
    "a session": cookie,
    "a prompt": page("/media/{}"),
    "a built file": page("/static/{}"),
    "an address of nothing": page("/{}"),
}

# ---- the API


ASKED_OPERATIONS: set[str] = set()  #: by a slot below


def api(name: str, path: str = "", *, key: str = "", **body: str) -> Ask:
    """An operation as our agent asks for it, with every role; `{}` in its path, its body or its key is the id."""
    operation = OPERATIONS[name]
    ASKED_OPERATIONS.add(name)

    async def ask(two: Neighbours, value: str) -> Answer:
        token = two.house.parts.entra.user_token(two.us.tenant, two.asking.seat.agent, tuple(Role))
        headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": _put(key, value)} if key else {})}
        filled = {name: it.replace("{own}", two.writing).replace("{}", value) for name, it in body.items()}
        where = (path or operation.path).replace("{own}", two.writing).replace("{}", quote(value, safe=""))
        url = _url(two, f"{PREFIX}{where}")
        answer = await two.house.http.request(operation.method, url, headers=headers, json=filled)
        return Answer.of(answer, value, answer.headers.get("content-type"))

    return ask


_NO_AGENT = uuid.UUID(int=9)
API: dict[str, Ask] = {
    "api: calls of a queue": api("list_calls", "/calls?queue={}"),
    "api: calls of an agent": api("list_calls", "/calls?agent={}"),
    "api: a page of calls": api("list_calls", "/calls?after={}"),
    "api: a call": api("show_call", "/calls/{}"),
    "api: why a call": api("why_call", "/calls/{}/why"),
    "api: how an order stands": api("show_order", "/orders/{}"),
    "api: one more try": api("retry_parked", "/parked/{}/retry"),
    "api: the key of an order": api("claim_call", "/calls/{own}/claim", key="{}"),
    "api: a reason for a break": api(
        "set_agent_state", f"/agents/{uuid.UUID(int=9)}/state", state="break", reason="{}"
    ),
    "api: a call that is claimed": api("claim_call", "/calls/{}/claim"),
    "api: a call that is written up": api("save_wrap_up", "/calls/{}/wrap-up", disposition="solved"),
    "api: a party": api("save_wrap_up", "/calls/{own}/wrap-up", disposition="solved", party="imis:{}"),
    "api: a disposition": api("save_wrap_up", "/calls/{own}/wrap-up", disposition="{}"),
    "api: an agent": api("set_agent_state", "/agents/{}/state", state="offline"),
    "api: a wrap-up that is ended": api("end_wrap_up", "/calls/{}/end-wrap-up"),
    "api: a call that is moved": api("move_call", "/calls/{}/move", queue="mitglieder"),
    "api: where a call is moved": api("move_call", "/calls/{own}/move", queue="{}"),
    "api: for whom a call is placed": api("place_call", "/calls", queue="{}", number="+493023125999"),
    "api: a call that is passed on": api("pass_on", "/calls/{}/transfer", to="queue", id="x"),
    "api: to whom a caller is passed on": api("pass_on", "/calls/{own}/transfer", to="agent", id="{}"),
    "api: a transfer that is completed": api("complete_transfer", "/calls/{}/transfer/complete"),
    "api: a transfer that is cancelled": api("cancel_transfer", "/calls/{}/transfer/cancel"),
    "api: a call that is left": api("hang_up", "/calls/{}/hang-up"),
    "api: a call that is taken over": api("take_over", "/calls/{}/take-over"),
    "api: a caller to be called back": api("ask_callback", "/calls/{}/callback"),
    "api: the queue of a callback": api("ask_callback", "/calls/{own}/callback", queue="{}"),
    "api: a callback that is taken": api("take_callback", "/callbacks/{}/take"),
    "api: what came of a callback": api("report_callback", "/callbacks/{}/report", result="reached"),
    "api: a callback that is cancelled": api("cancel_callback", "/callbacks/{}/cancel"),
    "api: callbacks of a queue": api("list_callbacks", "/callbacks?queue={}"),
    "api: an address": api("who_am_i", "/{}"),
}

#: Addresses that take no id from anybody.
PLAIN = {"/health/live", "/health/ready", "/floor/live"}
#: The slots stand for these addresses.
ASKED = {
    "/bot/{registration}", "/graph/{registration}/calls", "/graph/{registration}/changes", "/floor", "/floor/calls",
    "/floor/parked/{parked:path}/retry", "/floor/{token}", "/media/{token}", "/static", PREFIX,
    "/hooks/{tenant}/{hook}",
}  # fmt: skip

_CALLS, _AGENT, _PARTY = "writing ringing queued graph", "agent teams_id upn", "party member number"
#: Which names fit into a place; the long proof puts every name into every place.
FITTING = {
    "not_now: call": _CALLS,
    "not_now: offer": f"offer {_CALLS}",
    "not_now: offer of a call": _CALLS,
    "claim: call": f"{_CALLS} offer",
    "callback_take: call": _CALLS,
    "callback_decline: call": _CALLS,
    "callback_report: call": _CALLS,
    "wrap_up: call": f"{_CALLS} offer",
    "wrap_up: party": _PARTY,
    "wrap_up: party of another connector": _PARTY,
    "wrap_up: disposition": "queue tenant",
    "a verb": "ringing",
    "words": "queue ringing agent",
    "words after a word": "queue ringing agent",
    "who says it": _AGENT,
    "who says it, Teams' id": _AGENT,
    "the sender's tenant": "tenant registration",
    "the chat": "conversation",
    "the chat's tenant": "tenant registration",
    "the channel's tenant": "tenant registration",
    "whom it is for": "bot client",
    "what it answers": "activity",
    "who installs the bot": _AGENT,
    "who is added": _AGENT,
    "the bot's address": "registration tenant client bot",
    "the address for calls": "registration tenant client",
    "a call": "graph ringing",
    "a call that is over": "graph ringing",
    "the tenant of a call": "tenant",
    "who is called": "resource_account agent",
    "who calls": "number",
    "a user who calls": "agent",
    "who stands in a call": "agent",
    "whose roster it is": "graph ringing",
    "whose invite it is": "offer",
    "whose invite it is, in that call": "graph ringing",
    "the address for changes": "registration tenant client",
    "the address of a handshake": "registration tenant client",
    "a secret": "subscription registration",
    "whose presence": "agent",
    "a subscription": "subscription",
    "calls of a queue": "queue resource_account tenant",
    "calls that wait in a queue": "queue",
    "calls that were answered in a queue": "queue",
    "a set of calls": "queue queued",
    "one more try": "parked ringing item",
    "one more try on an open page": "parked",
    "a link": "tenant registration",
    "a language": "tenant",
    "a theme": "tenant",
    "whatever else the page is asked": "tenant ringing",
    "a header that names a tenant": "tenant registration",
    "a session": "tenant registration",
    "a prompt": "tenant",
    "a built file": "tenant",
    "an address of nothing": "tenant registration",
    "api: calls of a queue": "queue resource_account",
    "api: calls of an agent": _AGENT,
    "api: a page of calls": "queued ringing",
    "api: a call": _CALLS,
    "api: why a call": _CALLS,
    "api: how an order stands": "item parked ringing",
    "api: one more try": "parked ringing item",
    "api: the key of an order": "item parked",
    "api: a reason for a break": "queue",
    "api: a call that is claimed": _CALLS,
    "api: a call that is written up": _CALLS,
    "api: a party": _PARTY,
    "api: a disposition": "queue tenant",
    "api: an agent": _AGENT,
    "api: a wrap-up that is ended": _CALLS,
    "api: a call that is moved": _CALLS,
    "api: where a call is moved": "queue",
    "api: for whom a call is placed": "queue",
    "api: a call that is passed on": _CALLS,
    "api: to whom a caller is passed on": _AGENT,
    "api: a transfer that is completed": _CALLS,
    "api: a transfer that is cancelled": _CALLS,
    "api: a call that is left": _CALLS,
    "api: a call that is taken over": _CALLS,
    "api: a caller to be called back": _CALLS,
    "api: the queue of a callback": "queue",
    "api: a callback that is taken": _CALLS,
    "api: what came of a callback": _CALLS,
    "api: a callback that is cancelled": _CALLS,
    "api: callbacks of a queue": "queue",
    "api: an address": "tenant registration",
}
