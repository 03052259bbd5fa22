"""One seed from its first caller to its last record: builds the world, lets the day pass, and has it judged."""

import asyncio
import time
from collections import Counter
from contextvars import copy_context
from datetime import timedelta
from random import Random

import msgspec
from msgspec.structs import replace

from cordpair.core.ids import AgentId, PartyRef, QueueId, RegistrationId, TenantId
from cordpair.core.party import PartyRecord, StoredPhone
from cordpair.core.queue_rules import WrapUpMode
from cordpair.core.tenant import AgentSetup, Disposition, Queue, Registration, TenantSetup
from cordpair.store.parties import IndexedPhone, PartyHit
from cordpair.telemetry import Metrics
from tests.sim.audit import Evidence, forgotten, overlooked, violations
from tests.sim.callers import Callers
from tests.sim.clock import BEGIN, VirtualClock
from tests.sim.cloud import Cloud
from tests.sim.database import Database
from tests.sim.deliveries import Deliveries
from tests.sim.faults import Faults
from tests.sim.floor import Floor
from tests.sim.line import FarCrm, Line
from tests.sim.loop import SeededLoop
from tests.sim.node import SimNode, World
from tests.sim.people import Habits
from tests.sim.plan import Journal, Plan
from tests.sim.queue import Lease
from tests.sim.store import MemoryStore

LOOK_S = 60.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run. `journal` is the same for the same seed; `counts` are figures of what happened."""

    seed: int
    journal: str
    violations: list[str]
    counts: dict[str, int]
    virtual_s: float
    cpu_s: float


class Simulation:
    """One run. `store` makes the store of a process (a weakened one, to see that it is found out)."""

    def __init__(self, plan: Plan, store: type[MemoryStore] = MemoryStore) -> None:
        self._plan, self._store = plan, store
        root = Random(plan.seed)
        draw = [Random(root.getrandbits(64)) for _ in range(8)]
        self._loop = SeededLoop(draw[0])
        self.database = Database(draw[1])
        self.journal = Journal(self._loop.time)
        self._line = Line(draw[2], self._loop)
        habits = Habits(draw[3])
        self._nodes_chance = draw[4]
        self._deliveries = Deliveries(self._line, draw[5], lambda: self._faults.well(), self.journal)
        self._setups = [setup(number) for number in (1, 2)]
        self._crm = FarCrm(now=VirtualClock(self._loop).now)
        self._crm.line = self._line
        numbers = _enter_parties(self.database, self._setups, self._crm)
        self._cloud = Cloud(
            draw[6],
            habits,
            now=self._loop.time,
            later=self._line.later,
            notify=lambda tenant, _call, item: self._deliveries.send(tenant, "graph", item),
            note=self.journal.note,
        )
        self._world = World(
            self._loop, self._cloud, self._line, self._crm, {it.id: it for it in self._setups}, Metrics()
        )
        self._started = 0
        chance = draw[7]
        self._faults = Faults(
            plan, chance, self._loop, self.database, self._line, self._deliveries, self.journal, self._node
        )
        self._floor = Floor(chance, self.database, self._faults.well, self._deliveries, self._line, self._cloud)
        habits.has_talked = lambda tenant, call, agent: self._floor.has_talked(
            tenant, call, agent, habits.until_written_s()
        )
        self._callers = Callers(plan, Random(root.getrandbits(64)), self._cloud, self._setups, numbers)
        self._found: list[str] = []

    def run(self) -> Result:
        """The whole run."""
        begun = time.process_time()
        self._loop.set_exception_handler(self._exception)
        try:
            copy_context().run(self._loop.run, self._live())
            evidence = Evidence(self._cloud, self._crm, self.database, self._deliveries, self._faults.troubles)
            self._found += violations(evidence)
        finally:
            self._clear_up()
        return Result(
            seed=self._plan.seed,
            journal=self.journal.digest(),
            violations=list(dict.fromkeys(self._found)),
            counts=self._counts(),
            virtual_s=self._loop.time(),
            cpu_s=time.process_time() - begun,
        )

    def _node(self) -> SimNode:
        self._started += 1
        wrong_s = self._nodes_chance.uniform(-1, 1) if self._plan.faults > 0 else 0.0
        store = self._store(self.database)
        node = SimNode(f"node-{self._started}", store, self._world, self._nodes_chance, wrong_s=wrong_s)
        node.start()
        return node

    async def _live(self) -> None:
        for one in self._setups:
            async with MemoryStore(self.database).open_tenant(one.id) as rows:
                await rows.setups.configure(one)
        self._faults.begin()
        faults = self._loop.create_task(self._faults.strike())
        days = [self._loop.create_task(self._floor.work(it, self._plan.ends_s)) for it in self._setups]
        looks = self._loop.create_task(self._look())
        await self._callers.call()
        await faults
        for day in days:
            await day
        looks.cancel()
        await self._come_to_rest()

    async def _look(self) -> None:
        """Once a minute, when nothing has kept the product from its work for two."""
        since_s = 0.0
        while not self._found:
            await asyncio.sleep(LOOK_S)
            self._compare_memories()
            if self._faults.is_stopped() or self.database.is_away:
                since_s = self._loop.time()
            elif self._loop.time() - since_s > 2 * LOOK_S:
                self._found += overlooked(self.database, BEGIN + timedelta(seconds=self._loop.time()))

    def _compare_memories(self) -> None:
        """Whoever owns a tenant and is not at work for it remembers what is stored, and nothing else."""
        at_work = {transaction.process for transaction in self.database.open}
        for node in self._faults.well():
            for tenant, floor in node.node.floors().items():
                lease: Lease | None = self.database.tables["leases"].get(tenant)
                if lease is not None and lease.owner == node.name and node.process not in at_work:
                    self._found += forgotten(self.database, floor, tenant)

    async def _come_to_rest(self) -> None:
        """Until nothing is left to do, or the time for it is over."""
        until_s = self._loop.time() + self._plan.rest_s
        while self._loop.time() < until_s:
            await asyncio.sleep(5)
            if self._is_at_rest():
                return
        await asyncio.sleep(0)

    def _is_at_rest(self) -> bool:
        indexes, timers = self.database.indexes, self.database.tables["timers"].values()
        waiting = (indexes["inbox.new"], indexes["outbox.open"], indexes["calls.open"])
        return (
            not any(waiting)
            and all(timer.key.startswith("presence:") for timer in timers)
            and all(call.is_over for call in self._cloud.calls.values())
        )

    def _exception(self, _loop: object, context: dict[str, object]) -> None:
        self._found.append(f"an exception that nobody caught: {context.get('exception') or context.get('message')!r}")

    def _clear_up(self) -> None:
        self._loop.set_exception_handler(lambda *_: None)
        self.database.is_away = True
        self._loop.tidy_up()

    def _counts(self) -> dict[str, int]:
        events = len(self.database.tables["inbox"])
        orders = len(self.database.tables["outbox"])
        own = Counter(
            calls=len(self._cloud.calls),
            events=events,
            orders=orders,
            commits=self.database.commits,
            turns=self._loop.turns,
        )
        return {**own, **self.journal.counts, **{f"line {kind}": count for kind, count in self._line.counts.items()}}


def setup(number: int) -> TenantSetup:
    """An organisation with two queues and four agents, one of them in both."""
    tenant = TenantId(f"{number:08d}-0000-4000-8000-000000000000")
    names = [QueueId("members"), QueueId("events")]
    dispositions = (Disposition(id="solved", en="Solved", de="Gelöst"),)
    members, events = (
        Queue(id=name, name=name, resource_account=f"{name}-{number}", wrap_up_s=30.0, dispositions=dispositions)
        for name in names
    )
    # One rings one agent after the other, the other all of them at once.
    ring_all = {"parallel_offers": 3, "wrap_up": WrapUpMode.OPTIONAL, "misses": 2, "declines": 3}
    queues = (members, replace(events, **ring_all))
    served = ((names[0],), (names[0],), (names[1],), (names[0], names[1]))
    agents = tuple(
        AgentSetup(id=AgentId(f"{number:08d}-0000-4000-8000-{place:012d}"), name=f"Agent {place}", queues=mine)
        for place, mine in enumerate(served, 1)
    )
    registration = Registration(
        id=RegistrationId(f"registration-{number}"), tenant=tenant, client_id="c", client_secret="s", bot_id="b"
    )
    return TenantSetup(id=tenant, name=f"Verband {number}", registration=registration, queues=queues, agents=agents)


def _enter_parties(database: Database, setups: list[TenantSetup], crm: FarCrm) -> list[str]:
    """Twelve numbers that may call; parties of eight of them are known."""
    numbers = [f"+49302312501{place:02d}" for place in range(12)]
    hits = {}
    for place, number in enumerate(numbers[:8]):
        record = PartyRecord(
            ref=PartyRef(crm.name, str(101 + place)), name=f"Party {place}", phones=(StoredPhone(raw=number),)
        )
        crm.put([record])
        hits[number] = PartyHit(record=record, matched=IndexedPhone(number), by="e164")
        for one in setups:
            database.tables["parties"][one.id, number] = [hits[number]]
    return numbers
