"""Released calls: the bot hands the caller to an agent and leaves. From then on nothing is told of the call (ADR 1).

Its end is known when the agent's presence shows that they talk no more, when the agent says so, or, if neither ever
comes, when its time is over. What was concluded is marked as inferred.
"""

from datetime import timedelta

from msgspec.structs import replace

from cordpair.core import call as calls
from cordpair.core import events as e
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import Call, CallState, EndedBy, Move, Outcome
from cordpair.core.changes import Leg
from cordpair.core.effects import Face
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import accept_offer, end_offer, seek
from cordpair.core.fold_roster import bind
from cordpair.core.fold_watch import marked
from cordpair.core.fold_wrap_up import start_wrap_up
from cordpair.errors import IllegalEvent

#: A conversation that nobody has seen the end of is taken for over after this long.
UNSEEN_S = 2 * 3600.0
#: Graph's subcode of a call that is over for the bot because its transfer was taken.
TRANSFERRED = 7015

#: Teams activities of somebody who talks.
_TALKS = frozenset({"InACall", "InAConferenceCall", "InAMeeting", "Presenting"})


def released(floor: Floor, event: e.CallReleased) -> None:
    """The agent has taken the caller, and the bot is out of the call."""
    _release(floor, floor.call(event.call), event)


def _release(floor: Floor, call: Call, event: e.CallFact) -> None:
    offer = call.offer
    if offer is None or not call.releases:
        raise IllegalEvent("not_released")
    at, agent = event.at, offer.agent
    accept_offer(floor, call, offer)
    bind(floor, agent, call, at)
    known = {"agent": agent, "connected_at": call.connected_at or at, "outcome": Outcome.ANSWERED, "offer": None}
    call = floor.save_call(calls.move(floor.calls[call.id], Move.RELEASE, CallState.RELEASED, **known))
    floor.save_leg(Leg(call=call.id, number=call.leg_number, agent=agent, joined_at=at))
    floor.cancel(f"check:{call.id}")
    over = e.ReleasedUnseen(at=at + timedelta(seconds=UNSEEN_S), call=call.id)
    floor.timer(f"released:{call.id}", at, UNSEEN_S, over)
    floor.show(call, agent, Face.STRIP)


def came_back(floor: Floor, event: e.TransferFailed) -> bool:
    """The agent did not take the caller: they wait again. False when it was not so that the call was to be released.

    Graph tells no reason. Who let it ring for the queue's time has missed it, who ended it sooner did not want it.
    """
    call = floor.calls.get(event.call)
    offer = call.offer if call is not None else None
    if call is None or offer is None or not call.releases:
        return False
    rang_s = (event.at - offer.made_at).total_seconds()
    is_missed = rang_s >= floor.queue_of(call).ring_timeout_s
    why = e.OfferEnd.MISSED if is_missed else e.OfferEnd.DECLINED
    seek(floor, end_offer(floor, call, offer, why, event.at, rings=False), event.at)
    return True


def is_out(floor: Floor, event: e.CallEnded) -> bool:
    """Whether an end is only ours: the bot is out of a call that goes on."""
    call = floor.calls.get(event.call)
    if call is None:
        return False
    if call.state is CallState.OFFERED and call.releases and event.subcode == TRANSFERRED:
        _release(floor, call, event)  # that it was taken has been lost on the way
    return floor.calls[event.call].state is CallState.RELEASED


def presence(floor: Floor, agent: Agent, event: e.PresenceSeen) -> None:
    """Somebody who talked and talks no more has ended their conversation."""
    call = floor.calls.get(agent.call) if agent.state is AgentState.TALKING and agent.call else None
    if call is None or call.state is not CallState.RELEASED:
        return
    if event.activity in _TALKS:
        floor.save_call(replace(call, seen_talking=True))
    elif call.seen_talking:
        over(floor, call, event, EndedBy.UNKNOWN)


def unseen(floor: Floor, event: e.ReleasedUnseen) -> None:
    """Nobody has said that it is over."""
    over(floor, floor.call(event.call), event, EndedBy.UNKNOWN)


def over(floor: Floor, call: Call, event: e.Event, by: EndedBy) -> None:
    """The conversation is taken for over: the agent writes it down."""
    if call.state is not CallState.RELEASED:
        raise IllegalEvent("not_released")
    floor.cancel(f"released:{call.id}")
    call = calls.move(call, Move.END, CallState.WRAP_UP, ended_at=event.at, ended_by=by)
    start_wrap_up(floor, floor.save_call(marked(call, "ended_at")), event.at)
