"""What we believe to have written, against what the CRM holds under our keys: night by night, and when somebody asks.

What is missing there is written again, through the outbox like everything else. What stands there and was never heard
of is taken down. What stands there twice is only reported: nobody but a person deletes from a CRM.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import structlog

from cordpair.connectors.kit import Crm
from cordpair.core import events as e
from cordpair.core.call import Call, CallState
from cordpair.core.ids import CallId, TenantId
from cordpair.engine.activities import activity_key
from cordpair.engine.flows import Again, Flow, Kind, Try
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming

log = structlog.get_logger(__name__)

KIND = "reconcile"
EVERY = timedelta(days=1)
LOOKS_BACK = timedelta(hours=49)  #: two nights and the hour that the clocks are changed by
#: Younger calls may still be on their way to the CRM.
SETTLES = timedelta(hours=1)
_PER_STEP = 25  # calls; each costs the CRM one small question


class Finding(StrEnum):
    """How a call stands in the CRM, where that is not as it should be."""

    MISSING = "missing"  # we believe that it is there
    UNHEARD = "unheard"  # it is there, and we never heard of it
    DOUBLED = "doubled"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One call that stands otherwise. `references` are the CRM's ids of what it holds, or ours of what it lacks."""

    call: CallId
    finding: Finding
    references: tuple[str, ...]


class Reconciler:
    """Compares the calls of one tenant with its CRM, one question at a time."""

    def __init__(self, tenant: TenantId, store: Store, crm: Crm) -> None:
        self._tenant, self._store, self._crm = tenant, store, crm

    async def due(self, now: datetime, looks_back: timedelta = LOOKS_BACK) -> list[CallId]:
        """The calls to compare: closed within `looks_back`, settled for this CRM, and old enough."""
        async with self._store.open_tenant(self._tenant) as rows:
            calls = await rows.calls.of_floor(now - looks_back)
        return [call.id for call in calls if self._is_due(call, now - SETTLES)]

    async def compare(self, calls: Sequence[CallId]) -> list[Difference]:
        """What stands otherwise in the CRM. Raises what the connector raises."""
        async with self._store.open_tenant(self._tenant) as rows:
            known = await rows.calls.load(calls)
        found = [await self._difference(call) for call in sorted(known, key=lambda call: call.sequence)]
        return [one for one in found if one is not None]

    async def heal(self, differences: Iterable[Difference], now: datetime) -> int:
        """Have what is missing written again and what is unheard taken down; returns how many."""
        async with self._store.open_tenant(self._tenant) as rows:
            calls = {call.id: call for call in await rows.calls.load([one.call for one in differences])}
        facts = [fact for one in differences if (fact := _fact(one, calls[one.call], now)) is not None]
        await self._store.accept(self._tenant, [_item(fact) for fact in facts])
        return len(facts)

    async def _difference(self, call: Call) -> Difference | None:
        if call.party is None:
            return None
        held = tuple(await self._crm.find_activities(call.party, activity_key(self._tenant, call)))
        if len(held) > 1:
            return Difference(call=call.id, finding=Finding.DOUBLED, references=held)
        if call.activity and not held:
            return Difference(call=call.id, finding=Finding.MISSING, references=(call.activity,))
        if held and not call.activity:
            return Difference(call=call.id, finding=Finding.UNHEARD, references=held)
        return None

    def _is_due(self, call: Call, before: datetime) -> bool:
        is_ours = call.party is not None and call.party.connector == self._crm.name
        is_over = call.state is CallState.CLOSED and call.closed_at is not None and call.closed_at < before
        return is_ours and is_over and call.agent is not None


def _fact(one: Difference, call: Call, now: datetime) -> e.ActivityLogged | e.ActivityMissing | None:
    if call.party is None or one.finding is Finding.DOUBLED:
        return None
    kind = e.ActivityMissing if one.finding is Finding.MISSING else e.ActivityLogged
    return kind(at=now, call=call.id, party=call.party, reference=one.references[0])


def _item(fact: e.ActivityLogged | e.ActivityMissing) -> Incoming:
    return Incoming("result", f"reconcile:{fact.call}:{fact.reference}", e.encode(fact), fact.at)


#: The comparison of a tenant with the CRM of this connector, by its setup of now; None when that is another one.
ReconcilerOf = Callable[[TenantId, str], Awaitable[Reconciler | None]]


def reconcile_kind(of: ReconcilerOf, ring: Callable[[TenantId], None]) -> Kind:
    """The flow that compares a tenant with its CRM night by night (body: the connector) and heals what it can."""

    async def run(flow: Flow) -> Again | None:
        reconciler = await of(flow.tenant, flow.body)
        if reconciler is None:
            return None
        due: list[CallId] = await flow.step("due", lambda _: reconciler.due(flow.now()))
        found: list[Difference] = []
        for begin in range(0, len(due), _PER_STEP):
            part = due[begin : begin + _PER_STEP]

            async def healed(_: Try, part: Sequence[CallId] = part) -> list[object]:
                differences = await reconciler.compare(part)
                await reconciler.heal(differences, flow.now())
                return [msgspec.to_builtins(one) for one in differences]

            found += msgspec.convert(await flow.step(f"from {begin}", healed), list[Difference])
        _report(flow.tenant, found)
        ring(flow.tenant)
        return Again(flow.now() + EVERY)

    return Kind(name=KIND, version=1, run=run, is_patient=True)


def _report(tenant: TenantId, found: Iterable[Difference]) -> None:
    for one in found:
        log.warning("a call stands otherwise in the CRM", tenant=tenant, call=one.call, reason=one.finding.value)
