"""POST /hooks/{tenant}/{hook}: orders of other systems, signed by their endpoint's secret (Standard Webhooks).

200 with the result as JSON; 202 while it is in progress; 400, 401, 404, 409, 413; 503: send it again, by the same id.
"""

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.core.ids import TenantId
from cordpair.engine.commands import IN_PROGRESS
from cordpair.engine.hook_commands import HookCommands
from cordpair.errors import CordpairError, PermanentFailure, Rejected
from cordpair.web.front import Gone, whole_body

_TENANT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def hook_route(commands: HookCommands, body_limit: int) -> Route:
    """The one address of all endpoints."""

    async def take(request: Request) -> Response:
        try:
            body = await whole_body(request.receive, body_limit)
            tenant = request.path_params["tenant"]
            if not _TENANT.fullmatch(tenant):
                raise Rejected("the message is not signed", status=401)
            verdict = await commands.carry_out(TenantId(tenant), request.path_params["hook"], request.headers, body)
        except Gone:
            return Response(status_code=400)
        except Rejected as exc:
            return JSONResponse({"error": str(exc)}, exc.status)
        except PermanentFailure:  # the CRM's own words may quote a person
            return JSONResponse({"error": "the CRM refused it"}, 409)
        except CordpairError:
            return JSONResponse({"error": "try again later"}, 503, {"Retry-After": "60"})
        return JSONResponse({"result": verdict}, 202 if verdict == IN_PROGRESS else 200)

    return Route("/hooks/{tenant}/{hook}", take, methods=["POST"])
