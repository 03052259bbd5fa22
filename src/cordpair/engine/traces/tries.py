"""Spans of what is carried out: each try of an effect, and each request to others that belongs to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

import httpx
import msgspec
from opentelemetry.trace import SpanKind

from cordpair.core.effects import ShowCard
from cordpair.core.ids import TenantId
from cordpair.engine.traces.names import message, order_span
from cordpair.store.outbox import OutboxRow
from cordpair.telemetry.spans import Plain, Span, Spans, span_id


class _Try(msgspec.Struct):
    """A try while it lasts. `error` is the class of its failure, `requests` counts what others were asked."""

    trace: int
    id: int
    error: str = ""
    requests: int = 0


_UNDER_WAY: ContextVar[_Try | None] = ContextVar("the try under way", default=None)
_ASKED = "cordpair.asked"  #: of a request: its number in the try, and when it began


class TryTraces:
    """Told around a try."""

    def __init__(self, spans: Spans, now: Callable[[], datetime]) -> None:
        self._spans, self._now = spans, now

    @contextmanager
    def trying(self, tenant: TenantId, row: OutboxRow) -> Iterator[None]:
        """Around one try; requests of a watched client belong to it meanwhile. An error passes, and is told of."""
        trace = self._spans.trace(row.effect.call)
        if trace is None:
            yield
            return
        began_at = self._now()
        this = _Try(trace, span_id(trace, "try", row.key, str(row.attempts), began_at.isoformat()))
        token = _UNDER_WAY.set(this)
        try:
            yield
        except BaseException as exc:
            this.error = type(exc).__name__
            raise
        finally:
            _UNDER_WAY.reset(token)
            self._tried(tenant, row, this, began_at)

    def _tried(self, tenant: TenantId, row: OutboxRow, this: _Try, began_at: datetime) -> None:
        name = type(row.effect).__name__
        attributes: dict[str, Plain] = {
            **message("outbox", "process"),
            "cc.tenant": tenant,
            "cc.call": row.effect.call,
            "cc.effect": name,
            "cc.attempt": row.attempts,
            "cc.repeat": row.unknown,
            **({"cc.face": row.effect.face.value} if isinstance(row.effect, ShowCard) else {}),
        }
        self._spans.put(
            Span(
                trace=this.trace,
                id=this.id,
                parent=order_span(this.trace, row.key),
                name=name,
                kind=SpanKind.CONSUMER,
                began_at=began_at,
                ended_at=self._now(),
                attributes=attributes,
                error=this.error,
            )
        )

    def watch(self, http: httpx.AsyncClient) -> None:
        """Tell of this client's requests that belong to a try: method, host and status, nothing of the address."""

        async def asked(request: httpx.Request) -> None:
            this = _UNDER_WAY.get()
            if this is not None:
                this.requests += 1
                request.extensions[_ASKED] = this.requests, self._now()

        async def answered(response: httpx.Response) -> None:
            this = _UNDER_WAY.get()
            if this is not None and _ASKED in response.request.extensions:
                self._answered(this, response)

        hooks = http.event_hooks
        http.event_hooks = {"request": [*hooks["request"], asked], "response": [*hooks["response"], answered]}

    def _answered(self, this: _Try, response: httpx.Response) -> None:
        request = response.request
        number, began_at = request.extensions[_ASKED]
        url, status = request.url, response.status_code
        attributes: dict[str, Plain] = {
            "http.request.method": request.method,
            "http.response.status_code": status,
            "server.address": url.host,
            "server.port": url.port or (443 if url.scheme == "https" else 80),
        }
        self._spans.put(
            Span(
                trace=this.trace,
                id=span_id(this.trace, "http", str(this.id), str(number)),
                parent=this.id,
                name=request.method,
                kind=SpanKind.CLIENT,
                began_at=began_at,
                ended_at=self._now(),
                attributes=attributes,
                error=str(status) if status >= 400 else "",
            )
        )
