"""The one card of a call in an agent's chat: sent once, then replaced in place."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from weakref import WeakValueDictionary

import phonenumbers

from cordpair.connectors.kit import Chat
from cordpair.connectors.teams.cards import card
from cordpair.connectors.teams.desk_cards import status_card
from cordpair.connectors.teams.facts import CardFacts, WrapUpFacts
from cordpair.core.breaks import USUAL, BreakReason
from cordpair.core.call import Call, CallState, Outcome, pending_reason
from cordpair.core.changes import OfferRecord
from cordpair.core.effects import ShowCard, TellAgent
from cordpair.core.ids import AgentId, QueueId, TenantId
from cordpair.core.party import ChatReference
from cordpair.core.queue_rules import WrapUpMode
from cordpair.core.tenant import Queue, queue_named
from cordpair.core.transfer import TransferEnd
from cordpair.engine.clock import Clock
from cordpair.engine.passing import needs_passing, with_passing
from cordpair.engine.standing import status_of
from cordpair.errors import PermanentFailure
from cordpair.store.chats import Card
from cordpair.store.doors import Store


class CallCards:
    """Shows cards in the chats of one tenant. Orders about one card are carried out one after the other."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chat: Chat,
        queues: Mapping[QueueId, Queue],
        breaks: Sequence[BreakReason] = USUAL,
    ) -> None:
        self._store, self._clock, self._chat, self._queues, self._breaks = store, clock, chat, queues, breaks
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def show(self, tenant: TenantId, order: ShowCard) -> None:
        """Bring the card to the order's face. An order that a newer one has overtaken does nothing."""
        lock = self._locks.setdefault((order.call, order.agent), asyncio.Lock())
        async with lock:
            await self._show(tenant, order)

    async def tell(self, tenant: TenantId, order: TellAgent) -> None:
        """Show an agent in their chat how they stand. Whoever has no chat with the bot sees it when they open one."""
        async with self._store.open_tenant(tenant) as rows:
            chat = await rows.chats.get(order.agent)
            agent = next((one for one in await rows.agents.of_floor() if one.id == order.agent), None)
        if chat is not None and agent is not None:
            facts = status_of(agent, list(self._queues.values()), self._breaks, self._clock.now(), is_set=True)
            await self._chat.send(chat, status_card(facts, chat.locale))

    async def _show(self, tenant: TenantId, order: ShowCard) -> None:
        async with self._store.glance(tenant) as rows:
            sheet = await rows.cards.sheet(order.call, order.agent)
        shown, chat, call = sheet.card, sheet.chat, sheet.call
        if call is None or (shown is not None and shown.number >= order.number):
            return
        if chat is None:
            raise PermanentFailure("the agent has not opened the bot's chat in Teams yet")
        facts = self._facts(call, order.agent, chat, sheet.offers)
        if needs_passing(order.face, call):
            async with self._store.open_tenant(tenant) as rows:
                facts = await with_passing(rows, facts, call, order.agent)
        activity = await self._send(chat, shown.activity_id if shown else "", card(order.face, facts))
        async with self._store.open_tenant(tenant) as rows:
            await rows.cards.put(order.call, order.agent, Card(activity_id=activity, number=order.number))

    async def _send(self, chat: ChatReference, activity: str, shown: Mapping[str, object]) -> str:
        """Replace the card, or post it when there is none (any more)."""
        if activity:
            try:
                await self._chat.update(chat, activity, shown)
            except PermanentFailure as exc:
                if exc.status != 404:
                    raise
            else:
                return activity
        return await self._chat.send(chat, shown)

    def _facts(self, call: Call, agent: AgentId, chat: ChatReference, offers: list[OfferRecord]) -> CardFacts:
        queue = queue_named(self._queues, call.queue)
        return card_facts(call, agent, chat.locale, offers, queue, self._clock.now())


def card_facts(
    call: Call, agent: AgentId, locale: str, offers: list[OfferRecord], queue: Queue, now: datetime
) -> CardFacts:
    """What the card of `call` may show to `agent`. Pure."""
    own = [offer for offer in offers if offer.agent == agent]
    newest = max(own, key=lambda offer: offer.number, default=None)
    answered = call.connected_at or call.ended_at or now
    arrived = call.arrived_at or call.heard_at
    return CardFacts(
        call=call.id,
        offer=newest.id if newest else None,
        queue=queue.name,
        colour=queue.colour,
        locale=locale,
        caller_kind=call.caller.kind,
        number=readable(call.caller.e164) or call.caller.raw,
        caller_name=call.caller.name or "",
        candidates=call.candidates,
        party=call.party,
        waited_s=max((answered - arrived).total_seconds(), 0.0),
        connected_at=call.connected_at,
        talk_s=(call.ended_at - call.connected_at).total_seconds() if call.connected_at and call.ended_at else 0.0,
        dispositions=queue.dispositions,
        disposition=call.disposition,
        note=call.note,
        activity=call.activity,
        pending=(pending_reason(call) or "") if call.state is CallState.CLOSED else "",
        ended=newest.why if newest else None,
        caller_left=call.outcome is Outcome.ABANDONED,
        calling=call.state if call.outbound else None,
        not_reached=why_unreached(call),
        wrap_up=_wrap_up_facts(call, queue),
    )


def _wrap_up_facts(call: Call, queue: Queue) -> WrapUpFacts | None:
    if call.state is not CallState.WRAP_UP or call.wrap_up_until is None:
        return None
    return WrapUpFacts(
        until=call.wrap_up_until,
        left=max(0, queue.extensions - call.extended),
        extend_s=queue.extend_s,
        is_fixed=queue.wrap_up is WrapUpMode.FIXED,
        is_free=queue.wrap_up is WrapUpMode.OPTIONAL,
        is_written=bool(call.disposition),
    )


def why_unreached(call: Call) -> TransferEnd | None:
    """Why a call that we have placed did not get through, None where it did or still may."""
    known = {end.value: end for end in TransferEnd}
    return known.get(call.outcome_reason.removeprefix("agent_")) if call.outcome is Outcome.UNREACHED else None


def readable(e164: str | None) -> str:
    """A number as people read it: `+49 30 23125 0101`. Empty for none."""
    if not e164:
        return ""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
