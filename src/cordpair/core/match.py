"""A decision of the router: this contact to this agent, and why."""

from datetime import datetime
from enum import StrEnum

import msgspec

from cordpair.core.ids import AgentId, CallId
from cordpair.core.pool import ContactKey


class Rule(StrEnum):
    """Why this pair."""

    LONGEST_IDLE = "longest_idle"  # a contact came; of the idle agents who can serve it this one is idle longest
    BEST_SKILL = "best_skill"
    LEAST_LOADED = "least_loaded"
    ROUND_ROBIN = "round_robin"
    PREFERRED = "preferred"  # the first of the contact's preferred agents who is idle
    LOWEST_KEY = "lowest_key"  # an agent became idle; of the contacts they can serve this one has the lowest key


class Match(msgspec.Struct, frozen=True, gc=False):
    """One decision, with what the decision log says about it.

    `candidates` counts those the choice was made among: idle agents (a contact came) or waiting contacts (an agent
    became idle) of the classes concerned, the excluded among them included.
    """

    contact: CallId
    agent: AgentId
    rule: Rule
    candidates: int
    key: ContactKey
    idle_since: datetime
