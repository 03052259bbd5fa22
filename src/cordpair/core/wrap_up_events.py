"""What happened after a conversation."""

from cordpair.core.fact import CallFact
from cordpair.core.ids import AgentId, PartyRef


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
