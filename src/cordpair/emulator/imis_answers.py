"""Answers of an emulated iMIS that are no data: errors, pages of the web tier, broken connections."""

import msgspec
from starlette.responses import Response

from cordpair.emulator import bad_answers
from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.imis_instance import Imis

_SAYS_NOTHING = "An error occurred. Please contact the administrator."


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
            return bad_answers.page("Service Unavailable", 503, headers)
        case "sign_in_page":
            return bad_answers.page("Sign In")
        case "unauthorized":
            return unauthorized()
        case "refused":
            return json_answer(imis.shapes.refusal([fault.message, "A second message."]), 400)
        case "cut":
            return bad_answers.Cut()
        case "huge":
            return bad_answers.huge()
        case "drip":
            return bad_answers.Drip()
        case "slow":
            await imis.clock.sleep(fault.delay_s)
    return None
