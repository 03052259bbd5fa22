"""The router that looks at everybody: the opponent of the class index, and the judge of its decisions."""

from collections.abc import Collection
from datetime import datetime

from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.routing import ContactKey, Need

Pair = tuple[CallId, AgentId]


class NaiveRouter:
    """Same rules as `cordpair.core.routing.Router`, found by scanning all idle agents or all waiting contacts.

    It looks at skills only where the place is good enough, so it is no slower than a scan has to be.
    """

    def __init__(self) -> None:
        self.agents: dict[AgentId, tuple[frozenset[QueueId], frozenset[str]]] = {}
        self.idle_since: dict[AgentId, datetime] = {}
        self.contacts: dict[CallId, tuple[Need, ContactKey, frozenset[AgentId]]] = {}

    def put_agent(self, agent: AgentId, queues: Collection[QueueId], skills: frozenset[str]) -> Pair | None:
        self.agents[agent] = (frozenset(queues), skills)
        since = self.idle_since.get(agent)
        return None if since is None else self.idle(agent, since)

    def remove_agent(self, agent: AgentId) -> None:
        self.agents.pop(agent, None)
        self.idle_since.pop(agent, None)

    def idle(self, agent: AgentId, idle_since: datetime) -> Pair | None:
        queues, skills = self.agents[agent]
        best: tuple[ContactKey, CallId] | None = None
        for contact, (need, key, excluded) in self.contacts.items():
            if best is not None and key > best[0]:
                continue
            if need.queue in queues and need.skills <= skills and agent not in excluded:
                best = (key, contact)
        if best is None:
            self.idle_since[agent] = idle_since
            return None
        self.idle_since.pop(agent, None)
        del self.contacts[best[1]]
        return best[1], agent

    def busy(self, agent: AgentId) -> None:
        self.idle_since.pop(agent, None)

    def wait(
        self, contact: CallId, need: Need, key: ContactKey, excluded: frozenset[AgentId] = frozenset()
    ) -> Pair | None:
        self.contacts.pop(contact, None)
        best: tuple[datetime, AgentId] | None = None
        for agent, since in self.idle_since.items():
            if best is not None and (since, agent) > best:
                continue
            queues, skills = self.agents[agent]
            if need.queue in queues and need.skills <= skills and agent not in excluded:
                best = (since, agent)
        if best is None:
            self.contacts[contact] = (need, key, excluded)
            return None
        del self.idle_since[best[1]]
        return contact, best[1]

    def gone(self, contact: CallId) -> None:
        self.contacts.pop(contact, None)
