"""What every event is: a fact, about a call or about an agent."""

from datetime import datetime

import msgspec

from cordpair.core.ids import AgentId, CallId


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="type"):
    """One fact."""

    at: datetime


class CallFact(Event, frozen=True, kw_only=True):
    """A fact about one call."""

    call: CallId


class AgentFact(Event, frozen=True, kw_only=True):
    """A fact about one agent."""

    agent: AgentId
