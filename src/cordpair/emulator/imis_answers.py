"""Answers of an emulated iMIS that are no data: errors, pages of the web tier, broken connections."""

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.imis_instance import Imis

_SAYS_NOTHING = "An error occurred. Please contact the administrator."
_PAGE = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


class Cut(Response):
    """Begins an answer and never ends it: the server closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def json_answer(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json; charset=utf-8")


def unauthorized() -> Response:
    return json_answer({"Message": "Authorization has been denied for this request."}, 401)


def broken() -> Response:
    return json_answer({"Message": _SAYS_NOTHING}, 500)


async def planned(imis: Imis, fault: Fault) -> Response | None:
    """The answer that a fault stands for, unless it is one of a POST that is carried out."""
    match fault.kind:
        case "throttle":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return Response("Too many requests", 429, headers, "text/plain")
        case "error":
            return broken()
        case "html":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return Response(_PAGE.format(title="Service Unavailable"), 503, headers, "text/html")
        case "sign_in_page":
            return Response(_PAGE.format(title="Sign In"), 200, media_type="text/html")
        case "unauthorized":
            return unauthorized()
        case "refused":
            return json_answer(imis.shapes.refusal([fault.message, "A second message."]), 400)
        case "cut":
            return Cut()
        case "slow":
            await imis.clock.sleep(fault.delay_s)
    return None
