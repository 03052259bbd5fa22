"""Checks a request against Microsoft's own description of Graph."""

import json
from functools import cache
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest

from tests.connectors.teams_world import Recorded, shared_data


@cache
def _graph() -> OpenAPI:
    return OpenAPI.from_dict(shared_data("graph-slice.json"), config=Config(spec_validator_cls=None))  # type: ignore[arg-type]


def faults_of(request: Recorded) -> list[str]:
    """What is wrong with a request: unknown operation, wrong parameters, a body of another shape."""
    asked: dict[str, Any] = {"args": request.query}
    if request.body is not None:
        asked |= {"data": json.dumps(request.body).encode(), "content_type": "application/json"}
    mock = MockRequest("https://graph.microsoft.com", request.method.lower(), request.path.partition("?")[0], **asked)
    return [
        f"{request.method} {request.path}: {fault!r} {getattr(fault, '__cause__', '')!r}"
        for fault in _graph().iter_request_errors(mock)
    ]
