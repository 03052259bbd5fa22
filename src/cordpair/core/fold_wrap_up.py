"""After the conversation: the agent writes it down, and the call is closed with one activity or one pending item.

routing.md section 6, "Wrap-up". Whatever the queue's mode, a call waits for its wrap-up no longer than its time; the
mode says whether the agent is bound meanwhile, and whether the time ends early.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import call as calls
from cordpair.core.agent import AgentMove, AgentState
from cordpair.core.call import Call, CallState, Move, Outcome
from cordpair.core.caller import choosable
from cordpair.core.changes import Leg, PendingItem
from cordpair.core.effects import Face, LogActivity
from cordpair.core.events import WrapUpEnded, WrapUpExpired, WrapUpExtended, WrapUpSaved
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import available
from cordpair.core.ids import AgentId, CallId
from cordpair.core.queue_rules import WrapUpMode
from cordpair.errors import IllegalEvent


def start_wrap_up(floor: Floor, call: Call, at: datetime) -> Call:
    """The conversation is over: the agent has the queue's time to write it down, bound or free as the mode says."""
    assert call.agent is not None
    floor.cancel(f"check:{call.id}")
    joined = call.joined_at or call.connected_at or at
    floor.save_leg(Leg(call=call.id, number=call.leg_number, agent=call.agent, joined_at=joined, left_at=at))
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=call.arrived_at or at, left_at=at))
    _over(floor, call, at)
    queue = floor.queue_of(call)
    if queue.wrap_up is WrapUpMode.NONE:
        close(floor, call, Move.EXPIRE_WRAP_UP, at)
        return floor.calls[call.id]
    call = floor.show(_until(floor, call, at, queue.wrap_up_s), call.agent, Face.WRAP_UP)
    if queue.wrap_up is WrapUpMode.OPTIONAL:
        _free(floor, call, at)
    return call


def _over(floor: Floor, call: Call, at: datetime) -> None:
    """The agent talks no more."""
    agent = floor.agents.get(call.agent) if call.agent else None
    if agent is not None and agent.call in (None, call.id) and agents.allows(agent, AgentMove.OVER):
        floor.router.busy(agent.id)
        floor.save_agent(agents.move(agent, AgentMove.OVER, AgentState.WRAP_UP, at, call=call.id))


def _until(floor: Floor, call: Call, at: datetime, more_s: float) -> Call:
    """The wrap-up ends by itself so many seconds after `at`."""
    until = at + timedelta(seconds=more_s)
    floor.timer(f"wrap:{call.id}", at, more_s, WrapUpExpired(at=until, call=call.id))
    return replace(call, wrap_up_until=until)


def save(floor: Floor, event: WrapUpSaved) -> None:
    """What the agent has written. A fixed time goes on all the same, and what was written may be written anew."""
    call = _own(floor, event.call, event.agent)
    queue = floor.queue_of(call)
    allowed = {disposition.id for disposition in queue.dispositions}
    if allowed and event.disposition not in allowed:
        raise IllegalEvent("unknown_disposition")
    if event.party is not None and event.party not in {candidate.party for candidate in choosable(call.candidates)}:
        raise IllegalEvent("unknown_party")
    written = {"disposition": event.disposition, "note": event.note, "party": event.party or call.party}
    until = call.wrap_up_until
    if queue.wrap_up is WrapUpMode.FIXED and until is not None and event.at < until:
        call = calls.move(call, Move.GO_ON, CallState.WRAP_UP, **written)
        floor.show(call, event.agent, Face.WRAP_UP)
    else:
        close(floor, call, Move.SAVE_WRAP_UP, event.at, **written)


def extend(floor: Floor, event: WrapUpExtended) -> None:
    """More time, as often as the queue allows."""
    call = _own(floor, event.call, event.agent)
    queue = floor.queue_of(call)
    longer = calls.move(call, Move.GO_ON, CallState.WRAP_UP, extended=call.extended + 1)
    if call.wrap_up_until is None or call.extended >= queue.extensions:
        raise IllegalEvent("no_extension_left")
    floor.show(_until(floor, longer, call.wrap_up_until, queue.extend_s), event.agent, Face.WRAP_UP)


def end_wrap_up(floor: Floor, event: WrapUpEnded) -> None:
    """Done before its time. Only a supervisor ends a fixed time."""
    call = floor.call(event.call) if event.is_supervisor else _own(floor, event.call, event.by)
    if not event.is_supervisor and floor.queue_of(call).wrap_up is WrapUpMode.FIXED:
        raise IllegalEvent("fixed_time")
    close(floor, call, Move.EXPIRE_WRAP_UP, event.at)


def _own(floor: Floor, call_id: CallId, agent: AgentId) -> Call:
    call = floor.call(call_id)
    if call.agent != agent:
        raise IllegalEvent("not_your_call")
    return call


def close(floor: Floor, call: Call, step: Move, at: datetime, **written: object) -> None:
    """The call is written down: one activity of its settled party, or one pending item with its reason."""
    call = calls.written_down(call, step, at, **written)
    floor.save_call(call)
    floor.cancel(f"wrap:{call.id}", *([] if call.is_beyond else [f"check:{call.id}"]))
    reason = calls.pending_reason(call)
    if reason is None:
        floor.order(LogActivity(call=call.id))
    elif call.outcome is not Outcome.UNREACHED:  # whom we did not reach, nobody has to name
        floor.changes.pending[call.id] = PendingItem(call=call.id, reason=reason, since=at)
    assert call.agent is not None
    floor.show(call, call.agent, Face.DONE)
    _free(floor, call, at)


def _free(floor: Floor, call: Call, at: datetime) -> None:
    """The agent is bound no longer; they are idle from now on, or still, by a call that they placed."""
    agent = floor.agents.get(call.agent) if call.agent else None
    if agent is not None and agent.state is AgentState.WRAP_UP and agent.call == call.id:
        costs_turn = (
            call.outbound is None or floor.queue_of(call).outbound_counts or agent.after is not AgentState.READY
        )
        idle_since = at if costs_turn else agent.idle_since
        idle = {"idle_since": idle_since, "call": None, "after": AgentState.READY}
        available(floor, floor.save_agent(agents.move(agent, AgentMove.FINISH, agent.after, at, **idle)), at)
