"""When the same content is the same delivery again, and when it is news.

A notification of a call has no number of its own, and what it says of the call comes back: `established`, `hold`,
`established` begins and ends with the same bytes, and the last of them is news. So what is said of a call counts as
said again only directly after itself. After something else it is news, and its name says after what: nodes that have
heard the same in the same order name alike. Rosters and operations carry numbers of their own and never come back:
their content names them on every node.

Where this ends: (1) A delivery that Graph sends again after a newer one has come is folded again, as what is newest.
The fold tolerates that, and re-reading the call from Graph puts it right; lost news would be worse, for nobody repeats
it. (2) When one node heard `established` twice and only another one the `hold` between, the second one is taken for the
first sent again if it comes within the window. That, too, is put right by re-reading the call.
"""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta

import msgspec

WINDOW = timedelta(minutes=10)  #: covers what is sent again after a slow or lost answer
_REMEMBERED = 20_000  # calls, and contents of what is not a call


class _Heard(msgspec.Struct, frozen=True, gc=False):
    """The last that was heard: its content, its name, and when it first came (seconds since 1970)."""

    content: str
    name: str
    first: float


class Repetitions:
    """Names deliveries by their content, and by the window that it first came in.

    What this node has seen, it names by when it first came: so the edge of a window lies between no two of its own.
    """

    def __init__(self, *, window: timedelta = WINDOW, remembered: int = _REMEMBERED) -> None:
        self._window_s, self._limit = window.total_seconds(), remembered
        self._last: OrderedDict[str, _Heard] = OrderedDict()

    def key(self, content: str, at: datetime, *, call: str = "") -> str:
        """The name of a delivery of this content (its hash), received at `at`; `call` is the call whose state it
        tells, empty for whatever else."""
        now, about = at.timestamp(), call or content
        last = self._last.get(about)
        if last is not None and last.content == content and 0 <= now - last.first < self._window_s:
            return last.name
        name = f"{content}@{int(now // self._window_s)}"
        if last is not None and call:
            name = f"{content}~{hashlib.sha256(last.name.encode()).hexdigest()[:16]}"
        self._last[about] = _Heard(content, name, now)
        self._last.move_to_end(about)
        if len(self._last) > self._limit:
            self._last.popitem(last=False)
        return name
