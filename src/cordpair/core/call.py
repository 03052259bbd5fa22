"""The life of one call, from arrival to disposition: one table of legal moves.

    stateDiagram of this table: docs/reference/call-states.md (drawn from MOVES)

A call's truth comes in pieces, late and in any order. So a call remembers what it was told (`told`),
and a fact that belongs to an earlier moment still finds its place: an agent who is seen in the roster
after the call has ended was there before it ended.
"""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from cordpair.core.caller import Caller, CallerKind, Candidate, settled
from cordpair.core.ids import AgentId, CallId, GraphCallId, OfferId, PartyRef, QueueId
from cordpair.core.in_flow import InFlow, Saying, Treated
from cordpair.core.outbound import Outbound
from cordpair.core.transfer import Beyond, Transfer, TransferFailure
from cordpair.errors import IllegalEvent


class CallState(StrEnum):
    PLACING = "placing"  # Graph is asked to place it and has not named it yet
    DIALLING = "dialling"  # we call somebody: the agent's client rings first
    REACHING = "reaching"  # the agent stands in it, the party rings
    HEARD_OF = "heard_of"  # something was said of it, its arrival was not
    RINGING = "ringing"  # the caller rings, our answer is on its way
    IN_FLOW = "in_flow"  # answered by us, hears and presses what its flow says
    QUEUED = "queued"  # answered by us, waits for an agent
    OFFERED = "offered"  # an agent's Teams client rings
    CONNECTED = "connected"  # the agent stands in the roster
    WRAP_UP = "wrap_up"  # the conversation is over, the agent writes it down
    RELEASED = "released"  # an agent talks, and we are out of it: nothing more is told of it
    PASSED_ON = "passed_on"  # written down; the caller talks on with somebody outside, and we hold the line
    CLOSED = "closed"


class Outcome(StrEnum):
    """The one queue outcome of a call."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"  # the caller left before an agent was there
    FLOWED_OUT = "flowed_out"  # we sent the call away, `outcome_reason` says why
    UNREACHED = "unreached"  # we called, and did not get through to the party


class EndedBy(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    UNKNOWN = "unknown"


class Move(StrEnum):
    """The kinds of step a call can take. The floor derives them from events."""

    ARRIVE = "arrive"
    ESTABLISH = "establish"
    ENTER_FLOW = "enter_flow"  # its queue does not keep it, its flow goes on
    ENQUEUE = "enqueue"  # its flow has brought it to a queue
    REFUSE = "refuse"  # we could not or would not take it
    SEND_ON = "send_on"  # we hand a waiting call to somebody who is no agent
    OFFER = "offer"
    OFFER_END = "offer_end"
    JOIN = "join"  # an agent is in the roster
    LEAVE = "leave"  # the agent is no longer in the roster
    END = "end"  # the call is gone
    NAME = "name"  # Graph has named the call that it places for us
    HAND_OVER = "hand_over"  # another agent has the call now
    PASS_ON = "pass_on"  # noqa: S105 - somebody outside has it, the agent is out of it
    RELEASE = "release"  # the agent has it, and we are out
    REQUEUE = "requeue"  # it waits for an agent again
    SAVE_WRAP_UP = "save_wrap_up"
    GO_ON = "go_on"  # the wrap-up is written down or extended, and its time goes on
    EXPIRE_WRAP_UP = "expire_wrap_up"
    IDENTIFY = "identify"


_S = CallState
_ANY = tuple(CallState)

#: Every legal move. What is not written here is an IllegalEvent.
MOVES: dict[tuple[CallState, Move], frozenset[CallState]] = {
    (_S.PLACING, Move.NAME): frozenset({_S.CLOSED}),
    (_S.PLACING, Move.END): frozenset({_S.CLOSED}),
    (_S.HEARD_OF, Move.NAME): frozenset({_S.DIALLING}),
    (_S.DIALLING, Move.ESTABLISH): frozenset({_S.REACHING}),
    (_S.DIALLING, Move.END): frozenset({_S.CLOSED}),
    (_S.REACHING, Move.JOIN): frozenset({_S.CONNECTED}),
    (_S.REACHING, Move.END): frozenset({_S.WRAP_UP}),
    (_S.HEARD_OF, Move.ARRIVE): frozenset({_S.RINGING, _S.CLOSED}),
    (_S.HEARD_OF, Move.ESTABLISH): frozenset({_S.HEARD_OF}),
    (_S.HEARD_OF, Move.JOIN): frozenset({_S.HEARD_OF}),
    (_S.HEARD_OF, Move.END): frozenset({_S.HEARD_OF}),
    (_S.HEARD_OF, Move.REFUSE): frozenset({_S.CLOSED}),
    (_S.RINGING, Move.ESTABLISH): frozenset({_S.QUEUED, _S.IN_FLOW}),
    (_S.RINGING, Move.REFUSE): frozenset({_S.CLOSED}),
    (_S.RINGING, Move.JOIN): frozenset({_S.CONNECTED}),
    (_S.RINGING, Move.END): frozenset({_S.CLOSED}),
    (_S.IN_FLOW, Move.ENQUEUE): frozenset({_S.QUEUED}),
    (_S.IN_FLOW, Move.SEND_ON): frozenset({_S.CLOSED}),
    (_S.IN_FLOW, Move.JOIN): frozenset({_S.CONNECTED}),
    (_S.IN_FLOW, Move.END): frozenset({_S.CLOSED}),
    (_S.QUEUED, Move.ENTER_FLOW): frozenset({_S.IN_FLOW}),
    (_S.QUEUED, Move.OFFER): frozenset({_S.OFFERED}),
    (_S.QUEUED, Move.SEND_ON): frozenset({_S.CLOSED, _S.PASSED_ON}),
    (_S.QUEUED, Move.JOIN): frozenset({_S.CONNECTED}),
    (_S.QUEUED, Move.END): frozenset({_S.CLOSED}),
    (_S.OFFERED, Move.OFFER): frozenset({_S.OFFERED}),  # several agents are rung at once
    (_S.OFFERED, Move.OFFER_END): frozenset({_S.QUEUED, _S.OFFERED}),
    (_S.OFFERED, Move.JOIN): frozenset({_S.CONNECTED}),
    (_S.OFFERED, Move.END): frozenset({_S.CLOSED}),
    (_S.CONNECTED, Move.LEAVE): frozenset({_S.WRAP_UP}),
    (_S.CONNECTED, Move.END): frozenset({_S.WRAP_UP}),
    (_S.OFFERED, Move.RELEASE): frozenset({_S.RELEASED}),
    (_S.RELEASED, Move.END): frozenset({_S.WRAP_UP}),
    (_S.CONNECTED, Move.HAND_OVER): frozenset({_S.CONNECTED}),
    (_S.CONNECTED, Move.PASS_ON): frozenset({_S.WRAP_UP}),
    (_S.CONNECTED, Move.REQUEUE): frozenset({_S.QUEUED}),
    (_S.WRAP_UP, Move.SAVE_WRAP_UP): frozenset({_S.CLOSED, _S.PASSED_ON}),
    (_S.WRAP_UP, Move.GO_ON): frozenset({_S.WRAP_UP}),
    (_S.WRAP_UP, Move.EXPIRE_WRAP_UP): frozenset({_S.CLOSED, _S.PASSED_ON}),
    (_S.PASSED_ON, Move.END): frozenset({_S.CLOSED}),
    (_S.WRAP_UP, Move.END): frozenset({_S.WRAP_UP}),  # the agent left first; now the caller is gone too
    # Late evidence: the agent was in the roster of a call that we took for abandoned.
    (_S.CLOSED, Move.JOIN): frozenset({_S.WRAP_UP}),
    **{(state, Move.IDENTIFY): frozenset({state}) for state in _ANY if state is not _S.CLOSED},
}


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One ring at one agent. `number` is the fencing number: what is said of an offer that does not ring is refused.

    `expired` and `completed` are numbers of re-reads (see Call.checks): the ring has had its time, or Graph said that
    it was accepted, and the re-read of that number, or a later one, decides what it came to.
    """

    id: OfferId
    number: int
    agent: AgentId
    made_at: datetime
    expired: int | None = None
    completed: int | None = None
    unsure: bool = False  #: nobody knows whether it rings


class Mistaken(msgspec.Struct, frozen=True, kw_only=True):
    """A party that was taken for the caller. `activity` is the CRM's id of what was written for it; empty: nothing."""

    party: PartyRef
    activity: str = ""


class Crossed(msgspec.Struct, frozen=True, kw_only=True):
    """An agent who was seen in the roster although their ring was taken back. `at` is when, aware UTC."""

    agent: AgentId
    at: datetime


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All we know of one call. Instants are aware UTC; None means not (yet) happened.

    `inferred` names the instants that were concluded and not told. `roster` is the newest roster
    sequence seen (-1: none). `excluded` are agents this call is not offered to again.
    """

    id: CallId
    graph_id: GraphCallId
    state: CallState = CallState.HEARD_OF
    queue: QueueId | None = None
    sequence: int = 0  #: order of arrival in the tenant
    heard_at: datetime
    arrived_at: datetime | None = None
    established_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    closed_at: datetime | None = None
    caller: Caller = Caller(kind=CallerKind.WITHHELD)
    candidates: tuple[Candidate, ...] = ()
    party: PartyRef | None = None  #: the settled party
    last_agent: AgentId | None = None  #: who talked to them last, and when
    last_met_at: datetime | None = None
    agent: AgentId | None = None
    offer: Offer | None = None  #: the oldest that rings
    beside: tuple[Offer, ...] = ()  #: what rings beside it, in queues that ring several agents at once
    offers: int = 0
    transfer: Transfer | None = None
    transfers: int = 0
    failure: TransferFailure | None = None  #: of the newest transfer
    dialled: str = ""  #: the number (E.164) that a transfer rings or has rung
    beyond: Beyond | None = None
    joined_at: datetime | None = None  #: when `agent` joined, where somebody else had the call before
    former: AgentId | None = None  #: who had the call before and passed it on
    releases: bool = False  #: the newest offer hands the call over, and we leave it
    is_group: bool = False  #: somebody was invited: Graph hands it over no more
    seen_talking: bool = False  #: the agent of a released call, or of one that we place, was seen to talk
    outbound: Outbound | None = None  #: of a call that we have placed
    leg: int = 0  #: the number of the leg of an `agent` who came by a transfer
    overdue: bool = False  #: has waited too long while it rang
    announced: tuple[AgentId, ...] = ()  #: who is shown that they may claim it
    excluded: tuple[AgentId, ...] = ()
    withdrawn: tuple[AgentId, ...] = ()  #: agents whose ring we ordered to be withdrawn
    crossed: Crossed | None = None  #: who of them stands in the call all the same, until a newer roster decides
    outcome: Outcome | None = None
    outcome_reason: str = ""
    ended_by: EndedBy | None = None
    inferred: tuple[str, ...] = ()
    roster: int = -1
    checks: int = 0
    prompts: int = 0
    cards: int = 0
    wrap_up_until: datetime | None = None  #: when it ends by itself
    extended: int = 0
    disposition: str = ""
    note: str = ""
    activity: str = ""  #: the CRM's id of the activity, once it is there
    revision: int = 0  #: how often what the activity says has changed since it was first ordered
    mistaken: tuple[Mistaken, ...] = ()
    flow: InFlow | None = None  #: where it stands in its flow, or left it
    saying: Saying | None = None
    treated: Treated = Treated()
    tone: int = -1  #: sequence of the newest key that we were told of
    listens: bool = False  #: keys are told to us
    queued_at: datetime | None = None  #: when its flow brought it to its queue
    credit_s: float = 0.0  #: that its flow gave it, on top of its queue's
    skills: frozenset[str] = frozenset()  #: that its flow asks for, on top of its queue's

    @property
    def waits_since(self) -> datetime:
        """When its wait for an agent began: on arrival, or when its flow brought it to its queue."""
        return self.queued_at or self.arrived_at or self.heard_at

    @property
    def is_live(self) -> bool:
        """The Graph call still stands, as far as we know."""
        if self.state in (CallState.CLOSED, CallState.RELEASED, CallState.PLACING):
            return False
        return self.ended_at is None or self.is_beyond

    @property
    def is_written(self) -> bool:
        """The agent has written it down, or the time for that is over."""
        return self.state in (CallState.CLOSED, CallState.PASSED_ON)

    @property
    def leg_number(self) -> int:
        """The number of the leg of `agent`: that of the offer by which they came, or the transfer's."""
        return self.leg or max(self.offers, 1)

    @property
    def is_beyond(self) -> bool:
        """It goes on with somebody outside."""
        return self.beyond is not None and self.beyond.until is None

    @property
    def rings(self) -> tuple[Offer, ...]:
        """The offers that ring now, the oldest first."""
        return () if self.offer is None else (self.offer, *self.beside)


def move(call: Call, step: Move, to: CallState, **changes: object) -> Call:
    """Take one legal step. Raises IllegalEvent, naming step and state, when the table has no such move."""
    if to not in MOVES.get((call.state, step), frozenset()):
        raise IllegalEvent(f"{step} in state {call.state} to {to}")
    return replace(call, state=to, **changes)


def allows(call: Call, step: Move) -> bool:
    """Whether the table has this step in the call's state."""
    return (call.state, step) in MOVES


def written_down(call: Call, step: Move, at: datetime, **written: object) -> Call:
    """The agent has written it down. The call is closed, unless it goes on with somebody outside."""
    if call.is_beyond:
        return move(call, step, CallState.PASSED_ON, **written)
    return move(call, step, CallState.CLOSED, closed_at=at, **written)


def identified(call: Call, candidates: tuple[Candidate, ...]) -> Call:
    """What the look-up found. It settles the party when exactly one candidate is sure."""
    return move(call, Move.IDENTIFY, call.state, candidates=candidates, party=call.party or settled(candidates))


def pending_reason(call: Call) -> str | None:
    """Why an answered call has no settled party and waits for a person; None when it is settled.

    withheld | short_number | unknown | several_matches | uncertain
    """
    if call.party is not None:
        return None
    if call.caller.kind is CallerKind.WITHHELD:
        return "withheld"
    if call.caller.kind is CallerKind.SHORT:
        return "short_number"
    if not call.candidates:
        return "unknown"
    return "several_matches" if len(call.candidates) > 1 else "uncertain"
