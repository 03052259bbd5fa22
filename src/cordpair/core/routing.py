"""Who gets the offer: first come first served by key, longest idle agent first unless the need says otherwise.

Every need that occurs (queue, skills, requirement, order of agents) is a class of the index, a `Pool`. An idle agent
stands in each class they can serve; a waiting contact stands in one. An event looks at the heads of the classes it
concerns and at nothing else. Same events in the same order, same matches.
"""

import math
from datetime import datetime

from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.match import Match, Rule
from cordpair.core.need import Ability, AgentOrder, Channel, Need
from cordpair.core.pool import ContactKey, IdleEntry, Pool, WaitingContact
from cordpair.core.profile import IndexedAgent, Profile

__all__ = ["ContactKey", "Match", "Need", "Router", "Rule"]

_NOBODY: frozenset[AgentId] = frozenset()
_RULES = {order: Rule(order.value) for order in AgentOrder}
# Reading a member from its enum costs a tenth of a decision.
_LOWEST_KEY, _PREFERRED = Rule.LOWEST_KEY, Rule.PREFERRED


class Router:
    """The waiting contacts and the idle agents of one tenant. Not thread-safe: the tenant's one writer calls it.

    Work-conserving: after every call there is no idle agent with a waiting contact that they can serve, see and are
    not excluded from. A match takes the agent out of the index, and the contact when it has no room for further
    offers; whoever is not connected by it comes back through `wait` with the old key and through `idle` with the old
    time. A delay passes without an event: `wait` again when it has.

    The router never falls back on an excluded agent: who declined would be rung again at once, in a loop. When to lift
    an exclusion is for the floor to say, by `wait` with a smaller set.
    """

    __slots__ = ("_agents", "_contacts", "_newest", "_pools", "_preferring", "_profiles", "_stamp", "_turn")

    def __init__(self) -> None:
        self._agents: dict[AgentId, IndexedAgent] = {}
        self._contacts: dict[CallId, WaitingContact] = {}
        self._pools: dict[Need, Pool] = {}
        self._profiles: dict[Ability, Profile] = {}
        self._preferring: dict[AgentId, dict[CallId, WaitingContact]] = {}
        self._newest: tuple[datetime, AgentId] | None = None
        self._stamp = 0
        self._turn = 0.0

    def put_agent(self, agent: AgentId, ability: Ability, now: float = math.inf) -> Match | None:
        """Put an agent in, or change what they can serve. A new agent is busy until `idle` says otherwise.

        An idle agent keeps their place, and is matched at once if the change lets them serve a waiting contact.
        """
        known = self._agents.get(agent)
        idle_since = known.since if known is not None and known.stamp else None
        was_present = known is not None and known.is_present
        self.remove_agent(agent)
        profile = self._profiles.get(ability)
        if profile is None:
            profile = self._profiles[ability] = Profile(ability, self._pools.values())
        new = profile.members[agent] = self._agents[agent] = IndexedAgent(agent, profile)
        if known is None:
            return None
        new.turn = known.turn
        self.sign_in(agent, was_present)
        if idle_since is None:
            return None
        return self.idle(agent, idle_since, load=known.load, channels=known.channels, queues=known.queues, now=now)

    def remove_agent(self, agent: AgentId) -> None:
        """Take an agent out: they are not matched any more. Idempotent."""
        known = self._agents.pop(agent, None)
        if known is not None:
            self._take_agent(known)
            known.be_present(False)
            profile = known.profile
            del profile.members[agent]
            if not profile.members:
                del self._profiles[profile.ability]

    def idle(
        self,
        agent: AgentId,
        idle_since: datetime,
        *,
        load: float = 0.0,
        channels: frozenset[Channel] | None = None,
        queues: frozenset[QueueId] | None = None,
        now: float = math.inf,
    ) -> Match | None:
        """The agent can be rung: match them with the contact they should take, or keep them idle.

        By the agent's priority of queues, then by key. `idle_since` is aware UTC, and may be older than others'.
        `load` is the used share of their capacity, `channels` what they have room for, `queues` for which they may be
        rung now (None: all), `now` (epoch seconds) what delays are measured by. KeyError for an agent not put in.
        """
        known = self._agents[agent]
        if known.stamp:
            self._take_agent(known)
        known.load = load
        known.limit(channels, queues)
        if self._contacts:
            contact, candidates = self._lowest_key(known, now)
            if contact is not None:
                self._give(contact, known)
                return Match(contact.id, agent, _LOWEST_KEY, candidates, contact.key, idle_since)
        self._keep_idle(known, idle_since)
        return None

    def sign_in(self, agent: AgentId, is_present: bool = True) -> tuple[CallId, ...]:
        """The agent is signed in, idle or not, or signed out: then the contacts whom nobody present can serve now."""
        known = self._agents.get(agent)
        if known is None or known.is_present is is_present:
            return ()
        known.be_present(is_present)
        left = {place.pool for place in known.profile.places if not place.pool.present}
        return tuple(contact.id for contact in self._contacts.values() if contact.pool in left) if left else ()

    def preferring(self, agent: AgentId) -> tuple[CallId, ...]:
        """The contacts that wait for this agent, among the agents they prefer."""
        return tuple(self._preferring.get(agent, ()))

    def present(self, need: Need) -> int:
        """How many signed in agents can serve `need`, idle or not."""
        return (self._pools.get(need) or self._open_pool(need)).present

    def turn(self, agent: AgentId, offered_at: float) -> None:
        """When (epoch seconds) a busy agent was last offered a call: round robin goes by it. For a floor built anew."""
        self._agents[agent].turn = offered_at
        self._turn = max(self._turn, offered_at)

    def busy(self, agent: AgentId) -> None:
        """The agent is not to be rung any more (rung elsewhere, break, presence). Idempotent; unknown is busy."""
        known = self._agents.get(agent)
        if known is not None and known.stamp:
            self._take_agent(known)

    def wait(
        self,
        contact: CallId,
        need: Need,
        key: ContactKey,
        excluded: frozenset[AgentId] = _NOBODY,
        *,
        preferred: tuple[AgentId, ...] = (),
        room: int = 1,
        now: float = math.inf,
    ) -> tuple[Match, ...]:
        """A contact waits: match it with idle agents, as many as it has `room` for, and keep it waiting for the rest.

        By the need's order of agents; ties go to the smaller id. With `preferred`, only these members of the queue
        are matched, in this order. A contact that waits already gets the new need, key, exclusions and room.
        """
        if contact in self._contacts:
            self.gone(contact)
        pool = self._pools.get(need) or self._open_pool(need)
        if room == 1 and not preferred:
            found, candidates = pool.first_agent(excluded, now - key[1])
            if found is not None:
                self._take_turn(found[5])
                return (Match(contact, found[3], _RULES[need.order], candidates, key, found[2]),)
        waiting = WaitingContact(contact, pool, key, excluded, room)
        matches: list[Match] = []
        while (preferred or room > 1) and (match := self._match(waiting, preferred, now)) is not None:
            matches.append(match)
            if waiting.room == 0:
                return tuple(matches)
        self._keep_waiting(waiting, preferred)
        return tuple(matches)

    def gone(self, contact: CallId) -> None:
        """The contact has left or was taken by other means. Idempotent."""
        waiting = self._contacts.get(contact)
        if waiting is not None:
            self._take_contact(waiting)

    def runner_up(self, match: Match, need: Need, excluded: frozenset[AgentId], now: float) -> AgentId | CallId | None:
        """Who would have been chosen instead, asked right after a match: an agent, or the contact of the agent."""
        if match.rule is _LOWEST_KEY:
            contact, _ = self._lowest_key(self._agents[match.agent], now)
            return None if contact is None else contact.id
        found, _ = (self._pools.get(need) or self._open_pool(need)).first_agent(excluded, now - match.key[1])
        return None if found is None else found[3]

    def delays(self, queue: QueueId) -> tuple[float, ...]:
        """The delays (s, shortest first) after which some agents see the contacts of a queue; 0 is not among them."""
        own = (profile.memberships.get(queue) for profile in self._profiles.values())
        return tuple(sorted({membership.delay_s for membership in own if membership and membership.delay_s}))

    def _match(self, contact: WaitingContact, preferred: tuple[AgentId, ...], now: float) -> Match | None:
        pool = contact.pool
        if preferred:
            chosen, rule, candidates = self._first_preferred(contact, preferred), _PREFERRED, len(preferred)
        else:
            found, candidates = pool.first_agent(contact.excluded, now - contact.key[1])
            chosen, rule = None if found is None else found[5], _RULES[pool.need.order]
        if chosen is None:
            return None
        assert chosen.since is not None  # who is idle is so since an instant
        self._give(contact, chosen)
        return Match(contact.id, chosen.id, rule, candidates, contact.key, chosen.since)

    def _first_preferred(self, contact: WaitingContact, preferred: tuple[AgentId, ...]) -> IndexedAgent | None:
        for agent in preferred:
            known = self._agents.get(agent)
            if known is not None and known.stamp and agent not in contact.excluded and known.may_take(contact):
                return known
        return None

    def _lowest_key(self, known: IndexedAgent, now: float) -> tuple[WaitingContact | None, int]:
        """The contact that this agent takes, and how many wait in the classes they can serve."""
        best: WaitingContact | None = None
        best_key: tuple[int, ContactKey] | None = None
        candidates = 0
        for place in known.profile.places:
            pool = place.pool
            if not pool.waiting or not (known.takes_all or known.takes(pool.need)):
                continue
            candidates += pool.waiting
            found = place.first_contact(known.id, now)
            if found is not None and (best_key is None or (place.priority, found.key) < best_key):
                best, best_key = found, (place.priority, found.key)
        for contact in self._preferring.get(known.id, {}).values():
            if known.id not in contact.excluded and known.may_take(contact):
                candidates += 1
                priority = known.profile.memberships[contact.pool.need.queue].priority
                if best_key is None or (priority, contact.key) < best_key:
                    best, best_key = contact, (priority, contact.key)
        return best, candidates

    def _give(self, contact: WaitingContact, agent: IndexedAgent) -> None:
        """Use up one offer of the contact's room, and the agent's turn."""
        self._take_turn(agent)
        if contact.room > 1:
            contact.room -= 1
            contact.excluded = contact.excluded | {agent.id}
        else:
            self._take_contact(contact)

    def _take_turn(self, agent: IndexedAgent) -> None:
        agent.turn = self._turn = self._turn + 1.0
        self._take_agent(agent)

    @staticmethod
    def _take_agent(known: IndexedAgent) -> None:
        if known.stamp:
            known.stamp = 0
            for order in known.orders():
                order.living -= 1

    def _take_contact(self, contact: WaitingContact) -> None:
        contact.room = 0
        if contact.line is not None:
            contact.line.waiting -= 1
            contact.pool.waiting -= 1
        for agent in contact.preferred:
            self._preferring[agent].pop(contact.id, None)
        self._contacts.pop(contact.id, None)

    def _keep_waiting(self, contact: WaitingContact, preferred: tuple[AgentId, ...]) -> None:
        self._contacts[contact.id] = contact
        contact.preferred = preferred
        for agent in preferred:
            self._preferring.setdefault(agent, {})[contact.id] = contact
        if not preferred:
            contact.line = contact.pool.line_of(contact.key[0])
            contact.line.add(contact)
            contact.pool.waiting += 1

    def _keep_idle(self, known: IndexedAgent, idle_since: datetime) -> None:
        self._stamp = known.stamp = self._stamp + 1
        known.since = idle_since
        load, agent, profile = known.load, known.id, known.profile
        if load == 0.0 and known.takes_all and (self._newest is None or (idle_since, agent) > self._newest):
            self._newest = (idle_since, agent)
            entry: IdleEntry = (0.0, load, idle_since, agent, known.stamp, known)
            for order in profile.by_time:
                order.living += 1
                in_turn = order.in_turn
                in_turn.append(entry)
                if len(in_turn) > order.room:
                    order.clear()
            places = profile.ranked
        else:
            places = profile.places
        for place in places:
            place.keep(known)

    def _open_pool(self, need: Need) -> Pool:
        """The first contact with this need: once per class, look at all agents."""
        pool = self._pools[need] = Pool(need)
        for profile in self._profiles.values():
            place = profile.take_place(pool)
            if place is not None:
                for known in profile.members.values():
                    pool.present += known.is_present
                    if known.stamp:
                        place.keep(known)
        return pool
