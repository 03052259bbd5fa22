"""Who stands in the call: an agent who joins has accepted, an agent who leaves has hung up."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import call as calls
from cordpair.core import offers
from cordpair.core.agent import Agent, AgentMove, AgentState, Talk
from cordpair.core.call import Call, CallState, Crossed, EndedBy, Move, Outcome
from cordpair.core.changes import Leg
from cordpair.core.effects import Face, HangUp
from cordpair.core.events import CheckDue, OfferEnd, RosterSeen
from cordpair.core.floor import Floor
from cordpair.core.fold_claim_first import take_down
from cordpair.core.fold_offers import accept_offer, end_offer, seek
from cordpair.core.fold_speech import quiet
from cordpair.core.fold_stand_in import stand_down
from cordpair.core.fold_watch import hear, marked
from cordpair.core.fold_wrap_up import start_wrap_up
from cordpair.core.ids import AgentId

#: How soon the roster is read when it shows an agent whom we were taking out of the call.
CROSSED_S = 2.0


def roster(floor: Floor, event: RosterSeen) -> None:
    """Who stands in the call. An older roster still proves that an agent was there."""
    call = floor.call_or_new(event.call, event.graph_id, event.at)
    newest = event.sequence >= call.roster
    if not newest:
        _stood_before(floor, call, event)
    present = [user for user in event.users if user in floor.agents]
    is_proof = event.inferred or (newest and not call.is_live)  # nothing can be re-read any more
    crossed = [] if is_proof else _crossed(call, present)
    present = [user for user in present if user not in crossed]
    if newest:
        call = _await_reread(floor, replace(call, roster=event.sequence), crossed, event)
    if call.state is CallState.HEARD_OF:
        if present and call.agent is None:
            call = calls.move(call, Move.JOIN, call.state, agent=present[0], connected_at=event.at)
        hear(floor, call, event.at)
        return
    proof = bool(present) and call.agent is None and _can_join(call)
    floor.save_call(call)
    if proof:
        call = join(floor, call, present[0], event.at, inferred=event.inferred)
        if not newest and call.state is CallState.CONNECTED:
            leave(floor, call, event.at, inferred=True)
    elif newest and call.state is CallState.CONNECTED and call.agent not in present:
        leave(floor, call, event.at, inferred=event.inferred)


def _stood_before(floor: Floor, call: Call, event: RosterSeen) -> None:
    """An older roster shows an agent, and meanwhile another one has answered: that they stood there is written down.

    How long is not known: their leg has no length, ends where the other one's begins, and bears the roster's number.
    """
    for agent in event.users:
        if call.connected_at is not None and agent != call.agent and agent in floor.agents:
            stay = {"joined_at": call.connected_at, "left_at": call.connected_at}
            floor.save_leg(Leg(call=call.id, number=-event.sequence, agent=agent, **stay))


def _crossed(call: Call, present: list[AgentId]) -> list[AgentId]:
    """Who of those present accepted while we withdrew their ring."""
    return [agent for agent in present if agent in call.withdrawn and agent != call.agent]


def _await_reread(floor: Floor, call: Call, crossed: list[AgentId], event: RosterSeen) -> Call:
    """The next re-read says whether who crossed with our withdrawal is still there. Should the call end first, they
    were there to its end: so long they are remembered, until a roster shows them gone.
    """
    if crossed:
        due = event.at + timedelta(seconds=CROSSED_S)
        floor.timer(f"crossed:{call.id}", event.at, CROSSED_S, CheckDue(at=due, call=call.id))
    if call.crossed is not None and call.crossed.agent in crossed:
        return call
    return replace(call, crossed=Crossed(agent=crossed[0], at=event.at) if crossed else None)


def _can_join(call: Call) -> bool:
    """Whether an agent in the roster is news: not for a call that we sent away ourselves."""
    return calls.allows(call, Move.JOIN) and call.outcome in (None, Outcome.ABANDONED)


def join(floor: Floor, call: Call, agent_id: AgentId, at: datetime, *, inferred: bool = False) -> Call:
    """The agent stands in the roster: that is what accepted means."""
    if call.state is CallState.CLOSED:
        return _join_late(floor, call, agent_id)
    call = quiet(floor, call)
    floor.stop_waiting(call)
    mine = offers.at_agent(call, agent_id)
    if mine is not None:
        accept_offer(floor, call, mine)
    for offer in call.rings:  # at others, or an earlier offer was accepted late: they are taken back
        if offer is not mine:
            call = end_offer(floor, call, offer, OfferEnd.WITHDRAWN, at)
    bind(floor, agent_id, call, at)
    call = stand_down(floor, take_down(floor, floor.calls[call.id], Face.TAKEN), rings=True)
    if call.connected_at is not None:  # it was passed on to this queue: the first answer is the answer
        call = replace(call, joined_at=at, leg=0)
    known = {"established_at": call.established_at or at, "connected_at": call.connected_at or at}
    clear = {"outcome": Outcome.ANSWERED, "crossed": None, "offer": None, "beside": ()}
    call = calls.move(call, Move.JOIN, CallState.CONNECTED, agent=agent_id, **known, **clear)
    call = floor.save_call(marked(call, "connected_at") if inferred else call)
    floor.save_leg(Leg(call=call.id, number=max(call.offers, 1), agent=agent_id, joined_at=at))
    return floor.show(call, agent_id, Face.STRIP)


def bind(floor: Floor, agent_id: AgentId, call: Call, at: datetime) -> None:
    """The agent talks now, whatever we believed; a ring of another call at them is taken back."""
    agent = floor.agents[agent_id]
    floor.router.busy(agent_id)
    if not agents.allows(agent, AgentMove.JOIN):
        return
    floor.save_agent(_talking(agent, call, at))
    if agent.state is AgentState.RINGING and agent.call not in (None, call.id):
        other = floor.calls[agent.call]
        offer = offers.at_agent(other, agent_id)
        if offer is not None:
            seek(floor, end_offer(floor, other, offer, OfferEnd.WITHDRAWN, at), at)


def _talking(agent: Agent, call: Call, at: datetime) -> Agent:
    """In conversation, as presence may say from the ring on. Whoever answers is neither absent nor unwilling."""
    rung_at = agent.offered_at if agent.state is AgentState.RINGING and agent.call == call.id else None
    talk = Talk(since=rung_at or at)
    return agents.move(agent, AgentMove.JOIN, AgentState.TALKING, at, call=call.id, talk=talk, missed=0, declined=0)


def _join_late(floor: Floor, call: Call, agent_id: AgentId) -> Call:
    """We took the call for abandoned, and now we learn that an agent was there before it ended."""
    ended_at = call.ended_at or call.heard_at
    facts = {"agent": agent_id, "connected_at": ended_at, "established_at": call.established_at or ended_at}
    blank = {"outcome": Outcome.ANSWERED, "closed_at": None, "ended_by": EndedBy.UNKNOWN}
    call = marked(calls.move(call, Move.JOIN, CallState.WRAP_UP, **facts, **blank), "connected_at")
    floor.save_call(call)
    floor.save_leg(Leg(call=call.id, number=max(call.offers, 1), agent=agent_id, joined_at=ended_at, left_at=ended_at))
    return start_wrap_up(floor, call, ended_at)


def leave(floor: Floor, call: Call, at: datetime, *, inferred: bool = False) -> None:
    """The agent hung up. In a group call the caller would sit there alone: end the call for them too."""
    call = calls.move(call, Move.LEAVE, CallState.WRAP_UP, ended_at=at, ended_by=EndedBy.AGENT)
    call = floor.save_call(marked(call, "ended_at") if inferred else call)
    floor.order(HangUp(call=call.id, graph_id=call.graph_id))
    start_wrap_up(floor, call, at)
