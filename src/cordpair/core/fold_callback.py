"""Callbacks as the floor folds them: asked for, offered in turn, taken, reported, closed. See `core.callback`."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import events as e
from cordpair.core.agent import AgentMove, AgentState
from cordpair.core.call import Call
from cordpair.core.callback import (
    Callback,
    CallbackEnd,
    CallbackKind,
    CallbackRules,
    CallbackState,
    Reported,
    move,
    place_of,
)
from cordpair.core.callback_dial import dial, may_dial
from cordpair.core.callback_offer import arm, offer_place, show
from cordpair.core.caller import CallerKind
from cordpair.core.effects import CallbackFace
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import available, free_agent
from cordpair.core.ids import AgentId, QueueId
from cordpair.core.open_times import calendar_of
from cordpair.core.tenant import queue_named
from cordpair.errors import IllegalEvent

_FREE = frozenset({AgentState.READY, AgentState.BREAK, AgentState.OFFLINE, AgentState.NOT_RESPONDING})
#: Agents who would not are asked again so long after; the others were asked meanwhile.
ASK_AGAIN_S = 120.0


def asked(floor: Floor, event: e.CallbackAsked) -> None:
    """Somebody wants a caller to be called back; an item of the list of missed calls becomes a kept place."""
    listed = floor.callbacks.get(event.call)
    if listed is not None and listed.state is CallbackState.LISTED:
        may_keep(floor, floor.call(event.call), event.queue)
        close(floor, listed, CallbackEnd.CANCELLED, event.at)
    keep_place(floor, floor.call(event.call), event.at, event.queue)


def keep_place(floor: Floor, call: Call, at: datetime, queue: QueueId | None = None) -> Callback:
    """Keep the caller's place in a queue (their own, if none is named): somebody will call back when it is their turn.

    What becomes of the call is not decided here. Raises IllegalEvent: see `may_keep`.
    """
    wanted = may_keep(floor, call, queue)
    keep_s = queue_named(floor.queues, wanted).callbacks.keep_s
    callback = opened(floor, call, wanted, CallbackKind.KEPT, CallbackState.WAITING, at, keep_s)
    wait_on(floor, callback, at)
    return callback


def may_keep(floor: Floor, call: Call, queue: QueueId | None) -> QueueId:
    """The queue in which the caller may keep a place. Raises IllegalEvent: no_queue, unknown_queue, no_number,
    callback_kept.
    """
    wanted = queue or call.queue
    if wanted is None:
        raise IllegalEvent("no_queue")
    if queue is not None and queue not in floor.queues:
        raise IllegalEvent("unknown_queue")
    if call.caller.kind is not CallerKind.NUMBER or not call.caller.e164:
        raise IllegalEvent("no_number")
    if any(it.queue == wanted and it.kind is CallbackKind.KEPT for it in floor.callbacks.owed_to(call.caller.e164)):
        raise IllegalEvent("callback_kept")
    return wanted


def keeps_place(floor: Floor, call: Call, queue: QueueId, at: datetime) -> bool:
    """Keep a place for a caller who asks for it. False when nobody can be called back, or nobody knows the queue."""
    if queue not in floor.queues:
        return False
    try:
        keep_place(floor, call, at, queue)
    except IllegalEvent as refused:
        return str(refused) == "callback_kept"  # they have a place already
    return True


def opened(
    floor: Floor, call: Call, queue: QueueId, kind: CallbackKind, state: CallbackState, at: datetime, keep_s: float
) -> Callback:
    """A new callback of a call, for so long."""
    callback = Callback(
        call=call.id,
        kind=kind,
        state=state,
        queue=queue,
        place=place_of(call, queue),
        asked_at=at,
        since=at,
        latest=at + timedelta(seconds=keep_s),
        caller=call.caller,
        candidates=call.candidates,
        party=call.party,
    )
    floor.save_callback(callback)
    floor.timer(f"callback_end:{call.id}", at, keep_s, e.CallbackExpired(at=callback.latest, call=call.id))
    floor.remember("CallbackOpened", at, call=call.id, kind=kind, queue=queue)
    return callback


def wait_on(floor: Floor, callback: Callback, at: datetime) -> None:
    """Let the place-holder wait among the callers; while the queue is closed it stays out of their way."""
    queue = queue_named(floor.queues, callback.queue)
    calendar = calendar_of(queue)
    edge = calendar.next_edge(at) if calendar is not None else None
    if calendar is not None and not calendar.is_open(at):
        if edge is not None:
            arm(floor, callback, at, (edge - at).total_seconds())
        return
    waits = [(edge - at).total_seconds()] if edge is not None else []
    waits += [ASK_AGAIN_S] if callback.place.excluded else []
    if waits:
        arm(floor, callback, at, min(waits))
    _seek(floor, callback, at)


def _seek(floor: Floor, callback: Callback, at: datetime) -> None:
    """One agent is asked at a time, however many are rung for a caller."""
    for match in floor.wait(callback.place, at, most=1):
        offer_place(floor, match, at)


def grown(floor: Floor, event: e.WaitGrown) -> bool:
    """A place-holder has waited so long that others are asked. False when it is a call that has."""
    callback = floor.callbacks.of_place(event.call)
    if callback is None:
        return False
    if callback.state is CallbackState.WAITING:
        _seek(floor, callback, event.at)
    return True


def taken(floor: Floor, event: e.CallbackTaken) -> None:
    """An agent calls back: the one who is asked, or any of the queue who takes it from the list or out of turn."""
    callback, agent = floor.callbacks.open(event.call), floor.agent(event.agent)
    is_asked = callback.state is CallbackState.OFFERED
    if callback.state is CallbackState.TAKEN or (is_asked and callback.agent != agent.id):
        raise IllegalEvent("callback_taken")
    if callback.queue not in agent.queues:
        raise IllegalEvent("not_your_queue")
    if agent.state is not (AgentState.RINGING if is_asked else AgentState.READY):
        raise IllegalEvent("not_ready")
    mine = move(callback, CallbackState.TAKEN, event.at, agent=agent.id, number=callback.number + 1)
    rules = _rules(floor, mine)
    if rules.dials:
        may_dial(floor, mine)
    floor.stop_waiting(callback.place)
    floor.router.busy(agent.id)
    floor.save_callback(mine)
    arm(floor, mine, event.at, rules.talk_s)
    show(floor, mine, CallbackFace.TAKEN)
    if rules.dials:
        if is_asked:
            floor.save_agent(agents.move(agent, AgentMove.RESTORE, AgentState.READY, event.at, call=None))
        dial(floor, mine, event.at)
    else:
        floor.save_agent(agents.move(agent, AgentMove.JOIN, AgentState.TALKING, event.at, call=None))


def declined(floor: Floor, event: e.CallbackDeclined) -> None:
    """Not now: somebody else is asked."""
    callback = floor.callbacks.open(event.call)
    if callback.state is not CallbackState.OFFERED or callback.agent != event.agent:
        raise IllegalEvent("not_your_call")
    _ask_others(floor, callback, e.OfferEnd.DECLINED, event.at)


def reported(floor: Floor, event: e.CallbackReported) -> None:
    """The agent says what came of it."""
    callback = floor.callbacks.open(event.call)
    if callback.state is not CallbackState.TAKEN or callback.agent != event.agent:
        raise IllegalEvent("not_your_call")
    came_to(floor, callback, event.result, event.at)
    _free(floor, event.agent, event.at)


def came_to(floor: Floor, callback: Callback, result: Reported, at: datetime) -> None:
    """What came of calling back: it is over, tried again later, or somebody else's turn."""
    rules, tries = _rules(floor, callback), callback.tries + (result is Reported.NO_ANSWER)
    if result is Reported.REACHED:
        close(floor, callback, CallbackEnd.REACHED, at)
    elif tries >= rules.tries:
        close(floor, replace(callback, tries=tries), CallbackEnd.NOT_REACHED, at)
    elif at >= callback.latest:
        close(floor, callback, CallbackEnd.EXPIRED, at)
    else:
        show(floor, replace(callback, number=callback.number + 1), CallbackFace.GONE)
        back = CallbackState.WAITING if callback.kind is CallbackKind.KEPT else CallbackState.LISTED
        others = replace(callback.place, excluded=(callback.agent,) if callback.agent else ())
        again = move(callback, back, at, agent=None, tries=tries, number=callback.number + 1, place=others)
        floor.save_callback(again)
        floor.cancel(f"callback:{again.call}")
        if back is CallbackState.WAITING and result is Reported.NO_ANSWER:
            arm(floor, again, at, rules.retry_s)
        elif back is CallbackState.WAITING:
            wait_on(floor, again, at)


def due(floor: Floor, event: e.CallbackDue) -> None:
    """What it stood for has had its time. A timer of an older number says nothing any more."""
    callback = floor.callbacks.open(event.call)
    if event.number != callback.number:
        raise IllegalEvent("callback_taken")
    match callback.state:
        case CallbackState.OFFERED:
            _ask_others(floor, callback, e.OfferEnd.MISSED, event.at)
        case CallbackState.TAKEN:
            agent = callback.agent
            came_to(floor, callback, Reported.GIVEN_BACK, event.at)
            _free(floor, agent, event.at)
        case CallbackState.WAITING:
            floor.stop_waiting(callback.place)
            anew = replace(callback, place=replace(callback.place, excluded=()))
            floor.save_callback(anew)
            wait_on(floor, anew, event.at)
        case _:
            raise IllegalEvent("callback_over")


def expired(floor: Floor, event: e.CallbackExpired) -> None:
    """Nobody came to it in time. An agent who calls back just now may go on."""
    callback = floor.callbacks.open(event.call)
    if callback.state is CallbackState.TAKEN:
        raise IllegalEvent("callback_taken")
    close(floor, callback, CallbackEnd.EXPIRED, event.at)


def cancelled(floor: Floor, event: e.CallbackCancelled) -> None:
    """A supervisor, or the caller, does not want it any more."""
    close(floor, floor.callbacks.open(event.call), CallbackEnd.CANCELLED, event.at)


def close(floor: Floor, callback: Callback, outcome: CallbackEnd, at: datetime) -> None:
    """It is over. Whoever was asked, or is at it, is free again."""
    floor.stop_waiting(callback.place)
    floor.cancel(f"callback:{callback.call}", f"callback_end:{callback.call}")
    over = move(callback, CallbackState.CLOSED, at, outcome=outcome, closed_at=at, number=callback.number + 1)
    floor.save_callback(over)
    floor.remember("CallbackOver", at, call=callback.call, agent=callback.agent, why=outcome)
    if callback.agent is None:
        return
    show(floor, over, CallbackFace.DONE)
    if callback.state is CallbackState.OFFERED:
        free_agent(floor, callback.place, callback.agent, e.OfferEnd.WITHDRAWN, at)
    elif outcome in (CallbackEnd.CANCELLED, CallbackEnd.CALLED_IN):
        _free(floor, callback.agent, at)


def reopen_places(floor: Floor, at: datetime) -> None:
    """After a take-over: place-holders wait where they waited; nobody is idle yet."""
    for callback in floor.callbacks.waiting():
        calendar = calendar_of(queue_named(floor.queues, callback.queue))
        if callback.tries == 0 and (calendar is None or calendar.is_open(at)):
            floor.wait(callback.place, at, most=1)


def settle(floor: Floor, agent_id: AgentId, at: datetime) -> None:
    """An agent who went away, or talks to somebody else, is not asked any more, and calls nobody back."""
    callback, agent = floor.callbacks.of_agent(agent_id), floor.agents.get(agent_id)
    if callback is None or agent is None:
        return
    is_asked = agent.state is AgentState.RINGING and agent.call is None
    if callback.state is CallbackState.OFFERED and not is_asked:
        _ask_others(floor, callback, e.OfferEnd.AGENT_LOST, at)
    elif callback.state is CallbackState.TAKEN and _rules(floor, callback).dials and agent.state in _FREE:
        came_to(floor, callback, Reported.GIVEN_BACK, at)


def _ask_others(floor: Floor, callback: Callback, why: e.OfferEnd, at: datetime) -> None:
    agent = callback.agent
    assert agent is not None
    others = replace(callback.place, excluded=tuple({*callback.place.excluded, agent}))
    show(floor, replace(callback, number=callback.number + 1), CallbackFace.GONE)
    again = move(callback, CallbackState.WAITING, at, agent=None, number=callback.number + 1, place=others)
    floor.save_callback(again)
    floor.cancel(f"callback:{again.call}")
    floor.remember("CallbackOfferEnded", at, call=callback.call, agent=agent, why=why)
    free_agent(floor, callback.place, agent, why, at)
    wait_on(floor, again, at)


def _free(floor: Floor, agent_id: AgentId | None, at: datetime) -> None:
    """The agent is done with it. Nothing is left to write: what came of it is what they said."""
    agent = floor.agents.get(agent_id) if agent_id else None
    if agent is None or agent.state is not AgentState.TALKING or agent.call is not None:
        return
    agent = agents.move(agent, AgentMove.OVER, AgentState.WRAP_UP, at)
    agent = agents.move(agent, AgentMove.FINISH, agent.after, at, idle_since=at, call=None, after=AgentState.READY)
    available(floor, floor.save_agent(agent), at)


def _rules(floor: Floor, callback: Callback) -> CallbackRules:
    return queue_named(floor.queues, callback.queue).callbacks
