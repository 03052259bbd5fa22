"""A call comes from its flow into a queue, or is not taken by it."""

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from cordpair.core import call as calls
from cordpair.core.call import Call, CallState, Move
from cordpair.core.floor import Floor
from cordpair.core.flow import ToQueue
from cordpair.core.flow_leaving import give_up, hand_over
from cordpair.core.fold_closing import watch_closing, watch_wait
from cordpair.core.fold_entry import barred_by_hours, barred_by_load
from cordpair.core.fold_offers import seek
from cordpair.core.fold_treatment import begin_wait


def enter_queue(floor: Floor, call: Call, step: ToQueue, at: datetime) -> str | None:
    """Let the call wait in the queue of a step. The way out for one that the queue does not take; None: none needed."""
    queue = floor.queues.get(step.queue)
    why = None if queue is None else barred_by_hours(floor, queue, at) or barred_by_load(floor, queue, at)
    if (queue is None or why is not None) and step.instead:
        return "instead"
    if queue is None:
        give_up(floor, call, "no_queue", at)
        return None
    place: dict[str, Any] = {"queue": queue.id, "queued_at": at, "credit_s": step.credit_s, "skills": step.skills}
    if why is not None:
        hand_over(floor, replace(call, **place), why, at)
        return None
    floor.remember("Enqueued", at, call=call.id, before=call.state, after=CallState.QUEUED, queue=queue.id)
    wait_in_queue(floor, floor.save_call(calls.move(call, Move.ENQUEUE, CallState.QUEUED, **place)), at)
    return None


def wait_in_queue(floor: Floor, call: Call, at: datetime) -> None:
    """The call waits from now on: for an agent, for closing time, for the longest wait, and hears something."""
    call = begin_wait(floor, call, at)
    watch_closing(floor, call, at)
    watch_wait(floor, call, at)
    seek(floor, call, at)
