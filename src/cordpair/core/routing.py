"""Who gets the offer: first come first served by key, longest idle agent first.

Every need that occurs (a queue and the required skills) is a class of the index, a `Pool`. An idle agent stands in each
class they can serve; a waiting contact stands in one. An event looks at the heads of the classes it concerns and at
nothing else. Same events in the same order, same matches.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import msgspec

from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.pool import ContactKey, IdleEntry, IndexedAgent, Need, Pool, Profile, WaitingContact

__all__ = ["ContactKey", "Match", "Need", "Router", "Rule"]

_NOBODY: frozenset[AgentId] = frozenset()


class Rule(StrEnum):
    """Why this pair."""

    LONGEST_IDLE = "longest_idle"  # a contact came; of the idle agents who can serve it this one is idle longest
    LOWEST_KEY = "lowest_key"  # an agent became idle; of the contacts they can serve this one has the lowest key


# Reading a member from its enum costs a tenth of a decision.
_LONGEST_IDLE, _LOWEST_KEY = Rule.LONGEST_IDLE, Rule.LOWEST_KEY


class Match(msgspec.Struct, frozen=True, gc=False):
    """One decision, with what the decision log says about it.

    `candidates` counts those the choice was made among: idle agents (rule longest_idle) or waiting contacts (rule
    lowest_key) of the classes concerned, the excluded among them included.
    """

    contact: CallId
    agent: AgentId
    rule: Rule
    candidates: int
    key: ContactKey
    idle_since: datetime


class Router:
    """The waiting contacts and the idle agents of one tenant. Not thread-safe: the tenant's one writer calls it.

    Work-conserving: after every call there is no idle agent with a waiting contact that they can serve and that does
    not exclude them. A match takes both out of the index; whoever is not connected by it comes back through `wait`
    with the old key and through `idle` with the old time.

    Excluded means excluded: the router never falls back on an excluded agent by itself. Who declined would be rung
    again at once, in a loop. `others_for` tells when nobody else is left; when to lift an exclusion is the floor's
    decision, and `wait` with a smaller set carries it out.
    """

    __slots__ = ("_agents", "_contacts", "_newest", "_pools", "_profiles")

    def __init__(self) -> None:
        self._agents: dict[AgentId, IndexedAgent] = {}
        self._contacts: dict[CallId, WaitingContact] = {}
        self._pools: dict[Need, Pool] = {}
        self._profiles: dict[tuple[frozenset[QueueId], frozenset[str]], Profile] = {}
        self._newest: IdleEntry | None = None

    def put_agent(self, agent: AgentId, queues: Collection[QueueId], skills: frozenset[str]) -> Match | None:
        """Put an agent in, or change what they can serve. A new agent is busy until `idle` says otherwise.

        An idle agent keeps their place, and is matched at once if the change lets them serve a waiting contact.
        """
        known = self._agents.get(agent)
        entry = known.entry if known is not None else None
        self.remove_agent(agent)
        profile = self._profile(frozenset(queues), skills)
        profile.members[agent] = self._agents[agent] = IndexedAgent(agent, profile)
        return self.idle(agent, entry[0]) if entry is not None else None

    def remove_agent(self, agent: AgentId) -> None:
        """Take an agent out: they are not matched any more. Idempotent."""
        self.busy(agent)
        known = self._agents.pop(agent, None)
        if known is not None:
            profile = known.profile
            del profile.members[agent]
            if not profile.members:
                del self._profiles[profile.queues, profile.skills]

    def idle(self, agent: AgentId, idle_since: datetime) -> Match | None:
        """The agent can be rung now: match them with the waiting contact of the lowest key, or keep them idle.

        `idle_since` is aware UTC, and may be older than that of others. Raises KeyError for an agent not put in.
        """
        known = self._agents[agent]
        if known.entry is not None:
            self.busy(agent)
        if self._contacts:
            contact, candidates = self._lowest_key(known)
            if contact is not None:
                self._take_contact(contact)
                return Match(contact.id, agent, _LOWEST_KEY, candidates, contact.key, idle_since)
        self._keep_idle(known, idle_since)
        return None

    def busy(self, agent: AgentId) -> None:
        """The agent is not to be rung any more (rung elsewhere, break, presence). Idempotent; unknown is busy."""
        known = self._agents.get(agent)
        if known is not None and known.entry is not None:
            self._take_agent(known)

    def wait(
        self, contact: CallId, need: Need, key: ContactKey, excluded: frozenset[AgentId] = _NOBODY
    ) -> Match | None:
        """A contact waits: match it with the longest idle agent who can serve it, or keep it waiting.

        Ties between agents go to the smaller id. A contact that waits already gets the new need, key and exclusions.
        """
        if contact in self._contacts:
            self.gone(contact)
        pool = self._pools.get(need) or self._open_pool(need)
        if pool.idle:
            found = pool.longest_idle(excluded)
            if found is not None:
                candidates = pool.idle
                self._take_agent(found[2])
                return Match(contact, found[1], _LONGEST_IDLE, candidates, key, found[0])
        waiting = self._contacts[contact] = WaitingContact(contact, pool, key, excluded)
        pool.add_contact((key[0], key[1], key[2], waiting))
        return None

    def gone(self, contact: CallId) -> None:
        """The contact has left or was taken by other means. Idempotent."""
        waiting = self._contacts.get(contact)
        if waiting is not None:
            self._take_contact(waiting)

    def others_for(self, need: Need, excluded: frozenset[AgentId] = _NOBODY) -> int:
        """How many of the agents put in, idle or not, can serve `need` and are not excluded. For rare questions."""
        able = [profile.members for profile in self._profiles.values() if profile.can_serve(need)]
        return sum(len(members) - sum(agent in members for agent in excluded) for members in able)

    def waiting(self, queue: QueueId) -> tuple[CallId, ...]:
        """The waiting contacts of a queue, the next one first. For screens: looks at all contacts."""
        here = (contact for contact in self._contacts.values() if contact.pool.need.queue == queue)
        return tuple(contact.id for contact in sorted(here, key=lambda contact: contact.key))

    def position(self, contact: CallId) -> int | None:
        """The contact's place in its queue, 1 for the next; None when it does not wait. For screens, like `waiting`."""
        waiting = self._contacts.get(contact)
        return None if waiting is None else self.waiting(waiting.pool.need.queue).index(contact) + 1

    @staticmethod
    def _lowest_key(known: IndexedAgent) -> tuple[WaitingContact | None, int]:
        """The contact that this agent takes, and how many wait in the classes they can serve."""
        best = None
        candidates = 0
        for pool in known.profile.pools:
            if pool.waiting:
                candidates += pool.waiting
                first = pool.first_contact(known.id)
                if first is not None and (best is None or first < best):
                    best = first
        return (None if best is None else best[3]), candidates

    @staticmethod
    def _take_agent(known: IndexedAgent) -> None:
        known.entry = None
        for pool in known.profile.pools:
            pool.idle -= 1

    def _take_contact(self, contact: WaitingContact) -> None:
        contact.lives = False
        contact.pool.waiting -= 1
        del self._contacts[contact.id]

    def _keep_idle(self, known: IndexedAgent, idle_since: datetime) -> None:
        entry = known.entry = (idle_since, known.id, known)
        if self._newest is None or entry > self._newest:
            self._newest = entry
            for pool in known.profile.pools:
                pool.idle += 1
                in_turn = pool.in_turn
                in_turn.append(entry)
                if len(in_turn) > pool.room_in_turn:
                    pool.clear_in_turn()
            return
        for pool in known.profile.pools:
            pool.idle += 1
            pool.add_restored(entry)

    def _profile(self, queues: frozenset[QueueId], skills: frozenset[str]) -> Profile:
        known = self._profiles.get((queues, skills))
        if known is None:
            known = self._profiles[queues, skills] = Profile(queues, skills, self._pools.values())
        return known

    def _open_pool(self, need: Need) -> Pool:
        """The first contact with this need: once per class, look at the agents who can serve it."""
        able = [profile for profile in self._profiles.values() if profile.can_serve(need)]
        entries = (agent.entry for profile in able for agent in profile.members.values())
        pool = self._pools[need] = Pool(need, (entry for entry in entries if entry is not None))
        for profile in able:
            profile.pools.append(pool)
        return pool
