"""The router that looks at everybody: the opponent of the class index, and the judge of its decisions."""

import math
from datetime import datetime
from typing import NamedTuple

from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.need import Ability, AgentOrder, Channel, Membership, Need, Value
from cordpair.core.routing import ContactKey


class Pair(NamedTuple):
    contact: CallId
    agent: AgentId


class Able(NamedTuple):
    ability: Ability
    memberships: dict[QueueId, Membership]
    attributes: dict[str, Value]


class Idle(NamedTuple):
    since: datetime
    load: float = 0.0
    channels: frozenset[Channel] | None = None


class Waits(NamedTuple):
    need: Need
    key: ContactKey
    excluded: frozenset[AgentId] = frozenset()
    preferred: tuple[AgentId, ...] = ()
    room: int = 1


class NaiveRouter:
    """Same rules as `cordpair.core.routing.Router`, found by scanning all idle agents or all waiting contacts.

    It looks at abilities only where the place is good enough, so it is no slower than a scan has to be.
    """

    def __init__(self) -> None:
        self.agents: dict[AgentId, Able] = {}
        self.idle_agents: dict[AgentId, Idle] = {}
        self.contacts: dict[CallId, Waits] = {}
        self.turns: dict[AgentId, int] = {}
        self.turn = 0

    def put_agent(self, agent: AgentId, ability: Ability, now: float = math.inf) -> Pair | None:
        memberships = {membership.queue: membership for membership in ability.memberships}
        self.agents[agent] = Able(ability, memberships, dict(ability.attributes))
        idle = self.idle_agents.get(agent)
        return None if idle is None else self.idle(agent, idle.since, load=idle.load, channels=idle.channels, now=now)

    def remove_agent(self, agent: AgentId) -> None:
        self.agents.pop(agent, None)
        self.idle_agents.pop(agent, None)
        self.turns.pop(agent, None)

    def idle(
        self,
        agent: AgentId,
        idle_since: datetime,
        *,
        load: float = 0.0,
        channels: frozenset[Channel] | None = None,
        now: float = math.inf,
    ) -> Pair | None:
        self.idle_agents.pop(agent, None)
        able, idle = self.agents[agent], Idle(idle_since, load, channels)
        best: tuple[int, ContactKey, CallId] | None = None
        for contact, waits in self.contacts.items():
            membership = able.memberships.get(waits.need.queue)
            if membership is None or (best is not None and (membership.priority, waits.key) > best[:2]):
                continue
            if self.may_serve(agent, idle, waits, now):
                best = (membership.priority, waits.key, contact)
        if best is None:
            self.idle_agents[agent] = idle
            return None
        self.give(best[2], self.contacts[best[2]], agent)
        return Pair(best[2], agent)

    def is_able(self, agent: AgentId, need: Need) -> bool:
        able = self.agents[agent]
        return need.queue in able.memberships and need.met_by(able.attributes)

    def may_serve(self, agent: AgentId, idle: Idle, waits: Waits, now: float) -> bool:
        able, need = self.agents[agent], waits.need
        membership = able.memberships.get(need.queue)
        if membership is None or agent in waits.excluded:
            return False
        if idle.channels is not None and need.channel not in idle.channels:
            return False
        if waits.preferred:
            return agent in waits.preferred
        is_seen = not membership.delay_s or waits.key.since + membership.delay_s <= now
        return need.met_by(able.attributes) and is_seen

    def busy(self, agent: AgentId) -> None:
        self.idle_agents.pop(agent, None)

    def wait(
        self,
        contact: CallId,
        need: Need,
        key: ContactKey,
        excluded: frozenset[AgentId] = frozenset(),
        *,
        preferred: tuple[AgentId, ...] = (),
        room: int = 1,
        now: float = math.inf,
    ) -> tuple[Pair, ...]:
        self.contacts.pop(contact, None)
        waits: Waits | None = Waits(need, key, excluded, preferred, room)
        pairs: list[Pair] = []
        while waits is not None and (agent := self.best_agent(waits, now)) is not None:
            pairs.append(Pair(contact, agent))
            waits = self.give(contact, waits, agent)
        if waits is not None:
            self.contacts[contact] = waits
        return tuple(pairs)

    def best_agent(self, waits: Waits, now: float) -> AgentId | None:
        best: tuple[object, ...] | None = None
        chosen = None
        for agent, idle in self.idle_agents.items():
            place = self.place(agent, idle, waits)
            if best is not None and place > best:
                continue
            if self.may_serve(agent, idle, waits, now):
                best, chosen = place, agent
        return chosen

    def place(self, agent: AgentId, idle: Idle, waits: Waits) -> tuple[object, ...]:
        """What is compared between agents: the lowest is rung."""
        if waits.preferred:
            return (waits.preferred.index(agent) if agent in waits.preferred else math.inf,)
        match waits.need.order:
            case AgentOrder.BEST_SKILL:
                rank = -waits.need.level_of(self.agents[agent].attributes)
            case AgentOrder.ROUND_ROBIN:
                rank = float(self.turns.get(agent, 0))
            case _:
                return idle.load, idle.since, agent
        return rank, idle.load, idle.since, agent

    def give(self, contact: CallId, waits: Waits, agent: AgentId) -> Waits | None:
        """Use up one offer: what is left of the contact's wait."""
        self.turn += 1
        self.turns[agent] = self.turn
        self.idle_agents.pop(agent, None)
        self.contacts.pop(contact, None)
        if waits.room == 1:
            return None
        left = waits._replace(room=waits.room - 1, excluded=waits.excluded | {agent})
        self.contacts[contact] = left
        return left

    def gone(self, contact: CallId) -> None:
        self.contacts.pop(contact, None)
