"""Who has a caller after a transfer: another agent, somebody outside, or the queue again."""

from datetime import datetime

from msgspec.structs import replace

from cordpair.core import call as calls
from cordpair.core import events as e
from cordpair.core.call import Call, CallState, EndedBy, Move, Outcome, pending_reason
from cordpair.core.changes import PendingItem
from cordpair.core.effects import Face, HangUp, LogActivity, RemoveAgent
from cordpair.core.floor import Floor
from cordpair.core.fold_closing import watch_closing, watch_wait
from cordpair.core.fold_offers import seek
from cordpair.core.fold_treatment import wait_again
from cordpair.core.fold_watch import CHECK_S, arm_check
from cordpair.core.fold_wrap_up import start_wrap_up
from cordpair.core.ids import AgentId, CallId, QueueId, TransferId, participant_id
from cordpair.core.transfer import Beyond, Target, TargetKind, Transfer
from cordpair.core.transfer_people import TRANSFER_LEGS, released, rung_agent
from cordpair.errors import IllegalEvent


def talking(floor: Floor, call_id: CallId, agent: AgentId) -> Call:
    """The call that this agent talks in. Raises IllegalEvent."""
    call = floor.call(call_id)
    if call.state is not CallState.CONNECTED:
        raise IllegalEvent("call_over")
    if call.agent != agent:
        raise IllegalEvent("not_your_call")
    return call


def stands(name: TransferId, target: Target, event: e.RosterSeen) -> bool:
    """Whether the one to whom transfer `name` was is in the call."""
    if participant_id(name) in event.participants:
        return True
    return target.kind is not TargetKind.NUMBER and target.id in event.users


def hand_over(floor: Floor, call: Call, transfer: Transfer, at: datetime, *, is_in_call: bool) -> None:
    """The other one has the caller; the agent is out, or is taken out where they are still in the call."""
    if is_in_call:
        _take_out(floor, call, transfer.agent)
    other = rung_agent(transfer)
    if other is None:
        _pass_beyond(floor, call, transfer, at)
        return
    released(floor, call, transfer.agent, transfer.agent_left or at)
    call = floor.calls[call.id]
    seat = {
        "agent": other,
        "joined_at": transfer.joined_at or at,
        "leg": TRANSFER_LEGS + transfer.number,
        "former": transfer.agent,
    }
    call = floor.save_call(calls.move(call, Move.HAND_OVER, CallState.CONNECTED, **seat))
    floor.show(floor.show(call, transfer.agent, Face.PASSED), other, Face.STRIP)


def _take_out(floor: Floor, call: Call, agent: AgentId) -> None:
    floor.order(RemoveAgent(call=call.id, graph_id=call.graph_id, agent=agent, number=call.transfers))


def _pass_beyond(floor: Floor, call: Call, transfer: Transfer, at: datetime) -> None:
    """Somebody outside has the caller: the agent writes it down, and we hold the line."""
    beyond = Beyond(id=transfer.id, target=transfer.target, at=at)
    gone = {"ended_at": transfer.agent_left or at, "ended_by": EndedBy.AGENT}
    call = floor.save_call(calls.move(call, Move.PASS_ON, CallState.WRAP_UP, beyond=beyond, **gone))
    start_wrap_up(floor, call, at)
    arm_check(floor, floor.calls[call.id], at, CHECK_S)


def requeue(
    floor: Floor,
    call: Call,
    queue: QueueId | None,
    agent: AgentId,
    left_at: datetime,
    *,
    is_in_call: bool,
    now: datetime | None = None,
) -> None:
    """Let the caller wait again with the age they have, in `queue`. `agent`, who had them until `left_at`, is free.

    The agent is not rung for this call next, and counts as somebody who crossed with our order until they are seen to
    be out of it.
    """
    at = now or left_at
    if is_in_call:
        _take_out(floor, call, agent)
    before = call.queue or ""
    told = {
        "withdrawn": tuple({*call.withdrawn, agent}),
        "excluded": (agent,),
        "former": agent,
        "agent": None,
        "outcome": None,
    }
    waits = {"queue": queue, "transfer": None}
    waiting = calls.move(call, Move.REQUEUE, CallState.QUEUED, **told, **waits)
    call = floor.show(floor.save_call(waiting), agent, Face.PASSED)
    floor.remember("Requeued", at, call=call.id, agent=agent, before=before, after=call.queue or "")
    call = wait_again(floor, call, at)
    watch_closing(floor, call, at)
    watch_wait(floor, call, at)
    seek(floor, call, at)
    # Only now: nobody who becomes free by it shall go before the caller's own queue.
    released(floor, call, agent, left_at)


def settle_requeued(floor: Floor, event: e.CallEnded) -> None:
    """A caller who waited again has left. An agent has talked to them: the call was answered, and is written down."""
    call = floor.calls.get(event.call)
    if call is None or call.former is None or call.outcome is not Outcome.ABANDONED:
        return
    told = {"outcome": Outcome.ANSWERED, "outcome_reason": "left_after_transfer", "agent": call.former, "former": None}
    call = floor.save_call(replace(call, **told))
    reason = pending_reason(call)
    if reason is None:
        floor.order(LogActivity(call=call.id))
    else:
        floor.changes.pending[call.id] = PendingItem(call=call.id, reason=reason, since=event.at)


def roster_beyond(floor: Floor, event: e.RosterSeen) -> bool:
    """Who stands in a call that goes on with somebody outside. False when it is none."""
    call = floor.calls.get(event.call)
    if call is None or call.beyond is None or not call.is_beyond:
        return False
    if event.sequence < call.roster:
        return True
    call = floor.save_call(replace(call, roster=event.sequence))
    assert call.beyond is not None
    if not stands(call.beyond.id, call.beyond.target, event):
        floor.order(HangUp(call=call.id, graph_id=call.graph_id))
        _beyond_over(floor, call, call.beyond, event.at)
    return True


def end_beyond(floor: Floor, event: e.CallEnded) -> bool:
    """The call is gone that went on with somebody outside. False when it is none."""
    call = floor.calls.get(event.call)
    if call is None or call.beyond is None or not call.is_beyond:
        return False
    _beyond_over(floor, call, call.beyond, event.at)
    return True


def _beyond_over(floor: Floor, call: Call, beyond: Beyond, at: datetime) -> None:
    floor.cancel(f"check:{call.id}")
    call = replace(call, beyond=replace(beyond, until=at))
    if call.state is CallState.PASSED_ON:
        call = calls.move(call, Move.END, CallState.CLOSED, closed_at=at)
    floor.save_call(call)
