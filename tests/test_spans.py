"""Spans: which calls, which attributes, and what a collector gets of them."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from opentelemetry import trace as global_traces
from opentelemetry.trace import SpanKind

from cordpair.privacy.kinds import KINDS
from cordpair.privacy.spankeys import SPAN_KEYS
from cordpair.telemetry import Metrics
from cordpair.telemetry.otlp import OtlpSink
from cordpair.telemetry.spans import Span, Spans, span_id, trace_id
from tests.collector import collector

CALL = "0b6a3f4e-5a49-5a5e-9d0e-5d7a3c0a9b11"
TRACE = 0x0B6A3F4E5A495A5E9D0E5D7A3C0A9B11
NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
NUMBER = "+4930123456"


class Kept:
    """A sink that keeps."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def put(self, span: Span) -> None:
        self.spans.append(span)

    def close(self) -> None:
        pass


def span(**attributes: Any) -> Span:
    return Span(
        trace=TRACE,
        id=7,
        parent=None,
        name="call",
        kind=SpanKind.INTERNAL,
        began_at=NOON,
        ended_at=NOON + timedelta(hours=3),
        attributes=attributes,
    )


def spans(sink: Kept, *, ratio: float = 1.0, metrics: Metrics | None = None) -> Spans:
    return Spans(sink, ratio=ratio, allowed={"state"}, metrics=metrics or Metrics())


def test_the_trace_of_a_call_is_its_id() -> None:
    assert trace_id(CALL) == TRACE


def test_what_is_no_uuid_has_no_trace() -> None:
    assert spans(Kept()).trace("call-30") is None


def test_the_same_words_name_the_same_span_on_every_node_and_another_one_in_another_call() -> None:
    assert span_id(TRACE, "order", "k") == span_id(TRACE, "order", "k") != span_id(TRACE + 1, "order", "k")


def test_an_attribute_that_nobody_allowed_is_dropped_and_counted() -> None:
    sink, metrics = Kept(), Metrics()
    spans(sink, metrics=metrics).put(span(state="closed", caller=NUMBER))
    assert sink.spans[0].attributes == {"state": "closed"}
    assert metrics.registry.get_sample_value("cc_span_attributes_dropped_total") == 1


def test_an_allowed_attribute_with_a_whole_object_in_it_is_dropped() -> None:
    sink = Kept()
    spans(sink).put(span(state={"caller": NUMBER}))
    assert sink.spans[0].attributes == {}


def test_a_long_value_is_cut() -> None:
    sink = Kept()
    spans(sink).put(span(state="x" * 5_000))
    assert len(str(sink.spans[0].attributes["state"])) == 200


def test_every_attribute_has_a_known_kind_of_data() -> None:
    assert set(SPAN_KEYS.values()) <= KINDS.keys()


def chosen(ratio: float) -> list[bool]:
    calls = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in range(4_000)]
    return [spans(Kept(), ratio=ratio).trace(call) is not None for call in calls]


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_about_the_wanted_share_of_calls_is_traced(ratio: float) -> None:
    assert abs(sum(chosen(ratio)) / 4_000 - ratio) < 0.03


def test_all_calls_or_none_can_be_traced() -> None:
    assert (sum(chosen(1.0)), sum(chosen(0.0))) == (4_000, 0)


def test_a_call_that_few_trace_is_traced_by_all_who_trace_more() -> None:
    assert all(more for few, more in zip(chosen(0.2), chosen(0.6), strict=True) if few)


async def test_a_collector_gets_a_span_with_our_ids_times_and_links() -> None:
    async with collector() as one:
        sink = OtlpSink(one.url, version="1", node="here:1")
        sink.put(replace(span(state="closed"), id=9, parent=7, links=(5,), error="TimeoutError"))
        await asyncio.to_thread(sink.close)
    (got,) = one.spans
    assert (got.trace, got.id, got.parent, got.links) == (f"{TRACE:032x}", f"{9:016x}", f"{7:016x}", (f"{5:016x}",))
    assert (got.began_ns, got.ended_ns - got.began_ns) == (1_772_452_800_250_000_000, 3 * 3600 * 10**9)
    assert got.attributes == {"state": "closed", "error.type": "TimeoutError"}
    assert got.is_error
    assert one.resources == [{"service.name": "cordpair", "service.version": "1", "service.instance.id": "here:1"}]


async def test_the_first_span_of_a_trace_has_no_parent_whatever_stands_around() -> None:
    async with collector() as one:
        sink = OtlpSink(one.url, version="1", node="here:1")
        around = global_traces.SpanContext(1, 1, is_remote=False, trace_flags=global_traces.TraceFlags(1))
        with global_traces.use_span(global_traces.NonRecordingSpan(around)):
            sink.put(span())
        await asyncio.to_thread(sink.close)
    assert [(got.trace, got.parent) for got in one.spans] == [(f"{TRACE:032x}", "")]


async def test_what_libraries_trace_goes_nowhere() -> None:
    async with collector() as one:
        sink = OtlpSink(one.url, version="1", node="here:1")
        with global_traces.get_tracer("a.library").start_as_current_span(f"GET /Party?phone={NUMBER}"):
            sink.put(span())
        await asyncio.to_thread(sink.close)
    assert [got.scope for got in one.spans] == ["cordpair"]
    assert not any(NUMBER.encode() in body for body in one.raw)


async def test_a_collector_that_is_away_costs_nothing_but_spans() -> None:
    sink = OtlpSink("http://127.0.0.1:9", version="1", node="here:1")
    sink.put(span())
    await asyncio.to_thread(sink.close)
