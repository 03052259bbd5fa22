"""Calls that we place, as the floor folds them: asked for, the agent's client rings, the party rings, both talk.

Graph names a call when it has begun to place it. Until then it stands under a name of ours; then that one is closed and
the call goes on under Graph's.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import call as calls
from cordpair.core import events as e
from cordpair.core.agent import AgentMove, AgentState
from cordpair.core.call import Call, CallState, EndedBy, Move, Outcome
from cordpair.core.caller import settled
from cordpair.core.effects import Face, HangUp, PlaceCall, RingParty
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import available
from cordpair.core.fold_roster import bind
from cordpair.core.fold_watch import CHECK_S, arm_check, order_refresh
from cordpair.core.fold_wrap_up import start_wrap_up
from cordpair.core.ids import AgentId, GraphCallId, participant_id
from cordpair.core.outbound import Outbound, party_name
from cordpair.core.transfer import TransferEnd
from cordpair.core.transfer_check import is_dialable
from cordpair.errors import IllegalEvent

#: So long the agent's client rings, and so long the party's telephone. Graph itself gives up after a minute.
AGENT_RING_S = 40.0
PARTY_RING_S = 50.0

#: Graph's answer to the request that places a call has come by then, or is lost.
NAMED_WITHIN_S = 15.0

#: Why an agent's client did not take the call, by the SIP-like code of its end.
_ENDS = {603: TransferEnd.DECLINED, 486: TransferEnd.BUSY, 600: TransferEnd.BUSY, 404: TransferEnd.UNREACHABLE}

_PLACES = frozenset({AgentState.READY, AgentState.BREAK})


def asked(floor: Floor, event: e.OutboundAsked) -> None:
    """An agent calls somebody on behalf of a queue. Raises IllegalEvent with the reason when that cannot be."""
    agent, queue = floor.agent(event.agent), floor.queues.get(event.queue)
    if event.call in floor.calls:
        raise IllegalEvent("call_taken")
    if queue is None or queue.id not in agent.queues:
        raise IllegalEvent("not_your_queue")
    if agent.state not in _PLACES:
        raise IllegalEvent("not_ready")
    if not is_dialable(event.caller.e164 or ""):
        raise IllegalEvent("number_not_allowed")
    call = Call(
        id=event.call,
        graph_id=GraphCallId(""),
        state=CallState.PLACING,
        queue=queue.id,
        heard_at=event.at,
        caller=event.caller,
        candidates=event.candidates,
        party=settled(event.candidates),
        agent=agent.id,
        outbound=Outbound(account=queue.resource_account, because_of=event.because_of),
    )
    if floor.is_full_for(call):
        raise IllegalEvent("quota")
    floor.save_call(call)
    floor.router.busy(agent.id)
    floor.save_agent(agents.move(agent, AgentMove.RING, AgentState.RINGING, event.at, call=call.id, after=agent.state))
    floor.order(PlaceCall(call=call.id, agent=agent.id, account=queue.resource_account))
    _let_time_out(floor, call, event.at, AGENT_RING_S)


def created(floor: Floor, event: e.OutboundCreated) -> None:
    """Graph has named the call. What has been told of it under that name is taken up."""
    placed = floor.call(event.call)
    told = floor.call_or_new(event.named, event.graph_id, event.at)
    if placed.outcome is Outcome.UNREACHED:  # given up while Graph was asked: nobody is to be rung for it
        floor.order(HangUp(call=event.named, graph_id=event.graph_id))
        return
    if placed.state is not CallState.PLACING or told.state is not CallState.HEARD_OF:
        raise IllegalEvent("not_placing")
    floor.save_call(calls.move(placed, Move.NAME, CallState.CLOSED, closed_at=event.at))
    floor.month_calls -= 1  # it goes on under its other name
    floor.cancel(f"outbound:{placed.id}")
    same = ("queue", "caller", "candidates", "party", "agent", "outbound")
    known = {name: getattr(placed, name) for name in same} | {"heard_at": placed.heard_at, "established_at": None}
    call = calls.move(replace(told, ended_at=None), Move.NAME, CallState.DIALLING, **known)
    floor.save_call(call)
    _carry_agent(floor, placed, call)
    call = floor.show(call, agent_of(call), Face.CALLING)
    arm_check(floor, call, event.at, CHECK_S)
    _let_time_out(floor, call, event.at, AGENT_RING_S)
    if told.established_at is not None:
        answered(floor, floor.calls[call.id], told.established_at)
    if told.ended_at is not None:
        ended(floor, floor.calls[call.id], told.ended_at)


def agent_of(call: Call) -> AgentId:
    """The agent for whom a call was placed."""
    assert call.agent is not None
    return call.agent


def _carry_agent(floor: Floor, placed: Call, call: Call) -> None:
    agent = floor.agents.get(agent_of(placed))
    if agent is not None and agent.call == placed.id:
        floor.save_agent(replace(agent, call=call.id))


def refused(floor: Floor, event: e.OutboundRefused) -> None:
    """Graph did not place it."""
    call = floor.call(event.call)
    if call.state is not CallState.PLACING:
        raise IllegalEvent("not_placing")
    _give_up(floor, call, event.why, event.at)


def answered(floor: Floor, call: Call, at: datetime) -> None:
    """The agent stands in the call: now the party is rung."""
    call = calls.move(call, Move.ESTABLISH, CallState.REACHING, established_at=at, is_group=True)
    assert call.outbound is not None
    call = floor.save_call(replace(call, outbound=replace(call.outbound, rung_at=at)))
    bind(floor, agent_of(call), call, at)
    floor.order(RingParty(call=call.id, graph_id=call.graph_id))
    _let_time_out(floor, call, at, PARTY_RING_S)
    floor.show(floor.calls[call.id], agent_of(call), Face.CALLING)


def established(floor: Floor, event: e.Established) -> bool:
    """Whether the agent of a call that we place has answered; False: it is none."""
    call = floor.calls.get(event.call)
    if call is None or call.outbound is None:
        if call is not None and _is_nobodys(call, event):
            floor.order(HangUp(call=call.id, graph_id=call.graph_id))
        return False
    if call.state is CallState.DIALLING:
        answered(floor, call, event.at)
    return True


def _is_nobodys(call: Call, event: e.Established) -> bool:
    """Whether this is a call that we have had placed without ever hearing its name: nobody is to wait in it."""
    is_old = event.at - call.heard_at >= timedelta(seconds=NAMED_WITHIN_S)
    return call.state is CallState.HEARD_OF and event.outgoing and is_old


def unanswered(floor: Floor, event: e.TransferUnanswered) -> bool:
    """Whether it is the party of a call that we place who did not come; False: it is a transfer."""
    call = floor.calls.get(event.call)
    if call is None or call.outbound is None or event.transfer != party_name(call.id):
        return False
    if call.state is not CallState.REACHING:
        raise IllegalEvent("transfer_over")
    _unreached(floor, call, event.why, event.at)
    return True


def timed_out(floor: Floor, event: e.OutboundTimedOut) -> None:
    """Somebody has been rung for as long as we let it ring: the roster is read before the party is called unreached."""
    call = floor.call(event.call)
    if call.state is CallState.PLACING:
        _give_up(floor, call, TransferEnd.UNREACHABLE, event.at)
    elif call.state is CallState.DIALLING:
        floor.order(HangUp(call=call.id, graph_id=call.graph_id))
        _give_up(floor, call, TransferEnd.TIMED_OUT, event.at)
    elif call.state is CallState.REACHING and call.outbound is not None:
        outbound = replace(call.outbound, expired=call.checks + 1)
        order_refresh(floor, floor.save_call(replace(call, outbound=outbound)))
    else:
        raise IllegalEvent("not_placing")


def refreshed(floor: Floor, event: e.CallRefreshed) -> None:
    """A re-read is folded and did not show the party."""
    call = floor.calls.get(event.call)
    if call is None or call.outbound is None or call.state is not CallState.REACHING:
        return
    if call.outbound.expired is not None and event.number >= call.outbound.expired:
        _unreached(floor, call, TransferEnd.TIMED_OUT, event.at)


def roster(floor: Floor, event: e.RosterSeen) -> bool:
    """Who stands in a call that we place. False where that is looked at like any other call's."""
    call = floor.calls.get(event.call)
    if call is None or call.outbound is None or not call.is_live or event.sequence < call.roster:
        return False
    is_there = participant_id(party_name(call.id)) in event.participants
    if call.state is CallState.REACHING:
        _while_it_rings(floor, floor.save_call(replace(call, roster=event.sequence)), event, is_there=is_there)
        return True
    return call.state is CallState.DIALLING


def party_left(floor: Floor, event: e.RosterSeen) -> bool:
    """Whether a roster shows that the party has gone for whom the call is: then it is over, whoever else is in it."""
    call = floor.calls.get(event.call)
    if call is None or call.outbound is None or call.connected_at is None or not call.is_live:
        return False
    return event.sequence >= call.roster and participant_id(party_name(call.id)) not in event.participants


def _while_it_rings(floor: Floor, call: Call, event: e.RosterSeen, *, is_there: bool) -> None:
    agent = agent_of(call)
    if is_there:
        floor.cancel(f"outbound:{call.id}")
        talks = {"connected_at": event.at, "outcome": Outcome.ANSWERED}
        call = floor.save_call(calls.move(call, Move.JOIN, CallState.CONNECTED, **talks))
        floor.show(call, agent, Face.STRIP)
    elif agent in event.users:
        floor.save_call(replace(call, seen_talking=True))
    elif call.seen_talking:
        _unreached(floor, call, TransferEnd.CANCELLED, event.at)


def hung_up(floor: Floor, call: Call, at: datetime) -> bool:
    """The agent gives up by the card before the party is there. False when it is no such call."""
    if call.state is CallState.DIALLING:
        floor.order(HangUp(call=call.id, graph_id=call.graph_id))
        _give_up(floor, call, TransferEnd.CANCELLED, at)
    elif call.state is CallState.REACHING:
        _unreached(floor, call, TransferEnd.CANCELLED, at)
    else:
        return False
    return True


def ended(floor: Floor, call: Call, at: datetime, code: int | None = None) -> bool:
    """The call is gone; `code` is Graph's. False when that is folded like any other call's end."""
    if call.outbound is None:
        return False
    if call.state is CallState.DIALLING:
        _give_up(floor, call, _ENDS.get(code or 0, TransferEnd.NO_ANSWER), at)
    elif call.state is CallState.REACHING:
        _unreached(floor, call, TransferEnd.CANCELLED, at)
    else:
        return False
    return True


def ring_lost(floor: Floor, call: Call, at: datetime) -> bool:
    """The agent whom it rings has gone away. False when it is no call that we place."""
    if call.outbound is None or call.state not in (CallState.PLACING, CallState.DIALLING):
        return False
    if call.state is CallState.DIALLING:
        floor.order(HangUp(call=call.id, graph_id=call.graph_id))
    _give_up(floor, call, TransferEnd.UNREACHABLE, at)
    return True


def _unreached(floor: Floor, call: Call, why: TransferEnd, at: datetime) -> None:
    """The party was not reached: the agent writes it down, and nothing rings any more."""
    floor.cancel(f"outbound:{call.id}")
    floor.order(HangUp(call=call.id, graph_id=call.graph_id))
    told = {"ended_at": at, "ended_by": EndedBy.UNKNOWN, "outcome": Outcome.UNREACHED, "outcome_reason": why.value}
    start_wrap_up(floor, floor.save_call(calls.move(call, Move.END, CallState.WRAP_UP, **told)), at)


def _give_up(floor: Floor, call: Call, why: TransferEnd, at: datetime) -> None:
    """It did not even come to the agent: nothing is to be written down, and they are where they were."""
    floor.cancel(f"outbound:{call.id}", f"check:{call.id}")
    told = {"ended_at": at, "closed_at": at, "outcome": Outcome.UNREACHED, "outcome_reason": f"agent_{why.value}"}
    call = floor.save_call(calls.move(call, Move.END, CallState.CLOSED, **told))
    call = floor.show(call, agent_of(call), Face.CALLING)
    agent = floor.agents.get(agent_of(call))
    if agent is None or agent.state is not AgentState.RINGING or agent.call != call.id:
        return
    back = agent.after if agent.after in _PLACES else AgentState.READY
    agent = agents.move(agent, AgentMove.RESTORE, back, at, call=None, after=AgentState.READY)
    available(floor, floor.save_agent(agent), at)


def _let_time_out(floor: Floor, call: Call, at: datetime, after_s: float) -> None:
    due = e.OutboundTimedOut(at=at + timedelta(seconds=after_s), call=call.id)
    floor.timer(f"outbound:{call.id}", at, after_s, due)
