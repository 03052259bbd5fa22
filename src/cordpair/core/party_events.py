"""Who a caller is, and what the CRM says of the call."""

from cordpair.core.caller import Candidate
from cordpair.core.fact import CallFact
from cordpair.core.ids import AgentId, PartyRef


class Identified(CallFact, frozen=True, kw_only=True):
    """A look-up that took longer than the ringing could wait has come back."""

    candidates: tuple[Candidate, ...]


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
