"""Where the floor page's views come from: the store, so that any node can serve them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import structlog

from cordpair.core.audit import Actor
from cordpair.core.ids import QueueId, TenantId
from cordpair.core.tenant import TenantSetup
from cordpair.engine.clock import Clock
from cordpair.engine.privileged import note_link_opened, retry_effect, retry_flow, retry_notification
from cordpair.engine.quota import month_begin
from cordpair.engine.wakeup import Bell
from cordpair.errors import CordpairError, Rejected, TemporaryFailure
from cordpair.store.doors import Store, TenantRows
from cordpair.web.floor_content import ENDED, FLOW, NOTIFICATION, Names, Stored, belongs, midnight, view_of
from cordpair.web.floor_view import CallRow, CallSet, FloorView

log = structlog.get_logger(__name__)

_LONGEST_NUMBER = 18  # digits that a bigint holds whatever they are
_RETRIES = {NOTIFICATION: retry_notification, FLOW: retry_flow}
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

PAUSE_S = 0.25  #: real seconds between two views at least
STILL_S = 2.0  #: a view is made this often even when nothing happens, so that its age stays true
UNSEEN_S = 30.0  #: one that nobody asks for is made this seldom: it is the first that somebody sees


class StoreFloor:
    """`FloorSource` on the store. `touch` says that something changed; `run` keeps the views fresh.

    A floor that somebody looks at is read at most every `PAUSE_S`, one that nobody looks at every `UNSEEN_S`. What
    another node folds touches nothing here: for floors that are looked at, the store is asked whether something is new.
    """

    def __init__(self, store: Store, clock: Clock, wall: Clock) -> None:
        self._store, self._clock, self._wall = store, clock, wall
        self._views: dict[TenantId, FloorView] = {}
        self._read_at: dict[TenantId, datetime] = {}
        self._touched: set[TenantId] = set()
        self._asked: set[TenantId] = set()  #: for a page, since the last reading
        self._newest: dict[TenantId, int] = {}
        self._bell = Bell()
        self._listeners: dict[TenantId, set[asyncio.Event]] = {}

    def touch(self, tenant: TenantId) -> None:
        self._touched.add(tenant)
        self._bell.ring()

    async def run(self) -> None:
        """Read what has changed, and what is looked at, until cancelled."""
        while True:
            now = self._wall.now()
            await self._look_for_news()
            for tenant in [tenant for tenant in {*self._touched, *self._listeners} if self._is_due(tenant, now)]:
                await self._refresh(tenant, now)
            await self._bell.heard(PAUSE_S)
            await self._wall.sleep(PAUSE_S / 5)

    def _is_due(self, tenant: TenantId, now: datetime) -> bool:
        age_s = (now - self._read_at.get(tenant, _NEVER)).total_seconds()
        if tenant in self._listeners:
            return age_s >= (PAUSE_S if tenant in self._touched else STILL_S)
        return age_s >= (STILL_S if tenant in self._asked else UNSEEN_S)

    async def _look_for_news(self) -> None:
        """Touch what is looked at and was folded elsewhere."""
        for tenant in list(self._listeners.keys() - self._touched):
            try:
                async with self._store.open_tenant(tenant) as rows:
                    newest = await rows.vitals.newest()
            except CordpairError:
                continue  # the next reading says so
            if self._newest.get(tenant) != newest:
                self._newest[tenant] = newest
                self._touched.add(tenant)

    async def _refresh(self, tenant: TenantId, now: datetime) -> None:
        self._touched.discard(tenant)
        self._asked.discard(tenant)
        self._read_at[tenant] = now
        try:
            self._views[tenant] = await self.read(tenant)
        except Exception as exc:  # noqa: BLE001 - one organisation must not take the others with it
            log.warning("a floor could not be read", tenant=tenant, error=type(exc).__name__)
        for listener in self._listeners.get(tenant, ()):
            listener.set()

    def current(self, tenant: TenantId) -> FloorView:
        view = self._views.get(tenant)
        if tenant not in self._listeners:
            self._asked.add(tenant)
            self.touch(tenant)
        if view is None:
            raise TemporaryFailure("the floor is being read")
        return view

    async def changes(self, tenant: TenantId) -> AsyncIterator[FloorView]:
        news = asyncio.Event()
        self._listeners.setdefault(tenant, set()).add(news)
        try:
            while True:
                if (view := self._views.get(tenant)) is not None:
                    yield view
                await news.wait()
                news.clear()
        finally:
            self._listeners[tenant].discard(news)
            if not self._listeners[tenant]:
                del self._listeners[tenant]

    async def read(self, tenant: TenantId) -> FloorView:
        """A view of this instant. Raises Rejected (404) for a tenant that is not set up."""
        stored = await self._stored(tenant)
        return view_of(stored, self._clock.now())

    async def link_opened(self, tenant: TenantId, link: str) -> None:
        await note_link_opened(self._store, tenant, link, now=self._clock.now())

    async def retry_parked(self, tenant: TenantId, parked: str, by: Actor) -> bool:
        kind, number = (parked[:1], parked[1:]) if parked[:1] in _RETRIES else ("", parked)
        if not number.isascii() or not number.isdigit() or len(number) > _LONGEST_NUMBER:
            return False
        retry = _RETRIES[kind] if kind else retry_effect
        done = await retry(self._store, tenant, int(number), by=by, now=self._clock.now())
        self.touch(tenant)
        return done

    async def calls(self, tenant: TenantId, of: CallSet, queue: QueueId | None) -> list[CallRow]:
        """The calls behind a number: the same rule that counted them."""
        async with self._store.open_tenant(tenant) as rows:
            setup = await _setup(rows)
            calls = await rows.calls.arrived_since(midnight(setup, self._clock.now()))
        shown = [call for call in calls if call.queue is not None and queue in (None, call.queue)]
        names = Names(setup)
        counted = [call for call in shown if belongs(call, of, names.queues)]
        return [names.row(call) for call in reversed(counted)]

    async def _stored(self, tenant: TenantId) -> Stored:
        now = self._clock.now()
        async with self._store.open_tenant(tenant) as rows:
            setup = await _setup(rows)
            return Stored(
                setup=setup,
                rows=await rows.load_floor(ENDED, now),
                counts=await rows.calls.counts(midnight(setup, now)),
                parked=await rows.outbox.parked(),
                unread=await rows.inbox.parked(),
                flows=await rows.flows.parked(),
                pending=await rows.calls.pending(),
                month=await rows.calls.count_since(month_begin(setup.time_zone, now)),
            )


async def _setup(rows: TenantRows) -> TenantSetup:
    setup = await rows.setups.get()
    if setup is None:
        raise Rejected("no such organisation", status=404)
    return setup
