"""Teams as the offers of several calls meet it: clients that ring, rosters, and a post that is late, doubled, lost.

The floor's orders are carried out one after the other for each call, as the outbox does. What Teams tells of them, and
what people press, lies in `post` until somebody delivers it, in whatever order. Everything here is a step that a test
takes; nothing happens by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec.structs import replace

from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core.call import Call
from cordpair.core.changes import Timer
from cordpair.core.ids import AgentId, CallId, GraphCallId, OfferId


class Letter(msgspec.Struct, frozen=True):
    """Facts that come together. A notification may be lost or come again; a result or a command does neither."""

    facts: tuple[e.AnyEvent, ...]
    is_notification: bool = True


@dataclass
class Leg:
    """A call as Graph has it. `stands` are the agents in it, `rings` the invites that ring."""

    call: CallId
    graph_id: GraphCallId
    arrival: e.Arrived
    state: str = "incoming"  # established | terminated
    sequence: int = 1
    stands: list[AgentId] = field(default_factory=list)
    rings: dict[OfferId, AgentId] = field(default_factory=dict)
    joined: dict[OfferId, AgentId] = field(default_factory=dict)
    talked: list[AgentId] = field(default_factory=list)
    orders: list[o.Effect] = field(default_factory=list)


@dataclass
class RingWorld:
    """All legs, the post between them and the floor, and the timers that run."""

    now: datetime
    books: Callable[[CallId], Call | None]  #: what the floor believes of a call, as who carries out an order reads it
    legs: dict[CallId, Leg] = field(default_factory=dict)
    post: list[Letter] = field(default_factory=list)
    timers: dict[str, Timer] = field(default_factory=dict)

    # What the floor has ordered

    def take(self, effects: Sequence[o.Effect], timers: dict[str, Timer | None]) -> None:
        for effect in effects:
            if isinstance(effect, o.GraphOrder):
                self.legs[effect.call].orders.append(effect)
        for key, timer in timers.items():
            self.timers.pop(key, None)
            if timer is not None:
                self.timers[key] = timer

    def perform(self, leg: Leg, invite: str) -> None:
        """Carry out the leg's next order. `invite` is what an invite meets: rings | busy | failed | unsure."""
        order = leg.orders.pop(0)
        match order:
            case o.AnswerCall() if leg.state == "incoming":
                leg.state = "established"
                self._tell(e.Established(at=self.now, call=leg.call, graph_id=leg.graph_id))
            case o.InviteAgent():
                self._invite(leg, order, invite)
            case o.WithdrawInvite():
                self._withdraw(leg, order)
            case o.HangUp():
                self.hang_up(leg)
            case o.RefreshCall():
                number = e.CallRefreshed(at=self.now, call=leg.call, number=order.number)
                self._answer(*self._truth(leg), number)
            case _:
                pass

    def _invite(self, leg: Leg, order: o.InviteAgent, how: str) -> None:
        call = self.books(leg.call)
        if call is None or order.offer not in {offer.id for offer in call.rings}:
            return
        if leg.state != "established":
            self._answer(*self._truth(leg))
        elif how in ("busy", "failed"):
            self._answer(e.OfferFailed(at=self.now, call=leg.call, offer=order.offer, why=e.OfferEnd(how)))
        else:
            leg.rings[order.offer] = order.agent
            if how == "unsure":
                self._answer(*self._truth(leg), e.RingUnsure(at=self.now, call=leg.call, offer=order.offer))

    def _withdraw(self, leg: Leg, order: o.WithdrawInvite) -> None:
        """Whoever has just answered while nobody had the call stays."""
        facts, call = self._truth(leg), self.books(leg.call)
        stays = order.agent in leg.stands and call is not None and call.agent is None
        if not stays:
            leg.rings.pop(order.offer, None)
            if leg.joined.get(order.offer) in leg.stands:
                self.step_out(leg, leg.joined[order.offer])
        self._answer(*facts)

    # What people do

    def press_accept(self, leg: Leg, offer: OfferId) -> None:
        agent = leg.rings.pop(offer)
        leg.stands.append(agent)
        leg.talked.append(agent)
        leg.joined[offer] = agent
        self._tell(e.InviteCompleted(at=self.now, call=leg.call, offer=offer))
        self._roster_changed(leg)

    def press_decline(self, leg: Leg, offer: OfferId) -> None:
        """No, in the Teams client."""
        del leg.rings[offer]
        self._tell(e.OfferFailed(at=self.now, call=leg.call, offer=offer, why=e.OfferEnd.DECLINED))

    def press_not_now(self, leg: Leg, offer: OfferId) -> None:
        """No, on the card: a command of its own each time; the client rings on."""
        self._answer(e.OfferDeclined(at=self.now, call=leg.call, offer=offer, agent=leg.rings[offer]))

    def step_out(self, leg: Leg, agent: AgentId) -> None:
        leg.stands.remove(agent)
        self._roster_changed(leg)

    def hang_up(self, leg: Leg) -> None:
        if leg.state != "terminated":
            leg.state = "terminated"
            leg.stands.clear()
            leg.rings.clear()
            self._tell(e.CallEnded(at=self.now, call=leg.call, graph_id=leg.graph_id))

    def standing(self) -> set[AgentId]:
        return {agent for leg in self.legs.values() for agent in leg.stands}

    # What is told of it

    def _tell(self, fact: e.AnyEvent) -> None:
        self.post.append(Letter((fact,)))

    def _answer(self, *facts: e.AnyEvent) -> None:
        self.post.append(Letter(facts, is_notification=False))

    def _roster_changed(self, leg: Leg) -> None:
        leg.sequence += 1
        self._tell(self._roster(leg))

    def _roster(self, leg: Leg, *, inferred: bool = False) -> e.RosterSeen:
        return e.RosterSeen(
            at=self.now,
            call=leg.call,
            graph_id=leg.graph_id,
            sequence=leg.sequence,
            users=tuple(leg.stands),
            inferred=inferred,
        )

    def _truth(self, leg: Leg) -> tuple[e.AnyEvent, ...]:
        """What a re-read of the call answers."""
        if leg.state == "terminated":
            return (e.CallEnded(at=self.now, call=leg.call, graph_id=leg.graph_id, inferred=True),)
        arrival = replace(leg.arrival, at=self.now, inferred=True)
        if leg.state == "incoming":
            return (arrival,)
        established = e.Established(at=self.now, call=leg.call, graph_id=leg.graph_id, inferred=True)
        return arrival, established, self._roster(leg, inferred=True)
