"""Calls that agents have us place: by a word to the bot, by a button, and for whoever else asks for one."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from cordpair.connectors.teams.call_out import queue_choice_card
from cordpair.connectors.teams.desk import Pressed, Reply
from cordpair.connectors.teams.texts import text
from cordpair.core import events as e
from cordpair.core.call import Call
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.ids import AgentId, CallId, QueueId, TenantId
from cordpair.core.numbers import read_number
from cordpair.core.tenant import Queue
from cordpair.engine.cards import readable
from cordpair.engine.clock import Clock
from cordpair.engine.commands import IN_PROGRESS, Commands
from cordpair.errors import Rejected
from cordpair.store.doors import Store

_VERDICTS = {"ok": "call_begins", IN_PROGRESS: "in_progress", "not_ready": "not_free", "quota": "try_again"}
_CALLS = uuid.UUID("b0c9a7a4-3f0e-4b7e-8a55-0f1f1b1f9d02")


class Placing:
    """Has calls placed. `new_key` names a command; it is never given twice."""

    def __init__(self, store: Store, commands: Commands, clock: Clock, new_key: Callable[[], str]) -> None:
        self._store, self._commands, self._clock, self._new_key = store, commands, clock, new_key

    async def place(
        self,
        tenant: TenantId,
        agent: AgentId,
        queue: QueueId,
        party: Caller,
        *,
        key: str,
        because_of: CallId | None = None,
    ) -> str:
        """Ring the agent, then the party, on behalf of a queue; the verdict as of `Commands.submit`.

        not_ready | not_your_queue | number_not_allowed | quota | not_an_agent. The same `key` places one call.
        """
        call = CallId(str(uuid.uuid5(_CALLS, f"{tenant}/{key}")))
        event = e.OutboundAsked(
            at=self._clock.now(), call=call, agent=agent, queue=queue, caller=party, because_of=because_of
        )
        return await self._commands.submit(tenant, event, key=key)

    async def said(self, tenant: TenantId, agent: AgentId, number: str, locale: str) -> Reply:
        """An agent wrote a number that is to be called. With several queues it is asked which."""
        party, queues = await self._read(tenant, agent, number)
        if party.e164 is None or party.kind is not CallerKind.NUMBER:
            return Reply(text=text(locale, "number_not_allowed"))
        if not queues:
            return Reply(text=text(locale, "no_queues"))
        if len(queues) > 1:
            named = [(queue.id, queue.name) for queue in queues]
            return Reply(card=queue_choice_card(party.e164, readable(party.e164), named, locale))
        return Reply(text=_told(await self.place(tenant, agent, queues[0].id, party, key=self._new_key()), locale))

    async def pressed(self, tenant: TenantId, agent: AgentId, data: Mapping[str, Any], locale: str) -> Pressed:
        """A button that calls a number, or calls back. Raises Rejected for data that no card of ours carries."""
        back = await self._missed(tenant, data)
        if back is not None and back.queue is not None:
            verdict = await self.place(tenant, agent, back.queue, back.caller, key=self._new_key(), because_of=back.id)
        else:
            party, _ = await self._read(tenant, agent, str(data.get("number", "")))
            queue = QueueId(str(data.get("queue", "")))
            verdict = await self.place(tenant, agent, queue, party, key=self._new_key())
        return Pressed(message=_told(verdict, locale), ok=verdict in ("ok", IN_PROGRESS))

    async def _missed(self, tenant: TenantId, data: Mapping[str, Any]) -> Call | None:
        if "back" not in data:
            return None
        try:
            name = CallId(str(uuid.UUID(str(data["back"]))))
        except ValueError as exc:
            raise Rejected("the card names no call") from exc
        async with self._store.open_tenant(tenant) as rows:
            found = await rows.calls.get(name)
        if found is None:
            raise Rejected("no such call", status=404)
        return found

    async def _read(self, tenant: TenantId, agent: AgentId, number: str) -> tuple[Caller, list[Queue]]:
        """The party as the organisation reads numbers, and the agent's queues."""
        async with self._store.open_tenant(tenant) as rows:
            setup = await rows.setups.get()
        if setup is None:
            raise Rejected("no such organisation")
        own = next((one.queues for one in setup.agents if one.id == agent), ())
        return read_number(number, setup.region), [queue for queue in setup.queues if queue.id in own]


def _told(verdict: str, locale: str) -> str:
    known = {"number_not_allowed": "number_not_allowed", "not_an_agent": "not_an_agent"}
    return text(locale, _VERDICTS.get(verdict) or known.get(verdict, "unreadable"))
