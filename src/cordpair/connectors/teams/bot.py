"""The bot endpoint: our guard first, then Microsoft's SDK, then the desk. One SDK app per app registration.

The SDK takes about as long to load as all the rest of the product. A node that starts has callers who wait, so it loads
the SDK afterwards, or when the first activity has come.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from cordpair.connectors.teams.chat import BotChat
from cordpair.connectors.teams.desk import Desk
from cordpair.connectors.teams.guard import Guard, read_body
from cordpair.connectors.teams.inbound import BotTokens
from cordpair.core.ids import RegistrationId
from cordpair.core.tenant import Registration
from cordpair.errors import Rejected, TemporaryFailure

if TYPE_CHECKING:
    from cordpair.connectors.teams.conversation import Bot

FindRegistration = Callable[[RegistrationId], Awaitable[Registration | None]]
_TYPES = frozenset({"message", "installationUpdate", "conversationUpdate"})


class BotEndpoint:
    """POST /bot/{registration}. `find` gives a registration by its id, `chat` the chats of one.

    `login_url`, `openid_url` and `issuer` are those of Settings. Refusals answer 400, 401, 403, 413 with a short
    JSON object and store nothing; an address that is nobody's answers like one of somebody else.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        find: FindRegistration,
        chat: Callable[[Registration], BotChat],
        guard: Guard,
        tokens: BotTokens,
        login_url: str,
        openid_url: str,
        issuer: str,
        body_limit: int,
    ) -> None:
        self._desk = desk
        self._find = find
        self._chat = chat
        self._guard = guard
        self._tokens = tokens
        self._ends = {"login_endpoint": login_url, "openid_metadata_url": openid_url, "token_issuer": issuer}
        self._body_limit = body_limit
        self._bots: dict[RegistrationId, Bot] = {}
        self._loading = asyncio.Lock()
        self._is_loaded = False

    async def load(self) -> None:
        """Load the SDK, unless that is done: about a second of a processor, beside what else is served."""
        async with self._loading:
            if not self._is_loaded:
                await asyncio.to_thread(_load_sdk)
                self._is_loaded = True

    async def handle(self, request: Request) -> Response:
        """Answer one activity."""
        try:
            found = await self._find(RegistrationId(request.path_params["registration"]))
            body = await read_body(request.stream(), self._body_limit)
            authorization = request.headers.get("authorization")
            registration, activity = await self._guard.check(found, authorization, body)
            return await self._pass_on(registration, activity, authorization or "")
        except Rejected as exc:
            return JSONResponse({"error": str(exc)}, status_code=exc.status)
        except TemporaryFailure:
            return JSONResponse({"error": "try again later"}, status_code=503)
        except ClientDisconnect:
            return Response(status_code=400)

    async def _pass_on(self, registration: Registration, activity: dict[str, Any], authorization: str) -> Response:
        if activity["type"] == "invoke" and activity.get("name") != "adaptiveCard/action":
            return Response(status_code=501)
        if activity["type"] not in _TYPES and activity["type"] != "invoke":
            return Response(status_code=200)
        await self.load()
        from cordpair.connectors.teams.sdk import has_shape

        if not has_shape(activity):
            raise Rejected("the activity has not the shape of its type")
        bot = await self._bot(registration)
        answer = await bot.app.server.handle_request({"body": activity, "headers": {"authorization": authorization}})
        if answer["status"] >= 500:
            self._guard.forget(registration, activity)
        if answer.get("body") is None:
            return Response(status_code=answer["status"])
        return JSONResponse(answer["body"], status_code=answer["status"])

    async def _bot(self, registration: Registration) -> "Bot":
        from cordpair.connectors.teams.conversation import Bot
        from cordpair.connectors.teams.sdk import PUBLIC

        bot = self._bots.get(registration.id)
        if bot is None or bot.registration != registration:
            bot = Bot(registration, self._desk, self._chat(registration), self._tokens, replace(PUBLIC, **self._ends))
            await bot.start()
            self._bots[registration.id] = bot
        return bot


def _load_sdk() -> None:
    from cordpair.connectors.teams import conversation  # noqa: F401 - which brings all of it
    from cordpair.connectors.teams.sdk import keep_texts_out

    keep_texts_out()
