"""A waiting call whom its queue does not keep goes on in its flow, where the flow says how."""

from datetime import datetime

from cordpair.core import call as calls
from cordpair.core import fold_closing
from cordpair.core.call import Call, CallState, Move
from cordpair.core.events import ClosingTime, WaitTooLong
from cordpair.core.floor import Floor
from cordpair.core.flow import ToQueue
from cordpair.core.fold_entry import why_closed
from cordpair.core.fold_flow import current_step, go_on
from cordpair.core.fold_overdue import overdue
from cordpair.core.fold_speech import hushed


def wait_too_long(floor: Floor, event: WaitTooLong) -> None:
    """The caller has waited as long as the queue lets them: the flow knows what then, or the queue does."""
    if not _back(floor, floor.call(event.call), event.at) and not overdue(floor, event):
        fold_closing.wait_too_long(floor, event)


def closing_time(floor: Floor, event: ClosingTime) -> None:
    """The queue of a waiting call closes: the flow knows what then, or the queue does."""
    call = floor.call(event.call)
    closes = call.queue is not None and why_closed(floor.queue_of(call), event.at) is not None
    if not (closes and _back(floor, call, event.at)):
        fold_closing.closing_time(floor, event)


def _back(floor: Floor, call: Call, at: datetime) -> bool:
    """Whether the call goes on in its flow.

    Not after an offer: it is a group call then, and most of what a flow could do with it Teams refuses.
    """
    step = current_step(floor, call) if call.flow is not None else None
    if not isinstance(step, ToQueue) or not step.instead or call.offers or call.state is not CallState.QUEUED:
        return False
    floor.stop_waiting(call)
    call = floor.save_call(calls.move(hushed(floor, call), Move.ENTER_FLOW, CallState.IN_FLOW))
    go_on(floor, call, step, "instead", at)
    return True
