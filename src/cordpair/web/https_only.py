"""What a proxy says came to it over plain http gets nothing: pages are sent to https, everything else is refused."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_FORWARDED = "x-forwarded-proto"


class HttpsOnly:
    """Middleware, for a `public_url` with https. The server has put the scheme that a trusted proxy names in place.

    A request that no proxy has forwarded (a probe of our health from inside) is none of its business.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self.app = app
        self._public_url = public_url
        self._is_active = urlsplit(public_url).scheme == "https"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            self._is_active
            and scope["type"] == "http"
            and scope["scheme"] == "http"
            and _FORWARDED in Headers(scope=scope)
        ):
            await self._elsewhere(scope)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _elsewhere(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return JSONResponse({"error": "https only"}, status_code=403)
        path = scope["raw_path"].decode("latin-1").lstrip("/")
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        return RedirectResponse(f"{self._public_url}/{path}{query}", status_code=308)
