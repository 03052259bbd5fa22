"""What happened: facts in the past tense, the closed list that the floor folds.

`at` is aware and UTC: the instant at which we learned the fact, or the source's own where it gives one.
`inferred` marks what was concluded from a re-read or a deadline and not told by a notification.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from cordpair.core.callback import Reported
from cordpair.core.caller import Caller, Candidate
from cordpair.core.ids import AgentId, CallId, GraphCallId, OfferId, PartyRef, QueueId, TransferId
from cordpair.core.transfer import Target, TransferEnd, TransferKind


class OfferEnd(StrEnum):
    """Why an offer ended without a conversation."""

    DECLINED = "declined"  # the agent said no, on the card or in the Teams client
    MISSED = "missed"  # it rang until the end
    BUSY = "busy"  # the agent's client was in another call: nobody's fault
    FAILED = "failed"  # Graph could not ring the agent
    AGENT_LOST = "agent_lost"  # the agent went away while it rang
    WITHDRAWN = "withdrawn"  # we took it back: the caller left or somebody else answered
    UNSURE = "unsure"  # nobody knows whether it rang: nobody's fault, and nobody's turn again at once


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="type"):
    """One fact."""

    at: datetime


class CallFact(Event, frozen=True, kw_only=True):
    """A fact about one call."""

    call: CallId


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


class Identified(CallFact, frozen=True, kw_only=True):
    """A look-up that took longer than the ringing could wait has come back."""

    candidates: tuple[Candidate, ...]


class InviteCompleted(CallFact, frozen=True, kw_only=True):
    """Graph says that the invite of `offer` was accepted; the roster is what counts."""

    offer: OfferId


class RingUnsure(CallFact, frozen=True, kw_only=True):
    """Nobody knows whether the ring of `offer` has begun: no answer came to its invite, and it is not repeated."""

    offer: OfferId


class OfferFailed(CallFact, frozen=True, kw_only=True):
    """The invite came back without an agent."""

    offer: OfferId
    why: OfferEnd


class OfferTimedOut(CallFact, frozen=True, kw_only=True):
    """The offer has rung for its time."""

    offer: OfferId


class OfferDeclined(CallFact, frozen=True, kw_only=True):
    """The agent pressed "Not now" on the card of this offer."""

    offer: OfferId
    agent: AgentId


class CallClaimed(CallFact, frozen=True, kw_only=True):
    """An agent asks for a waiting call."""

    agent: AgentId


class WrapUpSaved(CallFact, frozen=True, kw_only=True):
    """The agent filled in the wrap-up. `party` is the agent's choice among the candidates, if one was asked for."""

    agent: AgentId
    disposition: str
    note: str = ""
    party: PartyRef | None = None


class WrapUpExtended(CallFact, frozen=True, kw_only=True):
    """The agent asks for more time to write the call down."""

    agent: AgentId


class WrapUpEnded(CallFact, frozen=True, kw_only=True):
    """The wrap-up is over before its time: the agent is done, or a supervisor has ended it. `by` is who."""

    by: AgentId
    is_supervisor: bool = False


class WrapUpExpired(CallFact, frozen=True, kw_only=True):
    """The time for the wrap-up is over."""


class WaitGrown(CallFact, frozen=True, kw_only=True):
    """The call has waited so long that its step, its tier or who sees it changes."""


class ClosingTime(CallFact, frozen=True, kw_only=True):
    """The queue of a call that may still wait closes."""


class CallMoved(CallFact, frozen=True, kw_only=True):
    """A supervisor moves a waiting call to another queue. `by` names them for the history, never by name."""

    queue: QueueId
    by: str = ""


class CallbackAsked(CallFact, frozen=True, kw_only=True):
    """The caller of this call is to be called back, in their turn. `queue` is None for the call's own."""

    queue: QueueId | None = None
    by: str = ""


class CallbackTaken(CallFact, frozen=True, kw_only=True):
    """An agent calls the caller of this call back."""

    agent: AgentId


class CallbackDeclined(CallFact, frozen=True, kw_only=True):
    """The agent who was asked to call back will not now."""

    agent: AgentId


class CallbackReported(CallFact, frozen=True, kw_only=True):
    """The agent says what came of calling back."""

    agent: AgentId
    result: Reported


class CallbackDue(CallFact, frozen=True, kw_only=True):
    """What the callback of this call stood for has had its time. `number` is its fencing number."""

    number: int


class CallbackExpired(CallFact, frozen=True, kw_only=True):
    """Nobody has come to the callback for as long as it is kept."""


class CallbackCancelled(CallFact, frozen=True, kw_only=True):
    """The callback is not wanted any more. `by` names who says so, never by name."""

    by: str = ""


class WaitTooLong(CallFact, frozen=True, kw_only=True):
    """The call has waited as long as its queue lets callers wait."""


class TransferFailed(CallFact, frozen=True, kw_only=True):
    """Nobody took a call that we handed over: it is ours again."""


class CallReleased(CallFact, frozen=True, kw_only=True):
    """The one to whom we handed the call over has taken it: nothing more is told of it."""


class ReleasedUnseen(CallFact, frozen=True, kw_only=True):
    """Nobody has said for so long how a released call goes that it is taken for over."""


class OutboundAsked(CallFact, frozen=True, kw_only=True):
    """The agent calls somebody on behalf of a queue. `call` is a new name of ours, `caller` the party who is called.

    `because_of` is the call that is returned.
    """

    agent: AgentId
    queue: QueueId
    caller: Caller
    candidates: tuple[Candidate, ...] = ()
    because_of: CallId | None = None


class OutboundCreated(CallFact, frozen=True, kw_only=True):
    """Graph rings the agent. From now on the call is `named`, which is derived from Graph's own id."""

    graph_id: GraphCallId
    named: CallId


class OutboundRefused(CallFact, frozen=True, kw_only=True):
    """Graph does not place the call, or nobody knows whether it does."""

    why: TransferEnd


class OutboundTimedOut(CallFact, frozen=True, kw_only=True):
    """The agent, or the party, has been rung for as long as we let it ring."""


class TransferAsked(CallFact, frozen=True, kw_only=True):
    """The agent passes the caller on. `dialled` is the number (E.164) where the target is one; `disposition` and `note`
    travel with the call. `anyway`: also to a queue that is closed or where nobody is, or an agent who is away.
    """

    agent: AgentId
    kind: TransferKind
    target: Target
    dialled: str = ""
    disposition: str = ""
    note: str = ""
    anyway: bool = False


class TransferUnanswered(CallFact, frozen=True, kw_only=True):
    """The other one's ring came back without them."""

    transfer: TransferId
    why: TransferEnd


class TransferTimedOut(CallFact, frozen=True, kw_only=True):
    """The other one has been rung for as long as we let it ring."""

    transfer: TransferId


class TransferCompleted(CallFact, frozen=True, kw_only=True):
    """The agent leaves the caller to the other one."""

    agent: AgentId


class TransferCancelled(CallFact, frozen=True, kw_only=True):
    """The agent takes the caller back."""

    agent: AgentId


class HoldRefused(CallFact, frozen=True, kw_only=True):
    """Graph plays no music to the caller of a transfer: they hear what the agents say."""


class AgentHungUp(CallFact, frozen=True, kw_only=True):
    """The agent pressed Hang up on the card: they leave the call."""

    agent: AgentId


class ToneHeard(CallFact, frozen=True, kw_only=True):
    """The caller pressed a key (0-9, *, #). `sequence` is Graph's: the same one twice is one key."""

    key: str
    sequence: int


class PromptBegun(CallFact, frozen=True, kw_only=True):
    """What was ordered to be said plays now, for so many seconds. `number` is the order's."""

    number: int
    seconds: float


class PromptEnded(CallFact, frozen=True, kw_only=True):
    """What was said has ended, or could not be said."""

    number: int


class StepTimedOut(CallFact, frozen=True, kw_only=True):
    """The time is over in which a key was awaited, or in which what is said should have ended."""

    number: int


class CheckDue(CallFact, frozen=True, kw_only=True):
    """Time to keep the call alive and to re-read it."""


class ActivityLogged(CallFact, frozen=True, kw_only=True):
    """The CRM holds the call's activity. `reference` is the CRM's own id."""

    party: PartyRef
    reference: str


class ActivityMissing(CallFact, frozen=True, kw_only=True):
    """The CRM does not hold the activity `reference` of the call at `party`, although it once did."""

    party: PartyRef
    reference: str


class CallerMistaken(CallFact, frozen=True, kw_only=True):
    """The agent of the call says that it is somebody else than the settled party."""

    agent: AgentId


class PartyPicked(CallFact, frozen=True, kw_only=True):
    """A person says who of the candidates called. `agent` is the call's own; None for a supervisor."""

    party: PartyRef
    agent: AgentId | None = None


class AgentFact(Event, frozen=True, kw_only=True):
    """A fact about one agent."""

    agent: AgentId


class WentReady(AgentFact, frozen=True, kw_only=True):
    """The agent takes calls."""

    by: AgentId | None = None  #: whoever set it for them


class TookBreak(AgentFact, frozen=True, kw_only=True):
    """The agent takes a break. `reason` is one of the tenant's break reasons, a slug."""

    reason: str = "break"
    by: AgentId | None = None  #: whoever set it for them


class SignedOut(AgentFact, frozen=True, kw_only=True):
    """The agent takes no more calls today."""

    by: AgentId | None = None  #: whoever set it for them


class PresenceSeen(AgentFact, frozen=True, kw_only=True):
    """Teams presence of the agent: a hint with an age. `sequence` guards against reordering (0 when unknown).

    `is_read`: asked for, so that the same sequence again says that it still is so.
    """

    availability: str
    activity: str
    sequence: int = 0
    is_read: bool = False


class PresenceAged(AgentFact, frozen=True, kw_only=True):
    """The presence that held the agent back is too old to be believed any longer."""


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
