"""What Graph tells of a call: arrival, answer, roster, end. Late facts find their place, doubled ones do nothing."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import call as calls
from cordpair.core.agent import AgentMove, AgentState
from cordpair.core.call import Call, CallState, EndedBy, Move, Outcome
from cordpair.core.caller import settled
from cordpair.core.changes import Leg, PendingItem
from cordpair.core.effects import AnswerCall, Face, HangUp, LogActivity, PlayPrompt, RefreshCall, RejectCall
from cordpair.core.events import (
    AnswerFailed,
    Arrived,
    CallEnded,
    CallRefreshed,
    CheckDue,
    Established,
    OfferEnd,
    RosterSeen,
    WrapUpExpired,
)
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import accept_offer, available, close_offer, end_offer, free_agent, seek
from cordpair.core.ids import AgentId
from cordpair.errors import IllegalEvent

#: A call that is only heard of is re-read this soon; a call that stands, this often (Graph wants a sign every 15-45 s).
HEARD_OF_CHECK_S = 2.0
CHECK_S = 30.0


def arrive(floor: Floor, event: Arrived) -> None:
    """A caller rings. Facts that came before the arrival are taken up after it."""
    told = floor.call_or_new(event.call, event.graph_id, event.at)
    arrived_at = min(told.heard_at, event.at)
    queue = floor.queue_dialled(event.dialled)
    arrival = {
        "arrived_at": arrived_at,
        "sequence": floor.sequence,
        "caller": event.caller,
        "candidates": event.candidates,
        "party": settled(event.candidates),
        "inferred": (*told.inferred, "arrived_at") if event.inferred else told.inferred,
    }
    if queue is None:
        closed = {"closed_at": event.at, "outcome": Outcome.FLOWED_OUT, "outcome_reason": "no_queue"}
        call = calls.move(told, Move.ARRIVE, CallState.CLOSED, **arrival, **closed)
        floor.save_call(call)
        floor.cancel(f"check:{call.id}")
        if told.ended_at is None:
            floor.order(RejectCall(call=call.id, graph_id=call.graph_id))
        return
    blank = {"established_at": None, "connected_at": None, "ended_at": None, "agent": None}
    call = floor.save_call(calls.move(told, Move.ARRIVE, CallState.RINGING, queue=queue.id, **{**arrival, **blank}))
    floor.sequence += 1
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=arrived_at))
    if told.established_at is None and told.agent is None and told.ended_at is None:
        floor.order(AnswerCall(call=call.id, graph_id=call.graph_id))
    _arm_check(floor, call, event.at, CHECK_S)
    _take_up(floor, call, told)


def _take_up(floor: Floor, call: Call, told: Call) -> None:
    """Replay on the arrived call what was heard of it before, in the order in which it must have happened."""
    if told.established_at is not None:
        call = _establish(floor, call, told.established_at)
    if told.agent is not None:
        call = _join(floor, floor.calls[call.id], told.agent, told.connected_at or told.heard_at)
    if told.ended_at is not None:
        _end(floor, floor.calls[call.id], told.ended_at, EndedBy.UNKNOWN)


def establish(floor: Floor, event: Established) -> None:
    call = floor.call_or_new(event.call, event.graph_id, event.at)
    if call.state is CallState.HEARD_OF:
        _hear(floor, calls.move(call, Move.ESTABLISH, call.state, established_at=event.at), event.at)
    else:
        _establish(floor, call, event.at, inferred=event.inferred)


def _establish(floor: Floor, call: Call, at: datetime, *, inferred: bool = False) -> Call:
    queue = floor.queue_of(call)
    call = calls.move(call, Move.ESTABLISH, CallState.QUEUED, established_at=at, prompts=1)
    call = floor.save_call(_marked(call, "established_at") if inferred else call)
    floor.order(PlayPrompt(call=call.id, graph_id=call.graph_id, prompt=queue.greeting, number=1))
    seek(floor, call, at)
    return floor.calls[call.id]


def refuse(floor: Floor, event: AnswerFailed) -> None:
    """Graph would not let us answer: the call leaves the queue with its reason."""
    call = floor.call(event.call)
    outcome = {"outcome": Outcome.FLOWED_OUT, "outcome_reason": f"answer_failed:{event.why}"}
    floor.save_call(calls.move(call, Move.REFUSE, CallState.CLOSED, closed_at=event.at, ended_at=event.at, **outcome))
    floor.cancel(f"check:{call.id}")


def roster(floor: Floor, event: RosterSeen) -> None:
    """Who stands in the call. An older roster still proves that an agent was there."""
    call = floor.call_or_new(event.call, event.graph_id, event.at)
    newest = event.sequence >= call.roster
    present = [user for user in event.users if user in floor.agents]
    if newest and event.sequence > call.roster:
        call = replace(call, roster=event.sequence)
    if call.state is CallState.HEARD_OF:
        if present and call.agent is None:
            call = calls.move(call, Move.JOIN, call.state, agent=present[0], connected_at=event.at)
        _hear(floor, call, event.at)
        return
    proof = bool(present) and call.connected_at is None and _can_join(call)
    floor.save_call(call)
    if proof:
        call = _join(floor, call, present[0], event.at, inferred=event.inferred)
        if not newest and call.state is CallState.CONNECTED:
            _leave(floor, call, event.at, inferred=True)
    elif newest and call.state is CallState.CONNECTED and call.agent not in present:
        _leave(floor, call, event.at, inferred=event.inferred)


def _can_join(call: Call) -> bool:
    """Whether an agent in the roster is news: not for a call that we sent away ourselves."""
    return calls.allows(call, Move.JOIN) and call.outcome in (None, Outcome.ABANDONED)


def _join(floor: Floor, call: Call, agent_id: AgentId, at: datetime, *, inferred: bool = False) -> Call:
    """The agent stands in the roster: that is what accepted means."""
    if call.state is CallState.CLOSED:
        return _join_late(floor, call, agent_id)
    floor.router.gone(call.id)
    if call.offer is not None:
        if call.offer.agent == agent_id:
            accept_offer(floor, call)
        else:  # an earlier offer was accepted late; the one that rings now is taken back
            call = end_offer(floor, call, OfferEnd.WITHDRAWN, at)
    _bind(floor, agent_id, call, at)
    call = floor.calls[call.id]
    known = {"established_at": call.established_at or at, "outcome": Outcome.ANSWERED}
    call = calls.move(call, Move.JOIN, CallState.CONNECTED, agent=agent_id, connected_at=at, offer=None, **known)
    call = floor.save_call(_marked(call, "connected_at") if inferred else call)
    floor.save_leg(Leg(call=call.id, number=max(call.offers, 1), agent=agent_id, joined_at=at))
    return floor.show(call, agent_id, Face.STRIP)


def _bind(floor: Floor, agent_id: AgentId, call: Call, at: datetime) -> None:
    """The agent talks now, whatever we believed; a ring of another call at them is taken back."""
    agent = floor.agents[agent_id]
    floor.router.busy(agent_id)
    if agent.state is AgentState.RINGING and agent.call not in (None, call.id):
        other = floor.calls[agent.call]
        floor.save_agent(agents.move(agent, AgentMove.JOIN, AgentState.TALKING, at, call=call.id))
        seek(floor, end_offer(floor, other, OfferEnd.WITHDRAWN, at), at)
    elif agents.allows(agent, AgentMove.JOIN):
        floor.save_agent(agents.move(agent, AgentMove.JOIN, AgentState.TALKING, at, call=call.id))


def _join_late(floor: Floor, call: Call, agent_id: AgentId) -> Call:
    """We took the call for abandoned, and now we learn that an agent was there before it ended."""
    ended_at = call.ended_at or call.heard_at
    facts = {"agent": agent_id, "connected_at": ended_at, "established_at": call.established_at or ended_at}
    blank = {"outcome": Outcome.ANSWERED, "closed_at": None, "ended_by": EndedBy.UNKNOWN}
    call = _marked(calls.move(call, Move.JOIN, CallState.WRAP_UP, **facts, **blank), "connected_at")
    floor.save_call(call)
    floor.save_leg(Leg(call=call.id, number=max(call.offers, 1), agent=agent_id, joined_at=ended_at, left_at=ended_at))
    return start_wrap_up(floor, call, ended_at)


def _leave(floor: Floor, call: Call, at: datetime, *, inferred: bool = False) -> None:
    """The agent hung up. In a group call the caller would sit there alone: end the call for them too."""
    call = calls.move(call, Move.LEAVE, CallState.WRAP_UP, ended_at=at, ended_by=EndedBy.AGENT)
    call = floor.save_call(_marked(call, "ended_at") if inferred else call)
    floor.order(HangUp(call=call.id, graph_id=call.graph_id))
    start_wrap_up(floor, call, at)


def end(floor: Floor, event: CallEnded) -> None:
    """The call is gone: an abandoned one is closed, a conversation goes to its wrap-up."""
    call = floor.call_or_new(event.call, event.graph_id, event.at)
    if call.state is CallState.HEARD_OF:
        _hear(floor, calls.move(call, Move.END, call.state, ended_at=call.ended_at or event.at), event.at)
        return
    if event.inferred:
        call = _marked(call, "ended_at")
    _end(floor, call, event.at, EndedBy.UNKNOWN if event.inferred else EndedBy.CALLER)


def _end(floor: Floor, call: Call, at: datetime, by: EndedBy) -> None:
    if call.state is CallState.WRAP_UP:
        return  # the agent left first
    if call.state is CallState.CONNECTED:
        call = floor.save_call(calls.move(call, Move.END, CallState.WRAP_UP, ended_at=at, ended_by=by))
        start_wrap_up(floor, call, at)
        return
    offer = call.offer
    gone = {"ended_at": at, "closed_at": at, "ended_by": by, "outcome": Outcome.ABANDONED, "offer": None}
    closed = calls.move(call, Move.END, CallState.CLOSED, **gone)
    floor.router.gone(call.id)
    if offer is not None:
        closed = replace(closed, cards=close_offer(floor, call, OfferEnd.WITHDRAWN, at, Face.MISSED).cards)
    floor.save_call(closed)
    floor.cancel(f"check:{call.id}")
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=call.arrived_at or at, left_at=at))
    if offer is not None:
        free_agent(floor, offer.agent, OfferEnd.WITHDRAWN, at)


def refreshed(floor: Floor, event: CallRefreshed) -> None:
    """A re-read is folded, and the agent of the offer is not in the roster.

    If Graph had said before the re-read that they accepted, they were there and have left. If the ring had had its time
    before the re-read, they missed it, if it rang at all.
    """
    call = floor.call(event.call)
    if call.state is CallState.HEARD_OF and call.ended_at is not None:
        reason = {"outcome": Outcome.FLOWED_OUT, "outcome_reason": "unseen", "closed_at": event.at}
        floor.save_call(calls.move(call, Move.REFUSE, CallState.CLOSED, **reason))
        floor.cancel(f"check:{call.id}")
        return
    offer = call.offer
    if offer is not None and offer.completed is not None and event.number >= offer.completed:
        call = _join(floor, call, offer.agent, event.at, inferred=True)
        _leave(floor, call, event.at, inferred=True)
    elif offer is not None and offer.expired is not None and event.number >= offer.expired:
        why = OfferEnd.UNSURE if offer.unsure else OfferEnd.MISSED
        seek(floor, end_offer(floor, call, why, event.at), event.at)


def check(floor: Floor, event: CheckDue) -> None:
    """Keep the call alive, re-read it, and give agents who were excluded another chance."""
    call = floor.call(event.call)
    if not (call.is_live or call.state is CallState.HEARD_OF):
        raise IllegalEvent("call_over")
    call = order_refresh(floor, call)
    _arm_check(floor, call, event.at, HEARD_OF_CHECK_S if call.state is CallState.HEARD_OF else CHECK_S)
    if call.state is CallState.QUEUED and call.excluded:
        floor.router.gone(call.id)
        seek(floor, floor.save_call(replace(call, excluded=())), event.at)


def order_refresh(floor: Floor, call: Call) -> Call:
    """Order a re-read of the call from Graph."""
    call = floor.save_call(replace(call, checks=call.checks + 1))
    floor.order(RefreshCall(call=call.id, graph_id=call.graph_id, number=call.checks))
    return call


def start_wrap_up(floor: Floor, call: Call, at: datetime) -> Call:
    """The conversation is over: the agent has the queue's time to write it down."""
    assert call.agent is not None
    floor.cancel(f"check:{call.id}")
    wrap_up_s = floor.queue_of(call).wrap_up_s
    expired = WrapUpExpired(at=at + timedelta(seconds=wrap_up_s), call=call.id)
    floor.timer(f"wrap:{call.id}", at, wrap_up_s, expired)
    joined = call.connected_at or at
    floor.save_leg(Leg(call=call.id, number=max(call.offers, 1), agent=call.agent, joined_at=joined, left_at=at))
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=call.arrived_at or at, left_at=at))
    agent = floor.agents.get(call.agent)
    if agent is not None and agent.call in (None, call.id) and agents.allows(agent, AgentMove.OVER):
        floor.router.busy(agent.id)
        floor.save_agent(agents.move(agent, AgentMove.OVER, AgentState.WRAP_UP, at, call=call.id))
    return floor.show(call, call.agent, Face.WRAP_UP)


def close(floor: Floor, call: Call, step: Move, at: datetime, **written: object) -> None:
    """The call is written down: one activity of its settled party, or one pending item with its reason."""
    call = calls.move(call, step, CallState.CLOSED, closed_at=at, **written)
    floor.save_call(call)
    floor.cancel(f"wrap:{call.id}", f"check:{call.id}")
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


def _hear(floor: Floor, call: Call, at: datetime) -> None:
    """Remember a fact of a call that has not arrived, and see to it that the call is re-read soon."""
    if call.id not in floor.calls:
        _arm_check(floor, call, at, HEARD_OF_CHECK_S)
    floor.save_call(call)


def _arm_check(floor: Floor, call: Call, at: datetime, after_s: float) -> None:
    floor.timer(f"check:{call.id}", at, after_s, CheckDue(at=at + timedelta(seconds=after_s), call=call.id))


def _marked(call: Call, instant: str) -> Call:
    """Mark an instant as inferred."""
    return call if instant in call.inferred else replace(call, inferred=(*call.inferred, instant))
