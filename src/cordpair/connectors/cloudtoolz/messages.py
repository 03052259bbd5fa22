"""What an endpoint is told of an event: a CloudEvent in JSON, or the push of a telephone system in the way of Zammad.

An endpoint gets the fields that it was set up for. By default none of them says who somebody is.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlencode

import msgspec

Data = Mapping[str, object]

#: Fields that an endpoint gets unless it was set up otherwise; nobody is named by them.
DEFAULT_FIELDS = frozenset(
    {"call", "state", "queue", "direction", "outcome", "arrived_at", "connected_at", "ended_at", "talk_s"}
)
#: Fields that say who somebody is, or what was said. Each must be asked for by its name.
PERSONAL_FIELDS = frozenset({"agent", "agent_name", "caller_number", "party", "party_name", "disposition", "note"})
FIELDS = DEFAULT_FIELDS | PERSONAL_FIELDS


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A body and its content type, with headers beside those of the signature."""

    body: bytes
    content_type: str
    headers: Mapping[str, str] = {}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is told. `id` is the same in every try; `entry` counts up within an organisation."""

    id: str
    tenant: str
    event: str
    at: datetime
    entry: int
    call: str
    data: Data


def message_of(profile: str, told: Told) -> Message:
    """The message of a profile. Raises KeyError for one that there is not."""
    return PROFILES[profile](told)


def _cloud_event(told: Told) -> Message:
    body = {
        "specversion": "1.0",
        "id": told.id,
        "source": f"/organisations/{told.tenant}",
        "type": f"org.cordpair.{told.event}.v1",
        "subject": told.call,
        "time": told.at.isoformat(),
        "datacontenttype": "application/json",
        "sequence": f"{told.entry:020}",
        "data": told.data,
    }
    return Message(body=msgspec.json.encode(body), content_type="application/cloudevents+json")


def _flowz(told: Told) -> Message:
    """For workflows that begin with an HTTP endpoint (CloudToolz Flowz, Elsa): the call is what correlates them."""
    return Message(
        body=_cloud_event(told).body, content_type="application/json", headers={"X-Correlation-Id": told.call}
    )


#: What each event is in the way of Zammad's generic telephone interface.
_PUSHED = {"call.queued": "newCall", "call.answered": "answer", "call.closed": "hangup"}


def _cti(told: Told) -> Message:
    """A form: event, direction, from, to, callId, user, cause. Needs the field caller_number to say who calls."""
    data = told.data
    inbound = data.get("direction") != "outbound"
    party, ours = str(data.get("caller_number") or "anonymous"), str(data.get("queue") or "")
    form = {
        "event": _PUSHED.get(told.event, told.event),
        "direction": "in" if inbound else "out",
        "from": party if inbound else ours,
        "to": ours if inbound else party,
        "callId": told.call,
    }
    if name := data.get("agent_name"):
        form["user"] = str(name)
    if told.event == "call.closed":
        form["cause"] = "normalClearing" if data.get("outcome") == "answered" else "cancel"
    return Message(body=urlencode(form).encode(), content_type="application/x-www-form-urlencoded")


PROFILES: Mapping[str, Callable[[Told], Message]] = MappingProxyType(
    {"cloudevents": _cloud_event, "flowz": _flowz, "cti": _cti}
)
