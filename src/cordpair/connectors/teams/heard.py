"""What a caller presses, and the end of what they hear, in Graph's notifications."""

from collections.abc import Mapping
from datetime import datetime

from cordpair.core.events import CallEvent, PromptEnded, ToneHeard
from cordpair.core.ids import CallId

#: Graph's names of keys (enum `tone`); others (a to d, flash) no telephone of our callers has.
_KEYS = {f"tone{digit}": str(digit) for digit in range(10)} | {"star": "*", "pound": "#"}
#: Before the number of a prompt whose end is awaited, in the context that Graph gives back.
AWAITED = "say-"


def tone_heard(resource: Mapping[str, object], call: CallId, at: datetime) -> ToneHeard | None:
    """The key in a `call` resource; None where there is none."""
    info = resource.get("toneInfo")
    if not isinstance(info, Mapping):
        return None
    tone, sequence = info.get("tone"), info.get("sequenceId")
    key = _KEYS.get(tone.lower()) if isinstance(tone, str) else None
    number = int(sequence) if isinstance(sequence, int | str) and str(sequence).isdecimal() else None
    return None if key is None or number is None else ToneHeard(at=at, call=call, key=key, sequence=number)


def prompt_ended(operation: Mapping[str, object], call: CallId, at: datetime) -> list[CallEvent]:
    """The end of a prompt that is awaited; nothing for others, or while it plays."""
    status = operation.get("status")
    if not isinstance(status, str) or status.lower() not in ("completed", "failed"):
        return []
    context = operation.get("clientContext")
    number = context.removeprefix(AWAITED) if isinstance(context, str) and context.startswith(AWAITED) else ""
    return [PromptEnded(at=at, call=call, number=int(number))] if number.isdecimal() and len(number) < 10 else []
