"""Teams presence of a tenant's agents: read at the start, then told by Graph, re-read after every gap."""

import hashlib
import secrets
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from cordpair.connectors.teams.presence import MOST_IDS, GraphPresence
from cordpair.connectors.teams.subscriptions import GraphSubscriptions, presence_resource
from cordpair.core import events as e
from cordpair.core.ids import AgentId, TenantId
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError, PermanentFailure
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming
from cordpair.store.marks import Subscription

log = structlog.get_logger(__name__)

LIFE = timedelta(minutes=55)  #: Graph allows 60 min; some of it is left for clocks that differ
LOOK_S = 15.0  #: how often we look what is due: a lifecycle event may have come in on any node
SEEK = timedelta(minutes=5)  #: how often Graph is asked whether it still has a subscription
AGAIN = timedelta(minutes=1)  #: after a failure
_KIND = "presence"


class PresenceWatch:
    """Keeps the presence subscriptions of one tenant alive: at most 650 agents in each, renewed at half their life."""

    def __init__(
        self,
        tenant: TenantId,
        store: Store,
        clock: Clock,
        *,
        presence: GraphPresence,
        subscriptions: GraphSubscriptions,
        agents: Sequence[AgentId],
    ) -> None:
        self._tenant, self._store, self._clock = tenant, store, clock
        self._presence, self._subscriptions = presence, subscriptions
        groups = [tuple(agents[start : start + MOST_IDS]) for start in range(0, len(agents), MOST_IDS)]
        self._groups = {_kind(group): group for group in groups}
        self._sought_at: dict[str, datetime] = {}  #: when each was last known to stand, by its kind
        self._not_before: dict[str, datetime] = {}  #: after a failure

    async def run(self) -> None:
        """Subscribe, read, renew; until cancelled. While Graph is away presence grows stale, and says so."""
        while True:
            await self.once()
            await self._clock.sleep(LOOK_S)

    async def once(self) -> None:
        """Look after every group; one that fails does not keep the others from it."""
        try:
            async with self._store.open_tenant(self._tenant) as rows:
                known = {row.kind: row for row in await rows.subscriptions.all() if row.kind.startswith(_KIND)}
        except CordpairError as exc:
            log.warning("presence waits for the database", tenant=self._tenant, error=type(exc).__name__)
            return
        for kind, agents in self._groups.items():
            await self._guarded(kind, self._look_after(kind, agents, known.get(kind)))
        for kind in known.keys() - self._groups.keys():
            await self._guarded(kind, self._give_up(known[kind]))

    async def _guarded(self, kind: str, work: Coroutine[Any, Any, None]) -> None:
        now = self._clock.now()
        if now < self._not_before.get(kind, now):
            work.close()
            return
        try:
            await work
            self._not_before.pop(kind, None)
        except Exception as exc:  # noqa: BLE001 - the outermost place of this work: calls go on without it
            self._not_before[kind] = now + AGAIN
            log.warning("presence waits for Graph", tenant=self._tenant, error=type(exc).__name__)

    async def _look_after(self, kind: str, agents: Sequence[AgentId], known: Subscription | None) -> None:
        """Subscribed or renewed when it is due, or gone without a word: then read what was not told meanwhile."""
        now = self._clock.now()
        if kind in self._sought_at and known is not None and known.expires_at - now > LIFE / 2:
            if now - self._sought_at[kind] < SEEK:
                return
            if await self._subscriptions.stands(known.graph_id):
                self._sought_at[kind] = now
                return
            log.warning("a subscription is gone", tenant=self._tenant)
            known = None
        await self._subscribe(kind, agents, known)
        await self._read(agents)
        self._sought_at[kind] = now

    async def _give_up(self, former: Subscription) -> None:
        """A subscription for other agents than now."""
        await self._subscriptions.delete(former.graph_id)
        async with self._store.open_tenant(self._tenant) as rows:
            await rows.subscriptions.remove(former.kind)

    async def _subscribe(self, kind: str, agents: Sequence[AgentId], known: Subscription | None) -> None:
        expires_at = self._clock.now() + LIFE
        if known is not None and known.expires_at > self._clock.now():
            try:
                renewed = await self._subscriptions.renew(known.graph_id, expires_at)
            except PermanentFailure as exc:
                if exc.status != 404:
                    raise
            else:
                await self._remember(kind, renewed.id, known.client_state, renewed.expires_at)
                return
        secret = secrets.token_urlsafe(32)
        # Written down first: the first notification may come before Graph's answer does.
        await self._remember(kind, "", secret, expires_at)
        created = await self._subscriptions.create(presence_resource(agents), secret=secret, expires_at=expires_at)
        await self._remember(kind, created.id, secret, created.expires_at)

    async def _remember(self, kind: str, graph_id: str, secret: str, expires_at: datetime) -> None:
        row = Subscription(kind=kind, graph_id=graph_id, client_state=secret, expires_at=expires_at)
        async with self._store.open_tenant(self._tenant) as rows:
            await rows.subscriptions.put(row)

    async def _read(self, agents: Sequence[AgentId]) -> None:
        now = self._clock.now()
        seen = await self._presence.read(agents, at=now)
        items = [
            Incoming(
                source="result", key=f"presence:{one.agent}:{now.isoformat()}", body=e.encode(one), received_at=now
            )
            for one in seen
        ]
        if items:
            await self._store.accept(self._tenant, items)


def _kind(agents: Sequence[AgentId]) -> str:
    """Other agents make another subscription: what it watches cannot be changed."""
    return f"{_KIND}:{hashlib.sha256(' '.join(agents).encode()).hexdigest()[:16]}"
