"""What the API takes and gives. Instants are RFC 3339 in UTC, durations seconds, ids stable.

Bodies with a field that stands here nowhere are refused: nobody sets what is not theirs to set.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, EndedBy, Outcome
from cordpair.core.callback import CallbackKind, CallbackState, Reported
from cordpair.core.caller import CallerKind, Grade
from cordpair.core.transfer import TargetKind, TransferKind

Slug = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.-]+$")]


class Out(BaseModel):
    """What the API gives."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Body(BaseModel):
    """What the API takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# ---- reads


class Me(Out):
    """Whoever asks."""

    tenant: str
    subject: str = Field(description="Entra object id of the person or of the program's service principal.")
    roles: list[str]
    is_program: bool
    operations: list[str] = Field(description="The operations that these roles allow, by operationId.")


class QueueFigures(Out):
    """A queue now, and its counts since midnight of the organisation's time zone.

    offered = answered + abandoned + flowed_out + waiting.
    """

    id: str
    name: str
    is_open: bool
    waiting: int
    waiting_since: datetime | None = Field(description="Arrival of the call that has waited longest.")
    agents: dict[AgentState, int]
    offered: int
    answered: int
    answered_in_target: int
    abandoned: int
    abandoned_short: int
    flowed_out: int
    service_level: float | None = Field(description="Share (0..1) answered in target; null before the first call.")
    target_s: float
    target_share: float


class Queues(Out):
    """All queues. `as_of` is the instant up to which the figures are true."""

    as_of: datetime
    queues: list[QueueFigures]


class AgentNow(Out):
    """An agent now. `presence` is what Teams said last, at `presence_at`: a hint with an age."""

    id: str
    name: str
    state: AgentState
    since: datetime
    reason: str
    after: AgentState
    queues: list[str]
    call: str | None
    presence: str
    presence_at: datetime | None


class Agents(Out):
    """All agents."""

    as_of: datetime
    agents: list[AgentNow]


class CallerSeen(Out):
    """Who called, as far as it is known; for supervisors and administrators only."""

    kind: CallerKind
    number: str
    name: str
    company: str
    grade: Grade
    candidates: int


class CallSeen(Out):
    """One call. `inferred`: something of it was concluded and not told by Microsoft."""

    id: str
    queue: str | None
    state: CallState
    arrived_at: datetime
    connected_at: datetime | None
    ended_at: datetime | None
    agent: str | None
    outcome: Outcome | None
    outcome_reason: str
    ended_by: EndedBy | None
    disposition: str
    activity: str = Field(description="The CRM's id of the logged call; empty as long as there is none.")
    inferred: bool
    caller: CallerSeen | None


class Calls(Out):
    """One page of calls, newest first. `next` is the cursor of the page after it; null on the last one."""

    calls: list[CallSeen]
    next: str | None


class Happened(Out):
    """One line of what happened to a call. `detail` holds ids, codes and reasons."""

    at: datetime
    what: str
    agent: str | None
    before: str
    after: str
    detail: dict[str, str]


class CallWithHistory(Out):
    """A call and everything that happened to it."""

    call: CallSeen
    history: list[Happened]


class Why(Out):
    """The sentences of `cordpair why`, in the time zone of the organisation."""

    call: str
    language: str
    time_zone: str
    lines: list[str]


class PendingCall(Out):
    """An answered call of which a person has to say who called."""

    call: str
    reason: str
    since: datetime
    queue_name: str
    agent_name: str
    candidates: int


class Pending(Out):
    """All of them, the oldest first."""

    pending: list[PendingCall]


class ParkedThing(Out):
    """What failed for good and waits for a person."""

    id: str
    what: str
    why: str
    since: datetime
    attempts: int
    call: str | None


class Parked(Out):
    """All of it."""

    parked: list[ParkedThing]


class CallbackOwed(Out):
    """A call that we owe: a place that a caller keeps in a queue, or a missed call. It is named by its call.

    `agent` is asked to call back (`offered`) or is at it (`taken`). Nobody is called after `latest`.
    """

    call: str
    kind: CallbackKind
    state: CallbackState
    queue: str
    asked_at: datetime
    latest: datetime
    agent: str | None
    tries: int
    times: int = Field(description="How often this caller was missed.")
    caller: CallerSeen


class CallbacksOwed(Out):
    """All that are open, the oldest first."""

    callbacks: list[CallbackOwed]


# ---- orders


class Progress(StrEnum):
    """How an order stands."""

    DONE = "done"
    REFUSED = "refused"
    IN_PROGRESS = "in_progress"


class Ordered(Out):
    """An order. `id` is the Idempotency-Key, or the one that was made for an order without one."""

    id: str
    progress: Progress
    reason: str = Field(default="", description="Why it was refused, as a word.")


class Wish(StrEnum):
    """Where an agent wants to be; during a call it waits for the end of the wrap-up."""

    READY = "ready"
    BREAK = "break"
    OFFLINE = "offline"


class StateBody(Body):
    """A new state. `reason` says why a break is taken."""

    state: Wish
    reason: Slug = "break"


class WrapUpBody(Body):
    """What the agent writes down. `party` chooses among the candidates, as `connector:id`."""

    disposition: Slug
    note: str = Field(default="", max_length=10_000)
    party: str | None = Field(default=None, max_length=300)


class CallbackBody(Body):
    """In which queue the caller keeps a place; null: in the call's own."""

    queue: Slug | None = None


class ReportBody(Body):
    """What came of calling back."""

    result: Reported


class PlaceBody(Body):
    """Whom to call, on behalf of which queue. A national number is read as of the organisation's country."""

    queue: Slug
    number: str = Field(min_length=1, max_length=40)


class PassOnBody(Body):
    """To whom. `id` is an Entra object id, or a queue's; for a number it stays empty.

    `note` travels with the call. `anyway`: also to a queue that is closed or where nobody is, or an agent who is away.
    """

    to: TargetKind
    kind: TransferKind = TransferKind.BLIND
    id: str = Field(default="", max_length=100, pattern=r"^[\w.-]*$")
    number: str = Field(default="", max_length=40)
    note: str = Field(default="", max_length=10_000)
    anyway: bool = False


class MoveBody(Body):
    """Where a waiting call goes."""

    queue: Slug
