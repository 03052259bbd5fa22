"""Spans: what happened to a call from when to when, for an OpenTelemetry collector. Nobody's data is in them.

The trace of a call is found from the call's id alone, and so is every span that another one refers to. So all nodes
write into one trace over hours, whichever of them dies meanwhile, and nothing has to be stored for it.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Protocol

import msgspec
from opentelemetry.trace import SpanKind

from cordpair.telemetry.metrics import Metrics

Plain = str | int | float | bool

_CHOICE = 1 << 56  #: the part of a trace id by which calls are chosen, as OpenTelemetry lays it down
LONGEST_VALUE = 200  #: characters of an attribute's value that are kept


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One finished span. `began_at` and `ended_at` are aware, UTC; `error` is the class of a failure, never its text.

    `parent` is None for the call's own span only. `links` are spans of the same trace that led to this one.
    """

    trace: int
    id: int
    parent: int | None
    name: str
    kind: SpanKind
    began_at: datetime
    ended_at: datetime
    links: tuple[int, ...] = ()
    attributes: Mapping[str, Plain] = {}
    error: str = ""


class Sink(Protocol):
    """Where finished spans go. Never waits, never raises."""

    def put(self, span: Span) -> None: ...
    def close(self) -> None: ...


def trace_id(call: str) -> int | None:
    """The trace of a call: its id, without the hyphens. None for an id that is no UUID."""
    try:
        return uuid.UUID(call).int or None
    except ValueError:
        return None


def span_id(trace: int, *parts: str) -> int:
    """The id of the span that these words name within its trace."""
    words = "\n".join(parts).encode()
    return int.from_bytes(blake2b(words, digest_size=8, key=trace.to_bytes(16, "big")).digest(), "big") or 1


class Spans:
    """Chooses calls, lets only allowed attributes through, and hands spans to a sink.

    `ratio` (0..1) is the share of calls that are traced: the same ones on every node. `allowed` are the attributes
    that may leave the process; the list is passed in, because the data kinds that it follows live further out.
    """

    def __init__(self, sink: Sink, *, ratio: float, allowed: Collection[str], metrics: Metrics) -> None:
        self._sink, self._allowed, self._metrics = sink, frozenset(allowed), metrics
        self._first_chosen = round((1.0 - ratio) * _CHOICE)

    def trace(self, call: str) -> int | None:
        """The trace to write into; None when this call is not traced."""
        trace = trace_id(call)
        return trace if trace is not None and trace % _CHOICE >= self._first_chosen else None

    def put(self, span: Span) -> None:
        """Send a span, as far as it may be seen."""
        kept = {name: value for name, value in span.attributes.items() if self._may_leave(name, value)}
        self._metrics.span_attributes_dropped.inc(len(span.attributes) - len(kept))
        shortened = {name: value[:LONGEST_VALUE] if isinstance(value, str) else value for name, value in kept.items()}
        self._sink.put(msgspec.structs.replace(span, attributes=shortened))

    def close(self) -> None:
        """Send what is still here. Waits some seconds at most; blocks."""
        self._sink.close()

    def _may_leave(self, name: str, value: object) -> bool:
        return name in self._allowed and isinstance(value, str | int | float)
