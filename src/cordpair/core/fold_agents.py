"""What agents wish, and what Teams says of them. Our own state is the truth, presence a hint with an age."""

from datetime import datetime

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import events as e
from cordpair.core import fold_outbound, fold_released, fold_transfer, offers
from cordpair.core.agent import Agent, AgentMove, AgentState, Presence
from cordpair.core.call import Call
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import available, end_offer, seek
from cordpair.errors import IllegalEvent


def wish(floor: Floor, event: e.WentReady | e.TookBreak) -> None:
    """Ready or on a break: now, or after the wrap-up."""
    agent = floor.agent(event.agent)
    if isinstance(event, e.WentReady):
        agent = agents.wished(agent, AgentMove.READY, event.at)
    else:
        agent = agents.wished(agent, AgentMove.BREAK, event.at, event.reason)
    floor.save_agent(agent)
    _note_who(floor, event)
    available(floor, floor.agents[agent.id], event.at)


def sign_out(floor: Floor, event: e.SignedOut) -> None:
    """Offline now, or after the wrap-up. A ring in progress goes to somebody else."""
    agent = floor.agent(event.agent)
    ringing = _ringing(floor, agent)
    floor.router.busy(agent.id)
    floor.save_agent(agents.wished(agent, AgentMove.SIGN_OUT, event.at))
    _note_who(floor, event)
    if ringing is not None:
        _ring_lost(floor, ringing, agent, event.at)


def _note_who(floor: Floor, event: e.WentReady | e.TookBreak | e.SignedOut) -> None:
    """Whoever's state was set by somebody else is told, and it is remembered who it was."""
    if event.by is not None and event.by != event.agent:
        floor.remember("StateSet", event.at, agent=event.agent, by=event.by)
        floor.tell(event.agent)


def presence(floor: Floor, event: e.PresenceSeen) -> None:
    """A hint. It holds a ready agent back or lets them through; all it can end is a ring at somebody who is away."""
    agent = floor.agent(event.agent)
    if agent.presence is not None and _is_old(event, agent.presence):
        raise IllegalEvent("stale_presence")
    seen = Presence(availability=event.availability, activity=event.activity, sequence=event.sequence, at=event.at)
    agent = floor.save_agent(replace(agent, presence=seen))
    floor.cancel(f"presence:{agent.id}")
    fold_released.presence(floor, agent, event)
    agent = floor.agents[agent.id]
    ringing = _ringing(floor, agent)
    if ringing is not None and event.availability == "Offline":
        _ring_lost(floor, ringing, agent, event.at)
    elif agent.state is AgentState.READY:
        available(floor, agent, event.at)


def _is_old(event: e.PresenceSeen, known: Presence) -> bool:
    """Whether this tells nothing new: an earlier notice, or the last one again, which makes nothing younger."""
    if event.sequence and known.sequence:
        return event.sequence < known.sequence or (event.sequence == known.sequence and not event.is_read)
    return event.at < known.at


def _ringing(floor: Floor, agent: Agent) -> Call | None:
    """The call that rings at the agent."""
    return floor.calls.get(agent.call) if agent.state is AgentState.RINGING and agent.call else None


def _ring_lost(floor: Floor, call: Call, agent: Agent, at: datetime) -> None:
    """Whoever is being rung has gone away."""
    if fold_outbound.ring_lost(floor, call, at):
        return
    offer = offers.at_agent(call, agent.id)
    if not fold_transfer.ring_lost(floor, call, agent.id, at) and offer is not None:
        seek(floor, end_offer(floor, call, offer, e.OfferEnd.AGENT_LOST, at), at)
