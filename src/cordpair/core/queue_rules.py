"""What a queue may choose among: how its calls are wrapped up, and what holds an agent back."""

from enum import StrEnum


class WrapUpMode(StrEnum):
    """What follows a conversation. Idle time counts from the end of it."""

    NONE = "none"  # nothing: the call is closed, the agent takes the next
    OPTIONAL = "optional"  # the agent takes the next call at once, and may write this one down meanwhile
    FIXED = "fixed"  # so many seconds, neither less nor (extensions aside) more
    UNTIL_DONE = "until_done"  # until it is written down, so many seconds at most


class StalePolicy(StrEnum):
    """What a presence that holds an agent back says when it is old."""

    TRUST = "trust"  # nothing: our own state is trusted
    BLOCK = "block"  # the same still: until Teams says otherwise
