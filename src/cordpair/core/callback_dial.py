"""A callback that was taken is dialled: the agent's client rings, then the caller's telephone. See `core.outbound`."""

from datetime import datetime

from cordpair.core import events as e
from cordpair.core.call import Call, Outcome
from cordpair.core.callback import Callback, CallbackState, Reported, dialled_as
from cordpair.core.floor import Floor
from cordpair.core.fold_outbound import asked
from cordpair.core.ids import GraphCallId
from cordpair.core.transfer_check import is_dialable
from cordpair.errors import IllegalEvent


def may_dial(floor: Floor, callback: Callback) -> None:
    """Raises IllegalEvent where no call can be placed: number_not_allowed, quota, unknown_queue."""
    if callback.queue not in floor.queues:
        raise IllegalEvent("unknown_queue")
    if not is_dialable(callback.caller.e164 or ""):
        raise IllegalEvent("number_not_allowed")
    placed = Call(id=dialled_as(callback), graph_id=GraphCallId(""), heard_at=callback.since)
    if floor.is_full_for(placed):
        raise IllegalEvent("quota")


def dial(floor: Floor, callback: Callback, at: datetime) -> None:
    """Place the call for the agent who has taken it, and is ready."""
    assert callback.agent is not None
    wanted = e.OutboundAsked(
        at=at,
        call=dialled_as(callback),
        agent=callback.agent,
        queue=callback.queue,
        caller=callback.caller,
        candidates=callback.candidates,
        because_of=callback.call,
    )
    asked(floor, wanted)


def answers(floor: Floor, call: Call) -> Callback | None:
    """The callback that an outbound call is for, as long as its agent is at it."""
    because_of = call.outbound.because_of if call.outbound is not None else None
    callback = floor.callbacks.get(because_of) if because_of is not None else None
    is_at_it = callback is not None and callback.state is CallbackState.TAKEN and callback.agent == call.agent
    return callback if is_at_it else None


def came_of(call: Call) -> Reported | None:
    """What a call that was placed says of the callback; None: nothing yet."""
    if call.connected_at is not None:
        return Reported.REACHED
    if call.outcome is not Outcome.UNREACHED:
        return None
    # The agent did not come to their own ring, or hung up before the caller could answer: the caller did not miss it.
    is_agents = call.outcome_reason.startswith("agent_") or call.outcome_reason == "cancelled"
    return Reported.GIVEN_BACK if is_agents else Reported.NO_ANSWER
