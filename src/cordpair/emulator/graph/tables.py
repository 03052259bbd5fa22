"""The operations that are emulated: method, path, permissions, body and answer. Everything else is refused.

Names, required and allowed fields follow the metadata of Graph v1.0; permissions follow the permission tables of
microsoft-graph-docs-contrib (api-reference/v1.0/includes/permissions). `tests/emulator/test_graph_tables.py`
compares them with the reference.
"""

from dataclasses import dataclass, field

Shape = str | dict[str, "Shape"] | list["Shape"]
"""A type name, an object with known fields (required ones end in `!`, `...` allows others), or a list of one shape."""

_IDENTITY: Shape = {"user": "object", "phone": "object", "application": "object", "...": "any"}
_SOURCE: Shape = {"applicationInstance": "object", "...": "any"}
_PARTICIPANT: Shape = {
    "@odata.type": "string",
    "identity!": _IDENTITY,
    "participantId": "string",
    "replacesCallId": "string",
    "hidden": "boolean",
    "removeFromDefaultAudioRoutingGroup": "boolean",
    "...": "any",
}
_MEDIA: Shape = {"@odata.type": "string", "uri!": "string", "resourceId": "string"}
_PROMPT: Shape = {"@odata.type": "string", "mediaInfo!": _MEDIA}
_MEDIA_CONFIG: Shape = {"@odata.type": "string", "preFetchMedia": [_MEDIA], "blob": "string"}
_CALL = (
    "id state direction callbackUri callChainId source targets tenantId myParticipantId mediaConfig "
    "requestedModalities resultInfo toneInfo mediaState incomingContext"
)
_PRESENCE = "id availability activity sequenceNumber statusMessage"
_SUBSCRIPTION = (
    "id resource changeType clientState notificationUrl lifecycleNotificationUrl expirationDateTime applicationId "
    "creatorId includeResourceData encryptionCertificateId latestSupportedTlsVersion"
)
_USER = "id displayName givenName surname userPrincipalName mail preferredLanguage accountEnabled businessPhones"
_OPERATION = "id status clientContext resultInfo"


@dataclass(frozen=True)
class Operation:
    """One operation. `anyof` are permissions of which one must be granted, empty: none is needed.

    `kind` is whose permissions they are: application, or delegated (a user's: refused to an application).

    `body` is None where none is taken. `answer` are the fields of the answer, `many` says it is a `value` list.
    """

    method: str
    path: str
    anyof: tuple[str, ...]
    body: Shape | None = None
    answer: tuple[str, ...] = field(default=())
    many: bool = False
    kind: str = "application"


def _op(
    line: str,
    anyof: str = "",
    body: Shape | None = None,
    answer: str = "",
    many: bool = False,
    kind: str = "application",
) -> tuple[tuple[str, str], Operation]:
    method, path = line.split(" ")
    return (method, path), Operation(method, path, tuple(anyof.split()), body, tuple(answer.split()), many, kind)


_CALLS = "/communications/calls/{call-id}"
_ANY_CALL = "Calls.Initiate.All Calls.InitiateGroupCall.All Calls.JoinGroupCall.All Calls.JoinGroupCallAsGuest.All"
_GROUP = "Calls.InitiateGroupCall.All"
_INITIATE = "Calls.Initiate.All"
_HOLD = "Calls.JoinGroupCallAsGuest.All Calls.JoinGroupCall.All"
_INSTALL = "TeamsAppInstallation.ReadWriteSelfForUser.All TeamsAppInstallation.ReadWriteForUser.All"
_CLIENT_CONTEXT: Shape = {"clientContext": "string"}

OPERATIONS: dict[tuple[str, str], Operation] = dict(
    [
        _op(
            "POST /communications/calls",
            _ANY_CALL,
            {
                "@odata.type": "string",
                "callbackUri!": "string",
                "source": {"@odata.type": "string", "identity!": _SOURCE},
                "targets": [_PARTICIPANT],
                "requestedModalities": ["string"],
                "mediaConfig": _MEDIA_CONFIG,
                "tenantId": "string",
                "subject": "string",
                "callOptions": "object",
                "chatInfo": "object",
                "meetingInfo": "object",
            },
            _CALL,
        ),
        _op(f"GET {_CALLS}", _ANY_CALL, answer=_CALL),
        _op(f"DELETE {_CALLS}", _ANY_CALL),
        _op(
            f"POST {_CALLS}/answer",
            _ANY_CALL,
            {
                "callbackUri!": "string",
                "mediaConfig!": _MEDIA_CONFIG,
                "acceptedModalities": ["string"],
                "participantCapacity": "integer",
                "callOptions": "object",
            },
        ),
        _op(f"POST {_CALLS}/reject", "", {"reason": "string", "callbackUri": "string"}),
        _op(
            f"POST {_CALLS}/redirect",
            _INITIATE,
            {"targets!": [_PARTICIPANT], "timeout": "integer", "callbackUri": "string"},
        ),
        _op(f"POST {_CALLS}/transfer", _INITIATE, {"transferTarget!": _PARTICIPANT, "transferee": "object"}),
        _op(
            f"POST {_CALLS}/playPrompt",
            _ANY_CALL,
            {"prompts!": [_PROMPT], "clientContext": "string"},
            _OPERATION,
        ),
        _op(f"POST {_CALLS}/subscribeToTone", _ANY_CALL, _CLIENT_CONTEXT, _OPERATION),
        _op(f"POST {_CALLS}/cancelMediaProcessing", _ANY_CALL, _CLIENT_CONTEXT, _OPERATION),
        _op(f"POST {_CALLS}/keepAlive", _ANY_CALL),
        _op(
            f"GET {_CALLS}/participants",
            _ANY_CALL,
            answer="id info isInLobby isMuted mediaStreams rosterSequenceNumber",
            many=True,
        ),
        _op(
            f"GET {_CALLS}/participants/{{participant-id}}",
            _ANY_CALL,
            answer="id info isInLobby isMuted mediaStreams rosterSequenceNumber",
        ),
        _op(f"DELETE {_CALLS}/participants/{{participant-id}}", _ANY_CALL),
        _op(
            f"POST {_CALLS}/participants/invite",
            _GROUP,
            {"participants!": [_PARTICIPANT], "clientContext": "string"},
            f"{_OPERATION} participants",
        ),
        _op(
            f"POST {_CALLS}/participants/{{participant-id}}/startHoldMusic",
            _HOLD,
            {"customPrompt": "object", "clientContext": "string"},
            _OPERATION,
        ),
        _op(f"POST {_CALLS}/participants/{{participant-id}}/stopHoldMusic", _HOLD, _CLIENT_CONTEXT, _OPERATION),
        _op(f"GET {_CALLS}/operations/{{commsOperation-id}}", _ANY_CALL, answer=_OPERATION),
        _op(
            "POST /communications/getPresencesByUserId",
            "Presence.Read.All Presence.ReadWrite.All",
            {"ids!": ["string"]},
            _PRESENCE,
            many=True,
        ),
        _op(
            "GET /communications/presences/{presence-id}", "Presence.Read.All Presence.ReadWrite.All", answer=_PRESENCE
        ),
        _op(
            "POST /communications/presences/{presence-id}/setPresence",
            "Presence.ReadWrite.All",
            {
                "availability!": "string",
                "activity!": "string",
                "sessionId": "string",
                "expirationDuration": "string",
            },
        ),
        _op("GET /users/{user-id}/presence", "Presence.Read.All Presence.ReadWrite.All", answer=_PRESENCE),
        _op(
            "POST /users/{user-id}/presence/setPresence",
            "Presence.ReadWrite.All",
            {
                "availability!": "string",
                "activity!": "string",
                "sessionId": "string",
                "expirationDuration": "string",
            },
        ),
        _op("GET /subscriptions", "", answer=_SUBSCRIPTION, many=True),
        _op(
            "POST /subscriptions",
            "",
            {
                "changeType!": "string",
                "expirationDateTime!": "string",
                "notificationUrl!": "string",
                "resource!": "string",
                "clientState": "string",
                "lifecycleNotificationUrl": "string",
                "latestSupportedTlsVersion": "string",
                "includeResourceData": "boolean",
                "encryptionCertificate": "string",
                "encryptionCertificateId": "string",
            },
            _SUBSCRIPTION,
        ),
        _op("GET /subscriptions/{subscription-id}", "", answer=_SUBSCRIPTION),
        _op(
            "PATCH /subscriptions/{subscription-id}",
            "",
            {
                "expirationDateTime": "string",
                "notificationUrl": "string",
                "encryptionCertificate": "string",
                "encryptionCertificateId": "string",
            },
            _SUBSCRIPTION,
        ),
        _op("DELETE /subscriptions/{subscription-id}", ""),
        _op("GET /users", "User.Read.All User.ReadBasic.All Directory.Read.All", answer=_USER, many=True),
        _op("GET /users/{user-id}", "User.Read.All User.ReadBasic.All Directory.Read.All", answer=_USER),
        _op("GET /me", "User.Read", answer=_USER, kind="delegated"),
        _op("GET /organization", "Organization.Read.All Directory.Read.All", answer="id displayName", many=True),
        _op("GET /users/{user-id}/teamwork/installedApps", _INSTALL, answer="id", many=True),
        _op(
            "POST /users/{user-id}/teamwork/installedApps",
            _INSTALL,
            {"teamsApp@odata.bind": "string", "consentedPermissionSet": "object"},
        ),
        _op("GET /users/{user-id}/teamwork/installedApps/{i-id}/chat", _INSTALL, answer="id chatType"),
    ]
)
