"""Teams presence of a tenant's agents: read at the start, then told by Graph, re-read after every gap."""

import asyncio
import hashlib
import secrets
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from msgspec.structs import replace

from cordpair.connectors.teams.content import make_key
from cordpair.connectors.teams.presence import MOST_IDS, GraphPresence
from cordpair.connectors.teams.subscriptions import GraphSubscriptions, presence_resource
from cordpair.core import events as e
from cordpair.core.content_keys import ContentKey, changed, present
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
        encrypted: bool = False,
    ) -> None:
        self._tenant, self._store, self._clock = tenant, store, clock
        self._presence, self._subscriptions = presence, subscriptions
        self._encrypted = encrypted
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
        keys = await self._keys(known.keys if known else ())
        if known is not None and await self._renewed(replace(known, keys=keys), known.keys, expires_at):
            return
        row = Subscription(
            kind=kind, graph_id="", client_state=secrets.token_urlsafe(32), expires_at=expires_at, keys=keys
        )
        # Written down first: the first notification may come before Graph's answer does.
        await self._remember(row)
        created = await self._subscriptions.create(
            presence_resource(agents), secret=row.client_state, expires_at=expires_at, key=keys[0] if keys else None
        )
        await self._remember(replace(row, graph_id=created.id, expires_at=created.expires_at))

    async def _renewed(self, row: Subscription, former: Sequence[ContentKey], expires_at: datetime) -> bool:
        """Renewed, with another key when it was time for one; False when it has to be made anew."""
        if not row.graph_id or row.expires_at <= self._clock.now():
            return False
        if bool(row.keys) != bool(former):  # what a subscription carries cannot be changed
            await self._subscriptions.delete(row.graph_id)
            return False
        if row.keys != tuple(former):
            await self._remember(row)
        try:
            # The key each time: the request that told of a new one may have failed.
            renewed = await self._subscriptions.renew(row.graph_id, expires_at, key=row.keys[0] if row.keys else None)
        except PermanentFailure as exc:
            if exc.status != 404:
                raise
            return False
        await self._remember(replace(row, graph_id=renewed.id, expires_at=renewed.expires_at))
        return True

    async def _keys(self, former: tuple[ContentKey, ...]) -> tuple[ContentKey, ...]:
        """The keys for what comes encrypted, with a new one in front when it is time; none without encryption."""
        now = self._clock.now()
        if not self._encrypted:
            return ()
        if present(former, now) is not None:
            return former
        return changed(former, await asyncio.to_thread(make_key, secrets.token_hex(16), now))

    async def _remember(self, row: Subscription) -> None:
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
