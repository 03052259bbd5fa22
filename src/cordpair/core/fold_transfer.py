"""Transfers as the floor folds them: asked for, ringing, both in the call, over. See `core.transfer`.

Whoever stands in the roster is there, whatever was ordered: a transfer takes place when the roster shows the other one,
never because a button was pressed. What fails gives the caller back to the agent; if that one has gone meanwhile, the
caller waits again, with the age they had.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core.call import Call, CallState, EndedBy
from cordpair.core.effects import Face, HoldCaller, RemoveAgent, RingTarget, WithdrawTarget
from cordpair.core.floor import Floor
from cordpair.core.fold_pass import hand_over, requeue, stands, talking
from cordpair.core.fold_released import over
from cordpair.core.fold_roster import leave
from cordpair.core.fold_watch import order_refresh
from cordpair.core.ids import AgentId, QueueId, TransferId, transfer_id
from cordpair.core.transfer import (
    Stage,
    TargetKind,
    Transfer,
    TransferEnd,
    TransferFailure,
    TransferKind,
)
from cordpair.core.transfer_check import check_target
from cordpair.core.transfer_people import joined, parted, rung, rung_agent
from cordpair.errors import IllegalEvent

#: Graph lets an invite ring for a minute; ours ends before, so that we know why it ended.
RING_S = 45.0


def asked(floor: Floor, event: e.TransferAsked) -> None:
    """The agent passes the caller on. Raises IllegalEvent with the reason when that cannot be, or only `anyway`."""
    call = talking(floor, event.call, event.agent)
    if call.transfer is not None:
        raise IllegalEvent("transfer_under_way")
    check_target(floor, event)
    written = {"disposition": event.disposition or call.disposition, "note": event.note or call.note}
    call = replace(call, transfers=call.transfers + 1, failure=None, dialled=event.dialled, **written)
    if event.target.kind is TargetKind.QUEUE:
        requeue(floor, call, QueueId(event.target.id), event.agent, event.at, is_in_call=True)
    else:
        _ring(floor, call, event)


def _ring(floor: Floor, call: Call, event: e.TransferAsked) -> None:
    transfer = Transfer(
        id=transfer_id(call.id, call.transfers),
        number=call.transfers,
        kind=event.kind,
        target=event.target,
        agent=event.agent,
        at=event.at,
        held=event.kind is TransferKind.CONSULT,
    )
    withdrawn = tuple(it for it in call.withdrawn if it != event.target.id)  # they are rung anew
    call = floor.save_call(replace(call, transfer=transfer, withdrawn=withdrawn))
    if transfer.held:
        floor.order(HoldCaller(call=call.id, graph_id=call.graph_id, on=True, number=transfer.number))
    call = rung(floor, call, transfer, event.at)
    floor.order(RingTarget(call=call.id, graph_id=call.graph_id, transfer=transfer.id))
    due = e.TransferTimedOut(at=event.at + timedelta(seconds=RING_S), call=call.id, transfer=transfer.id)
    floor.timer(f"transfer:{transfer.id}", event.at, RING_S, due)
    _remember(floor, "TransferRang", call, transfer, event.at)
    floor.show(call, event.agent, Face.STRIP)


def unanswered(floor: Floor, event: e.TransferUnanswered) -> None:
    """Graph says that the other one did not come."""
    call = floor.call(event.call)
    _fail(floor, call, _ringing(call, event.transfer), event.why, event.at, withdraw=False)


def timed_out(floor: Floor, event: e.TransferTimedOut) -> None:
    """The ring has had its time: the roster is read before that is called no answer."""
    call = floor.call(event.call)
    transfer = replace(_ringing(call, event.transfer), expired=call.checks + 1)
    order_refresh(floor, floor.save_call(replace(call, transfer=transfer)))


def refreshed(floor: Floor, event: e.CallRefreshed) -> None:
    """A re-read is folded and did not show the other one."""
    call = floor.calls.get(event.call)
    transfer = call.transfer if call is not None else None
    if call is not None and transfer is not None and transfer.expired is not None and event.number >= transfer.expired:
        _fail(floor, call, transfer, TransferEnd.TIMED_OUT, event.at, withdraw=True)


def completed(floor: Floor, event: e.TransferCompleted) -> None:
    """The agent leaves the caller to the other one, who is in the call."""
    call = talking(floor, event.call, event.agent)
    if call.transfer is None or call.transfer.stage is not Stage.TALKING:
        raise IllegalEvent("nobody_to_pass_to")
    _done(floor, call, call.transfer, event.at, is_in_call=True)


def cancelled(floor: Floor, event: e.TransferCancelled) -> None:
    """The agent takes the caller back, whether the other one rings or talks."""
    call = talking(floor, event.call, event.agent)
    if call.transfer is None:
        raise IllegalEvent("no_transfer")
    _fail(floor, call, call.transfer, TransferEnd.CANCELLED, event.at, withdraw=True)


def hung_up(floor: Floor, event: e.AgentHungUp) -> None:
    """The agent leaves the call by its card: that ends it, or makes a blind transfer of one that is under way.

    Of a released call they say so that it is over.
    """
    known = floor.call(event.call)
    if known.state is CallState.RELEASED and known.agent == event.agent:
        over(floor, known, event, EndedBy.UNKNOWN)
        return
    call = talking(floor, event.call, event.agent)
    transfer = call.transfer
    if transfer is None:
        leave(floor, call, event.at)
    elif transfer.stage is Stage.TALKING:
        _done(floor, call, transfer, event.at, is_in_call=True)
    elif transfer.agent_left is not None:
        raise IllegalEvent("call_over")
    else:
        floor.order(RemoveAgent(call=call.id, graph_id=call.graph_id, agent=event.agent, number=transfer.number))
        call = replace(call, transfer=replace(transfer, agent_left=event.at))
        floor.show(floor.save_call(call), event.agent, Face.PASSED)


def not_held(floor: Floor, event: e.HoldRefused) -> None:
    """Graph plays no music to the caller: the agent is told that they are heard."""
    call = floor.call(event.call)
    if call.transfer is None or not call.transfer.held:
        raise IllegalEvent("no_transfer")
    transfer = replace(call.transfer, held=False)
    floor.show(floor.save_call(replace(call, transfer=transfer)), transfer.agent, Face.STRIP)


def ring_lost(floor: Floor, call: Call, agent: AgentId, at: datetime) -> bool:
    """An agent whom a transfer rings has gone away. False when it is no transfer that rings them."""
    transfer = call.transfer
    if transfer is None or transfer.stage is not Stage.RINGING or rung_agent(transfer) != agent:
        return False
    _fail(floor, call, transfer, TransferEnd.UNREACHABLE, at, withdraw=True)
    return True


def roster(floor: Floor, event: e.RosterSeen) -> bool:
    """Who stands in a call that is being transferred. False when it is none."""
    call = floor.calls.get(event.call)
    if call is None or call.transfer is None or call.state is not CallState.CONNECTED:
        return False
    if event.sequence < call.roster:
        return True  # a newer one has been seen: this one says nothing for sure
    call = floor.save_call(replace(call, roster=event.sequence))
    assert call.transfer is not None
    _seen(floor, call, call.transfer, event)
    return True


def _seen(floor: Floor, call: Call, transfer: Transfer, event: e.RosterSeen) -> None:
    is_there, is_agent_there = stands(transfer.id, transfer.target, event), transfer.agent in event.users
    if transfer.stage is Stage.RINGING:
        _while_it_rings(floor, call, transfer, event.at, is_there=is_there, is_agent_there=is_agent_there)
    elif is_there and not is_agent_there:
        _done(floor, call, transfer, event.at, is_in_call=False)
    elif is_agent_there and not is_there:
        _fail(floor, call, transfer, TransferEnd.LEFT, event.at, withdraw=False)
    elif not is_there:
        call = _over(floor, call, transfer, TransferEnd.LEFT, event.at)
        parted(floor, call, transfer, event.at)
        leave(floor, floor.calls[call.id], event.at)


def _while_it_rings(
    floor: Floor, call: Call, transfer: Transfer, at: datetime, *, is_there: bool, is_agent_there: bool
) -> None:
    if not is_agent_there and transfer.agent_left is None:
        transfer = replace(transfer, agent_left=at)
    if is_there:
        transfer = replace(transfer, stage=Stage.TALKING, joined_at=at)
    call = floor.save_call(replace(call, transfer=transfer))
    if not is_there:
        return
    floor.cancel(f"transfer:{transfer.id}")
    joined(floor, call, transfer, at)
    call = floor.calls[call.id]
    if transfer.kind is TransferKind.BLIND or transfer.agent_left is not None:
        _done(floor, call, transfer, at, is_in_call=transfer.agent_left is None)
        return
    call = floor.show(call, transfer.agent, Face.STRIP)
    other = rung_agent(transfer)
    if other is not None:
        floor.show(call, other, Face.STRIP)


def _done(floor: Floor, call: Call, transfer: Transfer, at: datetime, *, is_in_call: bool) -> None:
    """The other one has the caller."""
    call = _over(floor, call, transfer, TransferEnd.DONE, at)
    hand_over(floor, call, transfer, at, is_in_call=is_in_call)


def _fail(floor: Floor, call: Call, transfer: Transfer, why: TransferEnd, at: datetime, *, withdraw: bool) -> None:
    """The caller is the agent's again, or waits again where that one has gone. `withdraw`: take the other one out."""
    call = _over(floor, call, transfer, why, at)
    if withdraw:
        floor.order(WithdrawTarget(call=call.id, graph_id=call.graph_id, transfer=transfer.id))
        agent = rung_agent(transfer)
        if agent is not None:
            call = floor.save_call(replace(call, withdrawn=tuple({*call.withdrawn, agent})))
    parted(floor, call, transfer, at)
    call = floor.calls[call.id]
    if transfer.agent_left is None:
        floor.show(call, transfer.agent, Face.STRIP)
    else:
        requeue(floor, call, call.queue, transfer.agent, transfer.agent_left, is_in_call=False, now=at)


def caller_left(floor: Floor, event: e.CallEnded) -> None:
    """The call ends while it is being transferred: the agent writes it down, the other one is free."""
    call = floor.calls.get(event.call)
    if call is None or call.transfer is None or call.state is not CallState.CONNECTED:
        return
    transfer = call.transfer
    call = _over(floor, call, replace(transfer, held=False), TransferEnd.CALLER_LEFT, event.at)
    parted(floor, call, transfer, event.at)


def _over(floor: Floor, call: Call, transfer: Transfer, why: TransferEnd, at: datetime) -> Call:
    """Nothing of the transfer is under way any more; the caller hears people again."""
    floor.cancel(f"transfer:{transfer.id}")
    if transfer.held:
        floor.order(HoldCaller(call=call.id, graph_id=call.graph_id, on=False, number=transfer.number))
    failure = None if why is TransferEnd.DONE else TransferFailure(target=transfer.target, why=why)
    _remember(floor, "TransferOver", call, transfer, at, why=why)
    return floor.save_call(replace(call, transfer=None, failure=failure))


def _ringing(call: Call, transfer: TransferId) -> Transfer:
    """The transfer of this name, while it rings. An older one is over: the fence."""
    if call.transfer is None or call.transfer.id != transfer or call.transfer.stage is not Stage.RINGING:
        raise IllegalEvent("transfer_over")
    return call.transfer


def _remember(floor: Floor, what: str, call: Call, transfer: Transfer, at: datetime, **more: str) -> None:
    told = {"transfer": str(transfer.number), "kind": transfer.kind, "target": transfer.target.kind, **more}
    if transfer.target.id:
        told["to"] = transfer.target.id
    floor.remember(what, at, call=call.id, agent=transfer.agent, before=call.state, after=call.state, **told)
