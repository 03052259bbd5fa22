"""One class of the router's index: the contacts of one need, and the idle agents who can serve it.

Entries are deleted lazily. Whoever is taken is marked, and the mark is found when the entry comes to the head or when
an order has grown to twice its living entries. So taking somebody touches no order, however many classes know them,
and no event looks at all agents or contacts (amortised: one clearing is paid for by as many insertions).
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import msgspec

from cordpair.core.ids import AgentId, CallId, QueueId


class Need(msgspec.Struct, frozen=True):
    """What a contact asks for: an agent of `queue` who has all of `skills`."""

    queue: QueueId
    skills: frozenset[str] = frozenset()


class ContactKey(NamedTuple):
    """A contact's place: the lowest goes first. `since` is arrival minus credit, in epoch seconds.

    A tuple, because keys are compared by the thousand and tuples are compared in C. `sequence` is unique in a tenant.
    """

    tier: int
    since: float
    sequence: int


class WaitingContact:
    """A contact in the index. `lives` is False once it was taken or has left."""

    __slots__ = ("excluded", "id", "key", "lives", "pool")

    def __init__(self, contact: CallId, pool: "Pool", key: ContactKey, excluded: frozenset[AgentId]) -> None:
        self.id = contact
        self.pool = pool
        self.key = key
        self.excluded = excluded
        self.lives = True

    def __lt__(self, other: object) -> bool:
        """Asked only of a dead and a living entry of one place, which may stand in any order."""
        return False


class Profile:
    """What some agents have in common: their attributes, so also the classes they can serve."""

    __slots__ = ("members", "pools", "queues", "skills")

    def __init__(self, queues: frozenset[QueueId], skills: frozenset[str], pools: "Iterable[Pool]") -> None:
        self.queues = queues
        self.skills = skills
        self.members: dict[AgentId, IndexedAgent] = {}
        self.pools: list[Pool] = [pool for pool in pools if self.can_serve(pool.need)]

    def can_serve(self, need: Need) -> bool:
        """Whether these agents may be rung for `need`."""
        return need.queue in self.queues and need.skills <= self.skills


class IndexedAgent:
    """An agent in the index. `entry` is the living entry while the agent is idle, else None."""

    __slots__ = ("entry", "id", "profile")

    def __init__(self, agent: AgentId, profile: Profile) -> None:
        self.id = agent
        self.profile = profile
        self.entry: IdleEntry | None = None

    def __lt__(self, other: object) -> bool:
        """Asked only of a dead and a living entry of one place, which may stand in any order."""
        return False


IdleEntry = tuple[datetime, AgentId, IndexedAgent]
WaitEntry = tuple[int, float, int, WaitingContact]

#: Dead entries that an order may keep beyond as many as live.
_SLACK = 64


class Pool:
    """A class of the index. `idle` and `waiting` count the living.

    Idle agents are in two orders: `in_turn` takes those who come later than all before them, which is nearly
    everyone; `restored` is a heap for those who come back with an older idle time.
    """

    __slots__ = ("contacts", "idle", "in_turn", "need", "restored", "room_for_contacts", "room_in_turn", "waiting")

    def __init__(self, need: Need, idle: Iterable[IdleEntry]) -> None:
        self.need = need
        self.in_turn: deque[IdleEntry] = deque(sorted(idle))
        self.restored: list[IdleEntry] = []
        self.contacts: list[WaitEntry] = []
        self.idle = len(self.in_turn)
        self.waiting = 0
        self.room_in_turn = 2 * self.idle + _SLACK
        self.room_for_contacts = _SLACK

    def add_restored(self, entry: IdleEntry) -> None:
        """Take in an idle agent whose time is older than that of somebody already here."""
        heappush(self.restored, entry)
        if len(self.restored) > 2 * self.idle + _SLACK:
            self.restored = [entry for entry in self.restored if entry[2].entry is entry]
            heapify(self.restored)

    def add_contact(self, entry: WaitEntry) -> None:
        """Take in a waiting contact."""
        heappush(self.contacts, entry)
        self.waiting += 1
        if len(self.contacts) > self.room_for_contacts:
            self.contacts = [entry for entry in self.contacts if entry[3].lives]
            heapify(self.contacts)
            self.room_for_contacts = 2 * self.waiting + _SLACK

    def clear_in_turn(self) -> None:
        """Drop the dead entries: due when `in_turn` is longer than `room_in_turn`."""
        self.in_turn = deque([entry for entry in self.in_turn if entry[2].entry is entry])
        self.room_in_turn = 2 * len(self.in_turn) + _SLACK

    def longest_idle(self, excluded: frozenset[AgentId]) -> IdleEntry | None:
        """The agent to ring, who stays in the order. Looks at no more living entries than there are excluded."""
        found = self._first_idle()
        if not excluded or found is None or found[1] not in excluded:
            return found
        passed: list[IdleEntry] = []
        while found is not None and found[1] in excluded:
            passed.append(self._pop_idle(found))
            found = self._first_idle()
        # Older than all that is left, so that they belong to the head whichever order they came from.
        self.in_turn.extendleft(reversed(passed))
        return found

    def _first_idle(self) -> IdleEntry | None:
        in_turn, restored = self.in_turn, self.restored
        first = None
        while in_turn:
            first = in_turn[0]
            if first[2].entry is first:
                break
            in_turn.popleft()
        else:
            first = None
        while restored:
            older = restored[0]
            if older[2].entry is older:
                return older if first is None or older < first else first
            heappop(restored)
        return first

    def _pop_idle(self, first: IdleEntry) -> IdleEntry:
        if self.in_turn and self.in_turn[0] is first:
            return self.in_turn.popleft()
        return heappop(self.restored)

    def first_contact(self, agent: AgentId) -> WaitEntry | None:
        """The contact that `agent` would take, which stays in the order. Passes only those that exclude the agent."""
        contacts = self.contacts
        if contacts and contacts[0][3].lives and not contacts[0][3].excluded:
            return contacts[0]
        passed: list[WaitEntry] = []
        while contacts and (not contacts[0][3].lives or agent in contacts[0][3].excluded):
            entry = heappop(contacts)
            if entry[3].lives:
                passed.append(entry)
        found = contacts[0] if contacts else None
        for entry in passed:
            heappush(contacts, entry)
        return found
