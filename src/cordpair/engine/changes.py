"""Which items of a delivery of change notifications are to be believed, and what their encrypted content says.

Each item is judged alone: Graph may put many subscriptions, and many organisations, into one delivery. The cheap looks
come first: a stranger who does not know a subscription's secret costs neither a signature nor a decryption.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from cordpair.connectors.teams.change_tokens import ChangeTokens
from cordpair.connectors.teams.content import Unopened, opened
from cordpair.core.tenant import Registration
from cordpair.engine.subscribed import Subscribed
from cordpair.telemetry import Metrics

Item = dict[str, Any]


class Changes:
    """Judges whole deliveries; what is refused is counted by its reason."""

    def __init__(self, subscribed: Subscribed, tokens: ChangeTokens, metrics: Metrics) -> None:
        self._subscribed, self._tokens, self._metrics = subscribed, tokens, metrics

    async def believed(self, to: Registration, items: Sequence[Item], tokens: Sequence[str]) -> list[Item]:
        """The items that hold, in their order, opened: what was encrypted stands in `resourceData`.

        Raises TemporaryFailure while encrypted ones cannot be judged, as long as Entra's keys could never be fetched.
        """
        known = [item for item in items if await self._is_known(to, item)]
        if not any(is_encrypted(item) for item in known):
            return known
        vouched_for, bad = await self._tokens.vouched_for(tokens, to.client_id)
        self._refused("validation_token", bad)
        return [good for item in known if (good := await self._good(to, item, vouched_for)) is not None]

    async def _is_known(self, to: Registration, item: Item) -> bool:
        doubt = await self._subscribed.doubt(to.tenant, item)
        if doubt:
            self._refused(doubt)
        return not doubt

    async def _good(self, to: Registration, item: Item, vouched_for: frozenset[str]) -> Item | None:
        if not is_encrypted(item):
            return item
        if str(item.get("tenantId")).lower() not in vouched_for:
            self._refused("not_vouched_for")
            return None
        try:
            return await self._opened(to, item)
        except Unopened as exc:
            self._refused(exc.reason)
            return None

    async def _opened(self, to: Registration, item: Item) -> Item:
        content = item["encryptedContent"]
        if not isinstance(content, Mapping):
            raise Unopened("content_unreadable")
        keys = await self._subscribed.keys(to.tenant, item, str(content.get("encryptionCertificateId")))
        inside = await asyncio.to_thread(opened, content, keys)
        return {name: item[name] for name in item if name != "encryptedContent"} | {"resourceData": inside}

    def _refused(self, reason: str, times: int = 1) -> None:
        if times:
            self._metrics.inbox_refused.labels(reason=reason).inc(times)


def is_encrypted(item: Mapping[str, object]) -> bool:
    """Whether an item carries its resource encrypted."""
    return item.get("encryptedContent") is not None
