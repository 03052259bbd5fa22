"""The engine as the bot sees it: what agents write and press becomes commands, and is answered in their language."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, assert_never

from msgspec.structs import replace

from cordpair.connectors.teams import words
from cordpair.connectors.teams.cards import card
from cordpair.connectors.teams.desk import Pressed, Reply
from cordpair.connectors.teams.desk_cards import help_card, queues_card, status_card
from cordpair.connectors.teams.texts import text
from cordpair.core import events as e
from cordpair.core.breaks import USUAL, BreakReason
from cordpair.core.call import Call, CallState
from cordpair.core.effects import Face
from cordpair.core.ids import AgentId, CallId, TenantId
from cordpair.core.party import ChatReference
from cordpair.core.tenant import queue_named
from cordpair.core.transfer_check import MAY_BE_DONE_ANYWAY
from cordpair.engine.callback_desk import VERBS as CALLBACK_VERBS
from cordpair.engine.callback_desk import CallbackDesk
from cordpair.engine.card_orders import call_named, card_order
from cordpair.engine.cards import card_facts
from cordpair.engine.clock import Clock
from cordpair.engine.commands import IN_PROGRESS, Commands
from cordpair.engine.pass_orders import PASS_VERBS, PassOrder, asked_for, pass_order
from cordpair.engine.passing import needs_passing, with_passing
from cordpair.engine.placing import Placing
from cordpair.engine.standing import WISHES, queue_lines, status_of, wished
from cordpair.errors import Rejected
from cordpair.store.doors import Store, TenantRows
from cordpair.store.fold import FloorRows

#: What the fold says of a command, and what the agent reads.
_VERDICTS = {
    "offer_over": "too_late",
    "call_taken": "too_late",
    "call_over": "too_late",
    "unknown_call": "too_late",
    "not_your_call": "too_late",
    "not_your_queue": "too_late",
    "not_ready": "not_ready",
    "not_an_agent": "not_an_agent",
    "no_extension_left": "no_extension_left",
    "fixed_time": "fixed_time",
    "unknown_disposition": "unreadable",
    "unknown_party": "unreadable",
    "already_settled": "too_late",
    "nobody_settled": "too_late",
    "unknown_target": "nobody_to_pass_to",
    "agent_busy": "agent_busy",
    "number_not_allowed": "number_not_allowed",
    IN_PROGRESS: "in_progress",
}

_FACES = {
    CallState.OFFERED: Face.RINGING,
    CallState.DIALLING: Face.CALLING,
    CallState.REACHING: Face.CALLING,
    CallState.CONNECTED: Face.STRIP,
    CallState.RELEASED: Face.STRIP,
    CallState.WRAP_UP: Face.WRAP_UP,
    CallState.PASSED_ON: Face.DONE,
    CallState.CLOSED: Face.DONE,
}


class AgentDesk:
    """`teams.desk.Desk` on the commands of the engine. `new_key` names a command; it is never given twice."""

    def __init__(self, store: Store, commands: Commands, clock: Clock, new_key: Callable[[], str]) -> None:
        self._store, self._commands, self._clock, self._new_key = store, commands, clock, new_key
        self._placing = Placing(store, commands, clock, new_key)
        self._callbacks = CallbackDesk(store, commands, clock, new_key)

    async def installed(self, tenant: TenantId, agent: AgentId, chat: ChatReference) -> None:
        """Remember where the agent is reached. Somebody who is no agent of ours leaves no trace."""
        async with self._store.open_tenant(tenant) as rows:
            if agent in {one.id for one in await rows.agents.of_floor()}:
                await rows.chats.put(agent, chat if chat.locale else await _with_language(rows, agent, chat))

    async def said(self, tenant: TenantId, agent: AgentId, text_: str, locale: str) -> Reply:
        """Answer a chat message; words that are not understood get help."""
        floor, breaks = await self._floor(tenant)
        own = next((one for one in floor.agents if one.id == agent), None)
        if own is None:
            return Reply(text=text(locale, "not_an_agent"))
        now = self._clock.now()
        match words.understand(text_, breaks):
            case words.Help(greeted=greeted):
                return Reply(card=help_card(locale, opening="hello" if greeted else "help_intro"))
            case words.Unknown():
                return Reply(card=help_card(locale, opening="unknown_word"))
            case words.Status():
                return Reply(card=status_card(status_of(own, floor.queues, breaks, now), locale))
            case words.Missed():
                return Reply(card=await self._callbacks.missed(tenant, agent, locale))
            case words.Queues():
                return Reply(card=queues_card(queue_lines(floor, agent, now), locale))
            case words.Ready():
                return await self._wish(tenant, e.WentReady(at=now, agent=agent), locale)
            case words.Break(reason=reason):
                return await self._wish(tenant, e.TookBreak(at=now, agent=agent, reason=reason), locale)
            case words.Call(number=number):
                return await self._placing.said(tenant, agent, number, locale)
            case words.Offline():
                return await self._wish(tenant, e.SignedOut(at=now, agent=agent), locale)
            case unknown:
                assert_never(unknown)

    async def pressed(
        self, tenant: TenantId, agent: AgentId, verb: str, data: Mapping[str, Any], locale: str
    ) -> Pressed:
        """Carry out a button. The answer replaces the card, so that a second press finds nothing to press."""
        if verb == "place":
            return await self._placing.pressed(tenant, agent, data, locale)
        if verb in WISHES:
            _, breaks = await self._floor(tenant)
            reply = await self._wish(tenant, wished(verb, data, agent, breaks, self._clock.now()), locale)
            return Pressed(card=reply.card, message=reply.text, ok=reply.card is not None)
        if verb in CALLBACK_VERBS:
            return await self._callbacks.pressed(tenant, agent, verb, call_named(data), data, locale)
        event = await self._passed_on(tenant, agent, verb, data) or card_order(verb, data, agent, self._clock.now())
        verdict = await self._commands.submit(tenant, event, key=self._new_key())
        if verdict == "ok":
            return Pressed(card=await self._card(tenant, agent, event.call, verb, locale))
        if verdict in MAY_BE_DONE_ANYWAY:
            return Pressed(card=await self._card(tenant, agent, event.call, verb, locale, doubt=verdict, data=data))
        return Pressed(message=text(locale, _VERDICTS.get(verdict, "too_late")), ok=verdict == IN_PROGRESS)

    async def _passed_on(
        self, tenant: TenantId, agent: AgentId, verb: str, data: Mapping[str, Any]
    ) -> PassOrder | None:
        """The event of a button that has to do with passing the caller on, None for other buttons."""
        if verb not in PASS_VERBS:
            return None
        region = ""
        if data.get("number"):
            async with self._store.open_tenant(tenant) as rows:
                setup = await rows.setups.get()
            region = setup.region if setup is not None else ""
        return pass_order(verb, data, call_named(data), agent, self._clock.now(), region)

    async def _wish(self, tenant: TenantId, event: e.AgentEvent, locale: str) -> Reply:
        verdict = await self._commands.submit(tenant, event, key=self._new_key())
        if verdict != "ok":
            return Reply(text=text(locale, _VERDICTS.get(verdict, "try_again")))
        floor, breaks = await self._floor(tenant)
        agent = next(one for one in floor.agents if one.id == event.agent)
        return Reply(card=status_card(status_of(agent, floor.queues, breaks, self._clock.now()), locale))

    async def _card(
        self,
        tenant: TenantId,
        agent: AgentId,
        call_id: CallId,
        verb: str,
        locale: str,
        *,
        doubt: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """The card as it is after the button: the same that the outbox is about to show; or with a `doubt` of it."""
        async with self._store.open_tenant(tenant) as rows:
            call = await rows.calls.get(call_id)
            offers = await rows.calls.offers_of(call_id)
            queues = {queue.id: queue for queue in await rows.setups.queues()}
            if call is None:
                raise Rejected("no such call", status=404)
            face = _face(call, agent, verb)
            queue = queue_named(queues, call.queue)
            facts = card_facts(call, agent, locale, offers, queue, self._clock.now())
            if needs_passing(face, call):
                facts = await with_passing(rows, facts, call, agent)
        if doubt and facts.passing is not None:
            facts = replace(facts, passing=replace(facts.passing, doubt=doubt, data=asked_for(data or {})))
        return card(face, facts)

    async def _floor(self, tenant: TenantId) -> tuple[FloorRows, tuple[BreakReason, ...]]:
        """The floor, and the reasons for which its agents take breaks."""
        async with self._store.open_tenant(tenant) as rows:
            setup = await rows.setups.get()
            return await rows.load_floor(timedelta(0), self._clock.now()), setup.breaks if setup else USUAL


async def _with_language(rows: TenantRows, agent: AgentId, chat: ChatReference) -> ChatReference:
    """The chat in the language known before, else in the one that the administrator set up for the agent."""
    known = await rows.chats.get(agent)
    if known is not None and known.locale:
        return replace(chat, locale=known.locale)
    locales = {one.id: one.locale for one in await rows.agents.set_up()}
    return replace(chat, locale=locales.get(agent, ""))


def _face(call: Call, agent: AgentId, verb: str) -> Face:
    if verb == "not_now":
        return Face.DECLINED
    rings_here = agent in {offer.agent for offer in call.rings}
    is_asked = call.transfer is not None and call.transfer.target.id == agent
    if call.agent == agent or rings_here or is_asked:
        return _FACES.get(call.state, Face.TAKEN)
    return Face.PASSED if verb in PASS_VERBS else Face.TAKEN
