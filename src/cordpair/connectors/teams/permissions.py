"""Application permissions at Microsoft Graph, as an app-only token carries them, and what needs each."""

import base64

import msgspec

#: Each permission that is needed: docs/reference/permissions.md says what for.
NEEDED = (
    "Calls.JoinGroupCall.All",
    "Calls.InitiateGroupCall.All",
    "Calls.Initiate.All",
    "Presence.Read.All",
    "User.Read.All",
    "TeamsAppInstallation.ReadWriteSelfForUser.All",
)


class _Claims(msgspec.Struct):
    roles: list[str] = []


def missing(token: str) -> tuple[str, ...]:
    """The needed permissions that an app-only token of our own does not carry; all where it is no token.

    The token was just got from its issuer: what it says is read, not believed.
    """
    parts = token.split(".")
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        granted = msgspec.json.decode(body, type=_Claims).roles
    except (IndexError, ValueError):
        granted = []
    return tuple(name for name in NEEDED if name not in granted)
