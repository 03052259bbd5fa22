"""The card of a callback in an agent's chat: sent once, then replaced in place."""

from datetime import datetime

from cordpair.connectors.kit import Chat
from cordpair.connectors.teams.callback_card import CallbackFacts, callback_card
from cordpair.core.callback import Callback, place_id
from cordpair.core.effects import ShowCallback
from cordpair.core.ids import AgentId, TenantId
from cordpair.core.tenant import queue_named
from cordpair.engine.cards import readable
from cordpair.engine.clock import Clock
from cordpair.errors import PermanentFailure
from cordpair.store.chats import Card
from cordpair.store.doors import Store, TenantRows


class CallbackCards:
    """Shows cards in the chats of one tenant."""

    def __init__(self, store: Store, clock: Clock, chat: Chat) -> None:
        self._store, self._clock, self._chat = store, clock, chat

    async def show(self, tenant: TenantId, order: ShowCallback) -> None:
        """Bring the card to the order's face. An order that a newer one has overtaken does nothing."""
        name = place_id(order.call)  # the call has a card of its own
        async with self._store.open_tenant(tenant) as rows:
            shown, chat = await rows.cards.get(name, order.agent), await rows.chats.get(order.agent)
            facts = await facts_of(rows, await rows.callbacks.get(order.call), self._clock.now())
        if facts is None or (shown is not None and shown.number >= order.number):
            return
        if chat is None:
            raise PermanentFailure("the agent has not opened the bot's chat in Teams yet")
        made = callback_card(order.face, facts, chat.locale)
        activity = shown.activity_id if shown else ""
        if activity:
            try:
                await self._chat.update(chat, activity, made)
            except PermanentFailure as exc:
                if exc.status != 404:
                    raise
                activity = ""
        activity = activity or await self._chat.send(chat, made)
        async with self._store.open_tenant(tenant) as rows:
            await rows.cards.put(name, order.agent, Card(activity_id=activity, number=order.number))


async def facts_of(rows: TenantRows, callback: Callback | None, now: datetime) -> CallbackFacts | None:
    """What a card says of a callback; None where there is none (any more)."""
    if callback is None:
        return None
    queue = queue_named({queue.id: queue for queue in await rows.setups.queues()}, callback.queue)
    names: dict[AgentId, str] = {}
    if callback.agent is not None:
        names = {agent.id: agent.name for agent in await rows.agents.set_up()}
    return CallbackFacts(
        callback=callback,
        queue=queue.name,
        colour=queue.colour,
        number=readable(callback.caller.e164),
        owed_s=(now - callback.asked_at).total_seconds(),
        dials=queue.callbacks.dials,
        taken_by=names.get(callback.agent, "") if callback.agent else "",
    )
