"""What Graph tells of a call: arrival, answer, end. Late facts find their place, doubled ones do nothing."""

from datetime import datetime

from msgspec.structs import replace

from cordpair.core import call as calls
from cordpair.core.call import Call, CallState, Crossed, EndedBy, Move, Outcome
from cordpair.core.caller import settled
from cordpair.core.changes import Leg
from cordpair.core.effects import AnswerCall, Face, RejectCall
from cordpair.core.events import (
    AnswerFailed,
    Arrived,
    CallEnded,
    CallRefreshed,
    CheckDue,
    Established,
    OfferEnd,
)
from cordpair.core.floor import Floor
from cordpair.core.flow_leaving import IN_MENU
from cordpair.core.fold_claim_first import take_down
from cordpair.core.fold_enqueue import wait_in_queue
from cordpair.core.fold_entry import barred, send_on
from cordpair.core.fold_flow import at_beginning, begin_flow
from cordpair.core.fold_offers import close_offer, end_offer, free_agent, seek
from cordpair.core.fold_roster import join, leave
from cordpair.core.fold_speech import hushed
from cordpair.core.fold_stand_in import stand_down
from cordpair.core.fold_watch import CHECK_S, HEARD_OF_CHECK_S, arm_check, hear, marked, order_refresh
from cordpair.core.fold_wrap_up import start_wrap_up
from cordpair.errors import IllegalEvent


def arrive(floor: Floor, event: Arrived) -> None:
    """A caller rings. Facts that came before the arrival are taken up after it."""
    told = floor.call_or_new(event.call, event.graph_id, event.at)
    arrived_at = min(told.heard_at, event.at)
    flow = floor.flow_dialled(event.dialled)
    queue = None if flow else floor.queue_dialled(event.dialled)
    arrival = {
        "arrived_at": arrived_at,
        "sequence": floor.sequence,
        "caller": event.caller,
        "candidates": event.candidates,
        "party": settled(event.candidates),
        "last_agent": event.last_agent,
        "last_met_at": event.last_met_at,
        "inferred": (*told.inferred, "arrived_at") if event.inferred else told.inferred,
    }
    if queue is None and flow is None:
        closed = {"closed_at": event.at, "outcome": Outcome.FLOWED_OUT, "outcome_reason": "no_queue"}
        call = calls.move(told, Move.ARRIVE, CallState.CLOSED, **arrival, **closed)
        floor.save_call(call)
        floor.cancel(f"check:{call.id}")
        if told.ended_at is None:
            floor.order(RejectCall(call=call.id, graph_id=call.graph_id))
        return
    is_untouched = told.established_at is None and told.agent is None and told.ended_at is None
    begins = {"queue": queue.id if queue else None, "flow": at_beginning(flow) if flow else None}
    if is_untouched and (why := barred(floor, told, queue, arrived_at)) is not None:
        send_on(floor, calls.move(told, Move.ARRIVE, CallState.CLOSED, **begins, **arrival), why, event.at)
        return
    blank = {"established_at": None, "connected_at": None, "ended_at": None, "agent": None}
    call = floor.save_call(calls.move(told, Move.ARRIVE, CallState.RINGING, **begins, **{**arrival, **blank}))
    floor.sequence += 1
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=arrived_at))
    if is_untouched:
        floor.order(AnswerCall(call=call.id, graph_id=call.graph_id))
    arm_check(floor, call, event.at, CHECK_S)
    _take_up(floor, call, told)


def _take_up(floor: Floor, call: Call, told: Call) -> None:
    """Replay on the arrived call what was heard of it before, in the order in which it must have happened."""
    if told.established_at is not None:
        call = _establish(floor, call, told.established_at)
    if told.agent is not None:
        call = join(floor, floor.calls[call.id], told.agent, told.connected_at or told.heard_at)
    if told.ended_at is not None:
        _end(floor, floor.calls[call.id], told.ended_at, EndedBy.UNKNOWN)


def establish(floor: Floor, event: Established) -> None:
    call = floor.call_or_new(event.call, event.graph_id, event.at)
    if call.state is CallState.HEARD_OF:
        hear(floor, calls.move(call, Move.ESTABLISH, call.state, established_at=event.at), event.at)
    else:
        _establish(floor, call, event.at, inferred=event.inferred)


def _establish(floor: Floor, call: Call, at: datetime, *, inferred: bool = False) -> Call:
    begins_flow = call.flow is not None and call.queue is None
    state = CallState.IN_FLOW if begins_flow else CallState.QUEUED
    call = calls.move(call, Move.ESTABLISH, state, established_at=at)
    call = floor.save_call(marked(call, "established_at") if inferred else call)
    if begins_flow:
        begin_flow(floor, call, at)
    else:
        wait_in_queue(floor, call, at)
    return floor.calls[call.id]


def refuse(floor: Floor, event: AnswerFailed) -> None:
    """Graph would not let us answer: the call leaves the queue with its reason."""
    call = floor.call(event.call)
    outcome = {"outcome": Outcome.FLOWED_OUT, "outcome_reason": f"answer_failed:{event.why}"}
    floor.save_call(calls.move(call, Move.REFUSE, CallState.CLOSED, closed_at=event.at, ended_at=event.at, **outcome))
    floor.cancel(f"check:{call.id}")


def end(floor: Floor, event: CallEnded) -> None:
    """The call is gone: an abandoned one is closed, a conversation goes to its wrap-up."""
    call = floor.call_or_new(event.call, event.graph_id, event.at)
    if call.state is CallState.HEARD_OF:
        hear(floor, calls.move(call, Move.END, call.state, ended_at=call.ended_at or event.at), event.at)
        return
    if event.inferred:
        call = marked(call, "ended_at")
    _end(floor, call, event.at, EndedBy.UNKNOWN if event.inferred else EndedBy.CALLER)


def _end(floor: Floor, call: Call, at: datetime, by: EndedBy) -> None:
    if call.state is CallState.WRAP_UP:
        return  # the agent left first
    if call.crossed is not None and call.is_live and calls.allows(call, Move.JOIN):
        call = _accept_crossed(floor, floor.save_call(call), call.crossed)
    if call.state is CallState.CONNECTED:
        call = floor.save_call(calls.move(call, Move.END, CallState.WRAP_UP, ended_at=at, ended_by=by))
        start_wrap_up(floor, call, at)
        return
    rings, call = call.rings, stand_down(floor, take_down(floor, call, Face.MISSED), rings=False)
    gone = {"ended_at": at, "closed_at": at, "ended_by": by, "outcome": Outcome.ABANDONED}
    if call.state is CallState.IN_FLOW:
        gone["outcome_reason"] = IN_MENU
    closed = calls.move(hushed(floor, call), Move.END, CallState.CLOSED, offer=None, beside=(), **gone)
    floor.stop_waiting(call)
    for offer in rings:
        call = close_offer(floor, call, offer, OfferEnd.WITHDRAWN, at, Face.MISSED)
    floor.save_call(replace(closed, cards=call.cards))
    floor.cancel(f"check:{call.id}")
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=call.arrived_at or at, left_at=at))
    for offer in rings:
        free_agent(floor, closed, offer.agent, OfferEnd.WITHDRAWN, at)


def _accept_crossed(floor: Floor, call: Call, crossed: Crossed) -> Call:
    """The call ended before it could be read again: whoever was seen in it, though we took their ring back, had it."""
    at, agent = crossed.at, crossed.agent
    floor.remember("Crossed", at, call=call.id, agent=agent, before=call.state, after=CallState.CONNECTED)
    return join(floor, call, agent, at, inferred=True)


def refreshed(floor: Floor, event: CallRefreshed) -> None:
    """A re-read is folded, and none of those who are rung is in the roster.

    If Graph had said before the re-read that they accepted, they were there and have left. If the ring had had its time
    before the re-read, they missed it, if it rang at all.
    """
    call = floor.call(event.call)
    if call.state is CallState.HEARD_OF and call.ended_at is not None:
        reason = {"outcome": Outcome.FLOWED_OUT, "outcome_reason": "unseen", "closed_at": event.at}
        floor.save_call(calls.move(call, Move.REFUSE, CallState.CLOSED, **reason))
        floor.cancel(f"check:{call.id}")
        return
    answered = next((one for one in call.rings if _is_told(one.completed, event)), None)
    if answered is not None:
        call = join(floor, call, answered.agent, event.at, inferred=True)
        leave(floor, call, event.at, inferred=True)
        return
    missed = [one for one in call.rings if _is_told(one.expired, event)]
    for offer in missed:
        call = end_offer(floor, call, offer, OfferEnd.UNSURE if offer.unsure else OfferEnd.MISSED, event.at)
    if missed:
        seek(floor, call, event.at)


def _is_told(wanted: int | None, event: CallRefreshed) -> bool:
    """Whether this re-read, or a later one, was waited for."""
    return wanted is not None and event.number >= wanted


def check(floor: Floor, event: CheckDue) -> None:
    """Keep the call alive, re-read it, and give agents who were excluded another chance."""
    call = floor.call(event.call)
    if not (call.is_live or call.state is CallState.HEARD_OF):
        raise IllegalEvent("call_over")
    call = order_refresh(floor, call)
    arm_check(floor, call, event.at, HEARD_OF_CHECK_S if call.state is CallState.HEARD_OF else CHECK_S)
    if call.state is CallState.QUEUED and call.excluded:
        floor.router.gone(call.id)
        seek(floor, floor.save_call(replace(call, excluded=())), event.at)
