"""A call goes through its flow: by what its caller presses, by the calendar, and by what is known of the caller.

A key, an ended prompt and a time that has run out find the call in the step that waits for them, or are over. Who goes
round for too long, or comes to a step that is not there any more, goes to whoever gets the calls that may not be taken.
"""

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from cordpair.core.call import Call, CallState
from cordpair.core.events import PromptEnded, StepTimedOut, ToneHeard
from cordpair.core.floor import Floor
from cordpair.core.flow import (
    Branch,
    Flow,
    FlowStep,
    HangUpStep,
    Menu,
    OfferCallback,
    OpenHours,
    Play,
    ToNumber,
    ToQueue,
    ToUser,
    Voicemail,
    exits,
    waits_for_key,
)
from cordpair.core.flow_facts import way_of
from cordpair.core.flow_leaving import give_up, leave_flow
from cordpair.core.fold_callback import keeps_place
from cordpair.core.fold_enqueue import enter_queue
from cordpair.core.fold_speech import listen, over, pause, say
from cordpair.core.fold_treatment import wait_goes_on
from cordpair.core.fold_wait_key import goodbye, wait_key
from cordpair.core.in_flow import InFlow, Why
from cordpair.core.open_times import calendar_for
from cordpair.errors import IllegalEvent

#: Whoever has taken so many ways goes round in circles.
MOST_WAYS = 100


def at_beginning(flow: Flow) -> InFlow:
    """Where a call stands that has not been answered yet."""
    return InFlow(flow=flow.id, version=flow.version, step="")


def begin_flow(floor: Floor, call: Call, at: datetime) -> None:
    """An answered call begins its flow."""
    place = in_flow(call)
    flow = floor.flows.get(place.flow)
    if flow is None:
        give_up(floor, call, "flow_broken", at)
        return
    floor.remember("FlowStarted", at, call=call.id, flow=flow.id, version=str(flow.version))
    if any(waits_for_key(step) for step in flow.steps.values()):
        call = listen(floor, call)
    enter(floor, call, flow.start, at)


def enter(floor: Floor, call: Call, name: str, at: datetime) -> None:
    """The call comes to a step, and goes on through all that need not wait."""
    while name:
        place = in_flow(call)
        step = _step(floor, place, name)
        if step is None or len(place.taken) >= MOST_WAYS:
            give_up(floor, call, "flow_broken" if step is None else "flow_too_long", at)
            return
        call = floor.save_call(replace(call, flow=replace(place, step=name, tries=0)))
        way = _do(floor, call, step, at)
        if way is None:
            return
        call, name = _take(floor, floor.calls[call.id], step, way, at)


def _take(floor: Floor, call: Call, step: FlowStep, way: str, at: datetime) -> tuple[Call, str]:
    """The call takes a way out of its step; which one, and where to, is written down. Returns the step it leads to."""
    place = in_flow(call)
    to = next((one.to for one in exits(step) if one.name == way), "")
    floor.remember("FlowWent", at, call=call.id, flow=place.flow, before=place.step, after=to, way=way)
    taken = (*place.taken, f"{place.step}.{way}")
    return floor.save_call(replace(call, flow=replace(place, taken=taken))), to


def in_flow(call: Call) -> InFlow:
    """Where the call stands. Raises IllegalEvent for one without a flow."""
    if call.flow is None:
        raise IllegalEvent("not_in_flow")
    return call.flow


def _do(floor: Floor, call: Call, step: FlowStep, at: datetime) -> str | None:
    """Do what a step says. The way out that the call takes at once, or None: it stays, or has left the flow."""
    match step:
        case Play() if not step.say:
            return "next"
        case Play() | Menu() | OfferCallback():
            _speak(floor, call, step, at)
            return None
        case ToUser() | ToNumber() | Voicemail() | HangUpStep():
            if step.say:
                _speak(floor, call, step, at)
            else:
                leave_flow(floor, call, step, at)
            return None
        case OpenHours():
            return _by_calendar(floor, step, at)
        case Branch():
            return way_of(step, call)
        case ToQueue():
            return enter_queue(floor, call, step, at)
        case _:
            assert_never(step)


def _speak(floor: Floor, call: Call, step: FlowStep, at: datetime) -> None:
    """Say what the step says; a menu that is said again begins with what it says then."""
    place = in_flow(call)
    match step:
        case Menu():
            said = (*step.say_again, *step.say) if place.tries else step.say
        case Play() | OfferCallback() | ToUser() | ToNumber() | Voicemail() | HangUpStep():
            said = step.say
        case OpenHours() | Branch() | ToQueue():
            return
    flow = floor.flows.get(place.flow)
    say(floor, call, said, flow.language if flow else "en", Why.STEP, at)


def _by_calendar(floor: Floor, step: OpenHours, at: datetime) -> str:
    queue = floor.queues.get(step.queue)
    calendar = calendar_for(step.hours if step.hours is not None else queue.hours if queue else None)
    why = calendar.why_closed(at) if calendar else None
    if why is None:
        return "open"
    return "holiday" if why.startswith("holiday:") else "closed"


def tone_heard(floor: Floor, event: ToneHeard) -> None:
    """The caller pressed a key. One that was told before is no second one; one that nothing waits for does nothing."""
    call = floor.call(event.call)
    if event.sequence <= call.tone:
        raise IllegalEvent("tone_told_already")
    call = floor.save_call(replace(call, tone=event.sequence))
    why = call.saying.why if call.saying else None
    if call.state is CallState.IN_FLOW and why is not Why.GOODBYE:
        _pressed(floor, call, event.key, event.at)
    elif why in (Why.CALLBACK, Why.CALLBACK_KEY):
        wait_key(floor, call, event.key, event.at)


def _pressed(floor: Floor, call: Call, key: str, at: datetime) -> None:
    step = current_step(floor, call)
    match step:
        case Menu() if key in step.choices:
            go_on(floor, call, step, f"choices.{key}", at)
        case Menu():
            _again(floor, call, step, "wrong_input", at)
        case OfferCallback():
            is_kept = key == step.key and keeps_place(floor, call, step.queue, at)
            go_on(floor, call, step, "accepted" if is_kept else "declined", at)
        case _:
            return


def prompt_ended(floor: Floor, event: PromptEnded | StepTimedOut) -> None:
    """What was said to the caller has ended, or the time is over in which something should have happened."""
    call, why = over(floor, floor.call(event.call), event.number)
    if why is Why.GOODBYE:
        goodbye(floor, call, event.at)
    elif call.state is CallState.IN_FLOW:
        _said(floor, call, why, event.at)
    elif call.state in (CallState.QUEUED, CallState.OFFERED):
        wait_goes_on(floor, call, why, event.at)


def _said(floor: Floor, call: Call, why: Why, at: datetime) -> None:
    step = current_step(floor, call)
    match step:
        case None:
            give_up(floor, call, "flow_broken", at)
        case Play():
            go_on(floor, call, step, "next", at)
        case Menu() | OfferCallback() if why is Why.STEP:
            pause(floor, call, Why.KEY, at, step.timeout_s)
        case Menu():
            _again(floor, call, step, "no_input", at)
        case OfferCallback():
            go_on(floor, call, step, "declined", at)
        case ToUser() | ToNumber() | Voicemail() | HangUpStep():
            leave_flow(floor, call, step, at)
        case OpenHours() | Branch() | ToQueue():
            enter(floor, call, in_flow(call).step, at)
        case _:
            assert_never(step)


def _again(floor: Floor, call: Call, step: Menu, way: str, at: datetime) -> None:
    """Say the menu once more, or take the way for whom that does not help."""
    place = in_flow(call)
    if place.tries >= step.retries:
        go_on(floor, call, step, way, at)
        return
    _speak(floor, floor.save_call(replace(call, flow=replace(place, tries=place.tries + 1))), step, at)


def go_on(floor: Floor, call: Call, step: FlowStep, way: str, at: datetime) -> None:
    """The call takes a way out of its step, and goes on from where it leads."""
    call, to = _take(floor, call, step, way, at)
    if not to:
        give_up(floor, call, "flow_broken", at)
        return
    enter(floor, call, to, at)


def current_step(floor: Floor, call: Call) -> FlowStep | None:
    """The step in which the call is; None where the flow has it no more."""
    place = in_flow(call)
    return _step(floor, place, place.step)


def _step(floor: Floor, place: InFlow, name: str) -> FlowStep | None:
    flow = floor.flows.get(place.flow)
    return flow.steps.get(name) if flow else None
