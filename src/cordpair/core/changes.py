"""What a fold changed: everything that one transaction makes true together."""

from datetime import datetime
from enum import StrEnum

import msgspec

from cordpair.core.agent import Agent
from cordpair.core.call import Call
from cordpair.core.callback import Callback
from cordpair.core.effects import Effect
from cordpair.core.events import AnyEvent, OfferEnd
from cordpair.core.ids import AgentId, CallId, OfferId


class OfferState(StrEnum):
    RINGING = "ringing"
    ACCEPTED = "accepted"
    ENDED = "ended"


class OfferRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An offer as it is remembered. `why` is None while it rings and when it was accepted."""

    id: OfferId
    call: CallId
    agent: AgentId
    number: int
    state: OfferState
    made_at: datetime
    ended_at: datetime | None = None
    why: OfferEnd | None = None


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One party's stay in a call. Number 0 is the caller's leg (`agent` is None), the others are agents'.

    Negative: an agent's stay that an older roster told of when another agent had answered already.
    """

    call: CallId
    number: int
    agent: AgentId | None
    joined_at: datetime
    left_at: datetime | None = None


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what happened. `detail` holds ids, codes and reasons; never personal data."""

    at: datetime
    what: str  #: the event's name
    call: CallId | None = None
    agent: AgentId | None = None
    before: str = ""
    after: str = ""
    detail: dict[str, str] = msgspec.field(default_factory=dict)


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that will be true at `run_at` unless it is cancelled by its key first. Holds no personal data."""

    key: str
    run_at: datetime
    event: AnyEvent


class PendingItem(msgspec.Struct, frozen=True, kw_only=True):
    """An answered call that waits for a person to say who it was.

    `reason` is withheld | short_number | unknown | several_matches | uncertain.
    """

    call: CallId
    reason: str
    since: datetime


class Changes(msgspec.Struct, kw_only=True):
    """Collected by the floor while it folds a batch; written by the store in one transaction.

    `calls`, `agents`, `offers`, `legs`, `callbacks` hold the newest value of each that changed. `timers` maps a key to
    its timer, or to None where it is cancelled. `pending` maps a call to its item, or to None where it is settled.
    """

    calls: dict[CallId, Call] = msgspec.field(default_factory=dict)
    agents: dict[AgentId, Agent] = msgspec.field(default_factory=dict)
    offers: dict[OfferId, OfferRecord] = msgspec.field(default_factory=dict)
    legs: dict[tuple[CallId, int], Leg] = msgspec.field(default_factory=dict)
    history: list[HistoryEntry] = msgspec.field(default_factory=list)
    effects: list[Effect] = msgspec.field(default_factory=list)
    timers: dict[str, Timer | None] = msgspec.field(default_factory=dict)
    pending: dict[CallId, PendingItem | None] = msgspec.field(default_factory=dict)
    callbacks: dict[CallId, Callback] = msgspec.field(default_factory=dict)
