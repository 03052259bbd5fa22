"""What a queue may choose among: how its calls are wrapped up, and what holds an agent back."""

from enum import StrEnum


class WrapUpMode(StrEnum):
    """What follows a conversation. Idle time counts from the end of it."""

    NONE = "none"  # nothing: the call is closed, the agent takes the next
    OPTIONAL = "optional"  # the agent takes the next call at once, and may write this one down meanwhile
    FIXED = "fixed"  # so many seconds, neither less nor (extensions aside) more
    UNTIL_DONE = "until_done"  # until it is written down, so many seconds at most


class AtTimeout(StrEnum):
    """What becomes of a ring when the caller has waited as long as the queue allows."""

    FINISH = "finish"  # it may end, no further one begins
    CUT = "cut"  # it is taken back


class StalePolicy(StrEnum):
    """What a presence that holds an agent back says when it is old."""

    TRUST = "trust"  # nothing: our own state is trusted
    BLOCK = "block"  # the same still: until Teams says otherwise
