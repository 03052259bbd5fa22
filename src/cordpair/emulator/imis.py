"""An iMIS instance as a web application: tokens, parties, saved queries, activities, and faults on demand.

Written from the public description of the REST interface. Strict where a real one is: type tags come first,
booleans are wrapped, numbers are compared as they are spelled, pages are capped.
"""

import functools
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.emulator.imis_activity import Invalid, Unreadable
from cordpair.emulator.imis_answers import broken, json_answer, planned, unauthorized
from cordpair.emulator.imis_api import dispatch, is_pull, one
from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.imis_instance import Clock, Imis
from cordpair.emulator.imis_query import BadQuery, BrokenQuery
from cordpair.emulator.imis_shapes import Json
from cordpair.emulator.imis_tokens import Refused
from cordpair.emulator.members import Member

__all__ = ["Clock", "Fault", "Imis", "imis_app"]

Handler = Callable[[Imis, Request, Fault | None], Awaitable[Response]]


def imis_app(instance: str, members: Iterable[Member], clock: Clock, time_zone: str = "Europe/Berlin") -> Starlette:
    """The application of one instance, to be mounted at `/imis/{instance}`; `app.state.imis` is its Imis."""
    imis = Imis(instance, members, clock, time_zone)
    app = Starlette(
        routes=[
            Route("/token", functools.partial(_token, imis), methods=["POST"]),
            Route("/Token", functools.partial(_token, imis), methods=["POST"]),
            Route("/_control/faults", functools.partial(_set_faults, imis), methods=["POST"]),
            Route("/_control/activities", functools.partial(_all_activities, imis), methods=["GET"]),
            Route("/api/{entity}", functools.partial(_api, imis, dispatch), methods=["GET", "POST"]),
            Route("/api/{entity}/{id}", functools.partial(_api, imis, one), methods=["GET", "PUT"]),
        ]
    )
    app.state.imis = imis
    return app


async def _api(imis: Imis, handler: Handler, request: Request) -> Response:
    """Everything under /api: sign-in, faults, counting."""
    pull = is_pull(request)
    with imis.counters.serving(pull=pull):
        fault = imis.take_fault(request.method, request.url.path)
        if fault and (answer := await planned(imis, fault)):
            return answer
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not imis.tokens.good(token, imis.clock.now()):
            return unauthorized()
        answer = await _guarded(imis, handler, request, fault)
        if pull and request.query_params.get("offset", "0") == "0" and answer.status_code == 200:
            imis.counters.sync_starts.append(imis.clock.now())
        return answer


async def _guarded(imis: Imis, handler: Handler, request: Request, fault: Fault | None) -> Response:
    try:
        return await handler(imis, request, fault)
    except (BadQuery, Invalid) as exc:
        return json_answer(imis.shapes.refusal([str(exc)]), 400)
    except (BrokenQuery, Unreadable):
        return broken()


async def _token(imis: Imis, request: Request) -> Response:
    imis.counters.token_requests += 1
    fault = imis.take_fault("POST", "/token")
    if fault and (answer := await planned(imis, fault)):
        return answer
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return json_answer({"error": "unsupported_grant_type"}, 400)
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return json_answer(imis.tokens.grant(form, imis.clock.now()))
    except Refused as exc:
        description = f"The user name or password is incorrect: {form.get('username', '')}"
        return json_answer({"error": str(exc), "error_description": description}, 400)


async def _set_faults(imis: Imis, request: Request) -> Response:
    """Body: a list of faults, or {"clear": true}, or {"old_assembly": …, "page_cap": …}."""
    body = await request.json()
    try:
        if isinstance(body, list):
            imis.faults += [Fault(**entry) for entry in body]
        else:
            _switch(imis, body)
    except (TypeError, ValueError) as exc:
        return json_answer({"error": str(exc)}, 400)
    return json_answer({"faults": len(imis.faults)})


def _switch(imis: Imis, body: Json) -> None:
    if body.get("clear"):
        imis.faults.clear()
    if body.get("revoke_tokens"):
        imis.tokens.revoke()
    imis.old_assembly = bool(body.get("old_assembly", imis.old_assembly))
    imis.page_cap = int(str(body.get("page_cap", imis.page_cap)))


async def _all_activities(imis: Imis, _: Request) -> Response:
    return json_answer([{name: value for name, value in one.items() if value is not None} for one in imis.activities])
