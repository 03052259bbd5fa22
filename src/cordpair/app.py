"""Puts the product together: settings in, one running application out. Everything is built here and nowhere else."""

import asyncio
import contextlib
import gc
import hashlib
import hmac
import os
import secrets
import socket
import uuid
from collections.abc import AsyncIterator

import httpx
import structlog

from cordpair import __version__
from cordpair.connectors.kit import Crm
from cordpair.connectors.registry import open_crm
from cordpair.connectors.speech.espeak import Espeak
from cordpair.core.changes import Changes
from cordpair.core.floor import Floor
from cordpair.core.ids import TenantId
from cordpair.core.tenant import TenantSetup
from cordpair.engine.audit_keeping import AuditKeeping
from cordpair.engine.backlog import BacklogWatch
from cordpair.engine.clock import Clock, SharedClock, SystemClock, clock_at
from cordpair.engine.commands import Commands
from cordpair.engine.gauges import Gauges
from cordpair.engine.hooks import HookSender
from cordpair.engine.identifying import Identifier
from cordpair.engine.limits import PeerLimits
from cordpair.engine.live_look_up import Asked, LiveLookUps
from cordpair.engine.lookout import Lookout
from cordpair.engine.node import Node
from cordpair.engine.opening import waited_for
from cordpair.engine.outbox import OutboxWorkers
from cordpair.engine.outward import outward_client
from cordpair.engine.parts import TenantParts, Workshop
from cordpair.engine.phone_memories import PhoneMemories
from cordpair.engine.presence import PresenceWatch
from cordpair.engine.quota import LimitWatch, MonthCount
from cordpair.engine.running import END_S
from cordpair.engine.service import Follower, TenantService
from cordpair.engine.setup_watch import SetupWatch
from cordpair.engine.sounds import Sounds
from cordpair.engine.standing_flows import StandingFlows
from cordpair.engine.tenant_loop import TenantLoop
from cordpair.engine.traces import opened_traces
from cordpair.engine.translation import translators
from cordpair.privacy.logkeys import LOG_KEYS
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.doors import Store
from cordpair.store.operator_key import read_operator_key
from cordpair.telemetry import Metrics, configure_logging
from cordpair.web.certificate import renewed, server_certificate
from cordpair.web.entrance import Entrance, Inside
from cordpair.web.floor_source import StoreFloor
from cordpair.web.front import Front
from cordpair.web.media import MediaLinks
from cordpair.web.parting import PartingServer
from cordpair.web.server import server_config

log = structlog.get_logger(__name__)

LATE_S = 5.0  #: how long after the start what is not needed at once is loaded
FAREWELL_S = 1.0  #: how long a node that has handed everything over still answers


def derived_key(operator: bytes, purpose: str) -> bytes:
    """A key for one purpose (links, media), so that none of them opens anything else."""
    return hmac.new(operator, f"cordpair/{purpose}".encode(), hashlib.sha256).digest()


def new_key() -> str:
    """Names a command; never given twice."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16)))


class Product:
    """One node of the product on an open store. `front` answers all requests; `run` is everything else."""

    def __init__(self, settings: Settings, store: Store, operator: bytes, http: httpx.AsyncClient) -> None:
        self.settings, self.store = settings, store
        self.metrics = Metrics()
        self.clock: Clock = clock_at(settings.clock_rate)
        self.wall = self.clock if isinstance(self.clock, SharedClock) else SharedClock()
        self._http = http
        self.outward = outward_client(settings.private_networks)
        media = MediaLinks(derived_key(operator, "media"), settings.public_url, self.wall.now)
        self.sounds = Sounds(store, self.clock, Espeak())
        self.workshop = Workshop(
            store, settings, self.clock, http, media=media.address, sounds=self.sounds, make_crm=self._open_crm
        )
        name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.traces = opened_traces(settings, self.clock.now, self.metrics, version=__version__, node=name)
        if self.traces is not None:
            self.traces.tries.watch(http)
        self.setups = SetupWatch(self.workshop, lambda: self.node.tenants)
        self.node = Node(
            store,
            name,
            self.wall.follow,
            self._service,
            finish=lambda tenant: self.outbox.finish(tenant, END_S),
            tell=self.setups.tell,
        )
        self.lookout = Lookout(store, self.clock, self.wall, owned=lambda: self.node.tenants, ring=self.node.ring)
        self.outbox = OutboxWorkers(
            store,
            self.clock,
            self.workshop.performer,
            owned=lambda: self.node.held,
            ring=self.node.ring,
            width=settings.outbox_workers,
            limits=PeerLimits(store, self.clock),
            metrics=self.metrics,
            chance=secrets.SystemRandom().random,
            traces=self.traces.tries if self.traces else None,
        )
        self.memories = PhoneMemories(store, self.wall)
        self.look_ups = LiveLookUps(store, self.clock, self._asked)
        self.flows = StandingFlows(
            store, self.clock, self.workshop, self.node, secrets.SystemRandom().random, self.memories
        )
        self.gauges = Gauges(self.metrics, self.clock, self.wall, self.node.floors)
        self.floor = StoreFloor(store, self.clock, self.wall)
        self.link_key = derived_key(operator, "links")
        incoming = self.traces.incoming if self.traces else None
        self.entrance = Entrance(
            Inside(
                settings=settings,
                store=store,
                http=http,
                clock=self.clock,
                wall=self.wall,
                metrics=self.metrics,
                workshop=self.workshop,
                commands=Commands(store, self.clock, self.wall, incoming),
                floor=self.floor,
                link_key=self.link_key,
                new_key=new_key,
                tenants=lambda: len(self.node.tenants),
                traces=incoming,
            ),
            media.route(self.sounds.fetch),
        )
        self.front = Front({"graph": self.entrance.webhooks}, self.entrance.app)

    async def run(self) -> None:
        """Fold, perform and keep the floor fresh, until cancelled."""
        parts = (self.node, self.setups, self.lookout, self.outbox, self.flows.workers, self.floor, self.gauges)
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part.run())
            group.create_task(self._load_late())

    async def _load_late(self) -> None:
        """What takes long to load and is not needed for a call that rings now."""
        await self.wall.sleep(LATE_S)
        await self.entrance.bot.load()
        if gc.get_freeze_count():  # what was loaded stays, like what was there at the start
            gc.freeze()

    def _open_crm(self, setup: TenantSetup) -> Crm | None:
        if setup.crm is None:
            return None
        http = self._http if setup.crm.connector == "imis" else self.outward
        return open_crm(setup.crm, region=setup.region, time_zone=setup.time_zone, http=http, clock=self.clock)

    async def _service(self, tenant: TenantId, epoch: int) -> TenantService:
        """All that the owner of a tenant runs for it."""
        parts = await self.workshop.renew(tenant)
        await self.flows.keep_going(parts)
        loop = TenantLoop(
            self.store,
            tenant,
            owner=self.node.name,
            epoch=epoch,
            clock=self.clock,
            translators=translators(tenant, parts.setup.region, parts.setup.number_rules),
            link=parts.link,
            region=parts.setup.region,
            identifier=self._identifier(parts),
            publish=self._published,
            metrics=self.metrics,
            quota=MonthCount(parts.setup),
            workers=self.outbox,
            traces=self.traces.folds if self.traces else None,
        )
        return TenantService(loop, self._followers(parts))

    def _identifier(self, parts: TenantParts) -> Identifier:
        setup = parts.setup
        return Identifier(
            self.clock,
            parts.link,
            setup.region,
            queues={queue.resource_account: queue.id for queue in setup.queues},
            memory=self.memories.of(setup.id),
            rules=setup.number_rules,
        )

    async def _asked(self, tenant: TenantId) -> Asked | None:
        """Whom to ask for callers of a tenant whom its index does not know."""
        parts = await self.workshop.of(tenant)
        return None if parts.crm is None else Asked(parts.setup, parts.crm, self._identifier(parts))

    def _followers(self, parts: TenantParts) -> list[Follower]:
        setup = parts.setup
        watch = PresenceWatch(
            setup.id,
            self.store,
            self.clock,
            presence=parts.presence,
            subscriptions=parts.subscriptions,
            agents=[agent.id for agent in setup.agents],
            encrypted=self.settings.encrypted_notifications,
        )
        limits = LimitWatch(setup, self.store, self.clock, self.metrics)
        backlog = BacklogWatch(setup.id, self.store, self.clock, self.wall, self.metrics)
        audit = AuditKeeping(setup.id, self.store, self.clock)
        hooks = HookSender(setup, self.store, self.clock, self.outward, secrets.SystemRandom().random)
        return [watch, limits, backlog, audit, self.memories.keeper(setup.id), hooks]

    def _published(self, tenant: TenantId, floor: Floor, changes: Changes) -> None:
        self.gauges.count(tenant, floor, changes)
        self.look_ups.seen(tenant, changes)
        self.floor.touch(tenant)


@contextlib.asynccontextmanager
async def assembled(settings: Settings) -> AsyncIterator[Product]:
    """A product with its databases up and nothing running yet. Raises PermanentFailure with one line of help."""
    async with postgres.running(settings) as databases:
        operator = read_operator_key(settings)
        wall = SystemClock()
        store = await waited_for(lambda: Store.open(databases, operator, pool_size=settings.database_pool), wall)
        try:
            async with httpx.AsyncClient(timeout=httpx.Timeout(10.0, connect=3.0), limits=_LIMITS) as http:
                product = Product(settings, store, operator, http)
                try:
                    await waited_for(lambda: product.flows.book.refuse_to_strand(store), wall)
                    yield product
                finally:
                    await product.workshop.close()
                    await product.outward.aclose()
        finally:
            await store.close()


_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50)


async def serve(product: Product, *, sock: socket.socket | None = None, told: asyncio.Event | None = None) -> None:
    """Serve and run until cancelled. Once `told`, finish what is under way and hand it over first, then end."""
    settings = product.settings
    certificate = server_certificate(settings)
    server = PartingServer(server_config(settings, product.front, certificate))
    renewing = asyncio.create_task(renewed(certificate, product.wall))
    leaving = asyncio.create_task((told or asyncio.Event()).wait())
    serving = asyncio.create_task(server.serve(sockets=[sock] if sock else None), name="http")
    running = asyncio.create_task(product.run(), name="product")
    log.info("cordpair serves", version=__version__)
    try:
        await asyncio.wait({running, serving, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            log.info("cordpair leaves")
            server.take_leave()
            await product.node.leave()
            await product.wall.sleep(FAREWELL_S)
    finally:
        leaving.cancel()
        renewing.cancel()
        server.should_exit = True
        await asyncio.wait({serving})
        running.cancel()
        await asyncio.wait({running})
        if product.traces is not None:
            await asyncio.to_thread(product.traces.close)
    for task in (running, serving):
        if not task.cancelled() and (exc := task.exception()) is not None:
            raise exc


def start_logging(settings: Settings, metrics: Metrics) -> None:
    """Logs as the settings want them, with nobody's data in them."""
    configure_logging(form=settings.log_format, level=settings.log_level, allowed=LOG_KEYS, metrics=metrics)
