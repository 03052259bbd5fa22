"""Callbacks as the bot sees them: their buttons become commands, and the list of missed calls is answered."""

from collections.abc import Callable, Mapping
from typing import Any

from cordpair.connectors.teams.callback_card import callback_card, missed_card
from cordpair.connectors.teams.callback_texts import say
from cordpair.connectors.teams.desk import Pressed
from cordpair.core import events as e
from cordpair.core.callback import CallbackState, Reported
from cordpair.core.effects import CallbackFace
from cordpair.core.ids import AgentId, CallId, TenantId
from cordpair.engine.callback_cards import facts_of
from cordpair.engine.clock import Clock
from cordpair.engine.commands import IN_PROGRESS, Commands
from cordpair.errors import Rejected
from cordpair.store.doors import Store

VERBS = frozenset({"callback_take", "callback_decline", "callback_report"})

Ordered = e.CallbackTaken | e.CallbackDeclined | e.CallbackReported
_FACES = {CallbackState.OFFERED: CallbackFace.OFFERED, CallbackState.TAKEN: CallbackFace.TAKEN}


class CallbackDesk:
    """The part of the desk that has to do with callbacks."""

    def __init__(self, store: Store, commands: Commands, clock: Clock, new_key: Callable[[], str]) -> None:
        self._store, self._commands, self._clock, self._new_key = store, commands, clock, new_key

    async def pressed(
        self, tenant: TenantId, agent: AgentId, verb: str, call: CallId, data: Mapping[str, Any], locale: str
    ) -> Pressed:
        """Carry out a button; the answer replaces the card. Raises Rejected for data that no card of ours carries."""
        verdict = await self._commands.submit(tenant, self._order(agent, verb, call, data), key=self._new_key())
        if verdict == "ok":
            return Pressed(card=await self._card(tenant, agent, call, locale))
        key = {IN_PROGRESS: "in_progress", "not_ready": "not_ready"}.get(verdict, "too_late")
        return Pressed(message=say(locale, key), ok=verdict == IN_PROGRESS)

    async def missed(self, tenant: TenantId, agent: AgentId, locale: str) -> Mapping[str, Any]:
        """The missed calls of the agent's queues, also those that somebody is at."""
        async with self._store.open_tenant(tenant) as rows:
            own = next((set(one.queues) for one in await rows.agents.of_floor() if one.id == agent), set())
            found = [it for it in await rows.callbacks.open() if it.queue in own and _is_listed(it.state)]
            facts = [await facts_of(rows, it, self._clock.now()) for it in found if it.kind == "missed"]
        return missed_card([it for it in facts if it is not None], locale)

    def _order(self, agent: AgentId, verb: str, call: CallId, data: Mapping[str, Any]) -> Ordered:
        now = self._clock.now()
        if verb == "callback_take":
            return e.CallbackTaken(at=now, call=call, agent=agent)
        if verb == "callback_decline":
            return e.CallbackDeclined(at=now, call=call, agent=agent)
        try:
            return e.CallbackReported(at=now, call=call, agent=agent, result=Reported(str(data.get("result"))))
        except ValueError as exc:
            raise Rejected("the card names no result") from exc

    async def _card(self, tenant: TenantId, agent: AgentId, call: CallId, locale: str) -> Mapping[str, Any] | None:
        """The card as it is after the button: the same that the outbox is about to show."""
        async with self._store.open_tenant(tenant) as rows:
            facts = await facts_of(rows, await rows.callbacks.get(call), self._clock.now())
        if facts is None:
            return None
        callback = facts.callback
        mine = callback.agent == agent
        face = _FACES.get(callback.state, CallbackFace.GONE) if mine else CallbackFace.GONE
        return callback_card(CallbackFace.DONE if callback.state is CallbackState.CLOSED else face, facts, locale)


def _is_listed(state: CallbackState) -> bool:
    return state in (CallbackState.LISTED, CallbackState.TAKEN)
