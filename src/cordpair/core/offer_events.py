"""What happened to the rings at agents."""

from enum import StrEnum

from cordpair.core.fact import CallFact
from cordpair.core.ids import AgentId, OfferId


class OfferEnd(StrEnum):
    """Why an offer ended without a conversation."""

    DECLINED = "declined"  # the agent said no, on the card or in the Teams client
    MISSED = "missed"  # it rang until the end
    BUSY = "busy"  # the agent's client was in another call: nobody's fault
    FAILED = "failed"  # Graph could not ring the agent
    AGENT_LOST = "agent_lost"  # the agent went away while it rang
    WITHDRAWN = "withdrawn"  # we took it back: the caller left or somebody else answered
    UNSURE = "unsure"  # nobody knows whether it rang: nobody's fault, and nobody's turn again at once


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
