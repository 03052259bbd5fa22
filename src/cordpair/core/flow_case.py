"""A flow test as data: one made-up caller, what they do, and what is expected to become of them."""

from datetime import datetime

import msgspec

from cordpair.core.ids import FlowId, QueueId


class CaseCaller(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who calls. Without a `number` (E.164) the number is withheld. `parties` is how many in the CRM it may be.

    One is a caller who is known; `company` is theirs.
    """

    number: str = ""
    parties: int = 0
    company: str = ""


class Press(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key that the caller presses `at_s` seconds after we answered."""

    at_s: float
    key: str


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is expected; what is not said is not looked at.

    `path` are the steps that the call came to, `ways` its ways out of them (`menu.choices.2`). `state` is the call's
    (in_flow, queued, offered, connected, closed), `outcome` and `reason` say how it ended, `target` is the user or
    number it was handed to. `heard` are prompts by name and texts, in order.
    """

    path: tuple[str, ...] | None = None
    ways: tuple[str, ...] | None = None
    state: str | None = None
    queue: QueueId | None = None
    outcome: str | None = None
    reason: str | None = None
    target: str | None = None
    heard: tuple[str, ...] | None = None


class FlowCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One test of a flow. Times are seconds after we answered.

    `at` is when the caller rings; without a zone, by the clock of the organisation. `signed_in` are agents (ids or
    names) who are ready; `waiting` says for queues how many callers wait there already. Every prompt takes `prompt_s`.
    Agents answer `answers_s` after their client began to ring; None: never. The caller hangs up at `hangs_up_s`.

    The test ends when the call does, else `lasts_s` after we answered; without that as soon as the caller waits in a
    queue with nothing left to do, at latest after an hour.
    """

    name: str
    flow: FlowId
    at: datetime
    caller: CaseCaller = CaseCaller()
    presses: tuple[Press, ...] = ()
    hangs_up_s: float | None = None
    signed_in: tuple[str, ...] = ()
    waiting: dict[QueueId, int] = msgspec.field(default_factory=dict)
    prompt_s: float = 3.0
    answers_s: float | None = None
    lasts_s: float | None = None
    expect: Expected


class FlowCases(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of flow tests. `organisation` is the file or folder with the flows, seen from this file."""

    organisation: str = ""
    tests: tuple[FlowCase, ...]
