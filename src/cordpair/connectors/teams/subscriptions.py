"""Change notifications: subscribing, renewing, giving up."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec

from cordpair.connectors.teams.presence import MOST_IDS
from cordpair.connectors.teams.rest import Rest, Tokens
from cordpair.connectors.teams.tokens import GRAPH_SCOPE
from cordpair.core.content_keys import ContentKey
from cordpair.core.ids import AgentId
from cordpair.errors import PermanentFailure, TemporaryFailure

#: Graph keeps a presence subscription for 60 minutes at most; renew at half of it.
PRESENCE_LIFE = timedelta(minutes=60)


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as Graph holds it. `expires_at` is aware UTC."""

    id: str
    resource: str
    expires_at: datetime


class GraphSubscriptions:
    """Subscriptions of one app registration. `notification_url` is our webhook for change notifications."""

    def __init__(self, http: httpx.AsyncClient, tokens: Tokens, *, graph_url: str, notification_url: str) -> None:
        self._rest = Rest(http, tokens, scope=GRAPH_SCOPE)
        self._subscriptions = f"{graph_url}/subscriptions"
        self._notification_url = notification_url

    async def create(
        self,
        resource: str,
        *,
        secret: str,
        expires_at: datetime,
        change_type: str = "updated",
        key: ContentKey | None = None,
    ) -> Subscription:
        """Subscribe. Graph asks our webhook for the handshake before it answers, so the webhook must be up.

        `secret` (up to 128 characters) comes back as clientState of every notification. With a `key` the notifications
        carry the changed resource, encrypted for it: for resources that Microsoft does this for, as presence.
        """
        body = {
            "changeType": change_type,
            "notificationUrl": self._notification_url,
            "lifecycleNotificationUrl": self._notification_url,
            "resource": resource,
            "expirationDateTime": _instant(expires_at),
            "clientState": secret[:128],
            **({"includeResourceData": True, **_encryption(key)} if key else {}),
        }
        return _subscription(await self._rest.request("POST", self._subscriptions, body=body))

    async def stands(self, subscription: str) -> bool:
        """Whether Graph still has it: one may go without a word."""
        try:
            await self._rest.request("GET", f"{self._subscriptions}/{subscription}", repeatable=True)
        except PermanentFailure as exc:
            if exc.status == 404:
                return False
            raise
        return True

    async def renew(self, subscription: str, expires_at: datetime, *, key: ContentKey | None = None) -> Subscription:
        """Prolong, and have content encrypted for another `key` from now on.

        PermanentFailure with status 404: it is gone, create it again and read what was missed.
        """
        url = f"{self._subscriptions}/{subscription}"
        body = {"expirationDateTime": _instant(expires_at), **(_encryption(key) if key else {})}
        return _subscription(await self._rest.request("PATCH", url, body=body, repeatable=True))

    async def delete(self, subscription: str) -> None:
        """Give it up; gone already is done."""
        url = f"{self._subscriptions}/{subscription}"
        await self._rest.request("DELETE", url, repeatable=True, gone_is_done=True)


def presence_resource(agents: Sequence[AgentId]) -> str:
    """The resource of a presence subscription. Raises PermanentFailure for nobody or more than Graph takes."""
    if not 0 < len(agents) <= MOST_IDS:
        raise PermanentFailure(f"a presence subscription takes 1 to {MOST_IDS} people, not {len(agents)}")
    return "/communications/presences?$filter=id in ({})".format(",".join(f"'{agent}'" for agent in agents))


def _encryption(key: ContentKey) -> dict[str, str]:
    return {"encryptionCertificate": b64encode(key.certificate).decode(), "encryptionCertificateId": key.id}


def _subscription(answer: dict[str, Any]) -> Subscription:
    try:
        found = msgspec.convert(answer["expirationDateTime"], datetime)
        return Subscription(id=str(answer["id"]), resource=str(answer.get("resource", "")), expires_at=found)
    except (KeyError, msgspec.ValidationError) as exc:
        raise TemporaryFailure("Graph answers a subscription of an unknown shape") from exc


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
