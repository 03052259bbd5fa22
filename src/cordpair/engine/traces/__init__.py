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
from cordpair.engine.traces.tries import TryTraces
from cordpair.errors import PermanentFailure
from cordpair.privacy.spankeys import SPAN_KEYS
from cordpair.settings import Settings
from cordpair.telemetry import Metrics
from cordpair.telemetry.spans import Sink, Spans

__all__ = ["CallTraces", "Turn", "opened_traces"]


class CallTraces:
    """Writes the traces of the calls that are chosen. `now` is the product's time, aware and UTC."""

    def __init__(self, spans: Spans, now: Callable[[], datetime]) -> None:
        self._spans, self.now = spans, now
        self.incoming = IncomingTraces(spans, now)
        self.folds = FoldTraces(spans, now)
        self.tries = TryTraces(spans, now)

    def close(self) -> None:
        """Send what is still here; blocks for some seconds at most."""
        self._spans.close()


def opened_traces(
    settings: Settings, now: Callable[[], datetime], metrics: Metrics, *, version: str, node: str
) -> CallTraces | None:
    """Traces to the collector that is set up; None without one. Raises PermanentFailure where the SDK is missing."""
    if not settings.otlp_endpoint:
        return None
    sink = _sink(settings.otlp_endpoint, version, node)
    return CallTraces(Spans(sink, ratio=settings.trace_ratio, allowed=SPAN_KEYS, metrics=metrics), now)


def _sink(endpoint: str, version: str, node: str) -> Sink:
    try:
        from cordpair.telemetry.otlp import OtlpSink
    except ImportError as exc:
        raise PermanentFailure("CORDPAIR_OTLP_ENDPOINT: install cordpair[tracing]") from exc
    return OtlpSink(endpoint, version=version, node=node)
