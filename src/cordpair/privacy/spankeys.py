"""The only attributes that a span may carry, each with its kind of data. Everything else is dropped.

Names follow OpenTelemetry's semantic conventions where there are some; ours begin with `cc.`. No address, no text, no
name: ids, counts and fixed words, as in the log.
"""

#: attribute -> kind (privacy/kinds.py) that its value belongs to.
SPAN_KEYS: dict[str, str] = {
    # whom or what it is about
    "cc.tenant": "operator_log",
    "cc.call": "operator_log",
    "cc.queue": "operator_log",
    # what happened
    "cc.events": "operator_log",  # names of the facts that were folded
    "cc.state": "operator_log",  # of the call, after it
    "cc.outcome": "operator_log",
    "cc.effect": "operator_log",  # name of what was ordered
    "cc.source": "operator_log",  # of an inbox row: graph | command | result | timer
    "cc.attempt": "operator_log",  # counts from 1
    "cc.repeat": "operator_log",  # whether an earlier attempt may have been carried out
    "cc.face": "operator_log",  # what a card shows
    "cc.duplicate": "operator_log",  # whether it was stored before
    "cc.sent_on": "operator_log",  # whether the caller was sent on, because nothing could be stored
    # OpenTelemetry's
    "db.operation.name": "operator_log",
    "db.system.name": "operator_log",
    "error.type": "operator_log",  # the class of a failure
    "http.request.method": "operator_log",
    "http.response.status_code": "operator_log",
    "http.route": "operator_log",  # a pattern, never an address
    "messaging.batch.message_count": "operator_log",
    "messaging.destination.name": "operator_log",  # inbox | outbox
    "messaging.operation.type": "operator_log",  # send | process
    "messaging.system": "operator_log",
    "server.address": "operator_log",  # a host of Microsoft's or of the CRM
    "server.port": "operator_log",
}
