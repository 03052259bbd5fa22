"""A call that we owe somebody: one table of legal moves.

    kept place  the caller asked for it: a place-holder keeps their place in the queue and is offered in turn
    missed      the caller gave up: it stands on a list, where an agent takes it

Whoever it is owed to may come first: then it is closed. It is named by the call that it comes from.
"""

import uuid
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from cordpair.core.call import Call, CallState
from cordpair.core.caller import Caller, Candidate
from cordpair.core.ids import AgentId, CallId, PartyRef, QueueId
from cordpair.errors import IllegalEvent

#: The reason of the outcome of a call whose caller keeps a place, and hangs up.
CALLED_BACK = "callback"


class CallbackKind(StrEnum):
    KEPT = "kept"  # the caller keeps a place in the queue
    MISSED = "missed"  # nobody served the caller


class CallbackState(StrEnum):
    WAITING = "waiting"  # keeps its place, or waits for the next try or for the opening hours
    OFFERED = "offered"  # an agent is asked to call back
    LISTED = "listed"  # stands on the list of missed calls
    TAKEN = "taken"  # an agent calls back
    CLOSED = "closed"


class CallbackEnd(StrEnum):
    """What became of it."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"  # tried as often as the queue wants
    CALLED_IN = "called_in"  # the caller called again
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # nobody came to it in time


class Reported(StrEnum):
    """What an agent says of a callback they took."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    GIVEN_BACK = "given_back"


_S = CallbackState

#: Every legal move, from a state to others.
MOVES: dict[CallbackState, frozenset[CallbackState]] = {
    _S.WAITING: frozenset({_S.WAITING, _S.OFFERED, _S.TAKEN, _S.CLOSED}),
    _S.OFFERED: frozenset({_S.WAITING, _S.TAKEN, _S.CLOSED}),
    _S.LISTED: frozenset({_S.LISTED, _S.TAKEN, _S.CLOSED}),
    _S.TAKEN: frozenset({_S.WAITING, _S.LISTED, _S.CLOSED}),
    _S.CLOSED: frozenset(),
}


class CallbackRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a queue calls back. Seconds.

    An agent is asked for `offer_s` and has `talk_s` to say what came of it. Nobody there: again after `retry_s`,
    `tries` times in all. A place is kept for `keep_s`. With `missed_list` callers who gave up are listed, for
    `missed_s`. With `dials` we place the call for the agent, else they call from Teams and say what came of it.
    """

    offer_s: float = 60.0
    talk_s: float = 1_800.0
    tries: int = 3
    retry_s: float = 900.0
    keep_s: float = 14_400.0
    missed_list: bool = False
    missed_s: float = 86_400.0
    dials: bool = True


class Callback(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that we owe. Instants are aware UTC; `caller`, `candidates` and `party` are about a person.

    `place` is what waits in the router: its id is derived from the call's, its key is the call's own. `number` is the
    fencing number: it counts offers and takings. `times` says how often this caller was missed.
    """

    call: CallId
    kind: CallbackKind
    state: CallbackState
    queue: QueueId
    place: Call
    asked_at: datetime
    since: datetime
    latest: datetime  #: nobody is called back later
    agent: AgentId | None = None
    number: int = 0
    tries: int = 0
    times: int = 1
    outcome: CallbackEnd | None = None
    closed_at: datetime | None = None
    caller: Caller
    candidates: tuple[Candidate, ...] = ()
    party: PartyRef | None = None


def place_id(call: CallId) -> CallId:
    """What a call's place-holder is called in the router. No call has such an id."""
    return CallId(f"{call}/b")


def place_of(call: Call, queue: QueueId) -> Call:
    """The place-holder of a call in a queue: what the order of callers goes by, and nothing of the person."""
    return Call(
        id=place_id(call.id),
        graph_id=call.graph_id,
        state=CallState.QUEUED,
        queue=queue,
        sequence=call.sequence,
        heard_at=call.heard_at,
        arrived_at=call.arrived_at,
        established_at=call.established_at,
        queued_at=call.queued_at if queue == call.queue else None,
        credit_s=call.credit_s,
        skills=call.skills,
    )


def dialled_as(callback: Callback) -> CallId:
    """What the call is called by which the caller is called back, until Graph has named it."""
    return CallId(str(uuid.uuid5(uuid.UUID(callback.call), f"callback/{callback.number}")))


def move(callback: Callback, to: CallbackState, at: datetime, **changes: object) -> Callback:
    """Take one legal step. Raises IllegalEvent when the table has no such move."""
    if to not in MOVES[callback.state]:
        raise IllegalEvent("callback_over" if callback.state is _S.CLOSED else "callback_taken")
    return replace(callback, state=to, since=at, **changes)
