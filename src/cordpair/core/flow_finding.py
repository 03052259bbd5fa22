"""What can be wrong with call flows and queue treatments, and where it stands."""

from collections.abc import Collection
from enum import StrEnum

import msgspec

from cordpair.core.ids import FlowId, QueueId
from cordpair.core.tenant import Queue


class FindingKind(StrEnum):
    """What can be wrong."""

    UNKNOWN_STEP = "unknown_step"  #: `about` is the name that no step has
    NO_START = "no_start"  #: the flow begins with a step that there is not: `about`
    UNREACHABLE = "unreachable"  #: no way leads to the step
    LOOP = "loop"  #: a caller who does nothing goes round for ever; `about` is the way, `a > b > a`
    DEAD_END = "dead_end"  #: a way out that must be set is not
    NO_CHOICE = "no_choice"  #: a menu without choices
    BAD_KEY = "bad_key"  #: `about` is no key of a telephone
    BAD_VALUE = "bad_value"  #: a field holds what cannot work; `about` says why
    NOTHING_SAID = "nothing_said"  #: a step that must say something has nothing to say
    BAD_SAY = "bad_say"  #: neither a prompt nor a text, or both
    MISSING_PROMPT = "missing_prompt"  #: `about` is the prompt
    NO_SPEECH = "no_speech"  #: a text, and nothing that could speak its language: `about`
    UNKNOWN_QUEUE = "unknown_queue"  #: `about` is the queue
    OWN_ACCOUNT = "own_account"  #: hands callers to a resource account of ours: they would come back
    DOUBLE_ACCOUNT = "double_account"  #: two flows have the same resource account: `about`


class Finding(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong. `flow` or `queue` says where; `step` and `field` are empty where it is about the whole.

    `field` is written like the data: `choices.2`, `say.0`.
    """

    flow: FlowId
    queue: QueueId
    step: str
    field: str
    kind: FindingKind
    about: str = ""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What flows may speak of. `prompts` are the names of those uploaded or built in, `languages` what can be spoken.

    `accounts` are all resource accounts of ours.
    """

    queues: Collection[Queue] = ()
    prompts: Collection[str] = ()
    languages: Collection[str] = ()
    accounts: Collection[str] = ()


#: (field, what is wrong, about what)
Problem = tuple[str, FindingKind, str]
