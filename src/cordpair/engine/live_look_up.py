"""A caller whom the phone index does not know is asked for in the CRM, beside the ringing and not for long.

Whom it finds comes in as a fact, like everything else; the card is patched then. Answers are remembered for a while, so
that somebody who calls again and again costs the CRM one look. Nothing is ever created by it.
"""

import asyncio
import functools
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from cordpair.connectors.kit import Crm
from cordpair.core import events as e
from cordpair.core.call import Call, CallState
from cordpair.core.caller import CallerKind, only_company
from cordpair.core.changes import Changes
from cordpair.core.ids import CallId, TenantId
from cordpair.core.numbers import is_somebodys
from cordpair.core.party import PartyRecord
from cordpair.core.tenant import TenantSetup
from cordpair.engine.clock import Clock
from cordpair.engine.identifying import Identifier
from cordpair.errors import CordpairError
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming

log = structlog.get_logger(__name__)

DEADLINE_S = 1.5  #: real seconds
KNOWN_FOR, UNKNOWN_FOR = timedelta(hours=24), timedelta(minutes=15)
AT_ONCE = 4  #: looks of one process; who comes when all are taken is not looked for
_REMEMBERED = 10_000


class Asked(msgspec.Struct, frozen=True):
    """Whom to ask for a tenant, and how to grade what comes back."""

    setup: TenantSetup
    crm: Crm
    identifier: Identifier


class _Answer(msgspec.Struct, frozen=True):
    records: Sequence[PartyRecord]
    until: datetime


class LiveLookUps:
    """Looks for the unknown callers of this process's tenants."""

    def __init__(self, store: Store, clock: Clock, asked_of: Callable[[TenantId], Awaitable[Asked | None]]) -> None:
        self._store, self._clock, self._asked_of = store, clock, asked_of
        self._answers: OrderedDict[tuple[TenantId, str], _Answer] = OrderedDict()
        self._tasks: dict[CallId, asyncio.Task[None]] = {}

    def seen(self, tenant: TenantId, changes: Changes) -> None:
        """What a commit has made true: callers who ring and whom nobody knows are looked for. Returns at once."""
        for call in changes.calls.values():
            if _is_unknown(call) and call.id not in self._tasks and len(self._tasks) < AT_ONCE:
                task = asyncio.create_task(self._look(tenant, call))
                self._tasks[call.id] = task
                task.add_done_callback(functools.partial(self._ended, call.id))

    def _ended(self, call: CallId, _: "asyncio.Task[None]") -> None:
        self._tasks.pop(call, None)

    async def _look(self, tenant: TenantId, call: Call) -> None:
        try:
            asked = await self._asked_of(tenant)
            if asked is not None and call.caller.e164 is not None:
                records = await self._records(tenant, asked, call.caller.e164)
                await self._tell(tenant, asked, call, records)
        except (CordpairError, TimeoutError) as exc:
            log.info("a caller was not found in time", tenant=tenant, call=call.id, error=type(exc).__name__)

    async def _records(self, tenant: TenantId, asked: Asked, e164: str) -> Sequence[PartyRecord]:
        known = self._answers.get((tenant, e164))
        if known is not None and self._clock.now() < known.until:
            return known.records
        async with asyncio.timeout(DEADLINE_S):
            records = await asked.crm.find_by_phone(e164, asked.setup.region)
        until = self._clock.now() + (KNOWN_FOR if records else UNKNOWN_FOR)
        self._answers[tenant, e164] = _Answer(tuple(records), until)
        while len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return records

    async def _tell(self, tenant: TenantId, asked: Asked, call: Call, records: Sequence[PartyRecord]) -> None:
        async with self._store.open_tenant(tenant) as rows:
            found = await asked.identifier.graded(rows, str(call.caller.e164), records, call.queue)
        if found:
            event = e.Identified(at=self._clock.now(), call=call.id, candidates=found)
            row = Incoming("result", f"live:{call.id}", e.encode(event), event.at)
            await self._store.accept(tenant, [row])


def _is_unknown(call: Call) -> bool:
    """Whether a call has just come in from a number that nobody is known by; a company's range is nobody."""
    is_new = call.state is CallState.RINGING and call.caller.kind is CallerKind.NUMBER
    return is_new and only_company(call.candidates) and is_somebodys(call.caller.e164)
