"""One call, its participants, rings and operations, and how they are written as Graph resources."""

import asyncio
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cordpair.emulator.graph.results import Result
from cordpair.emulator.journal import CallTruth
from cordpair.emulator.world import Queue, Tenant


class State(StrEnum):
    INCOMING = "incoming"
    ESTABLISHING = "establishing"
    ESTABLISHED = "established"
    REDIRECTING = "redirecting"
    TRANSFERRING = "transferring"
    TRANSFER_ACCEPTED = "transferAccepted"
    TERMINATED = "terminated"


@dataclass
class Participant:
    """Somebody in the roster. `user` is set for Teams users, `number` for telephones that were invited."""

    id: str
    identity: dict[str, Any]
    user: str | None = None
    number: str | None = None
    is_caller: bool = False
    is_muted: bool = False
    is_held: bool = False  # hears music

    def resource(self, sequence: int) -> dict[str, Any]:
        return {
            "@odata.type": "#microsoft.graph.participant",
            "id": self.id,
            "info": {
                "@odata.type": "#microsoft.graph.participantInfo",
                "identity": self.identity,
                "endpointType": "default",
            },
            "mediaStreams": [
                {
                    "@odata.type": "#microsoft.graph.mediaStream",
                    "mediaType": "audio",
                    "sourceId": "1",
                    "direction": "sendReceive",
                    "serverMuted": False,
                }
            ],
            "isMuted": self.is_muted,
            "isInLobby": False,
            "rosterSequenceNumber": sequence,
        }


@dataclass
class Operation:
    """A long-running operation of a call. `kind` is its Graph type without prefix."""

    kind: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "running"
    context: str | None = None
    result: Result | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def resource(self) -> dict[str, Any]:
        return {
            "@odata.type": f"#microsoft.graph.{self.kind}",
            "id": self.id,
            "status": self.status,
            "clientContext": self.context,
            "resultInfo": self.result.info() if self.result else None,
            **self.extra,
        }


@dataclass
class Ring:
    """A user's Teams client rings for a call, or a telephone (`number`).

    `purpose` is invite | transfer | redirect | call (the application has placed it).
    """

    call: "Call"
    user: str
    participant: str
    purpose: str
    number: str | None = None
    operation: Operation | None = None
    timer: asyncio.Task[None] | None = None
    is_over: bool = False


@dataclass
class Call:
    """One call of a queue's resource account: a caller's (`number` is None when it is withheld), or one that the
    application has placed, to the user `called`."""

    id: str
    tenant: Tenant
    queue: Queue
    number: str | None
    truth: CallTruth
    callback: str
    state: State = State.INCOMING
    is_group: bool = False
    is_released: bool = False
    roster_sequence: int = 0
    etag: int = 1000
    participants: dict[str, Participant] = field(default_factory=dict)
    rings: dict[str, Ring] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    timers: list[asyncio.Task[None]] = field(default_factory=list)
    alive_timer: asyncio.Task[None] | None = None
    wants_tones: bool = False
    tones: int = 0
    result: Result | None = None
    called: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state is State.TERMINATED

    def users(self) -> list[str]:
        return [p.user for p in self.participants.values() if p.user]

    def roster(self) -> list[dict[str, Any]]:
        """The roster as Graph tells it: empty as long as the call is peer-to-peer (comms-samples #102, #579)."""
        if not self.is_group:
            return []
        return [p.resource(self.roster_sequence) for p in self.participants.values()]

    def source(self) -> dict[str, Any]:
        return {
            "@odata.type": "#microsoft.graph.participantInfo",
            "identity": caller_identity(self.number),
            "endpointType": "default",
            "countryCode": None,
            "region": None,
            "languageId": None,
        }

    def target(self) -> dict[str, Any]:
        return {
            "@odata.type": "#microsoft.graph.invitationParticipantInfo",
            "identity": {
                "@odata.type": "#microsoft.graph.communicationsIdentitySet",
                "applicationInstance": {
                    "@odata.type": "#microsoft.graph.identity",
                    "id": self.queue.resource_account,
                    "displayName": self.queue.name,
                    "tenantId": self.tenant.id,
                },
                "application": {
                    "@odata.type": "#microsoft.graph.identity",
                    "id": self.tenant.registration.client_id,
                    "displayName": self.tenant.registration.bot_name,
                },
            },
        }

    def _placed_by(self) -> dict[str, Any]:
        return {
            "@odata.type": "#microsoft.graph.participantInfo",
            "identity": self.target()["identity"],
            "endpointType": "default",
        }

    def _placed_to(self, user: str) -> dict[str, Any]:
        identity = user_identity(self.tenant, user)
        return {"@odata.type": "#microsoft.graph.invitationParticipantInfo", "identity": identity}

    def resource(self) -> dict[str, Any]:
        """The whole call."""
        return {
            "@odata.type": "#microsoft.graph.call",
            "id": self.id,
            "state": self.state.value,
            "direction": "incoming" if self.called is None else "outgoing",
            "callbackUri": self.callback,
            "callChainId": self.truth.graph_id,
            "source": self.source() if self.called is None else self._placed_by(),
            "targets": [self.target() if self.called is None else self._placed_to(self.called)],
            "tenantId": self.tenant.id,
            "myParticipantId": f"bot-{self.id}",
            "requestedModalities": ["audio"],
            "resultInfo": self.result.info() if self.result else None,
        }

    def brief(self, **more: Any) -> dict[str, Any]:
        """The call as in most notifications: little more than its state."""
        self.etag += 1
        return {
            "@odata.type": "#microsoft.graph.call",
            "@odata.id": f"/communications/calls/{self.id}",
            "@odata.etag": f'W/"{self.etag}"',
            "id": self.id,
            "state": self.state.value,
            **more,
        }


def caller_identity(number: str | None) -> dict[str, Any]:
    """A telephone number as Graph names it; withheld numbers come as `anonymous`."""
    phone = {"@odata.type": "#microsoft.graph.identity", "id": number or "anonymous"}
    return {"@odata.type": "#microsoft.graph.communicationsIdentitySet", "phone": phone}


def user_identity(tenant: Tenant, user: str) -> dict[str, Any]:
    agent = tenant.agent(user)
    identity = {
        "@odata.type": "#microsoft.graph.identity",
        "id": user,
        "displayName": agent.name if agent else None,
        "tenantId": tenant.id,
        "identityProvider": "AAD",
    }
    return {"@odata.type": "#microsoft.graph.communicationsIdentitySet", "user": identity}


def bot_identity(tenant: Tenant) -> dict[str, Any]:
    app = tenant.registration
    identity = {
        "@odata.type": "#microsoft.graph.identity",
        "id": app.client_id,
        "displayName": app.bot_name,
        "tenantId": tenant.id,
    }
    return {"@odata.type": "#microsoft.graph.communicationsIdentitySet", "application": identity}


def item(call: Call, data: dict[str, Any] | list[dict[str, Any]], change: str, tail: str = "") -> dict[str, Any]:
    """A notification item about the call or a resource below it."""
    return {
        "@odata.type": "#microsoft.graph.commsNotification",
        "changeType": change,
        "resource": f"/app/calls/{call.id}{tail}",
        "resourceUrl": f"/communications/calls/{call.id}{tail}",
        "resourceData": data,
    }
