"""What happened to a call in its flow."""

from cordpair.core.fact import CallFact


class ToneHeard(CallFact, frozen=True, kw_only=True):
    """The caller pressed a key (0-9, *, #). `sequence` is Graph's: the same one twice is one key."""

    key: str
    sequence: int


class PromptBegun(CallFact, frozen=True, kw_only=True):
    """What was ordered to be said plays now, for so many seconds. `number` is the order's."""

    number: int
    seconds: float


class PromptEnded(CallFact, frozen=True, kw_only=True):
    """What was said has ended, or could not be said."""

    number: int


class StepTimedOut(CallFact, frozen=True, kw_only=True):
    """The time is over in which a key was awaited, or in which what is said should have ended."""

    number: int
