"""The 1:1 chats between agents and the bot: activities as Teams sends them, cards as Teams keeps them."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from cordpair.emulator import cards
from cordpair.emulator.botframework import Signer
from cordpair.emulator.cloud import Cloud
from cordpair.emulator.world import Agent, Tenant


@dataclass
class Chat:
    """One agent's chat. `cards` are the bot's cards by activity id as they stand now, `texts` what it said."""

    tenant: Tenant
    agent: Agent
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def keep(self, activity_id: str, activity: dict[str, Any]) -> None:
        """The bot posted or changed a message."""
        if activity.get("text"):
            self.texts.append(str(activity["text"]))
        for attachment in activity.get("attachments") or []:
            if attachment.get("contentType") == cards.CONTENT_TYPE:
                self.cards[activity_id] = attachment["content"]
        self.changed.set()
        self.changed = asyncio.Event()

    def pressable(self, verb: str) -> tuple[str, dict[str, Any]] | None:
        """The newest card with such a button, with its activity id."""
        for activity_id, card in reversed(self.cards.items()):
            if cards.button(card, verb):
                return activity_id, card
        return None


class Chats:
    """All chats; sends the agents' activities to the product's messaging endpoint."""

    def __init__(self, cloud: Cloud, signer: Signer) -> None:
        self._cloud = cloud
        self._signer = signer
        self._of = {a.id: Chat(t, a) for t in cloud.world.tenants for a in t.agents}
        self.installed: set[str] = set()

    def of(self, user: str) -> Chat:
        """Raises KeyError for a user that is none."""
        return self._of[user]

    def find(self, tenant: Tenant, conversation: str) -> Chat | None:
        wanted = (chat for chat in self._of.values() if chat.tenant is tenant)
        return next((chat for chat in wanted if chat.agent.conversation == conversation), None)

    def member(self, tenant: Tenant, member: str) -> Chat | None:
        """The chat of a member given as `29:...` or as object id."""
        wanted = (chat for chat in self._of.values() if chat.tenant is tenant)
        return next((chat for chat in wanted if member in (chat.agent.teams_id, chat.agent.id)), None)

    async def install(self, chat: Chat) -> bool:
        """The bot is installed for the agent. True when the bot took both activities."""
        self.installed.add(chat.agent.id)
        bot = {"id": chat.tenant.registration.bot_id, "name": chat.tenant.registration.bot_name}
        first = await self._send(chat, {"type": "installationUpdate", "action": "add"})
        second = await self._send(chat, {"type": "conversationUpdate", "membersAdded": [bot]})
        return 200 <= first[0] < 300 and 200 <= second[0] < 300

    async def say(self, chat: Chat, text: str) -> bool:
        """The agent types a message."""
        status, _ = await self._send(chat, {"type": "message", "text": text, "textFormat": "plain"})
        return 200 <= status < 300

    async def press(self, chat: Chat, activity_id: str, button: cards.Button, inputs: dict[str, Any]) -> Any:
        """The agent presses a card's button. The answer's card takes the place of the pressed one.

        Returns the invoke answer's body, None when there was none.
        """
        if button.type == "Action.Submit":
            await self._send(chat, {"type": "message", "value": {**button.data, **inputs}, "replyToId": activity_id})
            return None
        action = {"type": button.type, "verb": button.verb, "data": {**button.data, **inputs}, "title": button.title}
        activity = {
            "type": "invoke",
            "name": "adaptiveCard/action",
            "replyToId": activity_id,
            "value": {"action": action, "trigger": "manual"},
        }
        status, answer = await self._send(chat, activity)
        if status == 200 and isinstance(answer, dict) and answer.get("type") == cards.CONTENT_TYPE:
            wrong = cards.problem(answer.get("value"))
            if wrong:
                self._cloud.journal.note("bad card", user=chat.agent.id, problem=wrong)
            else:
                chat.keep(
                    activity_id, {"attachments": [{"contentType": cards.CONTENT_TYPE, "content": answer["value"]}]}
                )
        return answer

    async def _send(self, chat: Chat, activity: dict[str, Any]) -> tuple[int, Any]:
        body = {**self._envelope(chat), **activity}
        url = self._cloud.messaging_endpoint(chat.tenant)
        began = time.monotonic()
        answer: Any = None
        try:
            with self._cloud.clock.working():
                headers = self._signer.header(chat.tenant, body["serviceUrl"])
                response = await self._cloud.http.post(url, json=body, headers=headers)
            status = response.status_code
            answer = response.json() if response.content else None
        except (httpx.HTTPError, ValueError):
            status = 0
        self._cloud.journal.note(
            "activity",
            tenant=chat.tenant.id,
            user=chat.agent.id,
            type=activity["type"],
            said=activity.get("text"),
            verb=activity.get("value", {}).get("action", {}).get("verb"),
            data=activity.get("value", {}).get("action", {}).get("data"),
            status=status,
            answer=answer,
            took_ms=round((time.monotonic() - began) * 1000, 2),
        )
        return status, answer

    def _envelope(self, chat: Chat) -> dict[str, Any]:
        now, agent, tenant = self._cloud.clock.now().isoformat(), chat.agent, chat.tenant
        return {
            "id": f"f:{uuid.uuid4()}",
            "timestamp": now,
            "localTimestamp": now,
            "channelId": "msteams",
            "serviceUrl": self._cloud.service_url(tenant),
            "from": {"id": agent.teams_id, "name": agent.name, "aadObjectId": agent.id},
            "conversation": {"conversationType": "personal", "tenantId": tenant.id, "id": agent.conversation},
            "recipient": {"id": tenant.registration.bot_id, "name": tenant.registration.bot_name},
            "locale": agent.locale,
            "entities": [{"type": "clientInfo", "locale": agent.locale, "platform": "Web"}],
            "channelData": {"tenant": {"id": tenant.id}},
        }
