"""Which span is which: the ids that more than one place must know, and the attributes of our two queues."""

from cordpair.telemetry.spans import Plain, span_id


def call_span(trace: int) -> int:
    """The call's own span, below which everything hangs."""
    return span_id(trace, "call")


def told_span(trace: int, source: str, key: str) -> int | None:
    """What brought an inbox row: a request, a command, or the order whose result it is. None: nothing traced."""
    if source == "result":
        return order_span(trace, key.partition("#")[0])
    return span_id(trace, "inbox", source, key) if source in ("graph", "command") else None


def order_span(trace: int, key: str) -> int:
    """The order of an effect, by the effect's key."""
    return span_id(trace, "order", key)


def message(queue: str, operation: str) -> dict[str, Plain]:
    """OpenTelemetry's attributes of a message in the inbox or the outbox. `operation` is send | process."""
    return {
        "messaging.system": "cordpair",
        "messaging.destination.name": queue,
        "messaging.operation.type": operation,
    }
