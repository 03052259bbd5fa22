"""What happened to callbacks."""

from cordpair.core.callback import Reported
from cordpair.core.fact import CallFact
from cordpair.core.ids import AgentId, QueueId


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
