"""Refusals as the API tells them: problem details (RFC 9457). The text never repeats what was sent."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"

#: Why the fold did not carry out an order, for the caller; the word itself stands in `reason`.
REASONS: Mapping[str, str] = {
    "unknown_call": "There is no such call on the floor.",
    "call_taken": "Somebody else has the call.",
    "call_over": "The call is over.",
    "not_waiting": "The call does not wait.",
    "not_your_call": "The call is not yours.",
    "not_your_queue": "The agent does not serve this queue.",
    "not_ready": "The agent is not ready.",
    "not_an_agent": "There is no such agent.",
    "unknown_queue": "There is no such queue.",
    "not_talking": "No agent talks in this call.",
    "unknown_target": "There is nobody of this id to pass the caller on to.",
    "agent_busy": "The agent is in a call.",
    "agent_away": "The agent is away; say `anyway` to ring them all the same.",
    "nobody_there": "Nobody serves this queue now; say `anyway` to pass the caller on all the same.",
    "transfer_under_way": "The caller is being passed on already.",
    "no_transfer": "The caller is not being passed on.",
    "nobody_to_pass_to": "The other one is not in the call yet.",
    "number_not_allowed": "This number is not called.",
    "quota": "Microsoft's limits leave no room for another call.",
    "callback_over": "No call is owed there (any more).",
    "callback_taken": "Somebody else is at it.",
    "callback_kept": "The caller keeps a place already.",
    "no_number": "The caller has no number to call back.",
    "no_queue": "The call has no queue: name one.",
    "same_queue": "The call waits in this queue already.",
    "queue_closed": "The queue is closed.",
    "unknown_disposition": "The queue has no such disposition.",
    "unknown_party": "The party is none of those that the look-up found.",
    "unknown_reason": "The organisation has no such reason for a break.",
}


def problem(status: int, detail: str, *, reason: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """The answer. `reason` is one of our own words, for programs."""
    body = {
        "type": f"urn:cordpair:problem:{reason or 'refused'}" if reason else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if reason:
        body["reason"] = reason
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def refused_order(verdict: str) -> Response:
    """The answer to an order that the floor could not take."""
    reason = verdict if verdict in REASONS else "not_possible"
    return problem(409, REASONS.get(verdict, "The floor cannot take this order now."), reason=reason)
