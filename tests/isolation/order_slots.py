"""Signed orders of other systems: every place of them into which an id can be put."""

import uuid
from typing import Any
from urllib.parse import quote

import msgspec
import standardwebhooks

from cordpair.store.hooks import Hook
from tests.isolation.neighbours import Neighbours
from tests.isolation.slots import Answer, Ask

_SECRET = "whsec_" + "bmVpZ2hib3Vycy1vZi1vdXJz" * 2  # of our own endpoint: both sides of it are ours
_HOOK = Hook(
    id="flowz",
    url="https://flowz.example/in",
    profile="cloudevents",
    events=frozenset(),
    fields=frozenset(),
    secrets=(_SECRET,),
)


async def _ordered(two: Neighbours, value: str, order: dict[str, Any], *, to: str = "", hook: str = "") -> Answer:
    async with two.house.store.open_tenant(two.us.id) as rows:
        await rows.hooks.put(_HOOK)
    body, message, now = msgspec.json.encode(order).decode(), f"msg_{uuid.uuid4()}", two.house.product.clock.now()
    headers = {
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(_SECRET).sign(message, now, body),
    }
    url = f"{two.house.url}/hooks/{to or two.us.id}/{hook or _HOOK.id}"
    return Answer.of(await two.house.http.post(url, content=body, headers=headers), value)


def order(**parts: str) -> Ask:
    """An order that our endpoint has signed; `{}` is the id, `{own}` the call that our agent writes up."""

    async def ask(two: Neighbours, value: str) -> Answer:
        filled = {name: part.replace("{own}", two.writing).replace("{}", value) for name, part in parts.items()}
        return await _ordered(two, value, filled)

    return ask


async def organisation(two: Neighbours, value: str) -> Answer:
    return await _ordered(two, value, _WRITE_UP, to=quote(value, safe=""))


async def endpoint(two: Neighbours, value: str) -> Answer:
    return await _ordered(two, value, _WRITE_UP, hook=quote(value, safe=""))


_WRITE_UP = {"command": "write_up", "call": "x", "disposition": "solved"}

ORDERS: dict[str, Ask] = {
    "order: an organisation": organisation,
    "order: an endpoint": endpoint,
    "order: a call that is written up": order(command="write_up", call="{}", disposition="solved"),
    "order: a disposition": order(command="write_up", call="{own}", disposition="{}"),
    "order: a call whose caller is named": order(command="pick_party", call="{}", party="imis:1"),
    "order: a party": order(command="pick_party", call="{own}", party="imis:{}"),
    "order: a call to follow up": order(command="follow_up", call="{}", subject="Call", due="2026-12-01"),
}

_CALLS = "writing ringing queued graph"
FITTING_ORDERS = {
    "order: an organisation": "tenant registration",
    "order: an endpoint": "tenant registration queue",
    "order: a call that is written up": _CALLS,
    "order: a disposition": "queue tenant",
    "order: a call whose caller is named": _CALLS,
    "order: a party": "party member number",
    "order: a call to follow up": _CALLS,
}
