"""Whether the process lives, and whether it can do its work.

GET /health/live    200 as long as the event loop turns
GET /health/ready   200 when a commit goes through, with the number of organisations that this node writes for; else 503
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cordpair.errors import CordpairError
from cordpair.store.doors import Store


def health_routes(store: Store, owned: Callable[[], int]) -> list[Route]:
    """Both routes. `owned` counts the organisations that this node writes for."""

    async def live(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Request) -> JSONResponse:
        try:
            await store.ping()
        except CordpairError:
            return JSONResponse({"status": "the database is away"}, status_code=503)
        return JSONResponse({"status": "ready", "tenants": owned()})

    return [Route("/health/live", live), Route("/health/ready", ready)]
