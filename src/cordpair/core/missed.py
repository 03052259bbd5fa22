"""What the fate of a call means for what we owe its caller: missed calls are listed; who came first crosses it off."""

from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.callback import CALLED_BACK, CallbackEnd, CallbackKind, CallbackState
from cordpair.core.callback_dial import answers, came_of
from cordpair.core.caller import CallerKind
from cordpair.core.floor import Floor
from cordpair.core.fold_callback import came_to, close, opened, settle
from cordpair.core.tenant import queue_named

#: Callers whom nobody served, besides those who gave up: the queue had no room or nobody for them.
_OVERFLOWED = frozenset({"full", "nobody", "max_wait", "long_wait"})


def follow(floor: Floor, event: e.AnyEvent, before: str) -> None:
    """Look at the call of an event that has just been folded; `before` was its state."""
    if isinstance(event, e.AgentFact):
        settle(floor, event.agent, event.at)
        return
    call = floor.calls.get(event.call)
    if call is not None and call.state != before:
        _changed(floor, call, event, before)
    if call is not None and call.agent is not None:
        settle(floor, call.agent, event.at)


def _changed(floor: Floor, call: Call, event: e.CallEvent, before: str) -> None:
    """What the new state of a call means for what we owe."""
    owed = answers(floor, call)
    result = came_of(call) if owed is not None else None
    if owed is not None and result is not None:
        came_to(floor, owed, result, event.at)
    if isinstance(event, e.Arrived) and call.state is not CallState.CLOSED:
        _came_back(floor, call, event)
    has_agent = call.state is CallState.CONNECTED or (before == CallState.CLOSED and call.state is CallState.WRAP_UP)
    if call.state is CallState.CLOSED and call.outcome is not Outcome.ANSWERED and floor.callbacks.keeps(call.id):
        floor.save_call(replace(call, outcome=Outcome.FLOWED_OUT, outcome_reason=CALLED_BACK))
    elif has_agent:
        _served(floor, call, event)
    elif call.state is CallState.CLOSED and _is_missed(floor, call):
        _list(floor, call, event)


def _came_back(floor: Floor, call: Call, event: e.Arrived) -> None:
    """Whoever keeps a place and calls again comes to it: the new call is as old as the one that kept it."""
    for callback in floor.callbacks.owed_to(call.caller.e164):
        if callback.kind is CallbackKind.KEPT and callback.state is not CallbackState.TAKEN:
            close(floor, callback, CallbackEnd.CALLED_IN, event.at)
            kept = callback.place.queued_at or callback.place.arrived_at
            if callback.queue == call.queue and kept is not None and call.arrived_at is not None:
                older_s = max(0.0, (call.arrived_at - kept).total_seconds())
                call = floor.save_call(replace(call, credit_s=max(call.credit_s, older_s)))


def _served(floor: Floor, call: Call, event: e.AnyEvent) -> None:
    """Whoever talks to an agent is not missed any more."""
    for callback in floor.callbacks.owed_to(call.caller.e164):
        if callback.state in (CallbackState.LISTED, CallbackState.WAITING, CallbackState.OFFERED):
            close(floor, callback, CallbackEnd.CALLED_IN, event.at)


def _is_missed(floor: Floor, call: Call) -> bool:
    if call.queue is None or not call.caller.e164 or call.caller.kind is not CallerKind.NUMBER:
        return False
    is_unserved = call.outcome is Outcome.ABANDONED or (
        call.outcome is Outcome.FLOWED_OUT and call.outcome_reason in _OVERFLOWED
    )
    return is_unserved and queue_named(floor.queues, call.queue).callbacks.missed_list


def _list(floor: Floor, call: Call, event: e.AnyEvent) -> None:
    """One item for each caller and queue, however often they try."""
    assert call.queue is not None
    for callback in floor.callbacks.owed_to(call.caller.e164):
        if callback.queue == call.queue:
            floor.save_callback(replace(callback, times=callback.times + 1))
            return
    keep_s = queue_named(floor.queues, call.queue).callbacks.missed_s
    opened(floor, call, call.queue, CallbackKind.MISSED, CallbackState.LISTED, event.at, keep_s)
