"""What must be shown: cards, words and presence of agents."""

from enum import StrEnum

from cordpair.core.ids import AgentId, CallId
from cordpair.core.order import Lane, Order


class Face(StrEnum):
    """What the one card of a call shows an agent."""

    CLAIMABLE = "claimable"  # waits for whoever takes it
    RINGING = "ringing"
    DECLINED = "declined"  # said not now; may still claim the call
    MISSED = "missed"  # rang out, or the caller left
    TAKEN = "taken"  # somebody else has it
    CALLING = "calling"  # we call somebody for them
    STRIP = "strip"  # in conversation
    PASSED = "passed"  # somebody else talks to the caller now
    WRAP_UP = "wrap_up"
    DONE = "done"


class ShowCard(Order, frozen=True, kw_only=True):
    """Bring the agent's card of this call to `face`. A higher `number` makes lower ones pointless."""

    agent: AgentId
    face: Face
    number: int

    @property
    def key(self) -> str:
        return f"card:{self.call}:{self.agent}:{self.number}"

    @property
    def lane(self) -> Lane:
        return Lane.CARD


class CallbackFace(StrEnum):
    """What the card of a callback shows an agent."""

    OFFERED = "offered"  # asked to call back
    TAKEN = "taken"  # at it
    GONE = "gone"  # somebody else is asked
    DONE = "done"


class ShowCallback(Order, frozen=True, kw_only=True):
    """Bring an agent's card of the callback of this call to `face`. A higher `number` makes lower ones pointless."""

    agent: AgentId
    face: CallbackFace
    number: int

    @property
    def key(self) -> str:
        return f"callback:{self.call}:{self.agent}:{self.number}"

    @property
    def lane(self) -> Lane:
        return Lane.CARD


class TellAgent(Order, frozen=True, kw_only=True):
    """Tell an agent in the chat how they stand: somebody else has set it, or a rule. `number` counts these."""

    call: CallId = CallId("")
    agent: AgentId
    number: int

    @property
    def key(self) -> str:
        return f"tell:{self.agent}:{self.number}"

    @property
    def lane(self) -> Lane:
        return Lane.CARD


class ShowPresence(Order, frozen=True, kw_only=True):
    """Let Teams show an agent as busy, or no longer, whichever is so by then. `since` is when (UTC, ISO) it changed."""

    call: CallId = CallId("")
    agent: AgentId
    since: str

    @property
    def key(self) -> str:
        return f"presence:{self.agent}:{self.since}"

    @property
    def lane(self) -> Lane:
        return Lane.CHECK
