"""The only fields that a log line may carry, each with its kind of data. Everything else is dropped.

Texts never appear here: no name, number, address or note, and no message of an exception (its class is `error`).
Ids of calls and agents say nothing without the database, and nothing at all once the row is erased.
"""

#: log field -> kind (privacy/kinds.py) that its value belongs to.
LOG_KEYS: dict[str, str] = {
    # whom or what it is about
    "tenant": "operator_log",
    "tenant_id": "operator_log",
    "registration": "operator_log",
    "queue": "operator_log",
    "call": "operator_log",
    "call_id": "operator_log",
    "agent": "operator_log",
    "agent_id": "operator_log",
    "offer": "operator_log",
    "connector": "operator_log",
    # what the machinery did
    "source": "operator_log",  # where an incoming item came from: graph | presence | result | command | timer
    "inbox": "operator_log",  # number of an inbox row
    "effect": "operator_log",  # key or kind of an effect
    "lane": "operator_log",
    "kind": "operator_log",
    "verb": "operator_log",  # of a card's button
    "state": "operator_log",
    "status": "operator_log",  # HTTP status, exit status
    "code": "operator_log",  # an error code of Graph
    "error": "operator_log",  # the class of an exception, never its text
    "reason": "operator_log",  # one of our own fixed words
    "module": "operator_log",  # of a library that reports something
    "line": "operator_log",
    "epoch": "operator_log",
    "owner": "operator_log",  # name of a node
    "ordered": "operator_log",  # whether somebody's order was carried out
    "again": "operator_log",
    "attempts": "operator_log",
    "path": "operator_log",  # the name of an endpoint, never an address
    "port": "operator_log",
    "version": "operator_log",
    # how much, how long
    "count": "operator_log",
    "waited_s": "operator_log",
    "retry_after_s": "operator_log",
    "off_s": "operator_log",
    "duration_ms": "operator_log",
    "age_s": "operator_log",
    "percent": "operator_log",  # of one of Microsoft's limits
    "days": "operator_log",
}
