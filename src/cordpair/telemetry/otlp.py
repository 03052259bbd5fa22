"""Sends spans to an OpenTelemetry collector by OTLP over HTTP, with OpenTelemetry's own SDK (`cordpair[tracing]`).

The tracer is ours alone and not the process's: what libraries would tell (addresses with numbers in them) goes nowhere.
"""

from contextvars import ContextVar
from datetime import datetime

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from cordpair.telemetry.spans import Span

_PATIENCE_S = 3.0  #: for one request with all its tries


class OtlpSink:
    """`endpoint` is the collector's address without `/v1/traces`; `version` and `node` say who speaks.

    Sends in the background; while the collector is away the oldest spans are lost, and nothing else happens. Headers
    and certificates come from OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_HEADERS, ..._CERTIFICATE).
    """

    def __init__(self, endpoint: str, *, version: str, node: str) -> None:
        self._ids = _GivenIds()
        resource = Resource({"service.name": "cordpair", "service.version": version, "service.instance.id": node})
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False, id_generator=self._ids
        )
        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=_PATIENCE_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("cordpair", version)

    def put(self, span: Span) -> None:
        """Queue a span."""
        with self._ids.giving(span.trace, span.id):
            told = self._tracer.start_span(
                span.name,
                context=_below(span),
                kind=span.kind,
                attributes=dict(span.attributes),
                links=[Link(_context(span.trace, link)) for link in span.links],
                start_time=_nanoseconds(span.began_at),
                record_exception=False,
                set_status_on_exception=False,
            )
        if span.error:
            told.set_attribute("error.type", span.error)
            told.set_status(Status(StatusCode.ERROR))
        told.end(_nanoseconds(max(span.began_at, span.ended_at)))

    def close(self) -> None:
        """Send what is queued, within some seconds."""
        self._provider.shutdown()


class _GivenIds(IdGenerator):
    """Hands out the ids that we have derived."""

    def __init__(self) -> None:
        self._next: ContextVar[tuple[int, int]] = ContextVar("next span")

    def giving(self, trace: int, span: int) -> "_Giving":
        return _Giving(self._next, (trace, span))

    def generate_trace_id(self) -> int:
        return self._next.get()[0]

    def generate_span_id(self) -> int:
        return self._next.get()[1]


class _Giving:
    def __init__(self, variable: ContextVar[tuple[int, int]], value: tuple[int, int]) -> None:
        self._variable, self._value = variable, value

    def __enter__(self) -> None:
        self._token = self._variable.set(self._value)

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._token)


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _below(span: Span) -> Context:
    """Where the span belongs; nowhere for the first one, whatever stands around this call."""
    if span.parent is None:
        return Context()
    return set_span_in_context(NonRecordingSpan(_context(span.trace, span.parent)), Context())


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1_000
