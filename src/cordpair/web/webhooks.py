"""What Microsoft Graph tells us: verified, stored, acknowledged, in that order.

POST /graph/{registration}/calls     the calling webhook: commsNotifications, signed by the Bot Framework
POST /graph/{registration}/changes   change notifications (presence), known by their clientState; encrypted ones also by
                                     the tokens of Graph that come with them
A refused request is answered 400, 401, 403, 404, 405 or 413 and stores nothing. 503: the database is away, send it
again; a caller who rings then is sent on at once.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive, Scope, Send

from cordpair.connectors.teams.change_tokens import ChangeTokens
from cordpair.connectors.teams.inbound import BotTokens, made_for
from cordpair.connectors.teams.translate import (
    call_and_part,
    canonical,
    change_notifications,
    content_key,
    notification_items,
    presence_key,
)
from cordpair.core.ids import GraphCallId, RegistrationId, TenantId, call_id
from cordpair.core.tenant import Registration
from cordpair.engine.away import SendsOn
from cordpair.engine.changes import Changes
from cordpair.engine.subscribed import Subscribed
from cordpair.engine.traces.incoming import IncomingTraces
from cordpair.errors import CordpairError, Rejected, TemporaryFailure
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from cordpair.telemetry import Metrics
from cordpair.web.front import Answer, Answers, Gone, header, whole_body
from cordpair.web.repetitions import Repetitions

log = structlog.get_logger(__name__)

_LONGEST_TOKEN = 4_096
STORED_WITHIN_S = 3.0  #: real seconds; also what Graph waits for an answer before it calls us slow


class Webhooks:
    """Both webhooks, as the server's own kind of application (ASGI). `now` gives the product's time, `headers` stand on
    every answer."""

    def __init__(
        self,
        store: Store,
        *,
        find: Callable[[RegistrationId], Awaitable[Registration | None]],
        tokens: BotTokens,
        change_tokens: ChangeTokens,
        away: SendsOn,
        now: Callable[[], datetime],
        metrics: Metrics,
        body_limit: int,
        headers: Mapping[str, str],
        traces: IncomingTraces | None = None,
    ) -> None:
        self._traces = traces
        self._store, self._find, self._tokens, self._away = store, find, tokens, away
        self._now, self._metrics, self._body_limit = now, metrics, body_limit
        self._answers = Answers(headers)
        self._accepted = self._answers.empty(202)
        self._counters = {
            source: (metrics.inbox_accepted.labels(source=source), metrics.inbox_duplicates.labels(source=source))
            for source in ("graph", "presence")
        }
        self._repetitions = Repetitions()
        self._subscribed = Subscribed(store, now)
        self._judge = Changes(self._subscribed, change_tokens, metrics)
        self._handlers = {"calls": self._calls, "changes": self._changes}

    @property
    def paths(self) -> list[str]:
        """The addresses that are answered here."""
        return [f"/graph/{{registration}}/{name}" for name in self._handlers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Gone:
            return
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        parts = scope["path"].split("/")
        handle = self._handlers.get(parts[3]) if len(parts) == 4 else None
        if handle is None:
            return self._answers.error(404, "there is nothing here")
        if scope["method"] != "POST":
            return self._answers.empty(405, allow="POST")
        try:
            return await handle(RegistrationId(parts[2]), scope, receive)
        except Rejected as exc:
            self._metrics.inbox_refused.labels(reason=str(exc.status)).inc()
            return self._answers.error(exc.status, str(exc))
        except CordpairError as exc:
            log.warning("a notification could not be stored", error=type(exc).__name__)
            return self._answers.error(503, "try again later", retry_after="1")
        except RecursionError:  # read at the last depth that is possible, and then too deep to be written
            return self._answers.error(400, "the body is nested too deeply")

    async def _calls(self, name: RegistrationId, scope: Scope, receive: Receive) -> Answer:
        # The token first: a stranger costs neither memory nor a look into the database.
        claims = await self._tokens.claims(header(scope, b"authorization"))
        registration = made_for(await self._find(name), claims)
        items = notification_items(await whole_body(receive, self._body_limit))
        now = self._now()
        calls, rows = self._named(registration.tenant, items, now)
        oddity = "sent_on"
        try:
            oddity = "" if await self._keep("graph", registration.tenant, rows) else "duplicate"
        except CordpairError as exc:
            # Graph gives a ringing call 15 s: whoever cannot be stored by then is sent on.
            if not await self._away.send_on(registration, items, now):
                raise TemporaryFailure("a notification could not be stored") from exc
        if self._traces is not None:
            told = [(call_id(registration.tenant, call), row) for call, row in zip(calls, rows, strict=True)]
            self._traces.notified(registration.tenant, told, now, oddity=oddity)
        return self._accepted

    def _named(
        self, tenant: TenantId, items: Sequence[dict[str, Any]], now: datetime
    ) -> tuple[list[GraphCallId], list[Incoming]]:
        """The call of each item, and what is stored of it. Raises Rejected for all when one of them must not be."""
        calls = []
        for item in items:
            call, of_part = call_and_part(item)
            if call is None:
                raise Rejected("a notification names no call")
            _must_be_of(tenant, item)
            calls.append((call, of_part))
        rows = []
        for item, (call, of_part) in zip(items, calls, strict=True):
            content = canonical(item)
            key = self._repetitions.key(content_key(content), now, call="" if of_part else call)
            rows.append(Incoming("graph", key, content, now))
        return [call for call, _ in calls], rows

    async def _changes(self, name: RegistrationId, scope: Scope, receive: Receive) -> Answer:
        token = _query(scope, "validationToken")
        if token is not None:  # Graph's handshake: the token back, as text
            if len(token) > _LONGEST_TOKEN:
                raise Rejected("the validation token is too long")
            return self._answers.text(token)
        registration = await self._find(name)
        items, tokens = change_notifications(await whole_body(receive, self._body_limit))
        if registration is not None:
            await self._change(registration.tenant, await self._judge.believed(registration, items, tokens))
        # What does not hold is answered like the rest, so that nobody learns which secret was right.
        return self._accepted

    async def _change(self, tenant: TenantId, items: Sequence[dict[str, Any]]) -> None:
        now, rows = self._now(), list[Incoming]()
        for item in items:
            if "lifecycleEvent" in item:
                await self._subscribed.hear(tenant, item)
                continue
            content = canonical(item)
            rows.append(Incoming("presence", presence_key(item, content, now), content, now))
        await self._keep("presence", tenant, rows)

    async def _keep(self, source: str, tenant: TenantId, rows: Sequence[Incoming]) -> bool:
        """Store them; whether all of them were new."""
        new = 0
        if rows:
            new = await self._store.accept(tenant, rows, within_s=STORED_WITHIN_S)
            accepted, duplicates = self._counters[source]
            accepted.inc(new)
            if new < len(rows):
                duplicates.inc(len(rows) - new)
        return new == len(rows)


def _query(scope: Scope, name: str) -> str | None:
    found = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get(name)
    return found[0] if found else None


def _must_be_of(tenant: TenantId, item: dict[str, Any]) -> None:
    """A call notification names its tenant in some forms; then it must be this one."""
    data = item.get("resourceData")
    named = data.get("tenantId") if isinstance(data, dict) else None
    if isinstance(named, str) and named.lower() != tenant:
        raise Rejected("the notification is of another tenant", status=403)
