"""A process of the product that does nothing but write calls to a CRM, until it is killed."""

import asyncio
import random
from collections.abc import Sequence

import httpx

from benchmarks.crm_stand import FastClock
from benchmarks.ground import opened
from cordpair.connectors.registry import open_crm
from cordpair.core.effects import Effect, LogActivity
from cordpair.core.events import AnyEvent
from cordpair.core.ids import TenantId
from cordpair.core.tenant import CrmSetup, TenantSetup
from cordpair.engine.activities import ActivityWriter
from cordpair.engine.attempt import Attempt
from cordpair.engine.limits import PeerLimits
from cordpair.engine.names import Names
from cordpair.engine.outbox import OutboxWorkers
from cordpair.engine.perform import Performer
from cordpair.errors import PermanentFailure
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.telemetry import Metrics

WIDTH = 24


def work(databases: Databases, setup: TenantSetup, crm: CrmSetup, zero: float, seed: int) -> None:
    """Write what stands in the outbox, for ever."""
    asyncio.run(_work(databases, setup, crm, FastClock(zero), random.Random(seed)))


async def _work(
    databases: Databases, setup: TenantSetup, crm_setup: CrmSetup, clock: FastClock, chance: random.Random
) -> None:
    async with opened(databases) as store, httpx.AsyncClient(trust_env=False) as http:
        crm = open_crm(crm_setup, region=setup.region, time_zone=setup.time_zone, http=http, clock=clock)
        writes = _Writes(setup.id, store, ActivityWriter(setup.id, store, clock, crm, Names(setup)))

        async def performer_of(_: TenantId) -> Performer:
            return writes  # type: ignore[return-value]  # nothing here is about calls

        await OutboxWorkers(
            store,
            clock,
            performer_of,
            owned=lambda: frozenset({setup.id}),
            ring=lambda _: None,
            width=WIDTH,
            metrics=Metrics(),
            chance=chance.random,
            limits=PeerLimits(store, clock),
        ).run()


class _Writes:
    """Performs what stands in this outbox."""

    def __init__(self, tenant: TenantId, store: Store, writer: ActivityWriter) -> None:
        self._tenant, self._store, self._writer = tenant, store, writer

    def connector(self, effect: Effect) -> str:  # noqa: ARG002
        return "imis"

    async def perform(self, effect: Effect, attempt: Attempt) -> Sequence[AnyEvent]:
        async with self._store.open_tenant(self._tenant) as rows:
            (call,) = await rows.calls.load([effect.call])
        if not isinstance(effect, LogActivity):
            raise PermanentFailure("nobody orders this here")
        return await self._writer.log(effect, call, repeat=attempt.repeat)
