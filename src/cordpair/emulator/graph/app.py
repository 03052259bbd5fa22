"""The front of the emulated Graph: token, operation, permission, body; then the handler of the operation."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.entra import GRAPH, NotAuthorized, TokenReader
from cordpair.emulator.failing import Failing
from cordpair.emulator.graph.checks import check_answer, check_body, find
from cordpair.emulator.graph.errors import GraphError, bad_request
from cordpair.emulator.graph.tables import Operation
from cordpair.emulator.world import Tenant


@dataclass(frozen=True)
class Asked:
    """A request that passed the checks. `ids` are those in the path, in order."""

    tenant: Tenant
    op: Operation
    ids: tuple[str, ...]
    body: dict[str, Any]
    query: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What a handler answers. A list becomes `value`, `next_page` (a path with its query) its `@odata.nextLink`."""

    status: int
    body: dict[str, Any] | list[dict[str, Any]] | None = None
    location: str = ""
    next_page: str = ""


Handler = Callable[[Asked], Awaitable[Answer]]
Handlers = dict[tuple[str, str], Handler]


class Graph:
    """Serves `/graph/v1.0/...`."""

    def __init__(self, cloud: Cloud, handlers: Handlers) -> None:
        self._cloud = cloud
        self._tokens = TokenReader(cloud, GRAPH)
        self._handlers = handlers
        self.failing = Failing()

    def routes(self) -> list[Route]:
        methods = ["GET", "POST", "PATCH", "DELETE", "PUT"]
        return [Route("/graph/v1.0/{path:path}", self.serve, methods=methods)]

    async def serve(self, request: Request) -> Response:
        path = "/" + request.path_params["path"]
        tenant_id, body, fails = "", None, self.failing.strikes(path)
        try:
            claims = self._claims(request)
            tenant_id = claims["tid"]
            body = await _json(request)
            if not fails or self.failing.after:
                response = self._response(await self._handle(request, path, claims, body))
            if fails:
                response = self.failing.answer()
        except GraphError as exc:
            response = JSONResponse(exc.body(), status_code=exc.status)
            if exc.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
        self._cloud.journal.note(
            "graph", tenant=tenant_id, method=request.method, path=path, status=response.status_code, body=body
        )
        return response

    def _claims(self, request: Request) -> dict[str, Any]:
        try:
            return self._tokens.read(request.headers)
        except NotAuthorized as exc:
            raise GraphError(401, "InvalidAuthenticationToken", str(exc)) from exc

    async def _handle(self, request: Request, path: str, claims: dict[str, Any], body: Any) -> Answer:
        found = find(request.method, path)
        tenant = self._cloud.world.tenant(claims["tid"])
        if found is None or tenant is None:
            self._cloud.journal.note("outside the slice", method=request.method, path=path)
            raise GraphError(404, "ResourceNotFound", f"No operation {request.method} {path} in this Graph.")
        op, ids = found
        if op.kind == "delegated":
            raise bad_request("This request is only valid with a delegated authentication flow.")
        if op.anyof and not set(op.anyof) & set(claims.get("roles", ())):
            code = "7504" if path.startswith("/communications/calls") else "Authorization_RequestDenied"
            raise GraphError(403, code, "Insufficient privileges: one of " + ", ".join(op.anyof) + " is needed.")
        asked = Asked(tenant, op, ids, check_body(op, body), request.query_params)
        answer = await self._handlers[op.method, op.path](asked)
        check_answer(op, answer.body)
        return answer

    def _response(self, answer: Answer) -> Response:
        headers = {"Location": f"{self._cloud.url}/graph/v1.0{answer.location}"} if answer.location else None
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        body = {"value": answer.body} if isinstance(answer.body, list) else answer.body
        if answer.next_page:
            body = body | {"@odata.nextLink": f"{self._cloud.url}/graph/v1.0{answer.next_page}"}
        return JSONResponse(body, status_code=answer.status, headers=headers)


async def _json(request: Request) -> Any:
    raw = await request.body()
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError as exc:
        raise bad_request("Unable to read JSON request payload.") from exc
