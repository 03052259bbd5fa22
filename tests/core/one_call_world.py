"""One call in a small world: a network that loses, doubles and delays what it tells, and a truth to compare with.

The world obeys the orders of the floor (answer, invite, withdraw, hang up) and answers a re-read truthfully. Only the
notifications between it and the floor are unreliable.
"""

import heapq
from dataclasses import dataclass, field
from itertools import count

from msgspec.structs import replace

from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId
from cordpair.errors import IllegalEvent
from tests.core.people import CALL, GRAPH, after, arrived


@dataclass(frozen=True)
class Reaction:
    """What an agent does with a ring: accept | decline | ignore, after some seconds."""

    does: str
    after_s: float


@dataclass(frozen=True)
class Network:
    """What happens to the n-th notification: how late it comes (one delay per copy), or never when there is none."""

    copies: tuple[tuple[float, ...], ...]

    def of(self, number: int) -> tuple[float, ...]:
        return self.copies[number] if number < len(self.copies) else (0.1,)


@dataclass
class World:
    """The truth: `talked` are the agents who really did. Seconds count from noon."""

    floor: Floor
    reactions: list[Reaction]
    network: Network
    patience_s: float
    talk_s: float
    agent_hangs_up: bool
    now: float = 0.0
    state: str = "incoming"
    sequence: int = 1
    present: list[AgentId] = field(default_factory=list)
    ringing: dict[str, AgentId] = field(default_factory=dict)
    talked: list[AgentId] = field(default_factory=list)
    rings: list[str] = field(default_factory=list)
    accepted: dict[str, AgentId] = field(default_factory=dict)
    cuts: bool = False
    logged: int = 0
    notifications: int = 0

    def __post_init__(self) -> None:
        self._ids = count()
        self._agenda: list[tuple[float, int, object]] = []
        self._timers: dict[str, int] = {}

    def live(self, until_s: float = 3000) -> None:
        """Let the whole life pass."""
        self._tell(arrived(0))
        self._at(self.patience_s, self._caller_gives_up)
        self._at(15, self._nobody_answered)
        while self._agenda and self._agenda[0][0] <= until_s:
            self.now, _, act = heapq.heappop(self._agenda)
            act()  # type: ignore[operator]

    def _at(self, when: float, act: object) -> int:
        number = next(self._ids)
        heapq.heappush(self._agenda, (when, number, act))
        return number

    def _tell(self, event: e.AnyEvent) -> None:
        """Send a notification over the unreliable network."""
        delays = self.network.of(self.notifications)
        self.notifications += 1
        for delay in delays:
            self._at(self.now + delay, lambda: self._fold(event))

    def _fold(self, *events: e.AnyEvent) -> None:
        for event in events:
            try:
                fold.apply(self.floor, _dated(event, self.now))
            except IllegalEvent:
                continue
        changes = self.floor.take_changes()
        for key, timer in changes.timers.items():
            self._timers[key] = -1
            if timer is not None:
                self._set_timer(key, timer.event, (timer.run_at - after(0)).total_seconds())
        for effect in changes.effects:
            self._at(self.now + 0.05, lambda effect=effect: self._perform(effect))

    def _set_timer(self, key: str, event: e.AnyEvent, when: float) -> None:
        def fire() -> None:
            if self._timers.get(key) == number:
                self._fold(event)

        number = self._at(max(when, self.now), fire)
        self._timers[key] = number

    # What the world does when it is told to

    def _perform(self, effect: o.Effect) -> None:
        match effect:
            case o.AnswerCall() if self.state == "incoming":
                self.state = "established"
                self._tell(e.Established(at=after(0), call=CALL, graph_id=GRAPH))
            case o.InviteAgent() if self.state == "established":
                self._ring(effect)
            case o.WithdrawInvite():
                self._withdraw(effect.offer)
            case o.HangUp():
                self._terminate()
            case o.RefreshCall():
                self._fold(*self._truth(), e.CallRefreshed(at=after(0), call=CALL, number=effect.number))
            case o.LogActivity():
                self.logged += 1
            case _:
                pass

    def _truth(self) -> list[e.AnyEvent]:
        """What a re-read of the call answers."""
        if self.state == "terminated":
            return [e.CallEnded(at=after(0), call=CALL, graph_id=GRAPH, inferred=True)]
        facts: list[e.AnyEvent] = []
        if CALL not in self.floor.calls or self.floor.calls[CALL].arrived_at is None:
            facts.append(arrived(0))
        if self.state == "established":
            facts.append(e.Established(at=after(0), call=CALL, graph_id=GRAPH, inferred=True))
        return [*facts, self._roster(inferred=True)]

    def _ring(self, invite: o.InviteAgent) -> None:
        reaction = self.reactions[len(self.rings)] if len(self.rings) < len(self.reactions) else Reaction("accept", 3)
        self.rings.append(invite.offer)
        self.ringing[invite.offer] = invite.agent
        self._at(self.now + reaction.after_s, lambda: self._react(invite, reaction))

    def _react(self, invite: o.InviteAgent, reaction: Reaction) -> None:
        if invite.offer not in self.ringing or self.state != "established":
            return
        if reaction.does == "accept":
            del self.ringing[invite.offer]
            self._answer(invite)
        elif reaction.does == "decline":
            del self.ringing[invite.offer]
            self._tell(e.OfferFailed(at=after(0), call=CALL, offer=invite.offer, why=e.OfferEnd.DECLINED))

    def _withdraw(self, offer: str) -> None:
        """Stop a ring, as the performer does: it looks first, and whoever has just accepted stays.

        With `cuts` the agent accepts between that look and the removal, and is taken out of the call.
        """
        self.ringing.pop(offer, None)
        agent = self.accepted.get(offer)
        if agent not in self.present:
            return
        if not self.cuts:
            self._fold(*self._truth())
            return
        self.present.remove(agent)
        self.talked.remove(agent)
        self._roster_changed()

    def _answer(self, invite: o.InviteAgent) -> None:
        self.talked.append(invite.agent)
        self.accepted[invite.offer] = invite.agent
        self.present.append(invite.agent)
        self._tell(e.InviteCompleted(at=after(0), call=CALL, offer=invite.offer))
        self._roster_changed()
        self._at(self.now + self.talk_s, lambda: self._over(invite.agent))

    def _over(self, agent: AgentId) -> None:
        if self.state != "established" or agent not in self.present:
            return
        if self.agent_hangs_up:
            self.present.remove(agent)
            self._roster_changed()
        else:
            self._terminate()

    def _caller_gives_up(self) -> None:
        if not self.talked:
            self._terminate()

    def _nobody_answered(self) -> None:
        if self.state == "incoming":
            self._terminate()

    def _terminate(self) -> None:
        if self.state == "terminated":
            return
        self.state = "terminated"
        self.present.clear()
        self.ringing.clear()
        self._tell(e.CallEnded(at=after(0), call=CALL, graph_id=GRAPH))

    def _roster_changed(self) -> None:
        self.sequence += 1
        self._tell(self._roster())

    def _roster(self, *, inferred: bool = False) -> e.RosterSeen:
        return e.RosterSeen(
            at=after(0),
            call=CALL,
            graph_id=GRAPH,
            sequence=self.sequence,
            users=tuple(self.present),
            inferred=inferred,
        )


def _dated(event: e.AnyEvent, now: float) -> e.AnyEvent:
    """An event is learnt of when it comes, not when it was sent."""
    return replace(event, at=after(now))
