"""What the floor page shows of one organisation at one instant: pure data, names and numbers included.

The engine's live snapshot fills it; the templates read it. All instants are aware UTC, all durations seconds.
Holds personal data: it lives in memory only and is never logged.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from cordpair.core.agent import AgentState
from cordpair.core.audit import Actor
from cordpair.core.call import CallState, EndedBy, Outcome
from cordpair.core.caller import CallerKind, Grade
from cordpair.core.estimate import Wait
from cordpair.core.ids import AgentId, CallId, QueueId, TenantId


class FactSource(StrEnum):
    """Where the newest fact about a call comes from."""

    GRAPH_LIVE = "graph_live"  # a notification of Microsoft Graph
    GRAPH_READ = "graph_read"  # we asked Graph again
    INFERRED = "inferred"  # concluded from a deadline or from other facts
    CALL_RECORD = "call_record"  # Graph's record after the call


class CallSet(StrEnum):
    """The calls behind a number of the page (`/floor/calls?of=`)."""

    OFFERED = "offered"
    ANSWERED = "answered"
    IN_TARGET = "in_target"
    ABANDONED = "abandoned"
    FLOWED_OUT = "flowed_out"
    WAITING = "waiting"


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one queue, or of all, since midnight of the organisation's time zone.

    offered = answered + abandoned + flowed_out + waiting. `answered_in_target` is the part of `answered` that waited
    no longer than its queue's target, `abandoned_short` the part of `abandoned` that left within five seconds,
    `answer_wait_s` the waiting seconds of all answered calls together.
    """

    offered: int = 0
    answered: int = 0
    answered_in_target: int = 0
    abandoned: int = 0
    abandoned_short: int = 0
    flowed_out: int = 0
    waiting: int = 0
    answer_wait_s: float = 0.0

    @property
    def judged(self) -> int:
        """Calls that the service level counts: neither short abandons nor calls that still wait."""
        return self.offered - self.abandoned_short - self.waiting

    @property
    def service_level(self) -> float | None:
        """Share (0..1) of the judged calls that were answered in target; None before the first one."""
        return self.answered_in_target / self.judged if self.judged > 0 else None

    @property
    def speed_of_answer_s(self) -> float | None:
        """Mean wait of the answered calls; None before the first one."""
        return self.answer_wait_s / self.answered if self.answered else None


class ClosedQueue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue outside of its opening hours. `opens_at` is None when nobody can say.

    `reason` is closed | holiday | exception; `holiday` is what a holiday is called, by language (`en`, `de`).
    """

    reason: str
    opens_at: datetime | None = None
    holiday: dict[str, str] = msgspec.field(default_factory=dict)


class QueueTile(msgspec.Struct, frozen=True, kw_only=True):
    """One queue. `colour` is `#rrggbb`, `waiting_since` the arrival of the call that has waited longest.

    `agents` counts the queue's agents by state; states that nobody is in may be left out. `closed` is None while it is
    open. `wait` is what somebody who calls now may expect; None where it cannot be reckoned.
    """

    id: QueueId
    name: str
    colour: str = "#5b5fc7"
    waiting_since: datetime | None = None
    target_s: float = 20.0
    target_share: float = 0.8
    numbers: Numbers = Numbers()
    agents: dict[AgentState, int] = msgspec.field(default_factory=dict)
    closed: ClosedQueue | None = None
    wait: Wait | None = None


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call, live or ended.

    `number` is the caller's E.164 number, or as it came where it cannot be read; empty when withheld. `name` is the
    settled party's, or the best candidate's; `candidates` says how many the look-up found, `connector` where.
    `since` is when `state` began. `disposition` is text for people. `activity` is the CRM's id of the logged call,
    `activity_link` opens it (https, may be empty). `pending_reason` as in core.call.pending_reason.
    """

    call: CallId
    queue: QueueId | None = None
    queue_name: str = ""
    kind: CallerKind = CallerKind.NUMBER
    number: str = ""
    name: str = ""
    company: str = ""
    grade: Grade = Grade.NONE
    candidates: int = 0
    connector: str = ""
    record_link: str = ""
    state: CallState
    since: datetime
    arrived_at: datetime
    queued_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    agent: AgentId | None = None
    agent_name: str = ""
    source: FactSource = FactSource.GRAPH_LIVE
    outcome: Outcome | None = None
    outcome_reason: str = ""
    ended_by: EndedBy | None = None
    disposition: str = ""
    activity: str = ""
    activity_link: str = ""
    pending_reason: str | None = None

    @property
    def waited_s(self) -> float | None:
        """Seconds from arrival in the queue to answer, or to the end of an unanswered call; None while it waits."""
        until = self.connected_at or self.ended_at
        return (until - (self.queued_at or self.arrived_at)).total_seconds() if until else None

    @property
    def talked_s(self) -> float | None:
        """Seconds of conversation of an ended call; None when there was none or it still lasts."""
        if self.connected_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.connected_at).total_seconds())


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. `presence` is Graph's availability as last heard at `presence_at`, or empty.

    `reason` is the reason of a break, for people. `after` is where the agent goes after the call, if not ready.
    """

    id: AgentId
    name: str
    state: AgentState
    since: datetime
    reason: str = ""
    after: AgentState = AgentState.READY
    queues: tuple[str, ...] = ()
    call: CallId | None = None
    presence: str = ""
    presence_at: datetime | None = None


class ParkedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What failed for good and waits for a person. `what`: `LogActivity`, `notification.graph`, `flow.purge`."""

    id: str
    what: str
    why: str
    since: datetime
    attempts: int
    call: CallId | None = None


class PendingRow(msgspec.Struct, frozen=True, kw_only=True):
    """An answered call of which a person has to say who called. `reason` as in core.changes.PendingItem."""

    call: CallId
    reason: str
    since: datetime
    queue_name: str = ""
    number: str = ""
    agent_name: str = ""
    candidates: int = 0


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """Use of what Microsoft allows one calling app. `is_redirecting`: new calls are sent on at present."""

    calls_this_month: int = 0
    calls_per_month: int = 10_000
    concurrent: int = 0
    concurrent_at_most: int = 100
    is_redirecting: bool = False


class FloorView(msgspec.Struct, frozen=True, kw_only=True):
    """The floor of one organisation.

    `as_of` is the instant up to which all of this is true: it moves on while nothing happens and stands still when
    the engine does, so the page can tell a quiet floor from a stale one. Rows are shown in the order given; `ended`
    is newest first, at most some tens. `time_zone` is an IANA name.
    """

    tenant: TenantId
    organisation: str
    as_of: datetime
    time_zone: str = "Europe/Berlin"
    numbers: Numbers = Numbers()
    queues: tuple[QueueTile, ...] = ()
    calls: tuple[CallRow, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    parked: tuple[ParkedRow, ...] = ()
    pending: tuple[PendingRow, ...] = ()
    ended: tuple[CallRow, ...] = ()
    quota: Quota = Quota()


class FloorSource(Protocol):
    """Where floor views come from. Every method raises Rejected (404) for a tenant that is not known."""

    def current(self, tenant: TenantId) -> FloorView:
        """The newest view. Raises TemporaryFailure while there is none yet."""

    def changes(self, tenant: TenantId) -> AsyncIterator[FloorView]:
        """The newest view at once, then one after each change; skipping to the newest is allowed."""

    async def link_opened(self, tenant: TenantId, link: str) -> None:
        """Write down that the floor link of this id was opened."""

    async def retry_parked(self, tenant: TenantId, parked: str, by: Actor) -> bool:
        """Order one more try of a parked effect. False when it is not parked (any more)."""

    async def calls(self, tenant: TenantId, of: CallSet, queue: QueueId | None) -> list[CallRow]:
        """Today's calls behind a number, newest first; of one queue or of all."""
