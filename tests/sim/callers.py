"""Who calls when."""

import asyncio
from random import Random

from cordpair.core.tenant import TenantSetup
from tests.sim.cloud import Cloud
from tests.sim.plan import Plan

#: How busy one wave of callers is, against the usual.
PACES = (0.1, 0.4, 0.8, 1.2, 2.5)


class Callers:
    """Who calls when: in waves, so that queues form and empty."""

    def __init__(self, plan: Plan, chance: Random, cloud: Cloud, setups: list[TenantSetup], numbers: list[str]) -> None:
        self._plan, self._chance, self._cloud, self._setups, self._numbers = plan, chance, cloud, setups, numbers

    async def call(self) -> None:
        """Until the day is over."""
        loop = asyncio.get_running_loop()
        wave_ends_s, pace = 0.0, 1.0
        while loop.time() < self._plan.ends_s:
            if loop.time() >= wave_ends_s:
                wave_ends_s = loop.time() + self._chance.uniform(300, 2400)
                pace = self._chance.choice(PACES)
            gap_s = self._chance.expovariate(self._plan.calls_per_hour * pace / 3600.0)
            await asyncio.sleep(min(gap_s, wave_ends_s - loop.time()))
            if loop.time() >= min(wave_ends_s, self._plan.ends_s):
                continue
            setup = self._chance.choice(self._setups)
            queue = self._chance.choice(setup.queues)
            number = "" if self._chance.random() < 0.1 else self._chance.choice(self._numbers)
            self._cloud.dial(setup.id, queue.resource_account, number)
