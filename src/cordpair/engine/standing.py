"""How agents and queues stand, as the chat shows them, and what an agent orders on the card of it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cordpair.connectors.teams.desk_cards import QueueLine, StatusFacts
from cordpair.core import events as e
from cordpair.core.agent import Agent, AgentState
from cordpair.core.availability import is_on_another_call, may_be_rung
from cordpair.core.breaks import BreakReason
from cordpair.core.call import Call, CallState
from cordpair.core.ids import AgentId
from cordpair.core.tenant import Queue
from cordpair.store.fold import FloorRows

#: Buttons of the status card.
WISHES = frozenset({"go_ready", "go_break", "go_offline"})


def wished(
    verb: str, data: Mapping[str, Any], agent: AgentId, breaks: Sequence[BreakReason], now: datetime
) -> e.WentReady | e.TookBreak | e.SignedOut:
    """The event of a button of the status card. A reason that there is not is none."""
    if verb == "go_break":
        known = {one.id for one in breaks}
        reason = data.get("reason")
        return e.TookBreak(at=now, agent=agent, reason=str(reason) if reason in known else "break")
    return e.WentReady(at=now, agent=agent) if verb == "go_ready" else e.SignedOut(at=now, agent=agent)


def status_of(
    agent: Agent, queues: Sequence[Queue], breaks: Sequence[BreakReason], now: datetime, *, is_set: bool = False
) -> StatusFacts:
    """How an agent stands. `is_set`: not by themselves."""
    known = {queue.id: queue for queue in queues}
    return StatusFacts(
        state=agent.state,
        in_state_s=(now - agent.since).total_seconds(),
        reason=agent.reason,
        presence=agent.presence.availability if agent.presence else "",
        presence_age_s=(now - agent.presence.at).total_seconds() if agent.presence else None,
        is_elsewhere=is_on_another_call(agent),
        held=agent.state is AgentState.READY and not may_be_rung(agent, known, now),
        queues=tuple(known[queue].name for queue in agent.queues if queue in known),
        breaks=tuple(breaks),
        is_set=is_set,
    )


def queue_lines(floor: FloorRows, agent_id: AgentId, now: datetime) -> list[QueueLine]:
    """The queues that an agent serves."""
    own = next(agent for agent in floor.agents if agent.id == agent_id).queues
    return [_queue_line(queue, floor.calls, floor.agents, now) for queue in floor.queues if queue.id in own]


def _queue_line(queue: Queue, calls: list[Call], agents: list[Agent], now: datetime) -> QueueLine:
    waiting = [
        call.arrived_at or call.heard_at
        for call in calls
        if call.queue == queue.id and call.state in (CallState.QUEUED, CallState.OFFERED)
    ]
    return QueueLine(
        name=queue.name,
        waiting=len(waiting),
        longest_wait_s=(now - min(waiting)).total_seconds() if waiting else None,
        ready=sum(agent.state is AgentState.READY and queue.id in agent.queues for agent in agents),
    )
