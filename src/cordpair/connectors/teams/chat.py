"""The bot's 1:1 chats: cards sent and replaced through the Bot Connector's REST interface.

Plain requests with our own token cache and error classes: an update must tell a chat that is gone from a service
that is away, which the SDK's sending does not.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from cordpair.connectors.teams.guard import host_allowed
from cordpair.connectors.teams.rest import Rest, Tokens
from cordpair.connectors.teams.tokens import BOT_SCOPE
from cordpair.core.party import ChatReference
from cordpair.errors import PermanentFailure, UnknownOutcome

_CARD = "application/vnd.microsoft.card.adaptive"


class BotChat:
    """`kit.Chat` on the Bot Connector v3. `hosts` are Settings.service_url_hosts: no token goes anywhere else.

    `send` raises UnknownOutcome when the card may stand in the chat already. A chat or card that is gone
    gives PermanentFailure with status 404 or 403.
    """

    def __init__(self, http: httpx.AsyncClient, tokens: Tokens, *, hosts: Sequence[str]) -> None:
        self._rest = Rest(http, tokens, scope=BOT_SCOPE, name="the Bot Connector")
        self._hosts = tuple(hosts)

    async def send(self, chat: ChatReference, card: Mapping[str, object]) -> str:
        """Post a card; returns its activity id."""
        return await self._post(chat, _message(card))

    async def say(self, chat: ChatReference, text: str) -> str:
        """Post a text as it is, without markup; returns its activity id."""
        return await self._post(chat, {"type": "message", "text": text, "textFormat": "plain"})

    async def update(self, chat: ChatReference, activity_id: str, card: Mapping[str, object]) -> None:
        """Replace a card in place."""
        url = f"{self._activities(chat)}/{quote(activity_id, safe=':')}"
        await self._rest.request("PUT", url, body={**_message(card), "id": activity_id}, repeatable=True)

    async def _post(self, chat: ChatReference, activity: Mapping[str, object]) -> str:
        answer = await self._rest.request("POST", self._activities(chat), body=activity)
        found = answer.get("id")
        if not isinstance(found, str) or not found:
            raise UnknownOutcome("the Bot Connector named no activity")
        return found

    def _activities(self, chat: ChatReference) -> str:
        if not host_allowed(chat.service_url, self._hosts):
            raise PermanentFailure("the chat's service address is not one that we send to")
        return f"{chat.service_url.rstrip('/')}/v3/conversations/{quote(chat.conversation, safe=':@;=')}/activities"


def _message(card: Mapping[str, object]) -> dict[str, Any]:
    message: dict[str, Any] = {"type": "message", "attachments": [{"contentType": _CARD, "content": card}]}
    speak = card.get("speak")
    # What the toast of the Teams client shows.
    return {**message, "summary": speak} if isinstance(speak, str) and speak else message
