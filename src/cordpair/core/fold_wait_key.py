"""A caller who waits answers the offer of a call back."""

from datetime import datetime

from cordpair.core import call as calls
from cordpair.core.call import Call, CallState, Move
from cordpair.core.callback import CALLED_BACK
from cordpair.core.floor import Floor
from cordpair.core.flow_leaving import hand_over
from cordpair.core.fold_callback import keeps_place
from cordpair.core.fold_entry import Barred
from cordpair.core.fold_speech import say
from cordpair.core.fold_treatment import wait_goes_on
from cordpair.core.in_flow import Why


def wait_key(floor: Floor, call: Call, key: str, at: datetime) -> None:
    """Who presses the key that was named keeps their place and is called back; another key says no."""
    queue = floor.queue_of(call)
    treatment = queue.treatment
    if treatment is None or call.state is not CallState.QUEUED:
        return
    if key != treatment.callback_key or not keeps_place(floor, call, queue.id, at):
        wait_goes_on(floor, call, Why.CALLBACK_KEY, at)
        return
    floor.stop_waiting(call)
    call = floor.save_call(calls.move(call, Move.ENTER_FLOW, CallState.IN_FLOW))
    if treatment.say_goodbye:
        say(floor, call, treatment.say_goodbye, queue.language, Why.GOODBYE, at)
    else:
        goodbye(floor, call, at)


def goodbye(floor: Floor, call: Call, at: datetime) -> None:
    """We hang up: the caller keeps a place, and is called back."""
    hand_over(floor, call, Barred(reason=CALLED_BACK, why=CALLED_BACK, target=""), at)
