"""What the cloud tells, on its way to the product."""

import asyncio
from collections.abc import Callable
from random import Random

from cordpair.core.ids import TenantId
from tests.sim.cloud import Json
from tests.sim.line import Line
from tests.sim.node import SimNode
from tests.sim.plan import Journal


class Deliveries:
    """What the cloud tells, on its way to some node: lost, doubled, late, out of order, and sent again when refused.

    `acknowledged` are (seconds, tenant, source, item) that some node has taken responsibility for.
    """

    def __init__(self, line: Line, chance: Random, nodes: Callable[[], list[SimNode]], journal: Journal) -> None:
        self._line, self._chance, self._nodes, self._journal = line, chance, nodes, journal
        self.bad = 0.0  #: how likely each of losing, doubling and delaying is, 0..1
        self.acknowledged: list[tuple[float, str, str, Json]] = []
        self._running: set[asyncio.Task[None]] = set()

    def send(self, tenant: str, source: str, item: Json) -> None:
        if self._chance.random() < self.bad:
            self._journal.note("lost")
            return
        copies = 1 + (self._chance.random() < self.bad) + (self._chance.random() < self.bad / 4) * 5
        if copies > 1:
            self._journal.note("doubled")
        for _ in range(copies):
            self._line.later(self._delay_s(), lambda: self._begin(tenant, source, item))

    def _delay_s(self) -> float:
        if self._chance.random() < self.bad:
            self._journal.note("late")
            return self._chance.choice((1.0, 10.0, 60.0, 600.0)) * self._chance.random()
        return 0.02 + 0.3 * self._chance.random()

    def _begin(self, tenant: str, source: str, item: Json) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(tenant, source, item))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _deliver(self, tenant: str, source: str, item: Json) -> None:
        for pause_s in (1.0, 4.0, 20.0, 60.0):
            nodes = self._nodes()
            if nodes:
                request = self._chance.choice(nodes).receive(TenantId(tenant), source, [item])
                done, _ = await asyncio.wait([request], timeout=10.0)
                if done and request.result():
                    if self._chance.random() < self.bad / 2:
                        self._journal.note("answer of a webhook lost")
                    else:
                        self.acknowledged.append((asyncio.get_running_loop().time(), tenant, source, item))
                        return
            await asyncio.sleep(pause_s * (0.5 + self._chance.random()))
        self._journal.note("given up", source)
