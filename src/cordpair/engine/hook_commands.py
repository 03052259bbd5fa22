"""What another system orders by a signed message: write a call up, say who called, note a follow-up in the CRM.

A message is known by its id: sent again it is the same order, carried out once. Whoever gets a 503 sends it again.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date

import msgspec

from cordpair.connectors.cloudtoolz import verified
from cordpair.connectors.kit import Crm, KeepsTasks, Task
from cordpair.core import events as e
from cordpair.core.call import Call
from cordpair.core.ids import CallId, TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.commands import Commands
from cordpair.errors import Rejected
from cordpair.store.doors import Store

_LONGEST = 4_000  # characters of a text


class WriteUp(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="command", tag="write_up", forbid_unknown_fields=True
):
    """Set disposition and note of a call that is being wrapped up, in the name of its agent."""

    call: str
    disposition: str
    note: str = ""


class PickParty(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="command", tag="pick_party", forbid_unknown_fields=True
):
    """Say who called, by the CRM's id, in the name of the call's agent."""

    call: str
    party: str


class FollowUp(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="command", tag="follow_up", forbid_unknown_fields=True
):
    """Write a task for the party of a call to the CRM, to be done until the end of a day."""

    call: str
    subject: str
    due: date
    note: str = ""


Order = WriteUp | PickParty | FollowUp


class HookCommands:
    """Carries signed orders out. `crm_of` gives the CRM of an organisation."""

    def __init__(
        self, store: Store, commands: Commands, clock: Clock, crm_of: Callable[[TenantId], Awaitable[Crm | None]]
    ) -> None:
        self._store, self._commands, self._clock, self._crm_of = store, commands, clock, crm_of

    async def carry_out(self, tenant: TenantId, hook: str, headers: Mapping[str, str], body: bytes) -> str:
        """The verdict: `ok`, why not, `in_progress`, or the CRM's id of a task.

        Raises Rejected (401) for a message that none of the endpoint's secrets has signed, or not within minutes of
        now, (400) for what is no order, (404) for a call that there is not; TemporaryFailure: send it again.
        """
        async with self._store.open_tenant(tenant) as rows:
            known = next((one for one in await rows.hooks.all() if one.id == hook), None)
        # Whether there is such an endpoint is told to nobody who cannot sign for it.
        message = verified(known.secrets if known else (), headers, body, self._clock.now())
        order = _read(body)
        async with self._store.open_tenant(tenant) as rows:
            call = await rows.calls.get(CallId(order.call))
        if call is None:
            raise Rejected("there is no such call", status=404)
        key = f"hook:{hook}:{message}"
        if isinstance(order, FollowUp):
            return await self._note(tenant, order, call, key)
        return await self._commands.submit(tenant, self._event(order, call), key=key)

    def _event(self, order: WriteUp | PickParty, call: Call) -> e.AnyEvent:
        if call.agent is None:
            raise Rejected("nobody has answered the call", status=409)
        now = self._clock.now()
        if isinstance(order, WriteUp):
            return e.WrapUpSaved(
                at=now, call=call.id, agent=call.agent, disposition=order.disposition, note=order.note, party=None
            )
        named = next((one.party for one in call.candidates if one.party.id == order.party), None)
        if named is None:
            raise Rejected("the party is none of the candidates of the call", status=409)
        return e.PartyPicked(at=now, call=call.id, agent=call.agent, party=named)

    async def _note(self, tenant: TenantId, order: FollowUp, call: Call, key: str) -> str:
        crm = await self._crm_of(tenant)
        if not isinstance(crm, KeepsTasks) or call.party is None or call.party.connector != crm.name:
            raise Rejected("no CRM that keeps tasks knows the party of the call", status=409)
        task = Task(party=call.party, subject=order.subject, due=order.due, note=order.note)
        # Whether an earlier try came through is not known here: the CRM is looked through first, each time.
        return await crm.add_task(task, key=key, repeat=True)


def _read(body: bytes) -> Order:
    try:
        order: Order = msgspec.json.decode(body, type=Order)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise Rejected("the body is no order: write_up, pick_party or follow_up, each with its own fields") from exc
    texts = [value for value in msgspec.structs.asdict(order).values() if isinstance(value, str)]
    if any(len(text) > _LONGEST for text in texts):
        raise Rejected(f"a text has at most {_LONGEST} characters")
    return order
