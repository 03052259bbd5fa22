"""What agents wish, and what Teams says of them."""

from cordpair.core.fact import AgentFact
from cordpair.core.ids import AgentId


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
