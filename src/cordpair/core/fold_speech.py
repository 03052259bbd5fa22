"""Saying things to a caller: one at a time, numbered, and never waited for in vain."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core.call import Call
from cordpair.core.effects import PlayPrompt, StopPrompts, SubscribeTones
from cordpair.core.events import PromptBegun, StepTimedOut
from cordpair.core.floor import Floor
from cordpair.core.flow import Say
from cordpair.core.in_flow import Saying, Why
from cordpair.errors import IllegalEvent

#: Nobody has told us that it plays: then it is over after this time. A sound that plays has its length and the slack.
UNHEARD_S = 30.0
SLACK_S = 5.0


def say(
    floor: Floor, call: Call, said: tuple[Say, ...], language: str, why: Why, at: datetime, *, fill_s: float = 0.0
) -> Call:
    """Say something instead of whatever is said now. `fill_s`: again and again, for exactly so many seconds."""
    cuts = call.saying is not None and call.saying.plays
    call = _next(floor, call, why, plays=True)
    order = PlayPrompt(
        call=call.id,
        graph_id=call.graph_id,
        number=call.prompts,
        say=said,
        language=language,
        fill_s=fill_s,
        cuts=cuts,
    )
    floor.order(order)
    _time_out(floor, call, at, UNHEARD_S + fill_s)
    return call


def pause(floor: Floor, call: Call, why: Why, at: datetime, seconds: float) -> Call:
    """Say nothing for so many seconds."""
    call = _next(floor, call, why, plays=False)
    _time_out(floor, call, at, seconds)
    return call


def quiet(floor: Floor, call: Call) -> Call:
    """Whatever is said ends now: somebody else speaks, or the call leaves us. Idempotent."""
    if call.saying is None:
        return call
    if call.saying.plays and call.is_live:
        floor.order(StopPrompts(call=call.id, graph_id=call.graph_id, number=call.saying.number))
    return hushed(floor, call)


def hushed(floor: Floor, call: Call) -> Call:
    """Nothing is said any more, and nothing needs to be stopped. Idempotent."""
    if call.saying is None:
        return call
    floor.cancel(f"saying:{call.id}")
    return floor.save_call(replace(call, saying=None))


def begun(floor: Floor, event: PromptBegun) -> None:
    """It plays, and takes so long."""
    call = floor.call(event.call)
    saying = call.saying
    if saying is None or saying.number != event.number:
        raise IllegalEvent("said_already")
    _time_out(floor, call, event.at, event.seconds + SLACK_S)


def over(floor: Floor, call: Call, number: int) -> tuple[Call, Why]:
    """What was said, or not said, with this number has ended. Raises IllegalEvent when it had ended before."""
    if call.saying is None or call.saying.number != number:
        raise IllegalEvent("said_already")
    return hushed(floor, call), call.saying.why


def listen(floor: Floor, call: Call) -> Call:
    """Have Graph tell us of keys, once for a call."""
    if call.listens:
        return call
    floor.order(SubscribeTones(call=call.id, graph_id=call.graph_id))
    return floor.save_call(replace(call, listens=True))


def _next(floor: Floor, call: Call, why: Why, *, plays: bool) -> Call:
    number = call.prompts + 1
    return floor.save_call(replace(call, prompts=number, saying=Saying(number=number, why=why, plays=plays)))


def _time_out(floor: Floor, call: Call, at: datetime, seconds: float) -> None:
    due = StepTimedOut(at=at + timedelta(seconds=seconds), call=call.id, number=call.prompts)
    floor.timer(f"saying:{call.id}", at, seconds, due)
