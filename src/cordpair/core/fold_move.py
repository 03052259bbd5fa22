"""A supervisor moves a waiting call to another queue: its age goes with it, so that it loses no place through us."""

from msgspec.structs import replace

from cordpair.core.call import CallState
from cordpair.core.effects import Face
from cordpair.core.events import CallMoved
from cordpair.core.floor import Floor
from cordpair.core.fold_claim_first import take_down
from cordpair.core.fold_closing import watch_closing, watch_wait
from cordpair.core.fold_entry import why_closed
from cordpair.core.fold_offers import seek
from cordpair.core.fold_treatment import wait_again
from cordpair.errors import IllegalEvent


def move_call(floor: Floor, event: CallMoved) -> None:
    """Let it wait in another queue, for whoever serves that one; agents who said not now there may be asked again.

    Raises IllegalEvent: not_waiting, unknown_queue, same_queue, queue_closed.
    """
    call, queue = floor.call(event.call), floor.queues.get(event.queue)
    if call.state is not CallState.QUEUED:
        raise IllegalEvent("not_waiting")
    if queue is None:
        raise IllegalEvent("unknown_queue")
    if queue.id == call.queue:
        raise IllegalEvent("same_queue")
    if why_closed(queue, event.at) is not None:
        raise IllegalEvent("queue_closed")
    call = take_down(floor, call, Face.TAKEN)
    floor.stop_waiting(call)
    floor.leave_queue(call)
    before = call.queue or ""
    call = floor.save_call(replace(call, queue=queue.id, excluded=()))
    floor.remember("Moved", event.at, call=call.id, before_queue=before, queue=queue.id, by=event.by)
    call = wait_again(floor, call, event.at)
    watch_closing(floor, call, event.at)
    watch_wait(floor, call, event.at)
    seek(floor, call, event.at)
