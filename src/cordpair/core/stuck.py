"""Which calls are stuck: no event and no deadline has moved them for longer than their state can last."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from cordpair.core.call import Call, CallState
from cordpair.core.floor import Floor

GRACE = timedelta(seconds=90)  #: three checks of a call: that long the re-reads may take to set things right
LONGEST_TALK = timedelta(hours=12)
#: A call in its flow has a time-out of its own for whatever it waits for.
_WAITS = (CallState.CLOSED, CallState.QUEUED, CallState.IN_FLOW)


def stuck_calls(floor: Floor, at: datetime) -> list[Call]:
    """The calls of the floor that should have moved on by `at`. One that waits in its queue or flow is not stuck."""
    return [call for call in _open(floor) if at > _at_the_latest(floor, call) + GRACE]


def _open(floor: Floor) -> Iterable[Call]:
    return (call for call in floor.calls.values() if call.state not in _WAITS)


def _at_the_latest(floor: Floor, call: Call) -> datetime:
    """When the state of the call must be over, by the queue's own times."""
    queue = floor.queues.get(call.queue) if call.queue else None
    ring_s, wrap_up_s = (queue.ring_timeout_s, queue.wrap_up_s) if queue else (0.0, 0.0)
    match call.state:
        case CallState.OFFERED if call.rings:
            return call.rings[-1].made_at + timedelta(seconds=ring_s)
        case CallState.CONNECTED | CallState.RELEASED | CallState.PASSED_ON:
            return (call.connected_at or call.heard_at) + LONGEST_TALK
        case CallState.WRAP_UP:
            return call.wrap_up_until or (call.ended_at or call.heard_at) + timedelta(seconds=wrap_up_s)
        case _:
            return call.arrived_at or call.heard_at
