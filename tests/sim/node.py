"""One process of the product in the simulation: the engine as `cordpair.app` wires it, on a store in memory."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

import msgspec

from cordpair.core import events as e
from cordpair.core.ids import PartyRef, TenantId
from cordpair.core.tenant import TenantSetup
from cordpair.engine.cards import CallCards
from cordpair.engine.commands import Commands
from cordpair.engine.limits import PeerLimits
from cordpair.engine.lookout import Lookout
from cordpair.engine.names import Names
from cordpair.engine.node import Node
from cordpair.engine.outbox import OutboxWorkers
from cordpair.engine.perform import Performer
from cordpair.engine.quota import MonthCount
from cordpair.engine.running import END_S
from cordpair.engine.service import TenantService
from cordpair.engine.tenant_loop import TenantLoop
from cordpair.engine.translation import translators
from cordpair.errors import CordpairError
from cordpair.store.inbox import Incoming
from cordpair.telemetry import Metrics
from tests.silence import Silence
from tests.sim.clock import BEGIN, Patience, PatientBell, PatientWall, VirtualClock
from tests.sim.cloud import Cloud
from tests.sim.line import FarCalls, FarChat, FarCrm, Line
from tests.sim.loop import Process, SeededLoop
from tests.sim.store import MemoryStore

STORED_WITHIN_S = 3.0  #: as long as a webhook waits for the store


class World(msgspec.Struct, frozen=True):
    """What all processes share: the outside, and how to reach it."""

    loop: SeededLoop
    cloud: Cloud
    line: Line
    crm: FarCrm
    setups: Mapping[TenantId, TenantSetup]
    metrics: Metrics


class SimNode:
    """A process from its start to its end. `wrong_s`: how wrong its clock is."""

    def __init__(self, name: str, store: MemoryStore, world: World, chance: Random, *, wrong_s: float = 0.0) -> None:
        self.name = name
        self.process = Process(name)
        self._context = self.process.context()
        self._world, self.store = world, store
        self.clock = VirtualClock(world.loop, wrong_s)
        self._performers: dict[TenantId, Performer] = {}
        self.node = Node(
            store,
            name,
            lambda ask: ask(),
            self._service,
            finish=lambda tenant: self.outbox.finish(tenant, END_S),
            tell=lambda _revisions: None,
        )
        self.outbox = OutboxWorkers(
            store,
            self.clock,
            self._performer,
            owned=lambda: self.node.held,
            ring=self.node.ring,
            width=16,
            metrics=world.metrics,
            chance=chance.random,
            limits=PeerLimits(store, self.clock),
            bell=PatientBell(Patience(store.database, self.clock, self._next_effect)),
        )
        wall = PatientWall(Patience(store.database, self.clock, self._next_look), self.clock)
        self.lookout = Lookout(store, self.clock, wall, owned=lambda: self.node.tenants, ring=self.node.ring)
        self.commands = Commands(store, self.clock, self.clock)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work."""
        runs = (self.node.run(), self.outbox.run(), self.lookout.run())
        self._tasks = [self._world.loop.create_task(run, context=self._context) for run in runs]

    async def stop(self) -> None:
        """End as after a signal: what is under way is finished, tenants are handed over."""
        await self._world.loop.create_task(self.node.leave(), context=self._context)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            await asyncio.wait([task])

    @property
    def is_well(self) -> bool:
        return not (self.process.is_dead or self.process.is_stalled)

    def receive(self, tenant: TenantId, source: str, items: Sequence[dict[str, Any]]) -> "asyncio.Task[bool]":
        """A webhook's request. True when it is acknowledged."""
        return self._world.loop.create_task(self._accept(tenant, source, items), context=self._context)

    def order(self, tenant: TenantId, event: e.AnyEvent, key: str) -> "asyncio.Task[str]":
        """A person's command. The verdict, or `failed` when it could not be stored."""
        return self._world.loop.create_task(self._submit(tenant, event, key), context=self._context)

    async def _accept(self, tenant: TenantId, source: str, items: Sequence[dict[str, Any]]) -> bool:
        now = self.clock.now()
        bodies = [msgspec.json.encode(item) for item in items]
        rows = [Incoming(source, hashlib.sha256(body).hexdigest(), body, now) for body in bodies]
        try:
            async with asyncio.timeout(STORED_WITHIN_S):
                await self.store.accept(tenant, rows)
        except (CordpairError, TimeoutError):
            return False
        return True

    async def _submit(self, tenant: TenantId, event: e.AnyEvent, key: str) -> str:
        try:
            return await self.commands.submit(tenant, event, key=key)
        except CordpairError:
            return "failed"

    async def _service(self, tenant: TenantId, epoch: int) -> TenantService:
        setup = self._world.setups[tenant]
        self._world.loop.call_soon(self.store.database.tell)  # it is ours from now on: those who wait look anew
        loop = TenantLoop(
            self.store,
            tenant,
            owner=self.name,
            epoch=epoch,
            clock=self.clock,
            translators=translators(tenant, setup.region),
            link=_no_link,
            region=setup.region,
            publish=lambda *_: None,
            metrics=self._world.metrics,
            quota=MonthCount(setup),
            workers=self.outbox,
            bell=PatientBell(Patience(self.store.database, self.clock, lambda: self._next_fold(tenant))),
        )
        return TenantService(loop, [])

    async def _performer(self, tenant: TenantId) -> Performer:
        if tenant not in self._performers:
            world, setup = self._world, self._world.setups[tenant]
            queues = {queue.id: queue for queue in setup.queues}
            self._performers[tenant] = Performer(
                tenant,
                self.store,
                self.clock,
                calls=FarCalls(world.line, world.cloud, tenant, self.clock),
                cards=CallCards(self.store, self.clock, FarChat(world.line), queues),
                crm=world.crm,
                names=Names(setup),
                sounds=Silence(),
            )
        return self._performers[tenant]

    def _next_fold(self, tenant: TenantId) -> datetime | None:
        """When the next look at the tenant's inbox and timers would find something."""
        database = self.store.database
        if any(key[0] == tenant for key in database.indexes["inbox.new"]):  # type: ignore[index]
            return BEGIN
        return min((row.run_at for key, row in database.tables["timers"].items() if key[0] == tenant), default=None)  # type: ignore[index]

    def _next_look(self) -> datetime | None:
        return min(filter(None, map(self._next_fold, self.node.tenants)), default=None)

    def _next_effect(self) -> datetime | None:
        """When the next look at the outbox would find something to claim, or to free."""
        database, owned = self.store.database, self.node.held
        if not owned:
            return None
        rows = [database.tables["outbox"][key] for key in database.indexes["outbox.open"] if key[0] in owned]  # type: ignore[index]
        return min((row.run_at if row.state == "ready" else row.lease_until for row in rows), default=None)


def _no_link(party: PartyRef) -> str:
    return ""
