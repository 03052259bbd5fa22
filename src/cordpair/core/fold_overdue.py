"""The longest wait of a call that rings or has rung: the ring may end or is cut, then a stand-in is rung.

routing.md section 6, "Offer": a queue time-out may cut a ring short, or wait for its end; by queue.
"""

from msgspec.structs import replace

from cordpair.core import call as calls
from cordpair.core import events as e
from cordpair.core.call import Call, CallState, Move, Outcome
from cordpair.core.changes import Leg
from cordpair.core.floor import Floor
from cordpair.core.fold_entry import overflowed
from cordpair.core.fold_offers import end_offer, seek
from cordpair.core.fold_pass import stands
from cordpair.core.fold_stand_in import is_rung_for, ring_stand_in, stand_down
from cordpair.core.fold_watch import order_refresh
from cordpair.core.ids import CallId, TransferId
from cordpair.core.queue_rules import AtTimeout
from cordpair.core.transfer import Beyond
from cordpair.errors import IllegalEvent


def overdue(floor: Floor, event: e.WaitTooLong) -> bool:
    """A call that rings or has rung has waited too long. False for one that never did: it can be handed over."""
    call = floor.call(event.call)
    if not call.offers or call.state not in (CallState.QUEUED, CallState.OFFERED):
        return False
    if not overflowed(floor, floor.queue_of(call), "max_wait").target:
        raise IllegalEvent("served_out")
    if call.rings and floor.queue_of(call).at_timeout is AtTimeout.FINISH:
        floor.stop_seeking(floor.save_call(replace(call, overdue=True)))
        return True
    floor.stop_seeking(call)
    for offer in call.rings:
        call = end_offer(floor, call, offer, e.OfferEnd.WITHDRAWN, event.at)
    ring_stand_in(floor, call, event.at)
    return True


def unanswered(floor: Floor, event: e.TransferUnanswered) -> bool:
    """Graph says that the stand-in did not come. False when it was none."""
    call = _rung(floor, event.call, event.transfer)
    if call is None:
        return False
    seek(floor, stand_down(floor, call, rings=False), event.at)
    return True


def timed_out(floor: Floor, event: e.TransferTimedOut) -> bool:
    """The stand-in's ring has had its time: the roster is read first. False when it was none."""
    call = _rung(floor, event.call, event.transfer)
    if call is None or call.transfer is None:
        return False
    ring = replace(call.transfer, expired=call.checks + 1)
    order_refresh(floor, floor.save_call(replace(call, transfer=ring)))
    return True


def refreshed(floor: Floor, event: e.CallRefreshed) -> None:
    """A re-read is folded and did not show a stand-in whose ring had had its time: the caller is served out."""
    call = floor.calls.get(event.call)
    ring = call.transfer if call is not None and is_rung_for(call) else None
    if call is not None and ring is not None and ring.expired is not None and event.number >= ring.expired:
        seek(floor, stand_down(floor, call, rings=True), event.at)


def roster(floor: Floor, event: e.RosterSeen) -> bool:
    """The stand-in stands in the call: it goes on with them. False when they do not, or there is none."""
    call = floor.calls.get(event.call)
    ring = call.transfer if call is not None and is_rung_for(call) else None
    if call is None or ring is None or event.sequence < call.roster or not stands(ring.id, ring.target, event):
        return False
    if any(user in floor.agents for user in event.users):
        return False  # an agent answered at the last moment: they have the call
    floor.cancel(f"transfer:{ring.id}")
    beyond = Beyond(id=ring.id, target=ring.target, at=event.at)
    told = {"outcome": Outcome.FLOWED_OUT, "outcome_reason": "max_wait", "ended_at": event.at, "roster": event.sequence}
    floor.save_call(calls.move(call, Move.SEND_ON, CallState.PASSED_ON, transfer=None, beyond=beyond, **told))
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=call.arrived_at or event.at, left_at=event.at))
    return True


def _rung(floor: Floor, call_id: CallId, ring: TransferId) -> Call | None:
    call = floor.calls.get(call_id)
    return call if call is not None and is_rung_for(call) and call.transfer and call.transfer.id == ring else None
