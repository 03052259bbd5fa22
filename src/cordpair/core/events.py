"""What happened: facts in the past tense, the closed list that the floor folds.

`at` is aware and UTC: the instant at which we learned the fact, or the source's own where it gives one.
`inferred` marks what was concluded from a re-read or a deadline and not told by a notification.
"""

from datetime import datetime

import msgspec

from cordpair.core.agent_events import (
    PresenceAged,
    PresenceSeen,
    SignedOut,
    TookBreak,
    WentReady,
)
from cordpair.core.callback_events import (
    CallbackAsked,
    CallbackCancelled,
    CallbackDeclined,
    CallbackDue,
    CallbackExpired,
    CallbackReported,
    CallbackTaken,
)
from cordpair.core.caller import Caller, Candidate
from cordpair.core.fact import (
    AgentFact,
    CallFact,
    Event,
)
from cordpair.core.flow_events import (
    PromptBegun,
    PromptEnded,
    StepTimedOut,
    ToneHeard,
)
from cordpair.core.ids import AgentId, GraphCallId, QueueId
from cordpair.core.offer_events import (
    InviteCompleted,
    OfferDeclined,
    OfferEnd,
    OfferFailed,
    OfferTimedOut,
    RingUnsure,
)
from cordpair.core.party_events import (
    ActivityLogged,
    ActivityMissing,
    CallerMistaken,
    Identified,
    PartyPicked,
)
from cordpair.core.transfer_events import (
    AgentHungUp,
    CallReleased,
    HoldRefused,
    OutboundAsked,
    OutboundCreated,
    OutboundRefused,
    OutboundTimedOut,
    ReleasedUnseen,
    TransferAsked,
    TransferCancelled,
    TransferCompleted,
    TransferFailed,
    TransferTimedOut,
    TransferUnanswered,
)
from cordpair.core.wrap_up_events import (
    WrapUpEnded,
    WrapUpExpired,
    WrapUpExtended,
    WrapUpSaved,
)

#: Events that stand elsewhere, by what they are about.
__all__ = [
    "ActivityLogged",
    "ActivityMissing",
    "AgentFact",
    "AgentHungUp",
    "CallFact",
    "CallReleased",
    "CallbackAsked",
    "CallbackCancelled",
    "CallbackDeclined",
    "CallbackDue",
    "CallbackExpired",
    "CallbackReported",
    "CallbackTaken",
    "CallerMistaken",
    "Event",
    "HoldRefused",
    "Identified",
    "InviteCompleted",
    "OfferDeclined",
    "OfferEnd",
    "OfferFailed",
    "OfferTimedOut",
    "OutboundAsked",
    "OutboundCreated",
    "OutboundRefused",
    "OutboundTimedOut",
    "PartyPicked",
    "PresenceAged",
    "PresenceSeen",
    "PromptBegun",
    "PromptEnded",
    "ReleasedUnseen",
    "RingUnsure",
    "SignedOut",
    "StepTimedOut",
    "ToneHeard",
    "TookBreak",
    "TransferAsked",
    "TransferCancelled",
    "TransferCompleted",
    "TransferFailed",
    "TransferTimedOut",
    "TransferUnanswered",
    "WentReady",
    "WrapUpEnded",
    "WrapUpExpired",
    "WrapUpExtended",
    "WrapUpSaved",
]


class Arrived(CallFact, frozen=True, kw_only=True):
    """A caller rings. `dialled` is the resource account (application instance) that was called."""

    graph_id: GraphCallId
    dialled: str
    caller: Caller
    candidates: tuple[Candidate, ...] = ()
    inferred: bool = False
    last_agent: AgentId | None = None  #: who talked to the settled party last, and when
    last_met_at: datetime | None = None


class Established(CallFact, frozen=True, kw_only=True):
    """The call is answered: the caller hears us. `outgoing`: Graph says that it is one that we have placed."""

    graph_id: GraphCallId
    inferred: bool = False
    outgoing: bool = False


class AnswerFailed(CallFact, frozen=True, kw_only=True):
    """Graph refused our answer for good. `why` is Graph's error code, never personal text."""

    why: str


class RosterSeen(CallFact, frozen=True, kw_only=True):
    """Who stands in the call. `sequence` is Graph's rosterSequenceNumber: a lower one than seen is stale."""

    graph_id: GraphCallId
    sequence: int
    users: tuple[AgentId, ...]
    participants: tuple[str, ...] = ()  #: ids of all who stand in it, as far as Graph names them
    inferred: bool = False


class CallEnded(CallFact, frozen=True, kw_only=True):
    """The call is gone. `code` and `subcode` are Graph's resultInfo where there was one."""

    graph_id: GraphCallId
    code: int | None = None
    subcode: int | None = None
    inferred: bool = False


class CallRefreshed(CallFact, frozen=True, kw_only=True):
    """A re-read of the call has been folded completely (its facts came just before). `number` is the order's."""

    number: int


class CallClaimed(CallFact, frozen=True, kw_only=True):
    """An agent asks for a waiting call."""

    agent: AgentId


class WaitGrown(CallFact, frozen=True, kw_only=True):
    """The call has waited so long that its step, its tier or who sees it changes."""


class ClosingTime(CallFact, frozen=True, kw_only=True):
    """The queue of a call that may still wait closes."""


class CallMoved(CallFact, frozen=True, kw_only=True):
    """A supervisor moves a waiting call to another queue. `by` names them for the history, never by name."""

    queue: QueueId
    by: str = ""


class WaitTooLong(CallFact, frozen=True, kw_only=True):
    """The call has waited as long as its queue lets callers wait."""


class CheckDue(CallFact, frozen=True, kw_only=True):
    """Time to keep the call alive and to re-read it."""


CallEvent = (
    Arrived
    | Established
    | AnswerFailed
    | RosterSeen
    | CallEnded
    | CallRefreshed
    | Identified
    | InviteCompleted
    | RingUnsure
    | OfferFailed
    | OfferTimedOut
    | OfferDeclined
    | CallClaimed
    | WrapUpSaved
    | WrapUpExtended
    | WrapUpEnded
    | WrapUpExpired
    | WaitGrown
    | ClosingTime
    | CallMoved
    | CallbackAsked
    | CallbackTaken
    | CallbackDeclined
    | CallbackReported
    | CallbackDue
    | CallbackExpired
    | CallbackCancelled
    | WaitTooLong
    | TransferFailed
    | CallReleased
    | ReleasedUnseen
    | OutboundAsked
    | OutboundCreated
    | OutboundRefused
    | OutboundTimedOut
    | TransferAsked
    | TransferUnanswered
    | TransferTimedOut
    | TransferCompleted
    | TransferCancelled
    | HoldRefused
    | AgentHungUp
    | ToneHeard
    | PromptBegun
    | PromptEnded
    | StepTimedOut
    | CheckDue
    | ActivityLogged
    | ActivityMissing
    | CallerMistaken
    | PartyPicked
)
AgentEvent = WentReady | TookBreak | SignedOut | PresenceSeen | PresenceAged
AnyEvent = CallEvent | AgentEvent

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """An event as JSON. Holds personal data (caller, note) for some kinds: seal it before it is stored."""
    return _encoder.encode(event)


def decode(data: bytes) -> AnyEvent:
    """The event that `encode` wrote. Raises msgspec.ValidationError for anything else."""
    return _decoder.decode(data)
