"""Notifications of Microsoft Graph as they come in, of usual size, for made-up calls."""

import uuid
from typing import Any

import msgspec

from benchmarks.ground import ACCOUNT
from cordpair.core.ids import AgentId, TenantId

_CALLS = uuid.UUID("5d0b1c0e-5a0e-4a61-8f3a-0f6f5a6f0b11")
#: Brings a notification to the 1.6 KB that they have on the wire.
_PADDING = "x" * 620


def graph_call(number: int, series: str = "") -> str:
    """Graph's name of the `number`-th call of a series."""
    return str(uuid.uuid5(_CALLS, f"{series}/{number}"))


def incoming(tenant: TenantId, call: str, number: int) -> dict[str, Any]:
    """A caller rings."""
    source = {
        "@odata.type": "#microsoft.graph.participantInfo",
        "identity": {"phone": {"@odata.type": "#microsoft.graph.identity", "id": f"+4930{number % 10**7:07}"}},
        "countryCode": "DE",
    }
    target = {
        "@odata.type": "#microsoft.graph.invitationParticipantInfo",
        "identity": {"applicationInstance": {"@odata.type": "#microsoft.graph.identity", "id": ACCOUNT}},
    }
    return _call(tenant, call, "incoming", source=source, targets=[target], changeType="created")


def established(tenant: TenantId, call: str) -> dict[str, Any]:
    """The caller hears us."""
    return _call(tenant, call, "established")


def terminated(tenant: TenantId, call: str) -> dict[str, Any]:
    """The call is gone."""
    return _call(tenant, call, "terminated", resultInfo={"code": 200, "subcode": 0})


def roster(call: str, agent: AgentId) -> dict[str, Any]:
    """The agent stands in the call."""
    person = {
        "@odata.type": "#microsoft.graph.participant",
        "id": str(uuid.uuid5(_CALLS, f"participant/{call}")),
        "info": {"identity": {"user": {"id": agent}}},
        "mediaStreams": [{"mediaType": "audio", "direction": "sendReceive", "serverMuted": False}],
        "isInLobby": False,
        "rosterSequenceNumber": 1,
    }
    path = f"/communications/calls/{call}/participants"
    return {"changeType": "updated", "resource": path, "resourceUrl": path, "resourceData": [person]}


def _call(tenant: TenantId, call: str, state: str, *, changeType: str = "updated", **more: Any) -> dict[str, Any]:  # noqa: N803
    path = f"/communications/calls/{call}"
    data = {
        "@odata.type": "#microsoft.graph.call",
        "id": call,
        "state": state,
        "direction": "incoming",
        "tenantId": tenant,
        "callChainId": str(uuid.uuid5(_CALLS, f"chain/{call}")),
        "callbackUri": "https://voice.example.org/graph/calls",
        "requestedModalities": ["audio"],
        "incomingContext": {"sourceParticipantId": str(uuid.uuid5(_CALLS, f"caller/{call}")), "padding": _PADDING},
        **more,
    }
    return {
        "@odata.type": "#microsoft.graph.commsNotification",
        "changeType": changeType,
        "resource": path,
        "resourceUrl": path,
        "resourceData": data,
    }


def body(item: dict[str, Any]) -> bytes:
    """The body of a request that carries this one item."""
    return msgspec.json.encode({"@odata.type": "#microsoft.graph.commsNotifications", "value": [item]})
