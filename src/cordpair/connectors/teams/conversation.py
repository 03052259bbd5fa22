"""One app registration's bot: Microsoft's SDK sorts the activities, the desk decides what they mean."""

from collections.abc import Mapping
from typing import Any

import structlog
from msgspec.structs import replace

from cordpair.connectors.teams.chat import BotChat
from cordpair.connectors.teams.desk import Desk, Pressed, Reply
from cordpair.connectors.teams.desk_cards import help_card
from cordpair.connectors.teams.inbound import BotTokens
from cordpair.connectors.teams.sdk import (
    ActivityContext,
    AdaptiveCardInvokeActivity,
    App,
    CloudEnvironment,
    ConversationUpdateActivity,
    InstalledActivity,
    InvokeResponse,
    MessageActivity,
    NoRoutes,
    own_settings_only,
)
from cordpair.connectors.teams.texts import text
from cordpair.core.ids import AgentId
from cordpair.core.party import ChatReference
from cordpair.core.tenant import Registration
from cordpair.errors import CordpairError, IllegalEvent, PermanentFailure, Rejected, TemporaryFailure

log = structlog.get_logger(__name__)

#: Buttons of our cards.
VERBS = frozenset({"not_now", "claim", "wrap_up", "pass_on", "complete", "take_back", "hang_up", "place"})
_CARD = "application/vnd.microsoft.card.adaptive"
_MESSAGE = "application/vnd.microsoft.activity.message"


class _Verified:
    """The SDK's token check, by our keys: its own fetches keys while the event loop waits, and lets in the Entra
    tokens of any tenant for a platform that we do not serve."""

    def __init__(self, tokens: BotTokens, audience: str) -> None:
        self._tokens = tokens
        self._audience = audience

    async def validate_token(self, raw_token: str, service_url: str | None = None) -> dict[str, Any]:
        return await self._tokens.verify(f"Bearer {raw_token}", audience=self._audience, service_url=service_url)


class Bot:
    """One registration's SDK app, and what its activities mean to the desk."""

    def __init__(
        self, registration: Registration, desk: Desk, chat: BotChat, tokens: BotTokens, cloud: CloudEnvironment
    ) -> None:
        self.registration = registration
        self._desk = desk
        self._chat = chat
        self._known: dict[AgentId, ChatReference] = {}
        with own_settings_only():
            self.app = App(
                client_id=registration.client_id,
                tenant_id=registration.tenant,
                token=_no_token,
                cloud=cloud,
                http_server_adapter=NoRoutes(),
                fetch_user_token=False,
                dangerously_allow_unauthenticated_requests=False,
            )
        self._tokens = tokens
        self.app.on_message(self._on_message)
        self.app.on_card_action(self._on_card_action)
        self.app.on_install_add(self._on_installed)
        self.app.on_conversation_update(self._on_conversation)

    async def start(self) -> None:
        """Make the SDK ready; once."""
        await self.app.initialize()
        # There is no public place for a validator of one's own; a test tells when this one is no longer asked.
        self.app.server._token_validator = _Verified(self._tokens, self.registration.client_id)  # type: ignore[assignment]

    async def _on_installed(self, ctx: ActivityContext[InstalledActivity]) -> None:
        await self._on_reached(ctx)
        if _is_personal(ctx):
            chat = _chat_reference(ctx)
            await self._send(chat, Reply(card=help_card(chat.locale, opening="hello")))

    async def _on_conversation(self, ctx: ActivityContext[ConversationUpdateActivity]) -> None:
        if ctx.activity.members_added:
            await self._on_reached(ctx)

    async def _on_reached(self, ctx: ActivityContext[Any]) -> None:
        agent = _agent(ctx)
        if agent is not None and _is_personal(ctx):
            await self._reached(agent, self._chat_with(agent, ctx))

    async def _on_message(self, ctx: ActivityContext[MessageActivity]) -> None:
        agent = _agent(ctx)
        chat = self._chat_with(agent, ctx)
        if not _is_personal(ctx):
            await self._send(chat, Reply(text=text(chat.locale, "only_personal")))
        elif agent is not None:
            await self._reached(agent, chat)
            await self._send(chat, await self._said(agent, str(ctx.activity.text or ""), chat.locale))

    async def _on_card_action(self, ctx: ActivityContext[AdaptiveCardInvokeActivity]) -> InvokeResponse[Any]:
        agent = _agent(ctx)
        locale = self._chat_with(agent, ctx).locale
        action = ctx.activity.value.action
        if agent is None or not _is_personal(ctx):
            return _invoke_answer(Pressed(message=text(locale, "only_personal"), ok=False))
        try:
            pressed = await self._desk.pressed(
                self.registration.tenant, agent, action.verb or "", dict(action.data), locale
            )
        except CordpairError as exc:
            verb = action.verb if action.verb in VERBS else "other"
            log.warning("a card action failed", verb=verb, agent_id=agent, error=type(exc).__name__)
            pressed = Pressed(message=text(locale, _apology(exc)), ok=False)
        return _invoke_answer(pressed)

    def _chat_with(self, agent: AgentId | None, ctx: ActivityContext[Any]) -> ChatReference:
        """The chat of an activity. Some activities leave the language out: then it is the one known before."""
        chat = _chat_reference(ctx)
        known = self._known.get(agent) if agent else None
        return chat if chat.locale or known is None else replace(chat, locale=known.locale)

    async def _said(self, agent: AgentId, words: str, locale: str) -> Reply:
        try:
            return await self._desk.said(self.registration.tenant, agent, words, locale)
        except CordpairError as exc:
            log.warning("a chat command failed", agent_id=agent, error=type(exc).__name__)
            return Reply(text=text(locale, _apology(exc)))

    async def _reached(self, agent: AgentId, chat: ChatReference) -> None:
        """Tell the desk where the agent is reached: an installation that we missed heals with the next message."""
        if self._known.get(agent) != chat:
            await self._desk.installed(self.registration.tenant, agent, chat)
            self._known[agent] = chat

    async def _send(self, chat: ChatReference, reply: Reply) -> None:
        try:
            if reply.card is not None:
                await self._chat.send(chat, reply.card)
            elif reply.text:
                await self._chat.say(chat, reply.text)
        except (TemporaryFailure, PermanentFailure) as exc:
            # What was asked for is done; a failure here would make Teams repeat the message.
            log.warning("a chat answer was not sent", error=type(exc).__name__)


def _no_token(_scope: str | list[str], _tenant: str | None, /) -> str | None:
    """The SDK sends nothing for us."""
    return None


def _agent(ctx: ActivityContext[Any]) -> AgentId | None:
    found = ctx.activity.from_.aad_object_id
    return AgentId(found.lower()) if found else None


def _is_personal(ctx: ActivityContext[Any]) -> bool:
    return getattr(ctx.activity.conversation, "conversation_type", None) in (None, "personal")


def _chat_reference(ctx: ActivityContext[Any]) -> ChatReference:
    activity = ctx.activity
    return ChatReference(
        conversation=activity.conversation.id, service_url=activity.service_url, locale=activity.locale or ""
    )


def _apology(exc: CordpairError) -> str:
    if isinstance(exc, IllegalEvent):
        return "too_late"
    return "unreadable" if isinstance(exc, Rejected) else "try_again"


def _invoke_answer(pressed: Pressed) -> InvokeResponse[Any]:
    body: Mapping[str, Any] = {"statusCode": 200, "type": _MESSAGE, "value": pressed.message}
    if pressed.card is not None:
        body = {"statusCode": 200, "type": _CARD, "value": pressed.card}
    return InvokeResponse[Any](status=200, body=body)
