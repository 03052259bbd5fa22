"""What breaks, and when: processes killed, stalled and restarted, the database away, bad weather on every line."""

import asyncio
from collections.abc import Callable
from random import Random

from tests.sim.database import Database
from tests.sim.deliveries import Deliveries
from tests.sim.line import Line, Odds
from tests.sim.loop import SeededLoop
from tests.sim.node import SimNode
from tests.sim.plan import Journal, Plan

EVERY_S = 420.0  #: between two faults, on average
IDLE_IN_TRANSACTION_S = 15.0  #: then the database ends a session that hangs in the middle of a transaction


class Faults:
    """Breaks things until the day is over; then everything is put right. `make` starts a new process."""

    def __init__(
        self,
        plan: Plan,
        chance: Random,
        loop: SeededLoop,
        database: Database,
        line: Line,
        deliveries: Deliveries,
        journal: Journal,
        make: Callable[[], SimNode],
    ) -> None:
        self._plan, self._chance, self._loop = plan, chance, loop
        self._database, self._line, self._deliveries, self._journal = database, line, deliveries, journal
        self._make = make
        self.nodes: list[SimNode] = []
        self.troubles: list[tuple[float, float]] = []  #: from when until when each fault lasted, in seconds

    def begin(self) -> None:
        """Start the processes."""
        self.nodes = [self._make() for _ in range(self._plan.nodes)]

    def well(self) -> list[SimNode]:
        """The processes that a request reaches."""
        return [node for node in self.nodes if node.is_well]

    async def strike(self) -> None:
        """One fault after the other."""
        kinds = (
            self._kill,
            self._kill,
            self._stall,
            self._restart,
            self._outage,
            self._weather,
            self._weather,
            self._hiccups,
        )
        while self._plan.faults > 0:
            await asyncio.sleep(self._chance.expovariate(self._plan.faults / EVERY_S))
            if self._loop.time() >= self._plan.ends_s - 60:
                break
            begun_s = self._loop.time()
            await self._chance.choice(kinds)()
            self.troubles.append((begun_s, self._loop.time()))
        self._calm()

    def is_stopped(self) -> bool:
        """Whether something keeps the product from its work now."""
        return len(self.well()) < self._plan.nodes

    async def _kill(self) -> None:
        node = await self._struck(self._bury)
        self._journal.note("killed", node.name)
        await asyncio.sleep(self._chance.uniform(0.5, 20))
        self._replace(node)

    async def _struck(self, strike: Callable[[SimNode], None]) -> SimNode:
        """Strike a process: mostly in the midst of a question to the database or to the world."""
        node = self._chance.choice(self.nodes)
        over = self._loop.create_future()

        def now() -> None:
            node.process.ambush = None
            if not over.done():
                strike(node)
                over.set_result(None)

        node.process.ambush = now
        self._line.later(0.0 if self._chance.random() < 0.2 else 60.0, now)
        await over
        return node

    def _bury(self, node: SimNode) -> None:
        self._loop.kill(node.process)
        self._database.end_sessions(node.process)

    def _replace(self, node: SimNode) -> None:
        self.nodes[self.nodes.index(node)] = self._make()

    async def _stall(self) -> None:
        """The machine stands still: nothing of the process runs, and its sessions stay for a while."""
        node = await self._struck(self._halt)
        self._journal.note("stalled", node.name)
        shortest, longest = self._chance.choice(((1, 9), (12, 14.8), (12, 14.8), (15, 50)))
        await asyncio.sleep(self._chance.uniform(shortest, longest))
        self._loop.resume(node.process)

    def _halt(self, node: SimNode) -> None:
        self._loop.stall(node.process)
        for transaction in self._database.open:
            if transaction.process is node.process:
                self._line.later(IDLE_IN_TRANSACTION_S, transaction.cut)

    async def _restart(self) -> None:
        """A signal ends the process; another one is there at once."""
        node = self._chance.choice(self.nodes)
        self._journal.note("restarted", node.name)
        self._replace(node)
        await node.stop()
        self._loop.kill(node.process)
        self._database.end_sessions(node.process)

    async def _outage(self) -> None:
        self._journal.note("database away")
        self._database.go_away()
        await asyncio.sleep(self._chance.choice((1.0, 5.0, 30.0)) * self._chance.uniform(0.3, 1.0))
        self._database.come_back()

    async def _hiccups(self) -> None:
        """Statements fail, answers of commits are lost, commits too."""
        self._journal.note("hiccups")
        trouble = self._database.trouble
        trouble.slow, trouble.refused, trouble.answer_lost, trouble.commit_lost = 0.9, 0.01, 0.03, 0.03
        await asyncio.sleep(self._chance.uniform(20, 120))
        trouble.slow, trouble.refused, trouble.answer_lost, trouble.commit_lost = 0.3, 0.0, 0.0, 0.0

    async def _weather(self) -> None:
        """The cloud and the CRM are slow, refuse, and lose what they tell and are told."""
        self._journal.note("weather")
        each = self._chance.choice((0.02, 0.05, 0.1))
        self._line.odds = Odds(away=each, limited=each, done_and_503=each, answer_lost=each, request_lost=each)
        self._deliveries.bad = self._chance.choice((0.05, 0.2))
        await asyncio.sleep(self._chance.uniform(60, 400))
        self._clear()

    def _clear(self) -> None:
        self._line.odds = Odds()
        self._deliveries.bad = 0.01 if self._plan.faults > 0 else 0.0

    def _calm(self) -> None:
        self._clear()
        self._deliveries.bad = 0.0
