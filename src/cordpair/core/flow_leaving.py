"""A call leaves its flow for somebody outside, or is ended by it."""

from datetime import datetime
from typing import assert_never

from cordpair.core import call as calls
from cordpair.core.call import Call, CallState, Move
from cordpair.core.effects import HangUp, TransferCall
from cordpair.core.floor import Floor
from cordpair.core.flow import HangUpStep, ToNumber, ToUser, Voicemail
from cordpair.core.fold_entry import Barred, leave
from cordpair.core.fold_speech import quiet

#: The reason of an outcome: the caller left before the flow had brought them anywhere.
IN_MENU = "in_menu"

Last = ToUser | ToNumber | Voicemail | HangUpStep


def leave_flow(floor: Floor, call: Call, step: Last, at: datetime) -> None:
    """The last step of a flow: the caller goes to somebody else, or we hang up."""
    match step:
        case ToUser():
            hand_over(floor, call, Barred(reason="to_user", why="to_user", target=step.user), at)
        case Voicemail():
            hand_over(floor, call, Barred(reason="voicemail", why="voicemail", target=step.user), at)
        case ToNumber():
            hand_over(floor, call, Barred(reason="to_number", why="to_number", target=step.number), at)
        case HangUpStep():
            hand_over(floor, call, Barred(reason="flow_ended", why="flow_ended", target=""), at)
        case _:
            assert_never(step)


def give_up(floor: Floor, call: Call, why: str, at: datetime) -> None:
    """The flow does not say how it goes on: the caller goes to whoever gets the calls that may not be taken."""
    hand_over(floor, call, Barred(reason=why, why=why, target=floor.gate.fallback_user), at)


def hand_over(floor: Floor, call: Call, why: Barred, at: datetime) -> None:
    """Close the call as one that went to `why.target`; without one, hang up."""
    call = quiet(floor, call)
    leave(floor, calls.move(call, Move.SEND_ON, CallState.CLOSED), why, at)
    if why.target:
        floor.order(TransferCall(call=call.id, graph_id=call.graph_id, target=why.target))
    else:
        floor.order(HangUp(call=call.id, graph_id=call.graph_id))
