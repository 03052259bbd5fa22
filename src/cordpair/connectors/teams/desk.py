"""What the bot asks of the engine: the port behind which the chat does not know the contact centre."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from cordpair.core.ids import AgentId, TenantId
from cordpair.core.party import ChatReference


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in the chat: a card or a text. Neither: silence."""

    text: str = ""
    card: Mapping[str, Any] | None = None


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a pressed button: a card that replaces the pressed one, or a message under it.

    `ok` says whether what was asked for was done.
    """

    card: Mapping[str, Any] | None = None
    message: str = ""
    ok: bool = True


class Desk(Protocol):
    """The engine, as the bot sees it. `locale` is that of the agent's Teams client (`de-DE`).

    Calls may be repeated: after a failure Teams sends an activity again.
    """

    async def installed(self, tenant: TenantId, agent: AgentId, chat: ChatReference) -> None:
        """The agent can be reached in this chat; said at installation and whenever the address may have changed."""

    async def said(self, tenant: TenantId, agent: AgentId, text: str, locale: str) -> Reply:
        """The agent wrote to the bot."""

    async def pressed(
        self, tenant: TenantId, agent: AgentId, verb: str, data: Mapping[str, Any], locale: str
    ) -> Pressed:
        """The agent pressed a button of a card. `data` holds the button's own data and the card's inputs."""
