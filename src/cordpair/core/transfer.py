"""A transfer: a caller who talks to an agent is to talk to somebody else. Pure values; `fold_transfer` decides.

    blind       the agent is out as soon as the other one is in
    consult     both agents talk, the caller hears music; then the agent completes it, or takes the caller back
    conference  all three talk, until somebody leaves

Anchored calls only (ADR 1): the other one is invited into the call, and who leaves is taken out of it.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from cordpair.core.ids import AgentId, TransferId


class TransferKind(StrEnum):
    BLIND = "blind"
    CONSULT = "consult"
    CONFERENCE = "conference"


class TargetKind(StrEnum):
    AGENT = "agent"
    QUEUE = "queue"
    NUMBER = "number"
    USER = "user"  # a Teams user who is no agent


class Stage(StrEnum):
    RINGING = "ringing"
    TALKING = "talking"  # the other one is in the call too, and so is the agent


class TransferEnd(StrEnum):
    """What a transfer came to."""

    DONE = "done"
    BUSY = "busy"
    NO_ANSWER = "no_answer"  # Graph gave up ringing
    DECLINED = "declined"
    UNREACHABLE = "unreachable"  # no client of theirs is signed in, or the number does not exist
    FORBIDDEN = "forbidden"  # Graph does not let us: a permission or the queue's own number is missing
    NUMBER_NOT_ALLOWED = "number_not_allowed"
    TIMED_OUT = "timed_out"  # it has rung for as long as we let it
    CANCELLED = "cancelled"  # the agent took the caller back
    LEFT = "left"  # the other one was in the call and has gone again
    CALLER_LEFT = "caller_left"


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom a transfer is to. `id` is an Entra object id or a queue's; empty for a number, which is `Call.dialled`."""

    kind: TargetKind
    id: str = ""


class Transfer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The transfer under way of a call. `number` is the fencing number: what is told of an older one is over.

    `agent_left` says that the agent hung up while it rang: then it goes on blind. `expired` is the number of the
    re-read that decides what a ring that has had its time came to. `held`: the caller hears music.
    """

    id: TransferId
    number: int
    kind: TransferKind
    target: Target
    agent: AgentId  #: who passes the caller on
    at: datetime
    stage: Stage = Stage.RINGING
    joined_at: datetime | None = None  #: when the other one came into the call
    agent_left: datetime | None = None
    expired: int | None = None
    held: bool = False


class TransferFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why the newest transfer of a call did not take place: the agent is told."""

    target: Target
    why: TransferEnd


class Beyond(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that goes on with somebody outside, while we hold the line. Instants are aware UTC."""

    id: TransferId
    target: Target
    at: datetime
    until: datetime | None = None
