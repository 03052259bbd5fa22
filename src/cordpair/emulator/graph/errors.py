"""Errors in the shapes of Microsoft Graph."""

import uuid
from datetime import UTC, datetime
from typing import Any


class GraphError(Exception):
    """An answer that is an error. `code` is Graph's: words for the directory, numbers for cloud communications."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        request = str(uuid.uuid4())
        inner = {"date": _now(), "request-id": request, "client-request-id": request}
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def bad_request(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)


def call_not_found() -> GraphError:
    """Seen so: microsoft-graph-comms-samples #173, #330."""
    return GraphError(404, "8522", "Call not found.")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
