"""The floor page for supervisors: who waits, who talks, what is stuck. Live, in English and German.

GET  /floor/{token}               a signed link: opens a session and goes to /floor
GET  /floor                       the page
GET  /floor/live                  server-sent partial updates of the page
GET  /floor/calls?of=&queue=      the calls behind a number (CallSet), of one queue or of all
POST /floor/parked/{id}/retry     one more try of what is parked; as JSON ({"ordered": true}, or 404) when asked
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime

import structlog
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from cordpair.core.ids import QueueId
from cordpair.errors import Rejected, TemporaryFailure
from cordpair.web.floor_access import FloorSessions, link_id, tenant_of_link
from cordpair.web.floor_live import FloorLive
from cordpair.web.floor_render import FloorPages, address, notice, partials, server_sent
from cordpair.web.floor_view import CallSet, FloorSource
from cordpair.web.floor_words import Words
from cordpair.web.pages import SecureHeaders, language_of, static_files, theme_of

log = structlog.get_logger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def floor_routes(source: FloorSource, *, key: bytes, clock: Callable[[], datetime], public_url: str) -> list[BaseRoute]:
    """The routes of the floor page and of the pages' static files.

    `key` (>= 32 secret bytes) signs links and sessions, `clock` gives aware UTC instants, `public_url` is how
    browsers reach this server. Raises PagesNotBuilt when the browser's part has not been built.
    """
    floor = _Floor(source, FloorSessions(key, public_url), key, clock)
    headers = [Middleware(SecureHeaders, public_url=public_url)]

    def route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
        return Route(path, floor.guarded(endpoint), methods=[method], middleware=headers)

    return [
        static_files(),
        route("/floor", floor.page),
        route("/floor/live", floor.live),
        route("/floor/calls", floor.calls),
        route("/floor/parked/{parked:path}/retry", floor.retry, "POST"),
        route("/floor/{token}", floor.enter),
    ]


class _Floor:
    def __init__(self, source: FloorSource, sessions: FloorSessions, key: bytes, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._sessions = sessions
        self._key = key
        self._clock = clock
        self._pages = FloorPages(clock)
        self._live = FloorLive(source, self._pages.sections)

    async def enter(self, request: Request) -> Response:
        token = request.path_params["token"]
        tenant, link = tenant_of_link(self._key, token, self._clock()), link_id(token)
        await self._source.link_opened(tenant, link)
        query = {"lang": request.query_params.get("lang", ""), "theme": theme_of(request)}
        response = RedirectResponse(address("/floor", query), status_code=303)
        self._sessions.open(response, tenant, link, self._clock())
        return response

    async def page(self, request: Request) -> Response:
        view = self._source.current(self._sessions.tenant(request, self._clock()))
        return HTMLResponse(self._pages.page(view, language_of(request), theme_of(request)))

    async def live(self, request: Request) -> Response:
        tenant = self._sessions.tenant(request, self._clock())
        self._source.current(tenant)  # refuses an unknown tenant before the stream begins
        language = language_of(request)

        async def events() -> AsyncGenerator[bytes, None]:
            async with aclosing(self._live.stream(tenant, language)) as changes:
                async for changed in changes:
                    age = self._pages.as_of(self._source.current(tenant), language)
                    yield server_sent(partials(changed | {"as-of": age}))

        return _LiveResponse(events())

    async def calls(self, request: Request) -> Response:
        tenant = self._sessions.tenant(request, self._clock())
        of, queue = _asked(request)
        view = self._source.current(tenant)
        calls = await self._source.calls(tenant, of, queue)
        language = language_of(request)
        if "hx-request" in request.headers:
            return HTMLResponse(self._pages.drill(view, language, of, queue, calls))
        return HTMLResponse(self._pages.drill_page(view, language, theme_of(request), of, queue, calls))

    async def retry(self, request: Request) -> Response:
        self._sessions.check_origin(request)
        tenant = self._sessions.tenant(request, self._clock())
        by = self._sessions.actor(request, self._clock())
        ordered = await self._source.retry_parked(tenant, request.path_params["parked"], by)
        log.info("retry of a parked effect", tenant_id=tenant, ordered=ordered)
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse({"ordered": ordered}, status_code=200 if ordered else 404)
        if "hx-request" not in request.headers:
            return RedirectResponse("/floor", status_code=303)
        told = Words(language_of(request))("retry.done" if ordered else "retry.gone")
        return HTMLResponse(notice("told", told))

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """The outermost frame of a request: whatever happens, the person gets a page that shows the way on."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Rejected as refused:
                return self._problem(request, "missing" if refused.status == 404 else "refused", refused.status)
            except TemporaryFailure:
                return self._problem(request, "away", 503)
            except Exception:
                log.exception("floor page failed", path=endpoint.__name__)
                return self._problem(request, "failed", 500)

        return answer

    def _problem(self, request: Request, what: str, status: int) -> Response:
        language = language_of(request)
        if "hx-request" in request.headers:  # a part of an open page asked: it says so there
            key = "ended.session" if what == "refused" else what
            return HTMLResponse(notice("connection", Words(language)(key)), status_code=status)
        return HTMLResponse(self._pages.problem(language, theme_of(request), what), status_code=status)


def _asked(request: Request) -> tuple[CallSet, QueueId | None]:
    try:
        of = CallSet(request.query_params.get("of", ""))
    except ValueError:
        raise Rejected("there is no such set of calls", status=404) from None
    queue = request.query_params.get("queue", "")
    return of, QueueId(queue) if queue else None


class _LiveResponse(StreamingResponse):
    """A stream of server-sent events that lets go of its source when the browser goes away."""

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._events.aclose()
