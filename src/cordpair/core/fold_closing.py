"""The end of a wait without an agent: closing time, or the longest wait that the queue allows.

At closing time callers who wait are served out, or handed to who gets the calls at closed hours.

Only a call that was never offered can be handed over: the first invite makes a group call of it, and Teams transfers
none of those. Who has been offered once is served out.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import call as calls
from cordpair.core.call import Call, CallState, EndedBy, Move, Outcome
from cordpair.core.effects import Face, HangUp, TransferCall
from cordpair.core.events import ClosingTime, TransferFailed, WaitTooLong
from cordpair.core.floor import Floor
from cordpair.core.fold_claim_first import take_down
from cordpair.core.fold_entry import Barred, leave, overflowed, reason_of, sends_to, why_closed
from cordpair.core.fold_speech import quiet
from cordpair.core.hours import AtClosing
from cordpair.core.open_times import calendar_of
from cordpair.errors import IllegalEvent


def watch_closing(floor: Floor, call: Call, at: datetime) -> None:
    """Let closing time come for a call that begins to wait at `at`, where its queue moves its callers then."""
    queue = floor.queue_of(call)
    calendar = calendar_of(queue)
    if calendar is None or queue.hours is None or queue.hours.at_closing is not AtClosing.MOVE:
        return
    closes = calendar.next_edge(at) if calendar.is_open(at) else at
    if closes is not None:
        floor.timer(f"closing:{call.id}", closes, 0, ClosingTime(at=closes, call=call.id))


def closing_time(floor: Floor, event: ClosingTime) -> None:
    """Hand the call over if it waits, may be handed over, and there is somebody to take it."""
    call = floor.call(event.call)
    if call.state is not CallState.QUEUED:
        raise IllegalEvent("not_waiting")
    queue = floor.queue_of(call)
    why = why_closed(queue, event.at)
    if why is None:  # the hours have been changed meanwhile
        watch_closing(floor, call, event.at)
        return
    target = sends_to(queue, floor.gate.fallback_user, event.at)
    hand_over(floor, call, Barred(reason=reason_of(why), why=why, target=target), event.at)


def hand_over(floor: Floor, call: Call, why: Barred, at: datetime) -> None:
    """The waiting caller goes to somebody else. Raises IllegalEvent when nobody can take them any more."""
    if call.offers or not why.target:
        raise IllegalEvent("served_out")
    call = quiet(floor, take_down(floor, call, Face.TAKEN))
    floor.stop_waiting(call)
    leave(floor, calls.move(call, Move.SEND_ON, CallState.CLOSED), why, at)
    floor.order(TransferCall(call=call.id, graph_id=call.graph_id, target=why.target))


def watch_wait(floor: Floor, call: Call, at: datetime) -> None:
    """Let the longest wait of the queue come for a call that begins to wait at `at`."""
    longest_s = floor.queue_of(call).max_wait_s
    if longest_s is not None:
        due = WaitTooLong(at=at + timedelta(seconds=longest_s), call=call.id)
        floor.timer(f"longest:{call.id}", at, longest_s, due)


def wait_too_long(floor: Floor, event: WaitTooLong) -> None:
    """The caller has waited long enough for us: somebody else takes them, unless an agent is being rung or was."""
    call = floor.call(event.call)
    if call.state is not CallState.QUEUED:
        raise IllegalEvent("not_waiting")
    hand_over(floor, call, overflowed(floor, floor.queue_of(call), "max_wait"), event.at)


def transfer_failed(floor: Floor, event: TransferFailed) -> None:
    """Nobody took it. As with a ringing call that is sent on, that is its end: the caller shall not wait in silence."""
    call = floor.call(event.call)
    is_handed_over = call.outcome is Outcome.FLOWED_OUT and call.established_at is not None
    if not is_handed_over or call.ended_by is not None:
        raise IllegalEvent("not_handed_over")
    floor.save_call(replace(call, ended_by=EndedBy.UNKNOWN))
    floor.order(HangUp(call=call.id, graph_id=call.graph_id))
