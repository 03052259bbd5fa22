"""How control requests are read and answered: JSON in, JSON out, and a clear line when something is wrong."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.emulator.graph.errors import GraphError

Handler = Callable[[Request, dict[str, Any]], Awaitable[Any]]


class Unusable(Exception):
    """A control request that cannot be carried out; the text says why."""


def route(path: str, methods: list[str], handler: Handler) -> Route:
    """`/_control/{path}`, served by a handler that is given the request and its JSON body."""

    async def serve(request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else {}
            if not isinstance(body, dict):
                raise Unusable("a JSON object is needed")
            # Through text once, so that instants and sets are written as text, too.
            return JSONResponse(json.loads(json.dumps(await handler(request, body), default=str)))
        except (Unusable, KeyError, ValueError, TypeError) as exc:
            return JSONResponse({"error": f"{type(exc).__name__}: {exc}"}, status_code=400)
        except GraphError as exc:
            return JSONResponse(exc.body(), status_code=exc.status)

    return Route(f"/_control/{path}", serve, methods=methods)
