"""Subscriptions to change notifications: handshake, life, delivery with repetition.

Rules: microsoft-graph-docs-contrib, change-notifications-delivery-webhooks.md and -subscription-lifetime.md.
"""

import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.entra import Entra
from cordpair.emulator.graph.app import Answer, Asked, Handlers
from cordpair.emulator.graph.errors import GraphError, bad_request
from cordpair.emulator.graph.rich import check_encryption, encrypted
from cordpair.emulator.world import Tenant

_ONE = "/subscriptions/{subscription-id}"
_SHORTEST = timedelta(minutes=45)
_LONGEST = {"/communications/presences": timedelta(minutes=60), "/communications/callRecords": timedelta(minutes=4230)}
#: Permission of each resource that can be subscribed to.
_NEEDS = {"/communications/presences": "Presence.Read.All", "/communications/callRecords": "CallRecords.Read.All"}
#: Resources that come encrypted with the notification when that is asked for.
_RICH = frozenset({"/communications/presences"})
_ENCRYPTION = ("encryptionCertificate", "encryptionCertificateId")
_ANSWER_WITHIN_S = 3.0  # real seconds: a slow endpoint is slow however fast emulated time runs
_HANDSHAKE_WITHIN_S = 10.0
_AGAIN_AFTER_S = (10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0)


@dataclass
class Subscription:
    id: str
    tenant: Tenant
    body: dict[str, Any]
    expires: datetime

    @property
    def resource(self) -> str:
        return "/" + str(self.body["resource"]).lstrip("/")

    def written(self) -> dict[str, Any]:
        return {
            "id": self.id,
            **{name: value for name, value in self.body.items() if name != "encryptionCertificate"},
            "expirationDateTime": _iso(self.expires),
            "applicationId": self.tenant.registration.client_id,
        }


class Subscriptions:
    """Handlers of `/subscriptions`, and the sender of change notifications."""

    def __init__(self, cloud: Cloud, entra: Entra) -> None:
        self._cloud, self._entra = cloud, entra
        self._dice = cloud.random("change notifications")
        self._all: dict[str, Subscription] = {}
        self.lose = 0.0

    def handlers(self) -> Handlers:
        return {
            ("GET", "/subscriptions"): self.many,
            ("POST", "/subscriptions"): self.create,
            ("GET", _ONE): self.one,
            ("PATCH", _ONE): self.renew,
            ("DELETE", _ONE): self.delete,
        }

    async def many(self, asked: Asked) -> Answer:
        return Answer(200, [s.written() for s in self._live() if s.tenant is asked.tenant])

    async def create(self, asked: Asked) -> Answer:
        kind, body = _kind(asked.body["resource"]), asked.body
        if _NEEDS[kind] not in asked.tenant.registration.permissions:
            raise GraphError(403, "ExtensionError", f"Operation: Create; {_NEEDS[kind]} is needed.")
        if body["changeType"] not in ("updated", "created", "created,updated"):
            raise bad_request("Property 'changeType' is not supported for this resource.")
        if len(body.get("clientState") or "") > 128:
            raise bad_request("Property 'clientState' is longer than 128 characters.")
        if body.get("includeResourceData") and kind not in _RICH:
            raise bad_request("Resource data is not supported for this resource.")
        check_encryption(body, is_rich=bool(body.get("includeResourceData")))
        expires = self._expiry(kind, body["expirationDateTime"])
        for url in filter(None, (body["notificationUrl"], body.get("lifecycleNotificationUrl"))):
            await self._handshake(url)
        made = Subscription(str(uuid.uuid4()), asked.tenant, dict(body), expires)
        self._all[made.id] = made
        return Answer(201, made.written(), f"/subscriptions/{made.id}")

    async def one(self, asked: Asked) -> Answer:
        return Answer(200, self._get(asked).written())

    async def renew(self, asked: Asked) -> Answer:
        found = self._get(asked)
        check_encryption(asked.body, is_rich=False)
        if asked.body.get("notificationUrl"):
            await self._handshake(asked.body["notificationUrl"])
            found.body["notificationUrl"] = asked.body["notificationUrl"]
        if asked.body.get("expirationDateTime"):
            found.expires = self._expiry(_kind(found.resource), asked.body["expirationDateTime"])
        found.body |= {name: asked.body[name] for name in _ENCRYPTION if name in asked.body}
        return Answer(200, found.written())

    async def delete(self, asked: Asked) -> Answer:
        del self._all[self._get(asked).id]
        return Answer(204)

    def of(self, tenant: Tenant) -> list[Subscription]:
        """The subscriptions of an organisation that stand."""
        return [one for one in self._live() if one.tenant is tenant]

    def presence_changed(self, tenant: Tenant, user: str, data: dict[str, Any]) -> None:
        """Tell the subscribers of this user's presence, within a few seconds."""
        for subscription in self._live():
            about = subscription.resource
            if (
                subscription.tenant is tenant
                and about.startswith("/communications/presences")
                and user in about.lower()
            ):
                resource = f"communications/presences/{user}"
                told = {"@odata.type": "#microsoft.graph.presence", "@odata.id": resource}
                told |= {n: data[n] for n in ("id", "availability", "activity", "sequenceNumber")}
                self._cloud.clock.spawn(self._tell(subscription, resource, told))

    def named(self, name: str) -> Subscription | None:
        """A subscription that stands."""
        return next((one for one in self._live() if one.id == name), None)

    def remove(self, name: str, *, silently: bool = False) -> None:
        """Microsoft takes a subscription away, with a word of it or without."""
        gone = self._all.pop(name)
        self._cloud.journal.note("subscription removed", subscription=name)
        if not silently:
            self.lifecycle(gone, "subscriptionRemoved")

    def lifecycle(self, subscription: Subscription, event: str) -> None:
        """Tell of a subscription's own life: reauthorizationRequired, subscriptionRemoved or missed."""
        url = subscription.body.get("lifecycleNotificationUrl")
        if url:
            item = self._item(subscription) | {"lifecycleEvent": event}
            self._cloud.clock.spawn(self._deliver(url, {n: item[n] for n in item if n != "id"}))

    async def _tell(self, subscription: Subscription, resource: str, data: dict[str, Any]) -> None:
        item = self._item(subscription) | {"changeType": "updated", "resource": resource, "resourceData": data}
        await self._cloud.clock.sleep(self._dice.uniform(0.5, 4.0))
        if self._dice.random() < self.lose:
            self._cloud.journal.note("change notification lost", resource=resource)
            return
        if not subscription.body.get("includeResourceData"):
            await self._deliver(subscription.body["notificationUrl"], item)
            return
        item["resourceData"] = {name: data[name] for name in ("@odata.type", "@odata.id", "id")}
        item["encryptedContent"] = encrypted(data, subscription.body)
        tokens = [self._entra.validation_token(subscription.tenant)]
        await self._deliver(subscription.body["notificationUrl"], item, validationTokens=tokens)

    def _item(self, subscription: Subscription) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid4()),
            "subscriptionId": subscription.id,
            "subscriptionExpirationDateTime": _iso(subscription.expires),
            "clientState": subscription.body.get("clientState"),
            "resource": subscription.body["resource"],
            "tenantId": subscription.tenant.id,
        }

    async def _deliver(self, url: str, item: dict[str, Any], **beside: list[str]) -> None:
        for wait in (*_AGAIN_AFTER_S, 0.0):
            if await self._post(url, {"value": [item], **beside}):
                return
            await self._cloud.clock.sleep(wait)

    async def _post(self, url: str, body: dict[str, Any]) -> bool:
        began = time.monotonic()
        try:
            with self._cloud.clock.working():
                status = (await self._cloud.http.post(url, json=body, timeout=_ANSWER_WITHIN_S)).status_code
        except httpx.HTTPError:
            status = 0
        took = round((time.monotonic() - began) * 1000, 2)
        self._cloud.journal.note(
            "change notification", resource=body["value"][0]["resource"], status=status, took_ms=took
        )
        return 200 <= status < 300

    async def _handshake(self, url: str) -> None:
        token = f"Validation: {secrets.token_urlsafe(24)}"
        try:
            with self._cloud.clock.working():
                answer = await self._cloud.http.post(
                    url, params={"validationToken": token}, timeout=_HANDSHAKE_WITHIN_S
                )
        except httpx.HTTPError as exc:
            raise _handshake_failed(type(exc).__name__) from exc
        kind = answer.headers.get("content-type", "").split(";")[0]
        if answer.status_code != 200 or kind != "text/plain" or answer.text != token:
            raise _handshake_failed(f"status {answer.status_code}, content type {kind}")

    def _expiry(self, kind: str, text: str) -> datetime:
        try:
            wanted = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError as exc:
            raise bad_request("Property 'expirationDateTime' is no date and time.") from exc
        wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
        now = self._cloud.clock.now()
        if wanted <= now:
            raise bad_request("Subscription expiration can only be in the future.")
        # A few seconds of grace, as clocks differ.
        if wanted - now > _LONGEST[kind] + timedelta(seconds=max(30.0, 30.0 * self._cloud.clock.rate)):
            minutes = int(_LONGEST[kind].total_seconds() // 60)
            raise bad_request(f"Subscription expiration can only be {minutes} minutes in the future.")
        return max(wanted, now + _SHORTEST)

    def _live(self) -> list[Subscription]:
        now = self._cloud.clock.now()
        for name in [s.id for s in self._all.values() if s.expires <= now]:
            self._cloud.journal.note("subscription expired", subscription=name)
            del self._all[name]
        return list(self._all.values())

    def _get(self, asked: Asked) -> Subscription:
        self._live()
        found = self._all.get(asked.ids[0])
        if found is None or found.tenant is not asked.tenant:
            raise GraphError(404, "ResourceNotFound", "The subscription does not exist.")
        return found


def _kind(resource: str) -> str:
    for kind in _LONGEST:
        if ("/" + resource.lstrip("/")).startswith(kind):
            return kind
    raise bad_request("Property 'resource' cannot be subscribed to here.")


def _handshake_failed(why: str) -> GraphError:
    return GraphError(400, "ValidationError", f"Subscription validation request failed: {why}.")


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
