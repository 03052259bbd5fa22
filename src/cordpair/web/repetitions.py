"""When the same content is the same delivery again, and when it is news.

A call notification has no number of its own: `established`, `hold`, `established` begins and ends with the same bytes,
and the last of them is news. So the same content counts as a repetition only for a while, which covers what is sent
again after a slow or lost answer. What comes later, or over another node across the edge of two windows, is folded
twice, and the fold tolerates that. Losing news would be worse: nobody repeats it. (Within the window nothing is lost
either as long as the fold makes the same of `hold` as of `established`, and rosters carry their own number.)
"""

from collections import OrderedDict
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=10)
_REMEMBERED = 20_000  # contents


class Repetitions:
    """Names deliveries by their content and the window that it first came in; all nodes name alike.

    What this node has seen, it names by when it first came: so the edge of a window lies between no two of its own.
    """

    def __init__(self, *, window: timedelta = WINDOW, remembered: int = _REMEMBERED) -> None:
        self._window_s, self._limit = window.total_seconds(), remembered
        self._first: OrderedDict[str, float] = OrderedDict()

    def key(self, content: str, at: datetime) -> str:
        """The name of a delivery of this content (its hash), received at `at`."""
        now = at.timestamp()
        first = self._first.get(content)
        if first is None or not 0 <= now - first < self._window_s:
            first = self._first[content] = now
            self._first.move_to_end(content)
            if len(self._first) > self._limit:
                self._first.popitem(last=False)
        return f"{content}@{int(first // self._window_s)}"
