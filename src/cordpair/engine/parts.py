"""What belongs to one tenant in this process: its connectors and whoever uses them, built once from its setup."""

import asyncio
from collections.abc import Callable

import httpx
import msgspec

from cordpair.connectors.kit import Crm
from cordpair.connectors.teams.calls import GraphCalls
from cordpair.connectors.teams.chat import BotChat
from cordpair.connectors.teams.chimes import CHIMES
from cordpair.connectors.teams.presence import GraphPresence
from cordpair.connectors.teams.subscriptions import GraphSubscriptions
from cordpair.connectors.teams.tokens import AppTokens
from cordpair.core.ids import PartyRef, RegistrationId, TenantId
from cordpair.core.open_times import calendar_of
from cordpair.core.tenant import Registration, TenantSetup
from cordpair.engine.callback_cards import CallbackCards
from cordpair.engine.cards import CallCards
from cordpair.engine.clock import Clock
from cordpair.engine.names import Names
from cordpair.engine.perform import Performer
from cordpair.engine.sounds import Sounds
from cordpair.errors import Rejected
from cordpair.settings import Settings
from cordpair.store.doors import Store

STILL_USED_S = 30.0  #: real seconds in which work that began with former parts ends

#: Makes the CRM connector of a tenant, or None when it has none.
MakeCrm = Callable[[TenantSetup], Crm | None]


class TenantParts(msgspec.Struct, frozen=True, kw_only=True):
    """The connectors of one tenant."""

    setup: TenantSetup
    tokens: AppTokens
    calls: GraphCalls
    chat: BotChat
    presence: GraphPresence
    subscriptions: GraphSubscriptions
    crm: Crm | None
    performer: Performer

    def link(self, party: PartyRef) -> str:
        """Where a party's record is opened."""
        return self.crm.link(party) if self.crm is not None and self.crm.name == party.connector else ""


class Workshop:
    """Builds the parts of tenants and keeps them. `media` gives the address of a sound."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        http: httpx.AsyncClient,
        *,
        media: Callable[[str], str],
        sounds: Sounds,
        make_crm: MakeCrm,
    ) -> None:
        self._store, self._settings, self._clock, self._http = store, settings, clock, http
        self._media, self._sounds, self._make_crm = media, sounds, make_crm
        self._parts: dict[TenantId, TenantParts] = {}
        self._registrations: dict[RegistrationId, TenantId] = {}
        self._lock = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def of(self, tenant: TenantId) -> TenantParts:
        """The tenant's parts. Raises Rejected (404) for a tenant that is not set up."""
        if tenant not in self._parts:
            async with self._lock:
                if tenant not in self._parts:
                    self._parts[tenant] = await self._build(tenant)
        return self._parts[tenant]

    async def setup_of(self, tenant: TenantId) -> TenantSetup:
        """As `of`: the setup alone."""
        return (await self.of(tenant)).setup

    def in_memory(self, tenant: TenantId) -> TenantParts | None:
        """The tenant's parts if they were built already: for when the store is away."""
        return self._parts.get(tenant)

    async def renew(self, tenant: TenantId) -> TenantParts:
        """The tenant's parts on its newest setup. Only what belongs to an unchanged registration is kept."""
        async with self._lock:
            former = self._parts.get(tenant)
            parts = self._parts[tenant] = await self._build(tenant, former)
        if former is not None and former is not parts:
            task = asyncio.create_task(self._let_go_later(former, tokens=former.tokens is not parts.tokens))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        return parts

    async def registration(self, name: RegistrationId) -> Registration | None:
        """An app registration by the opaque name in our webhook addresses."""
        tenant = self._registrations.get(name)
        if tenant is None:
            async with self._store.open_queue() as queue:
                tenant = await queue.directory(name)
            if tenant is None:
                return None
            self._registrations[name] = tenant
        registration = (await self.of(tenant)).setup.registration
        return registration if registration.id == name else None

    def chat(self, registration: Registration) -> BotChat:
        """The chats of a registration that `registration` has given out."""
        return self._parts[registration.tenant].chat

    async def performer(self, tenant: TenantId) -> Performer:
        return (await self.of(tenant)).performer

    async def close(self) -> None:
        """Let go of all connections."""
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        for parts in self._parts.values():
            await _let_go(parts)

    async def _let_go_later(self, parts: TenantParts, *, tokens: bool) -> None:
        """Somebody may be at work with them still; told to end, at once."""
        try:
            await self._clock.sleep(STILL_USED_S * self._clock.rate)
        finally:
            await _let_go(parts, tokens=tokens)

    async def _build(self, tenant: TenantId, former: TenantParts | None = None) -> TenantParts:
        async with self._store.open_tenant(tenant) as rows:
            setup = await rows.setups.get()
        if setup is None:
            raise Rejected("no such organisation", status=404)
        if former is not None and former.setup == setup:
            return former
        await asyncio.to_thread(_know_hours, setup)
        settings, registration = self._settings, setup.registration
        self._registrations[registration.id] = tenant  # known from now on without the store
        is_same = former is not None and former.setup.registration == registration
        tokens = former.tokens if former and is_same else AppTokens(registration, login_url=settings.login_url)
        webhook = f"{settings.public_url}/graph/{registration.id}"
        graph = GraphCalls(
            self._http,
            tokens,
            tenant=tenant,
            region=setup.region,
            graph_url=settings.graph_url,
            callback_uri=f"{webhook}/calls",
            media_uri=self._media,
            now=self._clock.now,
            prompts=CHIMES,
        )
        chat = former.chat if former and is_same else BotChat(self._http, tokens, hosts=settings.service_url_hosts)
        crm = self._make_crm(setup)
        queues = {queue.id: queue for queue in setup.queues}
        cards = CallCards(self._store, self._clock, chat, queues, setup.breaks)
        presence = GraphPresence(self._http, tokens, graph_url=settings.graph_url, client_id=registration.client_id)
        return TenantParts(
            setup=setup,
            tokens=tokens,
            calls=graph,
            chat=chat,
            presence=presence,
            subscriptions=GraphSubscriptions(
                self._http, tokens, graph_url=settings.graph_url, notification_url=f"{webhook}/changes"
            ),
            crm=crm,
            performer=Performer(
                tenant,
                self._store,
                self._clock,
                calls=graph,
                cards=cards,
                crm=crm,
                names=Names(setup),
                sounds=self._sounds,
                callbacks=CallbackCards(self._store, self._clock, chat),
                presence=presence,
            ),
        )


def _know_hours(setup: TenantSetup) -> None:
    """Have the calendars read before a caller waits for one: public holidays take their second to load."""
    for queue in setup.queues:
        calendar_of(queue)


async def _let_go(parts: TenantParts, *, tokens: bool = True) -> None:
    if tokens:
        parts.tokens.close()
    if parts.crm is not None:
        await parts.crm.close()
