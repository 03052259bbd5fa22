"""What cordpair tells its operator: logs without people in them, and metrics.

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
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

EventDict = MutableMapping[str, Any]

#: Keys that this module writes itself.
OWN_KEYS = frozenset({"event", "level", "timestamp", "logger", "exception", "stack", "place"})
LONGEST_VALUE = 200  #: characters of a field's value that are kept
_DEEPEST_STACK = 30


class Metrics:
    """All metrics of one process, in a registry of their own. No label ever names an agent or a caller."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.calls_offered = Counter(
            "cc_calls_offered", "Calls that arrived in a queue.", ["tenant", "queue"], registry=registry
        )
        self.calls_ended = Counter("cc_calls_ended", "Calls by their one outcome.", ["outcome"], registry=registry)
        self.call_wait_seconds = Histogram(
            "cc_call_wait_seconds",
            "From arrival until an agent stood in the call.",
            buckets=(1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 900),
            registry=registry,
        )
        self.queue_waiting = Gauge("cc_queue_waiting", "Calls waiting now.", ["tenant", "queue"], registry=registry)
        self.queue_longest_wait_seconds = Gauge(
            "cc_queue_longest_wait_seconds", "Age of the oldest waiting call.", ["tenant", "queue"], registry=registry
        )
        self.agents = Gauge("cc_agents", "Agents by state.", ["queue", "state"], registry=registry)
        self.stuck_calls = Gauge("cc_stuck_calls", "Calls that no event or deadline moves any more.", registry=registry)
        self.event_lag_seconds = Histogram(
            "cc_event_lag_seconds",
            "From storing a notification until it was folded.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
            registry=registry,
        )
        self.inbox_accepted = Counter(
            "cc_inbox_accepted", "Notifications and commands stored.", ["source"], registry=registry
        )
        self.inbox_duplicates = Counter(
            "cc_inbox_duplicates", "Deliveries that were stored already.", ["source"], registry=registry
        )
        self.inbox_refused = Counter(
            "cc_inbox_refused", "Deliveries refused before anything was stored.", ["reason"], registry=registry
        )
        self.inbox_ignored = Counter(
            "cc_inbox_ignored", "Notifications that say nothing we use.", ["reason"], registry=registry
        )
        self.outbox_pending = Gauge("cc_outbox_pending", "Effects that wait for a worker.", registry=registry)
        self.outbox_parked = Gauge("cc_outbox_parked", "Effects that wait for a person.", registry=registry)
        self.connector_requests = Counter(
            "cc_connector_requests", "Requests to outside systems.", ["connector", "outcome"], registry=registry
        )
        self.graph_subscription_expiry_seconds = Gauge(
            "cc_graph_subscription_expiry_seconds", "Time left of the subscription that ends first.", registry=registry
        )
        self.quota_used_ratio = Gauge(
            "cc_quota_used_ratio",
            "Share (0..1) used of a limit of Microsoft's: month | concurrent.",
            ["tenant", "limit"],
            registry=registry,
        )
        self.credential_expiry_seconds = Gauge(
            "cc_credential_expiry_seconds",
            "Time left of the app registration's secret, where its end is set up.",
            ["tenant"],
            registry=registry,
        )
        self.presence_age_seconds = Gauge(
            "cc_presence_age_seconds", "Age of the oldest presence that we still go by.", registry=registry
        )
        self.log_fields_dropped = Counter(
            "cc_log_fields_dropped", "Log fields kept back because no data kind allows them.", registry=registry
        )

    def exposition(self) -> tuple[bytes, str]:
        """Everything in Prometheus' text format, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


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
