"""Logs tell the story without the people."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from cordpair.telemetry import Metrics, configure_logging

NUMBER = "+4930123456"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def out(metrics: Metrics) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging(
        form="json", level="info", allowed={"call_id", "waited_s", "state"}, metrics=metrics, stream=stream
    )
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def log() -> Any:
    return structlog.get_logger("cordpair.engine.outbox")


def test_a_line_carries_its_sentence_its_fields_and_who_wrote_it(out: io.StringIO) -> None:
    log().info("offer timed out", call_id="c1", waited_s=20.0)
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "offer timed out",
        "call_id": "c1",
        "waited_s": 20.0,
        "level": "info",
        "logger": "cordpair.engine.outbox",
    }


def test_a_field_that_nobody_allowed_is_dropped_and_counted(out: io.StringIO, metrics: Metrics) -> None:
    log().info("call arrived", call_id="c1", caller=NUMBER)
    assert NUMBER not in out.getvalue()
    assert metrics.registry.get_sample_value("cc_log_fields_dropped_total") == 1


def test_an_allowed_field_with_a_whole_object_in_it_is_dropped(out: io.StringIO, metrics: Metrics) -> None:
    log().info("call arrived", state={"caller": NUMBER})
    assert NUMBER not in out.getvalue()
    assert metrics.registry.get_sample_value("cc_log_fields_dropped_total") == 1


def test_an_exception_is_named_by_class_and_stack_but_not_by_its_text(out: io.StringIO) -> None:
    try:
        try:
            raise KeyError(NUMBER)
        except KeyError as exc:
            raise ValueError(f"no party for {NUMBER}") from exc
    except ValueError:
        log().exception("effect failed", call_id="c1")
    (line,) = lines(out)
    assert line["exception"] == "ValueError from KeyError"
    assert any("test_telemetry.py" in frame for frame in line["stack"])
    assert NUMBER not in out.getvalue()


def test_a_library_is_heard_without_its_words(out: io.StringIO) -> None:
    try:
        raise OSError(NUMBER)
    except OSError:
        logging.getLogger("httpx").warning("GET /Party?phone=%s", NUMBER, exc_info=True)
    (line,) = lines(out)
    assert (line["logger"], line["exception"]) == ("httpx", "OSError")
    assert NUMBER not in out.getvalue()


def test_a_library_that_chats_is_not_heard(out: io.StringIO) -> None:
    logging.getLogger("httpx").info("GET /Party?phone=%s", NUMBER)
    assert out.getvalue() == ""


def test_lines_below_the_level_are_not_written(out: io.StringIO) -> None:
    log().debug("looked again", call_id="c1")
    assert out.getvalue() == ""


def test_a_line_break_in_a_value_cannot_forge_a_line(out: io.StringIO) -> None:
    log().info("call arrived", call_id='c1\n{"event": "forged"}')
    assert len(lines(out)) == 1


def test_the_console_form_prints_the_same_fields(metrics: Metrics, out: io.StringIO) -> None:
    stream = io.StringIO()
    configure_logging(form="console", level="info", allowed={"call_id"}, metrics=metrics, stream=stream)
    log().info("call arrived", call_id="c1", caller=NUMBER)
    assert "call arrived" in stream.getvalue()
    assert "call_id=c1" in stream.getvalue()
    assert NUMBER not in stream.getvalue()


def test_metrics_are_exposed_under_their_documented_names(metrics: Metrics) -> None:
    metrics.calls_ended.labels(outcome="answered").inc()
    body, content_type = metrics.exposition()
    assert b'cc_calls_ended_total{outcome="answered"} 1.0' in body
    assert content_type.startswith("text/plain")


def test_no_metric_is_labelled_by_a_person(metrics: Metrics) -> None:
    labels = {label for metric in vars(metrics).values() for label in getattr(metric, "_labelnames", ())}
    # `limit` is one of two words, month and concurrent.
    assert labels <= {"tenant", "queue", "state", "outcome", "source", "reason", "connector", "limit"}


def test_an_exception_on_the_console_shows_its_class_and_place_and_not_its_words() -> None:
    stream = io.StringIO()
    configure_logging(form="console", level="info", allowed={"reason"}, metrics=Metrics(), stream=stream)
    try:
        raise ValueError("+4930231250101")
    except ValueError as exc:
        structlog.get_logger("cordpair.test").error("it failed", exc_info=exc)
    assert "ValueError" in stream.getvalue()
    assert "test_telemetry" in stream.getvalue()
    assert "+4930231250101" not in stream.getvalue()
