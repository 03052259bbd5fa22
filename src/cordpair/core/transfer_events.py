"""What happened to callers who are passed on, to released calls and to calls that we place."""

from cordpair.core.caller import Caller, Candidate
from cordpair.core.fact import CallFact
from cordpair.core.ids import AgentId, CallId, GraphCallId, QueueId, TransferId
from cordpair.core.transfer import Target, TransferEnd, TransferKind


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
