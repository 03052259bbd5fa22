"""A stand-in for a queue: rung for a caller who has waited as long as the queue allows and was offered before.

Such a call is a group call, which Teams hands over no more (ADR 1): the overflow user is rung into it instead, and once
they stand in it, it goes on with them while we hold the line. If they do not come, the caller is served out.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core.call import Call, CallState
from cordpair.core.effects import Face, RingTarget, WithdrawTarget
from cordpair.core.events import TransferTimedOut
from cordpair.core.floor import Floor
from cordpair.core.fold_claim_first import take_down
from cordpair.core.fold_entry import overflowed
from cordpair.core.ids import AgentId, transfer_id
from cordpair.core.transfer import Target, TargetKind, Transfer, TransferKind

#: As with a transfer: Graph lets an invite ring for a minute.
RING_S = 45.0
NOBODY = AgentId("")  #: passes the caller on


def is_rung_for(call: Call) -> bool:
    """Whether a stand-in is being rung for this call."""
    return call.state is CallState.QUEUED and call.transfer is not None


def ring_stand_in(floor: Floor, call: Call, at: datetime) -> bool:
    """Ring the overflow user for a waiting call. False where there is none."""
    user = overflowed(floor, floor.queue_of(call), "max_wait").target
    if not user or is_rung_for(call):
        return False
    floor.stop_waiting(call)
    call = take_down(floor, call, Face.TAKEN)
    number = call.transfers + 1
    target = Target(kind=TargetKind.USER, id=user)
    name = transfer_id(call.id, number)
    ring = Transfer(id=name, number=number, kind=TransferKind.BLIND, target=target, agent=NOBODY, at=at)
    floor.save_call(replace(call, transfer=ring, transfers=number, overdue=False))
    floor.order(RingTarget(call=call.id, graph_id=call.graph_id, transfer=name))
    due = TransferTimedOut(at=at + timedelta(seconds=RING_S), call=call.id, transfer=name)
    floor.timer(f"transfer:{name}", at, RING_S, due)
    floor.remember("StandInRang", at, call=call.id, before=call.state, after=call.state, to=user)
    return True


def stand_down(floor: Floor, call: Call, *, rings: bool) -> Call:
    """The stand-in is not wanted any more, if one was rung. `rings`: their client rings still."""
    ring = call.transfer
    if ring is None or not is_rung_for(call):
        return call
    floor.cancel(f"transfer:{ring.id}")
    if rings:
        floor.order(WithdrawTarget(call=call.id, graph_id=call.graph_id, transfer=ring.id))
    return floor.save_call(replace(call, transfer=None))
