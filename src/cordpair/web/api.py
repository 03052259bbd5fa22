"""The API, version 1: `/api/v1`. JSON in and out, problem details for refusals, its description at /openapi.json.

Every route comes from the table of operations (api_roles.py); the gate (api_gate.py) asks the table first.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Mount

from cordpair import __version__
from cordpair.engine.clock import Clock
from cordpair.engine.commands import Commands
from cordpair.errors import Rejected, TemporaryFailure
from cordpair.store.doors import Store
from cordpair.telemetry import Metrics
from cordpair.web.api_calls import CallOrders
from cordpair.web.api_gate import Gate
from cordpair.web.api_orders import Orders
from cordpair.web.api_problems import MEDIA_TYPE, problem
from cordpair.web.api_reads import Reads
from cordpair.web.api_roles import OPERATIONS, PREFIX, ROLES, Operation
from cordpair.web.api_shapes import Ordered
from cordpair.web.floor_source import StoreFloor
from cordpair.web.sign_in import SignIn

log = structlog.get_logger(__name__)

Endpoint = Callable[..., Any]


def api_route(
    store: Store,
    commands: Commands,
    clock: Clock,
    floor: StoreFloor,
    sign_in: SignIn,
    metrics: Metrics,
    new_key: Callable[[], str],
) -> Mount:
    """The API at its place. `new_key` names an order that comes without a key; never given twice."""
    orders = Orders(store, commands, clock, floor, new_key)
    app = described(Reads(store, floor), orders, CallOrders(store, orders, clock, new_key))
    return Mount(PREFIX, Gate(app, sign_in, metrics))


def described(*parts: Reads | Orders | CallOrders) -> FastAPI:
    """All operations, and their description. Nobody is asked here who they are: that is the gate's."""
    app = FastAPI(
        title="cordpair",
        version=__version__,
        summary="A contact centre that lives inside Microsoft Teams.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for operation in OPERATIONS.values():
        endpoint = next(getattr(part, operation.name) for part in parts if hasattr(part, operation.name))
        app.add_api_route(
            operation.path,
            endpoint,
            methods=[operation.method],
            operation_id=operation.name,
            name=operation.name,
            responses=_answers(operation),
            response_model=Ordered if operation.orders else get_type_hints(endpoint)["return"],
            openapi_extra={"security": [{"entra": []}], "x-roles": sorted(ROLES[operation.rule])},
        )
    for kind, answer in _HANDLERS.items():
        app.add_exception_handler(kind, answer)
    _say_how_to_sign_in(app)
    return app


def _answers(operation: Operation) -> dict[int | str, dict[str, Any]]:
    told: dict[int, str] = {401: "No token that holds", 403: "Another role is needed", 422: "Not of the expected shape"}
    if "{" in operation.path:
        told[404] = "There is no such thing"
    if operation.orders:
        told[409] = "The floor cannot take this order; `reason` says why"
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}} for status, text in told.items()
    }
    if operation.orders and operation.name != "retry_parked":
        found[202] = {"description": "In progress: ask at Location how it stands", "model": Ordered}
    return found


def _say_how_to_sign_in(app: FastAPI) -> None:
    made = app.openapi

    def openapi() -> dict[str, Any]:
        schema = made()
        schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["entra"] = {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token (v2.0) of Microsoft Entra for the organisation's app registration: of a "
            "person (scope access_as_user) or of a program, with app roles.",
        }
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


async def _refused(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, Rejected)
    return problem(exc.status, str(exc))


async def _malformed(_request: Request, exc: Exception) -> Response:
    """Where it is wrong, and never what was sent."""
    assert isinstance(exc, RequestValidationError)
    where = sorted({"/".join(str(part) for part in one["loc"]) for one in exc.errors()})
    return problem(422, f"Not of the expected shape: {', '.join(where)[:500]}", reason="malformed")


async def _away(_request: Request, exc: Exception) -> Response:
    log.warning("a request of the API could not be served", error=type(exc).__name__)
    return problem(503, "Try again later.", headers={"retry-after": "1"})


async def _http(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    return problem(exc.status_code, "This cannot be served.")


async def _failed(_request: Request, exc: Exception) -> Response:
    log.error("a request of the API failed", error=type(exc).__name__, exc_info=exc)
    return problem(500, "This failed, and it is our fault.")


_HANDLERS: Mapping[type[Exception], Any] = {
    Rejected: _refused,
    RequestValidationError: _malformed,
    TemporaryFailure: _away,
    HTTPException: _http,
    Exception: _failed,
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457)",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "reason": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}
