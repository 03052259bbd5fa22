"""What Microsoft Graph tells us: verified, stored, acknowledged, in that order.

POST /graph/{registration}/calls     the calling webhook: commsNotifications, signed by the Bot Framework
POST /graph/{registration}/changes   change notifications (presence), known by their clientState
A refused request is answered 400, 401, 403, 404 or 413 and stores nothing. 503: the database is away, send it again;
a caller who rings then is sent on at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cordpair.connectors.teams.guard import read_body
from cordpair.connectors.teams.inbound import BotTokens, same_client_state
from cordpair.connectors.teams.translate import graph_call_id, item_key, notification_items, presence_key
from cordpair.core.ids import RegistrationId, TenantId
from cordpair.core.tenant import Registration
from cordpair.engine.away import SendsOn
from cordpair.errors import CordpairError, Rejected, TemporaryFailure
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from cordpair.telemetry import Metrics

log = structlog.get_logger(__name__)

_LONGEST_TOKEN = 4_096
STORED_WITHIN_S = 3.0  #: real seconds; also what Graph waits for an answer before it calls us slow


class Webhooks:
    """Both webhooks. `now` gives the product's time, `ring` wakes the tenant's loop."""

    def __init__(
        self,
        store: Store,
        *,
        find: Callable[[RegistrationId], Awaitable[Registration | None]],
        tokens: BotTokens,
        away: SendsOn,
        now: Callable[[], datetime],
        ring: Callable[[TenantId], None],
        metrics: Metrics,
        body_limit: int,
    ) -> None:
        self._store, self._find, self._tokens, self._away = store, find, tokens, away
        self._now, self._ring, self._metrics, self._body_limit = now, ring, metrics, body_limit

    def routes(self) -> list[Route]:
        return [
            Route("/graph/{registration}/calls", self._guarded(self._calls), methods=["POST"]),
            Route("/graph/{registration}/changes", self._guarded(self._changes), methods=["POST"]),
        ]

    def _guarded(
        self, handle: Callable[[Request, Registration | None], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                registration = await self._find(RegistrationId(request.path_params["registration"]))
                return await handle(request, registration)
            except Rejected as exc:
                self._metrics.inbox_refused.labels(reason=str(exc.status)).inc()
                return JSONResponse({"error": str(exc)}, status_code=exc.status)
            except CordpairError as exc:
                log.warning("a notification could not be stored", error=type(exc).__name__)
                return JSONResponse({"error": "try again later"}, status_code=503, headers={"Retry-After": "1"})
            except RecursionError:  # read at the last depth that is possible, and then too deep to be written
                return JSONResponse({"error": "the body is nested too deeply"}, status_code=400)
            except ClientDisconnect:
                return Response(status_code=400)

        return guarded

    async def _calls(self, request: Request, registration: Registration | None) -> Response:
        body = await read_body(request.stream(), self._body_limit)
        registration = await self._tokens.verify_for(registration, request.headers.get("authorization"))
        items = notification_items(body)
        for item in items:
            if graph_call_id(item) is None:
                raise Rejected("a notification names no call")
            _must_be_of(registration.tenant, item)
        try:
            async with asyncio.timeout(STORED_WITHIN_S):
                return await self._store_all("graph", registration, items, item_key)
        except (CordpairError, TimeoutError) as exc:
            # Graph gives a ringing call 15 s: whoever cannot be stored by then is sent on.
            if await self._away.send_on(registration, items, self._now()):
                return Response(status_code=202)
            raise TemporaryFailure("a notification could not be stored") from exc

    async def _changes(self, request: Request, registration: Registration | None) -> Response:
        token = request.query_params.get("validationToken")
        if token is not None:  # Graph's handshake: the token back, as text
            if len(token) > _LONGEST_TOKEN:
                raise Rejected("the validation token is too long")
            return PlainTextResponse(token, headers={"X-Content-Type-Options": "nosniff"})
        items = notification_items(await read_body(request.stream(), self._body_limit))
        secrets = [] if registration is None else await self._secrets(registration.tenant)
        known = [item for item in items if any(same_client_state(item, secret) for secret in secrets)]
        if len(known) < len(items):
            # Answered like the others, so that nobody learns which secret was right.
            self._metrics.inbox_refused.labels(reason="client_state").inc(len(items) - len(known))
        if registration is None:
            return Response(status_code=202)
        now = self._now()
        return await self._store_all("presence", registration, known, lambda item: presence_key(item, now))

    async def _secrets(self, tenant: TenantId) -> list[str]:
        async with self._store.open_tenant(tenant) as rows:
            return [row.client_state for row in await rows.subscriptions.all()]

    async def _store_all(
        self,
        source: str,
        registration: Registration,
        items: Sequence[dict[str, Any]],
        key: Callable[[dict[str, Any]], str],
    ) -> Response:
        now = self._now()
        rows = [
            Incoming(source=source, key=key(item), body=msgspec.json.encode(item), received_at=now) for item in items
        ]
        if rows:
            new = await self._store.accept(registration.tenant, rows)
            self._metrics.inbox_accepted.labels(source=source).inc(new)
            self._metrics.inbox_duplicates.labels(source=source).inc(len(rows) - new)
            self._ring(registration.tenant)
        return Response(status_code=202)


def _must_be_of(tenant: TenantId, item: dict[str, Any]) -> None:
    """A call notification names its tenant in some forms; then it must be this one."""
    data = item.get("resourceData")
    named = data.get("tenantId") if isinstance(data, dict) else None
    if isinstance(named, str) and named.lower() != tenant:
        raise Rejected("the notification is of another tenant", status=403)
