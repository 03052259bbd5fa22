"""Spans of a folded batch: for each call it touched, for each effect it ordered, and the call's own when it closes."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from opentelemetry.trace import SpanKind

from cordpair.core import events as e
from cordpair.core.call import Call, CallState
from cordpair.core.changes import Changes, Timer
from cordpair.core.effects import Effect
from cordpair.core.ids import CallId, TenantId
from cordpair.engine.facts import Told
from cordpair.engine.traces.names import call_span, message, order_span, told_span
from cordpair.telemetry.spans import Plain, Span, Spans, span_id


class Turn(msgspec.Struct, frozen=True):
    """One batch that is true now: what was read until `read_at`, what fired, what it changed (aware, UTC)."""

    told: Sequence[Told]
    fired: Sequence[Timer]
    changes: Changes
    began_at: datetime
    read_at: datetime


class _Cause(msgspec.Struct, frozen=True):
    """A fact about a call. `row` is the source and key of the inbox row that told it; empty for a timer's."""

    event: str
    row: tuple[str, str] | None


class FoldTraces:
    """Told after the commit: what was not true is not told."""

    def __init__(self, spans: Spans, now: Callable[[], datetime]) -> None:
        self._spans, self._now = spans, now

    def folded(self, tenant: TenantId, turn: Turn) -> None:
        """The spans of a batch."""
        committed_at = self._now()
        causes = _causes(turn)
        ordered = [effect.call for effect in turn.changes.effects]
        for call in dict.fromkeys([*causes, *turn.changes.calls, *ordered]):
            trace = self._spans.trace(call)
            if trace is not None:
                self._touched(tenant, trace, call, turn, causes.get(call, []), committed_at)
        for entry in turn.changes.history:
            closed = turn.changes.calls.get(entry.call) if entry.call else None
            if closed is not None and entry.after == CallState.CLOSED != entry.before:
                self._whole(tenant, closed)

    def _touched(
        self, tenant: TenantId, trace: int, call: CallId, turn: Turn, causes: Sequence[_Cause], committed_at: datetime
    ) -> None:
        newest = turn.changes.calls.get(call)
        links = [told_span(trace, *cause.row) for cause in causes if cause.row is not None]
        own = span_id(trace, "fold", turn.began_at.isoformat(), *(cause.event for cause in causes))
        attributes: dict[str, Plain] = {
            **message("inbox", "process"),
            "messaging.batch.message_count": len(causes),
            "cc.tenant": tenant,
            "cc.call": call,
            "cc.events": " ".join(cause.event for cause in causes),
            **({"cc.state": newest.state.value} if newest is not None else {}),
        }
        self._spans.put(
            Span(
                trace=trace,
                id=own,
                parent=call_span(trace),
                name="process inbox",
                kind=SpanKind.CONSUMER,
                began_at=turn.began_at,
                ended_at=committed_at,
                links=tuple(dict.fromkeys(link for link in links if link is not None)),
                attributes=attributes,
            )
        )
        self._committed(trace, own, turn, committed_at)
        for effect in turn.changes.effects:
            if effect.call == call:
                self._ordered(trace, own, effect, committed_at)

    def _committed(self, trace: int, fold: int, turn: Turn, committed_at: datetime) -> None:
        self._spans.put(
            Span(
                trace=trace,
                id=span_id(trace, "commit", str(fold)),
                parent=fold,
                name="commit fold",
                kind=SpanKind.CLIENT,
                began_at=turn.read_at,
                ended_at=committed_at,
                attributes={"db.system.name": "postgresql", "db.operation.name": "COMMIT"},
            )
        )

    def _ordered(self, trace: int, fold: int, effect: Effect, at: datetime) -> None:
        self._spans.put(
            Span(
                trace=trace,
                id=order_span(trace, effect.key),
                parent=fold,
                name="send outbox",
                kind=SpanKind.PRODUCER,
                began_at=at,
                ended_at=at,
                attributes={**message("outbox", "send"), "cc.effect": type(effect).__name__},
            )
        )

    def _whole(self, tenant: TenantId, call: Call) -> None:
        trace = self._spans.trace(call.id)
        if trace is None or call.closed_at is None:
            return
        attributes: dict[str, Plain] = {"cc.tenant": tenant, "cc.call": call.id}
        if call.queue is not None:
            attributes["cc.queue"] = call.queue
        if call.outcome is not None:
            attributes["cc.outcome"] = call.outcome.value
        self._spans.put(
            Span(
                trace=trace,
                id=call_span(trace),
                parent=None,
                name="call",
                kind=SpanKind.INTERNAL,
                began_at=call.heard_at,
                ended_at=call.closed_at,
                attributes=attributes,
            )
        )


def _causes(turn: Turn) -> dict[CallId, list[_Cause]]:
    """The facts of each call in a batch."""
    found: dict[CallId, list[_Cause]] = {}
    for one in turn.told:
        for event in one.events:
            if isinstance(event, e.CallFact):
                found.setdefault(event.call, []).append(_Cause(type(event).__name__, (one.row.source, one.row.key)))
    for timer in turn.fired:
        if isinstance(timer.event, e.CallFact):
            found.setdefault(timer.event.call, []).append(_Cause(type(timer.event).__name__, None))
    return found
