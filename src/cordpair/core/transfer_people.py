"""What a transfer does to agents: whom it rings, who comes into the call, who is out of it and free again."""

from datetime import datetime

from cordpair.core import agent as agents
from cordpair.core.agent import Agent, AgentMove, AgentState
from cordpair.core.call import Call
from cordpair.core.changes import Leg
from cordpair.core.effects import Face
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import available
from cordpair.core.fold_roster import bind
from cordpair.core.ids import AgentId
from cordpair.core.transfer import TargetKind, Transfer

#: Legs of agents who came by a transfer are numbered from here on, behind those of offers.
TRANSFER_LEGS = 10_000


def rung_agent(transfer: Transfer) -> AgentId | None:
    """The agent of ours whom a transfer is to, None where it is somebody else."""
    return AgentId(transfer.target.id) if transfer.target.kind is TargetKind.AGENT else None


def rung(floor: Floor, call: Call, transfer: Transfer, at: datetime) -> Call:
    """An agent whom it rings gets the card of the call, and nothing else meanwhile."""
    agent_id = rung_agent(transfer)
    if agent_id is None:
        return call
    agent = floor.agent(agent_id)
    if agents.allows(agent, AgentMove.RING):
        floor.router.busy(agent_id)
        floor.save_agent(agents.move(agent, AgentMove.RING, AgentState.RINGING, at, call=call.id))
    return floor.show(call, agent_id, Face.RINGING)


def joined(floor: Floor, call: Call, transfer: Transfer, at: datetime) -> None:
    """An agent whom it rang stands in the call."""
    agent_id = rung_agent(transfer)
    if agent_id is not None:
        bind(floor, agent_id, call, at)
        floor.save_leg(_leg(floor.calls[call.id], transfer, joined_at=at))


def parted(floor: Floor, call: Call, transfer: Transfer, at: datetime) -> None:
    """An agent whom it rang is out of it again: they are where they were before, and their card says so."""
    agent_id = rung_agent(transfer)
    if agent_id is None:
        return
    if transfer.joined_at is not None:
        floor.save_leg(_leg(call, transfer, joined_at=transfer.joined_at, left_at=at))
    floor.show(call, agent_id, Face.MISSED if transfer.joined_at is None else Face.PASSED)
    _free(floor, agent_id, call, at)


def released(floor: Floor, call: Call, agent: AgentId, at: datetime) -> None:
    """The agent who had the call has passed it on: free at once, the next one writes it down."""
    floor.save_leg(agent_leg(call, agent, at))
    _free(floor, agent, call, at)


def agent_leg(call: Call, agent: AgentId, left_at: datetime | None) -> Leg:
    """The stay of the agent who has the call."""
    joined_at = call.joined_at or call.connected_at or call.heard_at
    return Leg(call=call.id, number=call.leg_number, agent=agent, joined_at=joined_at, left_at=left_at)


def _leg(call: Call, transfer: Transfer, *, joined_at: datetime, left_at: datetime | None = None) -> Leg:
    number = TRANSFER_LEGS + transfer.number
    return Leg(call=call.id, number=number, agent=rung_agent(transfer), joined_at=joined_at, left_at=left_at)


def _free(floor: Floor, agent_id: AgentId, call: Call, at: datetime) -> None:
    agent = floor.agents.get(agent_id)
    if agent is None or agent.call != call.id:
        return
    if agent.state is AgentState.RINGING:
        target = agent.after if agent.after in (AgentState.READY, AgentState.BREAK) else AgentState.READY
        agent = agents.move(agent, AgentMove.RESTORE, target, at, call=None, after=AgentState.READY)
    elif agent.state is AgentState.TALKING:
        agent = _after_talk(agent, at)
    else:
        return
    available(floor, floor.save_agent(agent), at)


def _after_talk(agent: Agent, at: datetime) -> Agent:
    """Out of a conversation that somebody else writes down."""
    agent = agents.move(agent, AgentMove.OVER, AgentState.WRAP_UP, at)
    idle = {"idle_since": at, "call": None, "after": AgentState.READY}
    return agents.move(agent, AgentMove.FINISH, agent.after, at, **idle)
