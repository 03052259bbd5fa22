"""One trace for each call: what was told, what was folded, what was ordered, what was carried out.

    call ─┬─ POST /graph/{registration}/calls      a notification is stored
          ├─ process inbox ─┬─ commit fold         facts of this call are folded (linked to what told them)
          │                 └─ send outbox         an effect is ordered
          │                      └─ InviteAgent    a try to carry it out
          │                           └─ POST      what Graph, the Bot Framework or the CRM is asked
          └─ ...

All ids are derived from the call (telemetry/spans.py): the node that carries an effect out need not be the one that has
ordered it. Times are the product's own.
"""

from collections.abc import Callable
from datetime import datetime

from cordpair.engine.traces.folds import FoldTraces, Turn
from cordpair.engine.traces.incoming import IncomingTraces
from cordpair.engine.traces.tries import Try, TryTraces
from cordpair.telemetry.spans import Spans

__all__ = ["CallTraces", "Try", "Turn"]


class CallTraces:
    """Writes the traces of the calls that are chosen. `now` is the product's time, aware and UTC."""

    def __init__(self, spans: Spans, now: Callable[[], datetime]) -> None:
        self._spans, self.now = spans, now
        self.incoming = IncomingTraces(spans, now)
        self.folds = FoldTraces(spans)
        self.tries = TryTraces(spans, now)

    def close(self) -> None:
        """Send what is still here; blocks for some seconds at most."""
        self._spans.close()
