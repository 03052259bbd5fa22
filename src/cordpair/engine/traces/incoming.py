"""Spans of what comes in about a call: Graph's notifications and people's commands."""

from collections.abc import Callable, Sequence
from datetime import datetime

from opentelemetry.trace import SpanKind

from cordpair.core import events as e
from cordpair.core.ids import CallId, TenantId
from cordpair.engine.traces.names import call_span, message, told_span
from cordpair.store.inbox import Incoming
from cordpair.telemetry.spans import Plain, Span, Spans, span_id

_ROUTE = "/graph/{registration}/calls"


class IncomingTraces:
    """Told after the answer is known, with the instant at which the request came."""

    def __init__(self, spans: Spans, now: Callable[[], datetime]) -> None:
        self._spans, self._now = spans, now

    def notified(
        self, tenant: TenantId, told: Sequence[tuple[CallId, Incoming]], began_at: datetime, *, oddity: str = ""
    ) -> None:
        """A request of Graph's was answered 202: a span for each notification in it.

        `oddity` is `duplicate` when some of it was stored before, `sent_on` when nothing could be stored and the caller
        was sent on: then nothing refers to these spans.
        """
        for call, row in told:
            trace = self._spans.trace(call)
            if trace is not None:
                self._notified(trace, tenant, call, row, began_at, oddity)

    def _notified(
        self, trace: int, tenant: TenantId, call: CallId, row: Incoming, began_at: datetime, oddity: str
    ) -> None:
        ended_at = self._now()
        attributes: dict[str, Plain] = {
            "cc.tenant": tenant,
            "cc.call": call,
            "cc.source": row.source,
            "http.request.method": "POST",
            "http.route": _ROUTE,
            "http.response.status_code": 202,
            **({f"cc.{oddity}": True} if oddity else {}),
        }
        own = told_span(trace, row.source, row.key)
        if oddity or own is None:
            own = span_id(trace, "delivery", row.key, ended_at.isoformat())
        self._spans.put(
            Span(
                trace=trace,
                id=own,
                parent=call_span(trace),
                name=f"POST {_ROUTE}",
                kind=SpanKind.SERVER,
                began_at=began_at,
                ended_at=ended_at,
                attributes=attributes,
            )
        )

    def commanded(self, tenant: TenantId, event: e.AnyEvent, row: Incoming) -> None:
        """A person's command was stored for the first time."""
        trace = self._spans.trace(event.call) if isinstance(event, e.CallFact) else None
        own = told_span(trace, row.source, row.key) if trace is not None else None
        if trace is None or own is None:
            return
        self._spans.put(
            Span(
                trace=trace,
                id=own,
                parent=call_span(trace),
                name="send inbox",
                kind=SpanKind.PRODUCER,
                began_at=row.received_at,
                ended_at=self._now(),
                attributes={
                    **message("inbox", "send"),
                    "cc.tenant": tenant,
                    "cc.source": row.source,
                    "cc.events": type(event).__name__,
                },
            )
        )
