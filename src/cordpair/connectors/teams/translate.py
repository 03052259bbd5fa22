"""Notifications of Microsoft Graph become facts. Tolerant: what is not known is ignored with a reason, and counted."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from cordpair.connectors.teams.heard import prompt_ended
from cordpair.connectors.teams.state import call_events, result_codes, roster_event, word
from cordpair.connectors.teams.transfers import named_transfer, told_of_transfer
from cordpair.core.events import CallEnded, CallEvent, InviteCompleted, OfferEnd, OfferFailed, PresenceSeen
from cordpair.core.ids import AgentId, CallId, GraphCallId, OfferId, TenantId, call_id, offer_parts
from cordpair.errors import Rejected


class Ignored(msgspec.Struct, frozen=True):
    """A notification that tells us nothing. `reason` has no personal text and few values: it is counted."""

    reason: str


class _Envelope(msgspec.Struct):
    value: list[dict[str, Any]]
    validationTokens: list[str] = []  # noqa: N815 - Graph's name


_envelope = msgspec.json.Decoder(_Envelope)
_canonical = msgspec.json.Encoder(order="sorted")


def notification_items(body: bytes) -> list[dict[str, Any]]:
    """The items of a notification body, calling webhook and change notifications alike. Raises Rejected."""
    return change_notifications(body)[0]


def change_notifications(body: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """The items of a notification body, and the tokens that vouch for encrypted ones. Raises Rejected."""
    try:
        whole = _envelope.decode(body)
    except msgspec.ValidationError as exc:
        raise Rejected("the body is no notification: `value` must be a list of objects") from exc
    except (ValueError, RecursionError) as exc:  # the latter: nested without end
        raise Rejected("the body is not JSON that can be read") from exc
    return whole.value, whole.validationTokens


def canonical(item: Mapping[str, object]) -> bytes:
    """One item as JSON, the same whatever the order of its fields. Raises RecursionError for one nested too deeply."""
    return _canonical.encode(item)


def content_key(content: bytes) -> str:
    """The same for every delivery of the same content."""
    return hashlib.sha256(content).hexdigest()


def presence_key(item: Mapping[str, object], content: bytes, at: datetime) -> str:
    """`content_key` for presence: without a sequence number, the same content later is news, not a repetition."""
    data = item.get("resourceData")
    numbered = isinstance(data, dict) and data.get("sequenceNumber")
    return content_key(content if numbered else content + at.isoformat().encode())


def call_and_part(item: Mapping[str, object]) -> tuple[GraphCallId | None, bool]:
    """The call that an item of the calling webhook is about, None when it names none; and whether it tells of a part of
    it (a roster, an operation), not of the call's own state."""
    found, tail = _route(item)
    return found, bool(tail)


def graph_call_id(item: Mapping[str, object]) -> GraphCallId | None:
    """The call that an item of the calling webhook is about, None when it names none."""
    found, _ = _route(item)
    return found


def translate(item: Mapping[str, object], *, tenant: TenantId, region: str, at: datetime) -> list[CallEvent] | Ignored:
    """The facts in one item of the calling webhook. `at` is when we received it, `region` where numbers belong.

    Raises Rejected for an item without a call, never for a value that Microsoft has added since.
    """
    graph_id, tail = _route(item)
    if graph_id is None:
        raise Rejected("the notification names no call")
    data = item.get("resourceData")
    match tail[:1]:
        case []:
            return _call(data, graph_id, tenant, region, at, deleted=word(item, "changeType") == "deleted")
        case ["participants"] if isinstance(data, list):
            return [roster_event(data, graph_id, tenant, at)]
        case ["operations"] if isinstance(data, dict):
            return _operation(data, call_id(tenant, graph_id), at)
        case [other]:
            return Ignored(f"resource {other[:40]}")
        case _:
            return Ignored("resource")


def translate_presence(item: Mapping[str, object], *, at: datetime) -> PresenceSeen | Ignored:
    """The fact in one presence change notification."""
    return presence_of(item.get("resourceData"), at=at)


def presence_of(data: object, *, at: datetime) -> PresenceSeen | Ignored:
    """The fact in a `presence` resource."""
    if not isinstance(data, dict):
        return Ignored("presence without data")
    user, availability, activity = (data.get(name) for name in ("id", "availability", "activity"))
    if not isinstance(user, str) or not isinstance(availability, str):
        return Ignored("presence without data")
    number = str(data.get("sequenceNumber") or "")
    return PresenceSeen(
        at=at,
        agent=AgentId(user.lower()),
        availability=availability,
        activity=activity if isinstance(activity, str) else availability,
        sequence=int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0,
    )


def _route(item: Mapping[str, object]) -> tuple[GraphCallId | None, list[str]]:
    """Call id and what follows it in the path. The prefix differs (`/app`, `/communications`): only the tail counts."""
    path = item.get("resourceUrl") or item.get("resource")
    parts = list(filter(None, path.split("/"))) if isinstance(path, str) else []
    if "calls" not in parts[:-1]:
        return None, []
    at = parts.index("calls")
    return GraphCallId(parts[at + 1]), parts[at + 2 :]


def _call(
    data: object, graph_id: GraphCallId, tenant: TenantId, region: str, at: datetime, *, deleted: bool
) -> list[CallEvent] | Ignored:
    resource = data if isinstance(data, dict) else {}
    if deleted and word(resource, "state") != "terminated":
        code, subcode = result_codes(resource)
        return [CallEnded(at=at, call=call_id(tenant, graph_id), graph_id=graph_id, code=code, subcode=subcode)]
    events = call_events(resource, graph_id, tenant, region, at)
    return events or Ignored(f"call state {word(resource, 'state')[:40] or 'missing'}")


def _operation(data: Mapping[str, object], call: CallId, at: datetime) -> list[CallEvent] | Ignored:
    kind = str(data.get("@odata.type", "")).rpartition(".")[2] or "operation"
    status = word(data, "status")
    if kind.lower() == "playpromptoperation" and (ended := prompt_ended(data, call, at)):
        return ended
    if kind.lower() != "inviteparticipantsoperation" or status not in ("completed", "failed"):
        return Ignored(f"{kind[:40]} {status[:20]}".strip())
    transfer = named_transfer(data.get("clientContext"), call)
    if transfer is not None:
        return told_of_transfer(transfer, call, status == "completed", *result_codes(data), at)
    offer = _offer(data.get("clientContext"), call)
    if offer is None:
        return Ignored("invite of nobody's offer")
    if status == "completed":
        return [InviteCompleted(at=at, call=call, offer=offer)]
    return [OfferFailed(at=at, call=call, offer=offer, why=why_unanswered(*result_codes(data)))]


def _offer(context: object, call: CallId) -> OfferId | None:
    try:
        offer = OfferId(str(context))
        return offer if offer_parts(offer)[0] == call else None
    except ValueError:
        return None


def why_unanswered(code: int | None, subcode: int | None) -> OfferEnd:
    """Why nobody came, by the SIP-like code of an invite's result.

    Sources: graph docs "Call end reason codes", azure-docs "call end response codes" (the same service behind it).
    """
    match code:
        case 486 | 600:
            return OfferEnd.BUSY
        case 603:
            return OfferEnd.DECLINED
        case 480 if subcode == 10037:  # no client of the agent was signed in
            return OfferEnd.FAILED
        case 487 if subcode in (0, 5003):  # taken back, or the call ended while it rang: not the agent's doing
            return OfferEnd.WITHDRAWN
        case 408 | 480 | 487:
            return OfferEnd.MISSED
        case _:
            return OfferEnd.FAILED
