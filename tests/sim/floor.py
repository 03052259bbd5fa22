"""The agents of the simulation at work: everything that they do becomes a command or a notification."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random

from cordpair.core import events as e
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import Call, CallState
from cordpair.core.ids import AgentId, CallId, GraphCallId, TenantId, call_id
from cordpair.core.tenant import TenantSetup
from tests.sim.cloud import Cloud
from tests.sim.database import Database
from tests.sim.deliveries import Deliveries
from tests.sim.line import Line
from tests.sim.node import SimNode


class Floor:
    """The agents: they sign in, take breaks, answer for presence, write calls down, come back after a missed ring."""

    def __init__(
        self,
        chance: Random,
        database: Database,
        nodes: Callable[[], list[SimNode]],
        deliveries: Deliveries,
        line: Line,
        cloud: Cloud,
    ) -> None:
        self._cloud = cloud
        self._chance, self._database, self._nodes, self._deliveries = chance, database, nodes, deliveries
        self._line = line
        self._numbers: Counter[str] = Counter()
        self._orders = 0
        self.verdicts: Counter[str] = Counter()

    def order(self, tenant: str, make: Callable[[SimNode], e.AnyEvent]) -> None:
        """Somebody presses something: at some node that runs, again when they are told that it could not be stored."""
        nodes = self._nodes()
        if not nodes:
            return
        self._orders += 1
        node = self._chance.choice(nodes)
        task = node.order(TenantId(tenant), make(node), f"order-{self._orders}")
        task.add_done_callback(lambda done: self.verdicts.update([done.result()]))

    def has_talked(self, tenant: str, call: str, agent: str, after_s: float | None) -> None:
        """Presence goes back, and the agent perhaps writes the call down."""
        self.presence(tenant, agent, "Available")
        if after_s is not None:
            self._line.later(after_s, lambda: self._write_down(tenant, call, agent))

    def _write_down(self, tenant: str, call: str, agent: str) -> None:
        name = call_id(TenantId(tenant), GraphCallId(call))
        self.order(
            tenant,
            lambda node: e.WrapUpSaved(
                at=node.clock.now(), call=name, agent=AgentId(agent), disposition="solved", note="as said"
            ),
        )

    def presence(self, tenant: str, agent: str, availability: str) -> None:
        self._numbers[agent] += 1
        data = {"id": agent, "availability": availability, "activity": availability}
        item = {"resource": "presences", "resourceData": {**data, "sequenceNumber": str(self._numbers[agent])}}
        self._deliveries.send(tenant, "presence", item)

    def act(self, agent: Agent, tenant: str) -> None:
        """What an agent does now and then, by what their page shows them."""
        drawn = self._chance.random()
        if self._cloud.talks(agent.id):
            return  # whatever their page shows: they have somebody on the line
        if agent.state is AgentState.OFFLINE or agent.state in (AgentState.BREAK, AgentState.NOT_RESPONDING):
            if drawn < 0.5:
                self.order(tenant, lambda node: e.WentReady(at=node.clock.now(), agent=agent.id))
        elif drawn < 0.03:
            self.order(tenant, lambda node: e.TookBreak(at=node.clock.now(), agent=agent.id))
        elif drawn < 0.04:
            self.order(tenant, lambda node: e.SignedOut(at=node.clock.now(), agent=agent.id))
        elif drawn < 0.07:
            self.presence(tenant, agent.id, self._chance.choice(("Busy", "Away", "Offline", "Available")))
        elif agent.state is AgentState.READY and drawn < 0.2:
            self._claim(agent, tenant)
        elif agent.state is AgentState.RINGING and drawn < 0.2:
            self._decline(agent, tenant)

    def _claim(self, agent: Agent, tenant: str) -> None:
        for key in self._database.indexes["calls.open"]:
            call: Call = self._database.tables["calls"][key]
            if key[0] == tenant and call.state is CallState.QUEUED:  # type: ignore[index]
                self._claims(tenant, call.id, agent.id)
                return

    def _claims(self, tenant: str, call: CallId, agent: AgentId) -> None:
        self.order(tenant, lambda node: e.CallClaimed(at=node.clock.now(), call=call, agent=agent))

    def _decline(self, agent: Agent, tenant: str) -> None:
        call: Call | None = self._database.tables["calls"].get((tenant, agent.call))
        if call is not None and call.offer is not None:
            offer, name = call.offer.id, call.id
            self.order(
                tenant, lambda node: e.OfferDeclined(at=node.clock.now(), call=name, offer=offer, agent=agent.id)
            )

    async def work(self, setup: TenantSetup, until_s: float) -> None:
        """Everybody's day."""
        loop = asyncio.get_running_loop()
        for agent in setup.agents:
            self.order(setup.id, lambda node, agent=agent: e.WentReady(at=node.clock.now(), agent=agent.id))  # type: ignore[misc]
            self.presence(setup.id, agent.id, "Available")
        while loop.time() < until_s:
            await asyncio.sleep(self._chance.uniform(5, 40))
            one = self._chance.choice(setup.agents)
            self.act(self._database.tables["agents"][setup.id, one.id], setup.id)
