"""Where a call stands in its flow, and what its caller hears now. Pure values of a call; `fold_flow` decides."""

from datetime import datetime
from enum import StrEnum

import msgspec

from cordpair.core.ids import FlowId


class Why(StrEnum):
    """Why something is said, or why nothing is."""

    STEP = "step"  #: what the step says
    KEY = "key"  #: nothing: the step waits for a key
    GREETING = "greeting"  #: of the queue
    MUSIC = "music"
    PAUSE = "pause"  #: nothing: until the next announcement
    ANNOUNCEMENT = "announcement"  #: the position or the expected wait
    CALLBACK = "callback"  #: the offer to call back
    CALLBACK_KEY = "callback_key"  #: nothing: its answer is awaited
    GOODBYE = "goodbye"  #: to a caller who is called back: then we hang up


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller hears. `number` is the call's `prompts` as this began: what is told of a lower one is over."""

    number: int
    why: Why
    plays: bool


class InFlow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call in its flow. `tries` counts how often its menu was said in vain.

    `taken` are the ways that it went, `step.exit` each; never what a caller pressed, but what it chose.
    """

    flow: FlowId
    version: int
    step: str
    tries: int = 0
    taken: tuple[str, ...] = ()


class Treated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a waiting caller was told. `announced_at` is when last, `told_min` the minutes that were said to remain."""

    announced_at: datetime | None = None
    told_min: int | None = None
    callback_said: bool = False
