"""Claim first: all who could take a call are shown it, and only the client of whoever presses "Take it" rings.

For queues that everybody serves, without a ring at everybody (ADR 1). Nobody is chosen: the first to press has it, and
who accepts is still said by the roster. A call that comes back from a ring is shown to the others again.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from cordpair.core.agent import Agent, AgentState
from cordpair.core.availability import rung_for
from cordpair.core.call import Call
from cordpair.core.effects import Face
from cordpair.core.floor import Floor

#: The bot writes to so many agents about one call, those who are idle longest, and to one agent about so many calls.
MOST_AGENTS = 50
MOST_CALLS = 5


def announce(floor: Floor, call: Call, at: datetime) -> None:
    """Show a call that waits to those who could take it now and were not shown it yet."""
    if not floor.queue_of(call).claim_first or not floor.room_of(call):
        return
    free = sorted(_free_for(floor, call, at), key=lambda agent: (agent.idle_since, agent.id))
    for agent in free[: MOST_AGENTS - len(call.announced)]:
        call = _shown(floor, call, agent)


def announce_to(floor: Floor, agent: Agent, at: datetime) -> None:
    """Show an agent who has become free what waits to be claimed."""
    waiting = [
        call
        for queue in agent.queues
        if queue in floor.queues and floor.queues[queue].claim_first
        for call in floor.waiting_calls(queue)
        if floor.room_of(call) and len(call.announced) < MOST_AGENTS and _may_claim(floor, agent, call, at)
    ]
    for call in sorted(waiting, key=lambda call: call.sequence)[:MOST_CALLS]:
        _shown(floor, call, agent)


def take_down(floor: Floor, call: Call, face: Face) -> Call:
    """The call is not to be claimed any more: those who were shown it see `face`."""
    announced = call.announced
    if announced:
        call = floor.save_call(replace(call, announced=()))
        for agent in announced:
            call = floor.show(call, agent, face)
    return call


def _shown(floor: Floor, call: Call, agent: Agent) -> Call:
    return floor.show(replace(call, announced=(*call.announced, agent.id)), agent.id, Face.CLAIMABLE)


def _free_for(floor: Floor, call: Call, at: datetime) -> Iterator[Agent]:
    """Looks at everybody: it is everybody who is to be shown the call."""
    return (agent for agent in floor.agents.values() if _may_claim(floor, agent, call, at))


def _may_claim(floor: Floor, agent: Agent, call: Call, at: datetime) -> bool:
    if agent.state is not AgentState.READY or call.queue not in agent.queues:
        return False
    if agent.id in call.announced or agent.id in call.excluded:
        return False
    open_to = rung_for(agent, floor.queues, at)
    need = floor.need_of(call, at)
    return (open_to is None or call.queue in open_to) and need.met_by(dict(agent.ability.attributes))
