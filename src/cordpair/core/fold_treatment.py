"""What a caller hears while they wait: greeting, place and wait, music, and the offer of a call back.

While an agent's client rings the music goes on; nothing is announced then. Without a treatment: the greeting, once.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core.announcement import place_said, wait_said
from cordpair.core.call import Call, CallState
from cordpair.core.caller import CallerKind
from cordpair.core.effects import PlayPrompt
from cordpair.core.estimate import expected_wait, place_of
from cordpair.core.floor import Floor
from cordpair.core.flow import Say, Treatment
from cordpair.core.fold_speech import listen, pause, say
from cordpair.core.in_flow import Why
from cordpair.core.tenant import Queue

#: Music is played in pieces: a piece is fetched whole, and nothing is announced while it plays.
LONGEST_PIECE_S = 60.0
#: How long the answer to the offer of a call back is awaited.
CALLBACK_KEY_S = 6.0


def begin_wait(floor: Floor, call: Call, at: datetime) -> Call:
    """The call begins to wait in its queue."""
    queue = floor.queue_of(call)
    treatment = queue.treatment
    if treatment is None:
        call = floor.save_call(replace(call, prompts=call.prompts + 1))
        prompt = PlayPrompt(call=call.id, graph_id=call.graph_id, prompt=queue.greeting, number=call.prompts)
        floor.order(prompt)
        return call
    if treatment.callback_after_s is not None:
        call = listen(floor, call)
    if treatment.greeting:
        return say(floor, call, treatment.greeting, queue.language, Why.GREETING, at)
    return wait_goes_on(floor, call, Why.GREETING, at)


def wait_again(floor: Floor, call: Call, at: datetime) -> Call:
    """The call waits once more, after it was with an agent, or in another queue than before."""
    queue = floor.queue_of(call)
    if queue.treatment is not None and call.saying is None:
        return _music(floor, call, queue, queue.treatment, at)
    if queue.treatment is None and call.former is not None:
        call = floor.save_call(replace(call, prompts=call.prompts + 1))
        prompt = PlayPrompt(call=call.id, graph_id=call.graph_id, prompt=queue.waiting, number=call.prompts)
        floor.order(prompt)
    return call


def wait_goes_on(floor: Floor, call: Call, why: Why, at: datetime) -> Call:
    """Something that a waiting caller heard, or did not hear, has ended."""
    queue = floor.queue_of(call)
    treatment = queue.treatment
    if treatment is None:
        return call
    if why is Why.CALLBACK and call.state is CallState.QUEUED:
        return pause(floor, call, Why.CALLBACK_KEY, at, CALLBACK_KEY_S)
    if call.state is CallState.QUEUED and why in (Why.MUSIC, Why.PAUSE) and _offers_callback(call, treatment, at):
        call = floor.save_call(replace(call, treated=replace(call.treated, callback_said=True)))
        return say(floor, call, treatment.say_callback, queue.language, Why.CALLBACK, at)
    if call.state is CallState.QUEUED and why is not Why.ANNOUNCEMENT and _is_due(call, treatment, at):
        return _announce(floor, call, queue, treatment, at)
    return _music(floor, call, queue, treatment, at)


def _announce(floor: Floor, call: Call, queue: Queue, treatment: Treatment, at: datetime) -> Call:
    said: list[Say] = []
    ahead = place_of(floor, call)
    if treatment.position and (place := place_said(ahead, queue.language)) is not None:
        said.append(place)
    treated = replace(call.treated, announced_at=at)
    if treatment.expected_wait and (wait := expected_wait(floor, queue.id, ahead, at)) is not None:
        said.append(wait_said(wait, treated.told_min, queue.language))
        treated = replace(treated, told_min=wait.minutes)
    call = floor.save_call(replace(call, treated=treated))
    if not said:
        return _music(floor, call, queue, treatment, at)
    return say(floor, call, tuple(said), queue.language, Why.ANNOUNCEMENT, at)


def _music(floor: Floor, call: Call, queue: Queue, treatment: Treatment, at: datetime) -> Call:
    piece_s = min(treatment.every_s, LONGEST_PIECE_S)
    if treatment.music:
        return say(floor, call, treatment.music, queue.language, Why.MUSIC, at, fill_s=piece_s)
    return pause(floor, call, Why.PAUSE, at, piece_s)


def _is_due(call: Call, treatment: Treatment, at: datetime) -> bool:
    """Whether the caller has not been told anything for so long."""
    last = call.treated.announced_at
    is_on = treatment.position or treatment.expected_wait
    return is_on and (last is None or at - last >= timedelta(seconds=treatment.every_s))


def _offers_callback(call: Call, treatment: Treatment, at: datetime) -> bool:
    """Once, to whom it can be done, after the time for it."""
    has_number = call.caller.kind is CallerKind.NUMBER and bool(call.caller.e164)
    if treatment.callback_after_s is None or call.treated.callback_said or not has_number:
        return False
    return at - (call.queued_at or call.established_at or call.heard_at) >= timedelta(
        seconds=treatment.callback_after_s
    )
