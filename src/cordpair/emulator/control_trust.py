"""What ends or changes of trust: `/_control/keys`, `/_control/tokens/end` and `/_control/subscriptions`."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from cordpair.emulator.control_requests import Unusable, route
from cordpair.emulator.graph.subscriptions import Subscription
from cordpair.emulator.parts import Parts
from cordpair.emulator.world import Tenant

_EVENTS = ("reauthorizationRequired", "subscriptionRemoved", "missed")


class TrustControl:
    """Handlers of keys, tokens and subscriptions."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            route("keys", ["POST"], self.keys),
            route("tokens/end", ["POST"], self.end_tokens),
            route("subscriptions", ["GET"], self.subscriptions),
            route("subscriptions/{name}/remove", ["POST"], self.remove),
            route("subscriptions/{name}/lifecycle", ["POST"], self.lifecycle),
        ]

    async def keys(self, _request: Request, body: dict[str, Any]) -> Any:
        """Another signing key: Entra's of `tenant`, or the Bot Framework's. `withdrawn`: the former are gone."""
        tenant = self._tenant(str(body["tenant"])) if body.get("tenant") else None
        key = self._parts.cloud.roll_keys(tenant, withdrawn=bool(body.get("withdrawn", False)))
        return {"kid": key.kid}

    async def end_tokens(self, _request: Request, body: dict[str, Any]) -> Any:
        """The tokens that an application holds are over, however long it was told that they live."""
        return {"tokens": self._parts.entra.end_tokens(self._tenant(str(body["tenant"])))}

    async def subscriptions(self, _request: Request, _body: dict[str, Any]) -> Any:
        standing = [one for tenant in self._parts.cloud.world.tenants for one in self._parts.subscriptions.of(tenant)]
        return {
            "subscriptions": [
                {"id": one.id, "tenant": one.tenant.id, "resource": one.resource, "expires": one.expires}
                for one in standing
            ]
        }

    async def remove(self, request: Request, body: dict[str, Any]) -> Any:
        """Microsoft takes it away: without a word (`silently`), or with one."""
        self._parts.subscriptions.remove(self._subscription(request).id, silently=bool(body.get("silently", False)))
        return {}

    async def lifecycle(self, request: Request, body: dict[str, Any]) -> Any:
        event = str(body["event"])
        if event not in _EVENTS:
            raise Unusable(f"there is no event {event}; there are {', '.join(_EVENTS)}")
        self._parts.subscriptions.lifecycle(self._subscription(request), event)
        return {}

    def _subscription(self, request: Request) -> Subscription:
        found = self._parts.subscriptions.named(request.path_params["name"])
        if found is None:
            raise Unusable("no such subscription stands")
        return found

    def _tenant(self, name: str) -> Tenant:
        tenant = self._parts.cloud.world.tenant(name)
        if tenant is None:
            raise Unusable("no such organisation")
        return tenant
