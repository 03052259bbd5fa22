"""Examines one organisation: its registration, Graph, webhooks, presence, limits, CRM, and what waits."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx

from cordpair.connectors.kit import Crm, certificate_fault
from cordpair.connectors.registry import open_crm, title
from cordpair.connectors.speech.espeak import Espeak
from cordpair.connectors.teams.permissions import missing
from cordpair.connectors.teams.tokens import BOT_SCOPE, GRAPH_SCOPE
from cordpair.core.ids import GraphCallId, TenantId
from cordpair.core.quota import reached, redirects
from cordpair.core.tenant import Registration, TenantSetup
from cordpair.engine.clock import Clock
from cordpair.engine.doctor_outside import NO_ANSWER
from cordpair.engine.findings import Finding, ok, problem, warning
from cordpair.engine.outward import outward_client
from cordpair.engine.parts import TenantParts, Workshop
from cordpair.engine.quota import CREDENTIAL_WARNED, month_begin
from cordpair.engine.sounds import Sounds
from cordpair.errors import PermanentFailure, TemporaryFailure
from cordpair.settings import Settings
from cordpair.store.doors import Store
from cordpair.store.marks import Subscription
from cordpair.store.vitals import VitalSigns

LAG_WARNED_S = 10.0
LAG_WRONG_S = 60.0
_NOBODY = "+4930999999999"  #: a number that nobody has: a look-up that finds nothing is an answer
_NO_CALL = GraphCallId("00000000-0000-4000-8000-000000000000")
_LONG_TOKEN = "x" * 4_096  #: Microsoft's tokens have up to some thousand characters


class TenantDoctor:
    """Examines organisations with connectors of its own. Writes nothing, neither here nor anywhere else."""

    def __init__(self, store: Store, settings: Settings, http: httpx.AsyncClient, clock: Clock, wall: Clock) -> None:
        self._store, self._settings, self._http, self._clock, self._wall = store, settings, http, clock, wall
        sounds = Sounds(store, clock, Espeak())
        self._workshop = Workshop(
            store, settings, clock, http, media=lambda _: "", sounds=sounds, make_crm=self._open_crm
        )

    async def examine(self, tenant: TenantId) -> list[Finding]:
        """All findings about one organisation. Raises CordpairError where its setup cannot even be read."""
        parts = await self._workshop.of(tenant)
        setup = parts.setup
        async with self._store.open_tenant(tenant) as rows:
            signs = await rows.vitals.read(month_begin(setup.time_zone, self._clock.now()), self._clock.now())
            subscriptions = await rows.subscriptions.all()
        return [
            _owner(setup, signs, self._wall.now()),
            await self._webhooks(setup.registration),
            *await self._registration(parts),
            _secret(setup.registration, self._clock.now()),
            _presence(setup, subscriptions, self._clock.now()),
            *_limits(setup, signs),
            await self._crm(parts),
            *_lag(signs, self._clock.now()),
            _parked(signs),
        ]

    async def close(self) -> None:
        """Let go of connections."""
        await self._workshop.close()

    def _open_crm(self, setup: TenantSetup) -> Crm | None:
        if setup.crm is None:
            return None
        # Whom the product would not speak to, the doctor does not either.
        http = self._http if setup.crm.connector == "imis" else outward_client(self._settings.private_networks)
        return open_crm(setup.crm, region=setup.region, time_zone=setup.time_zone, http=http, clock=self._clock)

    async def _webhooks(self, registration: Registration) -> Finding:
        """Graph's handshake, and a request with a token that does not hold, as Graph sends them from outside."""
        changes, calls = f"/graph/{registration.id}/changes", f"/graph/{registration.id}/calls"
        path = changes
        try:
            echoed = await self._post(changes, {"validationToken": "cordpair doctor"}, {})
            if echoed.status_code != httpx.codes.OK or echoed.text != "cordpair doctor":
                return problem("webhook.blocked", path=changes, status=echoed.status_code)
            for path in (calls, f"/bot/{registration.id}"):
                refused = await self._post(path, {}, {"Authorization": f"Bearer {_LONG_TOKEN}"})
                if refused.status_code == httpx.codes.UNAUTHORIZED:
                    return problem("webhook.no_authorization")
                if refused.status_code not in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN):
                    return problem("webhook.blocked", path=path, status=refused.status_code)
        except NO_ANSWER:
            return problem("webhook.away", path=path)
        return ok("webhook.ok")

    async def _post(self, path: str, query: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        url = f"{self._settings.public_url}{path}"
        return await self._http.post(url, params=query, headers=headers, json={}, follow_redirects=False)

    async def _registration(self, parts: TenantParts) -> list[Finding]:
        """Tokens for both services; with one for Graph, whether Graph lets us near presence and calls."""
        graph = await self._token(parts, "Microsoft Graph", GRAPH_SCOPE)
        found = [graph, await self._token(parts, "Bot Framework", BOT_SCOPE)]
        if graph.key == "registration.ok":
            found += [*await self._graph_presence(parts), await self._graph_calls(parts)]
            found += await self._permissions(parts)
        return found

    async def _permissions(self, parts: TenantParts) -> list[Finding]:
        """What Entra has granted: the token says it."""
        lacks = missing(await parts.tokens.token(GRAPH_SCOPE))
        return [warning("graph.permission", permission=name) for name in lacks] or [ok("graph.permissions")]

    async def _token(self, parts: TenantParts, what: str, scope: str) -> Finding:
        try:
            await parts.tokens.token(scope)
        except PermanentFailure as exc:
            return problem("registration.refused", what=what, why=str(exc))
        except TemporaryFailure as exc:
            return problem("registration.away", what=what, why=str(exc), url=self._settings.login_url)
        return ok("registration.ok", what=what)

    async def _graph_presence(self, parts: TenantParts) -> list[Finding]:
        """The presence of one agent; where there is none nobody needs it."""
        agents = [agent.id for agent in parts.setup.agents[:1]]
        try:
            await parts.presence.read(agents, at=self._clock.now())
        except (PermanentFailure, TemporaryFailure) as exc:
            return [self._graph_failed(exc, "word.presence", "Presence.Read.All")]
        return [ok("graph.ok", what="word.presence")] if agents else []

    async def _graph_calls(self, parts: TenantParts) -> Finding:
        """A call that there is not: Graph says so to those who may ask about calls."""
        try:
            await parts.calls.read(_NO_CALL)
        except (PermanentFailure, TemporaryFailure) as exc:
            return self._graph_failed(exc, "word.calls", "Calls.JoinGroupCall.All")
        return ok("graph.ok", what="word.calls")

    def _graph_failed(self, exc: PermanentFailure | TemporaryFailure, what: str, permission: str) -> Finding:
        if isinstance(exc, PermanentFailure) and exc.status in (401, 403):
            return problem("graph.forbidden", what=what, status=exc.status, permission=permission)
        return problem("graph.away", what=what, url=self._settings.graph_url)

    async def _crm(self, parts: TenantParts) -> Finding:
        if parts.crm is None:
            return ok("crm.none")
        name = title(parts.crm.name)
        try:
            await parts.crm.find_by_phone(_NOBODY, parts.setup.region)
        except PermanentFailure as exc:
            return problem("crm.refused", why=_told_by(name, exc))
        except TemporaryFailure as exc:
            return problem("crm.certificate" if certificate_fault(exc) else "crm.away", why=_told_by(name, exc))
        return ok("crm.ok", name=name)


def _told_by(name: str, exc: Exception) -> str:
    """The words of a connector, which mostly begin with the name of its system."""
    return str(exc) if name in str(exc) else f"{name}: {exc}"


def _owner(setup: TenantSetup, signs: VitalSigns, now: datetime) -> Finding:
    is_owned = signs.owned_until is not None and signs.owned_until > now
    return ok("owner.ok", name=setup.name) if is_owned else problem("owner.none", name=setup.name)


def _secret(registration: Registration, now: datetime) -> Finding:
    ends_at = registration.secret_expires_at
    if ends_at is None:
        return ok("secret.unknown")
    left, date = ends_at - now, f"{ends_at:%Y-%m-%d}"
    if left <= timedelta(0):
        return problem("secret.ended", date=date)
    if left <= CREDENTIAL_WARNED:
        return warning("secret.ends", date=date, days=left.days)
    return ok("secret.ok", date=date, days=left.days)


def _presence(setup: TenantSetup, subscriptions: Sequence[Subscription], now: datetime) -> Finding:
    if not setup.agents:
        return ok("presence.no_agents")
    standing = [row for row in subscriptions if row.kind.startswith("presence") and row.graph_id]
    if not standing:
        return problem("presence.none")
    left = min(row.expires_at for row in standing) - now
    minutes = int(abs(left).total_seconds() // 60)
    return ok("presence.ok", minutes=minutes) if left > timedelta(0) else problem("presence.expired", minutes=minutes)


def _limits(setup: TenantSetup, signs: VitalSigns) -> list[Finding]:
    policy, use = setup.registration.quota, signs.use
    step = reached(policy, use)
    fields: dict[str, str | int] = {
        "month": use.month,
        "month_most": policy.calls_per_month,
        "concurrent": use.concurrent,
        "concurrent_most": policy.concurrent_calls,
    }
    has_fallback = bool(setup.fallback_user) or all(queue.fallback_user for queue in setup.queues)
    fallback = [] if has_fallback else [warning("fallback.none")]
    if redirects(policy, use):
        return [problem("limits.redirecting", **fields), *fallback]
    return [warning("limits.near", step=step, **fields) if step else ok("limits.ok", **fields), *fallback]


def _lag(signs: VitalSigns, now: datetime) -> list[Finding]:
    found = []
    for key, since in (("lag.inbox", signs.oldest_new_at), ("lag.outbox", signs.oldest_due_at)):
        seconds = (now - since).total_seconds() if since is not None else 0.0
        if seconds > LAG_WARNED_S:
            found.append((problem if seconds > LAG_WRONG_S else warning)(key, seconds=round(seconds)))
    return found or [ok("lag.ok")]


def _parked(signs: VitalSigns) -> Finding:
    if not signs.parked_effects and not signs.parked_items:
        return ok("parked.ok")
    return warning("parked.some", effects=signs.parked_effects, items=signs.parked_items)
