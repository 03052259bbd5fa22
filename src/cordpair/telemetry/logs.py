"""Logs without people in them.

A log line is a fixed sentence with fields. Only fields of the allow-list leave the process; the allow-list is passed
in, because the catalogue of data kinds that it follows lives further out. Texts of exceptions and messages of
libraries count as data (an address, a number, a name may stand in them): of those only class, place and stack are kept.
"""

import logging
import sys
from collections.abc import Collection, Iterator, MutableMapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog

from cordpair.telemetry.metrics import Metrics

EventDict = MutableMapping[str, Any]

#: Keys that this module writes itself.
OWN_KEYS = frozenset({"event", "level", "timestamp", "logger", "exception", "stack", "place"})
LONGEST_VALUE = 200  #: characters of a field's value that are kept
_DEEPEST_STACK = 30


def configure_logging(
    *,
    form: Literal["json", "console"],
    level: str,
    allowed: Collection[str],
    metrics: Metrics,
    stream: TextIO | None = None,
) -> None:
    """Set up structlog and the loggers of libraries; call it once, at the start.

    `level` is the least level of our own lines (debug | info | warning | error); libraries are heard from warning on.
    `allowed` are the field names that may leave the process. `stream` is standard error unless given.
    """
    only_allowed = AllowList(allowed, metrics)
    least = logging.getLevelNamesMapping()[level.upper()]
    ours: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_exception,
    ]
    structlog.configure(
        processors=[*ours, only_allowed, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _route_through_one_handler(stream or sys.stderr, form, [*ours, without_its_words, only_allowed], least)


class AllowList:
    """Lets only known fields with plain values through, and counts what it keeps back."""

    def __init__(self, allowed: Collection[str], metrics: Metrics) -> None:
        self._allowed = OWN_KEYS | frozenset(allowed)
        self._metrics = metrics

    def __call__(self, _logger: object, _method: str, fields: EventDict) -> EventDict:
        kept: EventDict = {}
        for key, value in fields.items():
            plain = _plain(value) if key in self._allowed else None
            if key.startswith("_") or key == "stack":  # structlog's own notes, and the stack that we made
                kept[key] = value
            elif plain is not None:
                kept[key] = plain
            elif value is not None:
                self._metrics.log_fields_dropped.inc()
        return kept


def name_exception(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Put class and stack in the place of an exception; its text stays here."""
    given = fields.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else None
    if error is None and given is True:
        error = sys.exc_info()[1]
    if error is not None:
        fields["exception"] = " from ".join(type(each).__name__ for each in _causes(error))
        fields["stack"] = list(_frames(error.__traceback__))[-_DEEPEST_STACK:]
    return fields


def stack_in_lines(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """The stack as the console's renderer wants it."""
    if isinstance(fields.get("stack"), list):
        fields["stack"] = "\n".join(fields["stack"])
    return fields


def without_its_words(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """A library's record: we know where it was written, not what stands in it."""
    record: logging.LogRecord = fields["_record"]
    fields["event"] = "a library reports something"
    fields["place"] = f"{record.module}:{record.lineno}"
    return fields


def _route_through_one_handler(
    stream: TextIO, form: str, for_libraries: list[structlog.types.Processor], least: int
) -> None:
    console: list[structlog.types.Processor] = [stack_in_lines, structlog.dev.ConsoleRenderer(colors=False)]
    renderers = [structlog.processors.JSONRenderer()] if form == "json" else console
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
            foreign_pre_chain=for_libraries,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # libraries chat below that, with addresses in it
    logging.getLogger("cordpair").setLevel(least)
    logging.captureWarnings(True)


def _plain(value: object) -> str | int | float | bool | None:
    """A value that fits a log field, shortened; None for everything that could carry more than it seems to."""
    match value:
        case Enum():
            return _plain(value.value)
        case bool() | int() | float():
            return value
        case str():
            return value[:LONGEST_VALUE]
        case datetime():
            return value.isoformat()
        case _:
            return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
