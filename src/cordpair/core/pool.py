"""One class of the router's index: the contacts of one need, and the idle agents who can serve it.

Entries are deleted lazily. Whoever is taken is marked, and the mark is found when the entry comes to the head or when
an order has grown to twice its living entries. So taking somebody touches no order, however many classes know them,
and no event looks at all agents or contacts (amortised: one clearing is paid for by as many insertions).
"""

from collections import deque
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from cordpair.core.ids import AgentId, CallId
from cordpair.core.need import Need

if TYPE_CHECKING:
    from cordpair.core.profile import IndexedAgent

#: Dead entries that an order may keep beyond as many as live.
_SLACK = 64


class ContactKey(NamedTuple):
    """A contact's place: the lowest goes first. `since` is arrival minus credit, in epoch seconds.

    A tuple, because keys are compared by the thousand and tuples are compared in C. `sequence` is unique in a tenant.
    """

    tier: int
    since: float
    sequence: int


class WaitingContact:
    """A contact in the index. `room` is how many more offers it may have at once: none once it was taken or left."""

    __slots__ = ("excluded", "id", "key", "line", "pool", "preferred", "room")

    def __init__(self, contact: CallId, pool: "Pool", key: ContactKey, excluded: frozenset[AgentId], room: int) -> None:
        self.id = contact
        self.pool = pool
        self.key = key
        self.excluded = excluded
        self.room = room
        self.line: Line | None = None  # None: waits for its preferred agents only
        self.preferred: tuple[AgentId, ...] = ()

    def __lt__(self, other: object) -> bool:
        """Asked only of a dead and a living entry of one place, which may stand in any order."""
        return False


#: (rank in this class, load, idle since, id, stamp, agent): the lowest is rung first.
IdleEntry = tuple[float, float, datetime, AgentId, int, "IndexedAgent"]
WaitEntry = tuple[float, int, WaitingContact]


class IdleOrder:
    """The idle agents of a class who see its contacts after the same delay, in the order in which they are rung.

    `in_turn` takes those who come later than all before them, which with longest idle is nearly everyone; `heap` the
    others. `living` counts the living of both.
    """

    __slots__ = ("delay_s", "heap", "in_turn", "living", "room")

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.in_turn: deque[IdleEntry] = deque()
        self.heap: list[IdleEntry] = []
        self.living = 0
        self.room = _SLACK

    def clear(self) -> None:
        """Drop the dead entries in turn: due when `in_turn` is longer than `room`."""
        self.in_turn = deque([entry for entry in self.in_turn if entry[5].stamp == entry[4]])
        self.room = 2 * len(self.in_turn) + _SLACK

    def add(self, entry: IdleEntry) -> None:
        """Take in an agent wherever they belong."""
        self.living += 1
        heappush(self.heap, entry)
        if len(self.heap) > 2 * self.living + _SLACK:
            self.heap = [entry for entry in self.heap if entry[5].stamp == entry[4]]
            heapify(self.heap)

    def first(self, excluded: frozenset[AgentId]) -> IdleEntry | None:
        """The agent to ring, who stays in the order. Looks at no more living entries than there are excluded."""
        found = self._head()
        if not excluded or found is None or found[3] not in excluded:
            return found
        passed: list[IdleEntry] = []
        while found is not None and found[3] in excluded:
            passed.append(self._pop(found))
            found = self._head()
        # Older than all that is left, so that they belong to the head whichever order they came from.
        self.in_turn.extendleft(reversed(passed))
        return found

    def _head(self) -> IdleEntry | None:
        in_turn, heap = self.in_turn, self.heap
        first = None
        while in_turn:
            first = in_turn[0]
            if first[5].stamp == first[4]:
                break
            in_turn.popleft()
        else:
            first = None
        while heap:
            older = heap[0]
            if older[5].stamp == older[4]:
                return older if first is None or older < first else first
            heappop(heap)
        return first

    def _pop(self, first: IdleEntry) -> IdleEntry:
        if self.in_turn and self.in_turn[0] is first:
            return self.in_turn.popleft()
        return heappop(self.heap)


class Line:
    """The waiting contacts of a class that have one tier. `waiting` counts the living."""

    __slots__ = ("heap", "room", "tier", "waiting")

    def __init__(self, tier: int) -> None:
        self.tier = tier
        self.heap: list[WaitEntry] = []
        self.waiting = 0
        self.room = _SLACK

    def add(self, contact: WaitingContact) -> None:
        self.waiting += 1
        heappush(self.heap, (contact.key[1], contact.key[2], contact))
        if len(self.heap) > self.room:
            self.heap = [entry for entry in self.heap if entry[2].room]
            heapify(self.heap)
            self.room = 2 * self.waiting + _SLACK

    def first(self, agent: AgentId) -> WaitingContact | None:
        """The contact that `agent` would take, which stays in line. Passes only those that exclude the agent."""
        heap = self.heap
        if heap and heap[0][2].room and not heap[0][2].excluded:
            return heap[0][2]
        passed: list[WaitEntry] = []
        while heap and (not heap[0][2].room or agent in heap[0][2].excluded):
            entry = heappop(heap)
            if entry[2].room:
                passed.append(entry)
        found = heap[0][2] if heap else None
        for entry in passed:
            heappush(heap, entry)
        return found


class Pool:
    """A class of the index: `orders` of idle agents by delay, `lines` of contacts by tier; nearly always one each.

    `present` counts the signed in agents who can serve it, `waiting` the contacts.
    """

    __slots__ = ("lines", "need", "orders", "present", "waiting")

    def __init__(self, need: Need) -> None:
        self.need = need
        self.orders: list[IdleOrder] = []
        self.lines: list[Line] = []
        self.present = 0
        self.waiting = 0

    def order_behind(self, delay_s: float) -> IdleOrder:
        for order in self.orders:
            if order.delay_s == delay_s:
                return order
        self.orders.append(IdleOrder(delay_s))
        self.orders.sort(key=lambda order: order.delay_s)
        return self.order_behind(delay_s)

    def line_of(self, tier: int) -> Line:
        for line in self.lines:
            if line.tier == tier:
                return line
        self.lines.append(Line(tier))
        self.lines.sort(key=lambda line: line.tier)
        return self.line_of(tier)

    def first_agent(self, excluded: frozenset[AgentId], waited_s: float) -> tuple[IdleEntry | None, int]:
        """The agent to ring for a contact that has waited `waited_s`, its credit included, and among how many."""
        best: IdleEntry | None = None
        candidates = 0
        for order in self.orders:
            if order.living and (not order.delay_s or order.delay_s <= waited_s):
                candidates += order.living
                found = order.first(excluded)
                if found is not None and (best is None or found < best):
                    best = found
        return best, candidates
