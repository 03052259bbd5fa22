"""The Bot connector: where the product's bot posts and changes its messages."""

import json
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.emulator import cards
from cordpair.emulator.chat import Chat, Chats
from cordpair.emulator.cloud import Cloud
from cordpair.emulator.entra import BOT_API, NotAuthorized, TokenReader
from cordpair.emulator.failing import Failing
from cordpair.emulator.world import Tenant


class Refused(Exception):
    """A request that the connector refuses."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Connector:
    """Serves `/connector/{tid}/v3/...`."""

    def __init__(self, cloud: Cloud, chats: Chats) -> None:
        self._cloud = cloud
        self._chats = chats
        self._tokens = TokenReader(cloud, BOT_API)
        self.failing = Failing()

    def routes(self) -> list[Route]:
        chat = "/connector/{tid}/v3/conversations/{cid}"
        return [
            Route("/connector/{tid}/v3/conversations", self._guarded(self.create), methods=["POST"]),
            Route(f"{chat}/activities", self._guarded(self.post), methods=["POST"]),
            Route(f"{chat}/activities/{{aid}}", self._guarded(self.post), methods=["POST"]),
            Route(f"{chat}/activities/{{aid}}", self._guarded(self.put), methods=["PUT"]),
            Route(f"{chat}/activities/{{aid}}", self._guarded(self.delete), methods=["DELETE"]),
            Route(f"{chat}/members", self._guarded(self.members), methods=["GET"]),
        ]

    def create(self, tenant: Tenant, _request: Request, body: Any) -> Response:
        members = body.get("members") or [] if isinstance(body, dict) else []
        chat = self._chats.member(tenant, str(members[0].get("id", ""))) if len(members) == 1 else None
        if chat is None:
            raise Refused(400, "BadArgument", "One member of this organisation is needed.")
        if chat.agent.id not in self._chats.installed:
            raise Refused(403, "ForbiddenOperationException", "The bot is not installed in this user's personal scope.")
        return JSONResponse({"id": chat.agent.conversation}, status_code=201)

    def post(self, tenant: Tenant, request: Request, body: Any) -> Response:
        chat, activity = self._chat(tenant, request), _activity(body)
        if activity["type"] == "typing":
            return JSONResponse({}, status_code=201)
        activity_id = str(uuid.uuid4().int >> 64)
        self._keep("posted", chat, activity_id, activity)
        return JSONResponse({"id": activity_id}, status_code=201)

    def put(self, tenant: Tenant, request: Request, body: Any) -> Response:
        chat, activity, activity_id = self._chat(tenant, request), _activity(body), request.path_params["aid"]
        if activity_id not in chat.cards:
            raise Refused(404, "ActivityNotFoundInConversation", "The activity is not in this conversation.")
        self._keep("changed", chat, activity_id, activity)
        return JSONResponse({"id": activity_id})

    def delete(self, tenant: Tenant, request: Request, _body: Any) -> Response:
        chat = self._chat(tenant, request)
        if chat.cards.pop(request.path_params["aid"], None) is None:
            raise Refused(404, "ActivityNotFoundInConversation", "The activity is not in this conversation.")
        return Response(status_code=200)

    def members(self, tenant: Tenant, request: Request, _body: Any) -> Response:
        agent = self._chat(tenant, request).agent
        member = {"id": agent.teams_id, "name": agent.name, "aadObjectId": agent.id, "userPrincipalName": agent.upn}
        return JSONResponse([{**member, "tenantId": tenant.id, "email": agent.upn}])

    def _keep(self, what: str, chat: Chat, activity_id: str, activity: dict[str, Any]) -> None:
        chat.keep(activity_id, activity)
        contents = [a.get("content") for a in activity.get("attachments") or []]
        data = [button.data | {"verb": button.verb} for card in contents for button in cards.buttons(card)]
        self._cloud.journal.note(
            f"card {what}" if contents else f"text {what}",
            tenant=chat.tenant.id,
            user=chat.agent.id,
            activity_id=activity_id,
            buttons=data,
            card=contents[0] if contents else None,
            text=activity.get("text"),
        )

    def _chat(self, tenant: Tenant, request: Request) -> Chat:
        chat = self._chats.find(tenant, request.path_params["cid"])
        if chat is None:
            raise Refused(404, "ConversationNotFound", "Conversation not found.")
        if chat.agent.id not in self._chats.installed:
            raise Refused(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")
        return chat

    def _guarded(self, handler: Any) -> Any:
        async def serve(request: Request) -> Response:
            raw, fails = await request.body(), self.failing.strikes(request.url.path)
            try:
                tenant = self._tenant(request)
                if not fails or self.failing.after:
                    response: Response = handler(tenant, request, json.loads(raw) if raw else None)
                if fails:
                    response = self.failing.answer()
            except Refused as exc:
                response = _error(exc.status, exc.code, str(exc))
            except NotAuthorized as exc:
                response = _error(401, "Unauthorized", str(exc))
            except ValueError:
                response = _error(400, "BadSyntax", "The body is not JSON.")
            if response.status_code >= 400:
                self._cloud.journal.note("connector refused", path=request.url.path, status=response.status_code)
            return response

        return serve

    def _tenant(self, request: Request) -> Tenant:
        claims = self._tokens.read(request.headers)
        tenant = self._cloud.world.tenant(request.path_params["tid"])
        if tenant is None or claims["tid"] != tenant.id or claims["appid"] != tenant.registration.client_id:
            raise Refused(403, "Forbidden", "This token is not of the organisation's bot.")
        return tenant


def _activity(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise Refused(400, "BadSyntax", "An activity with a type is needed.")
    for attachment in body.get("attachments") or []:
        if not isinstance(attachment, dict) or attachment.get("contentType") != cards.CONTENT_TYPE:
            raise Refused(400, "BadSyntax", "Only Adaptive Cards may be attached here.")
        wrong = cards.problem(attachment.get("content"))
        if wrong:
            raise Refused(400, "BadSyntax", f"Bad card: {wrong}.")
    return body


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
