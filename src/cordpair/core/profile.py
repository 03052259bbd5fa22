"""Agents in the router's index: who is alike, and where they stand in its classes."""

from collections.abc import Iterable
from datetime import datetime

from cordpair.core.ids import AgentId, QueueId
from cordpair.core.need import Ability, AgentOrder, Channel, Membership, Need
from cordpair.core.pool import IdleOrder, Pool, WaitingContact


class Profile:
    """Agents of one ability, and the classes that they can serve: each with its place in it.

    `orders` are those of all places; `by_time` those that go by idle time, `ranked` the other places.
    """

    __slots__ = ("ability", "attributes", "by_time", "members", "memberships", "orders", "places", "ranked")

    def __init__(self, ability: Ability, pools: Iterable[Pool]) -> None:
        self.ability = ability
        self.attributes = dict(ability.attributes)
        self.memberships = {membership.queue: membership for membership in ability.memberships}
        self.members: dict[AgentId, IndexedAgent] = {}
        self.places: list[Place] = []
        self.orders: list[IdleOrder] = []
        self.by_time: list[IdleOrder] = []
        self.ranked: list[Place] = []
        for pool in pools:
            self.take_place(pool)

    def can_serve(self, need: Need) -> bool:
        """Whether these agents may be rung for `need`."""
        return need.queue in self.memberships and need.met_by(self.attributes)

    def take_place(self, pool: Pool) -> "Place | None":
        """Stand in a class from now on; None when these agents cannot serve it."""
        need = pool.need
        if not self.can_serve(need):
            return None
        membership: Membership = self.memberships[need.queue]
        rank = -need.level_of(self.attributes) if need.order is AgentOrder.BEST_SKILL else 0.0
        place = Place(pool, pool.order_behind(membership.delay_s), membership.priority, rank)
        self.places.append(place)
        self.orders.append(place.order)
        if need.order is AgentOrder.LONGEST_IDLE:
            self.by_time.append(place.order)
        else:
            self.ranked.append(place)
        return place


class IndexedAgent:
    """An agent in the index. `stamp` is the number of the entry that counts while the agent is idle, else 0.

    `is_present`: signed in, idle or not.
    """

    __slots__ = ("channels", "id", "is_present", "load", "profile", "queues", "since", "stamp", "takes_all", "turn")

    def __init__(self, agent: AgentId, profile: Profile) -> None:
        self.id = agent
        self.profile = profile
        self.is_present = False
        self.stamp = 0
        self.since: datetime | None = None
        self.load = 0.0
        self.turn = 0.0
        self.channels: frozenset[Channel] | None = None  # None: all
        self.queues: frozenset[QueueId] | None = None  # None: all
        self.takes_all = True

    def limit(self, channels: frozenset[Channel] | None, queues: frozenset[QueueId] | None) -> None:
        """What the agent has room for, and for which queues they may be rung, while idle."""
        self.channels, self.queues = channels, queues
        self.takes_all = channels is None and queues is None

    def be_present(self, is_present: bool) -> None:
        """Signed in, or out."""
        if self.is_present is not is_present:
            self.is_present = is_present
            for place in self.profile.places:
                place.pool.present += 1 if is_present else -1

    def takes(self, need: Need) -> bool:
        """Whether the agent may be rung for this queue now, and has room for the channel."""
        return (self.channels is None or need.channel in self.channels) and (
            self.queues is None or need.queue in self.queues
        )

    def may_take(self, contact: WaitingContact) -> bool:
        """Whether a preferred agent may take the contact: a member of its queue with room; skills do not matter."""
        need = contact.pool.need
        return need.queue in self.profile.memberships and self.takes(need)

    def orders(self) -> Iterable[IdleOrder]:
        """The orders in which the agent stands while idle."""
        if self.takes_all:
            return self.profile.orders
        return [place.order for place in self.profile.places if self.takes(place.pool.need)]

    def __lt__(self, other: object) -> bool:
        """Never asked: the stamps before it differ."""
        return False


class Place:
    """Where the agents of a profile stand in a class. `rank` is that of best_skill, else 0."""

    __slots__ = ("order", "order_of", "pool", "priority", "rank")

    def __init__(self, pool: Pool, order: IdleOrder, priority: int, rank: float) -> None:
        self.pool = pool
        self.order = order
        self.priority = priority
        self.rank = rank
        self.order_of = pool.need.order

    def keep(self, known: IndexedAgent) -> None:
        """Take in an idle agent of the profile, if they take calls of this class now."""
        if known.takes(self.pool.need) and known.since is not None:
            rank = known.turn if self.order_of is AgentOrder.ROUND_ROBIN else self.rank
            self.order.add((rank, known.load, known.since, known.id, known.stamp, known))

    def first_contact(self, agent: AgentId, now: float) -> WaitingContact | None:
        """The contact of this class that `agent` takes at `now` (epoch seconds)."""
        for line in self.pool.lines:
            if line.waiting:
                found = line.first(agent)
                # No delay hides nothing, not even what came by a clock that is ahead of ours.
                if found is not None and (not self.order.delay_s or found.key[1] + self.order.delay_s <= now):
                    return found
        return None
