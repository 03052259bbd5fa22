"""After the conversation: the agent writes it down, and the call is closed with one activity or one pending item."""

from datetime import datetime, timedelta

from cordpair.core import agent as agents
from cordpair.core import call as calls
from cordpair.core.agent import AgentMove, AgentState
from cordpair.core.call import Call, Move
from cordpair.core.changes import Leg, PendingItem
from cordpair.core.effects import Face, LogActivity
from cordpair.core.events import WrapUpExpired
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import available


def start_wrap_up(floor: Floor, call: Call, at: datetime) -> Call:
    """The conversation is over: the agent has the queue's time to write it down."""
    assert call.agent is not None
    floor.cancel(f"check:{call.id}")
    wrap_up_s = floor.queue_of(call).wrap_up_s
    expired = WrapUpExpired(at=at + timedelta(seconds=wrap_up_s), call=call.id)
    floor.timer(f"wrap:{call.id}", at, wrap_up_s, expired)
    joined = call.joined_at or call.connected_at or at
    floor.save_leg(Leg(call=call.id, number=call.leg_number, agent=call.agent, joined_at=joined, left_at=at))
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=call.arrived_at or at, left_at=at))
    agent = floor.agents.get(call.agent)
    if agent is not None and agent.call in (None, call.id) and agents.allows(agent, AgentMove.OVER):
        floor.router.busy(agent.id)
        floor.save_agent(agents.move(agent, AgentMove.OVER, AgentState.WRAP_UP, at, call=call.id))
    return floor.show(call, call.agent, Face.WRAP_UP)


def close(floor: Floor, call: Call, step: Move, at: datetime, **written: object) -> None:
    """The call is written down: one activity of its settled party, or one pending item with its reason."""
    call = calls.written_down(call, step, at, **written)
    floor.save_call(call)
    floor.cancel(f"wrap:{call.id}", *([] if call.is_beyond else [f"check:{call.id}"]))
    reason = calls.pending_reason(call)
    if reason is None:
        floor.order(LogActivity(call=call.id))
    else:
        floor.changes.pending[call.id] = PendingItem(call=call.id, reason=reason, since=at)
    assert call.agent is not None
    floor.show(call, call.agent, Face.DONE)
    agent = floor.agents.get(call.agent)
    if agent is not None and agent.state is AgentState.WRAP_UP and agent.call == call.id:
        idle = {"idle_since": at, "call": None, "after": AgentState.READY}
        available(floor, floor.save_agent(agents.move(agent, AgentMove.FINISH, agent.after, at, **idle)), at)
