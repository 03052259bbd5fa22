"""The orphan sweep: calls that nobody brings on any more, on either side, are found and mended by themselves.

On our side: a call whose timer is lost (parked with an error, or gone with a restored backup) is re-read, and ends with
the mark of what is inferred when Graph no longer knows it. On Graph's side: a call that our books have closed but whose
hanging up was given up still stands there, counts against the hundred and keeps a caller on the line; it is ended.
Graph lists no calls of an app: what we were never told of cannot be swept, and ends there unanswered after 15 s.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec
import structlog

from cordpair.connectors.kit import Calls
from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core.ids import GraphCallId, TenantId
from cordpair.core.overlooked import Due, overlooked
from cordpair.engine.flows import Again, Flow, Kind, Try
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming

log = structlog.get_logger(__name__)

KIND = "orphan_sweep"
EVERY = timedelta(minutes=1)

#: The calls of a tenant at Graph, by its setup of now.
CallsOf = Callable[[TenantId], Awaitable[Calls]]
_ENDS = (o.HangUp, o.RejectCall)


class _Standing(msgspec.Struct, frozen=True):
    """An order to end a call that was given up."""

    effect: int
    graph_id: str


def sweep_kind(store: Store, calls_of: CallsOf, ring: Callable[[TenantId], None]) -> Kind:
    """The flow that sweeps a tenant every minute."""

    async def run(flow: Flow) -> Again:
        async def ours(_: Try) -> int:
            return await _tell_what_is_due(store, flow)

        async def theirs(_: Try) -> list[dict[str, object]]:
            return [msgspec.to_builtins(one) for one in await _standing(store, flow.tenant)]

        if count := await flow.step("ours", ours):
            log.warning("calls without a timer are looked after", tenant=flow.tenant, count=count)
            ring(flow.tenant)
        for one in msgspec.convert(await flow.step("theirs", theirs), list[_Standing]):
            await flow.step(f"end {one.effect}", _ending(store, flow, one, calls_of))
        return Again(flow.now() + EVERY)

    return Kind(name=KIND, version=1, run=run, is_patient=True)


async def _tell_what_is_due(store: Store, flow: Flow) -> int:
    now = flow.now()
    async with store.open_tenant(flow.tenant) as rows:
        calls = await rows.calls.of_floor(now)
        facts = overlooked(calls, frozenset(await rows.timers.planned()) if calls else frozenset(), now)
    await store.accept(flow.tenant, [_item(fact) for fact in facts])
    return len(facts)


def _item(fact: Due) -> Incoming:
    key = f"sweep:{type(fact).__name__}:{fact.call}:{fact.at.isoformat()}"
    return Incoming("timer", key, e.encode(fact), fact.at)


async def _standing(store: Store, tenant: TenantId) -> Sequence[_Standing]:
    async with store.open_tenant(tenant) as rows:
        parked = [one.id for one in await rows.outbox.parked() if one.kind in {kind.__name__ for kind in _ENDS}]
        orders = await rows.outbox.load(parked)
    return [_Standing(one.id, one.effect.graph_id) for one in orders if isinstance(one.effect, _ENDS)]


def _ending(store: Store, flow: Flow, one: _Standing, calls_of: CallsOf) -> Callable[[Try], Awaitable[bool]]:
    async def end(_: Try) -> bool:
        """Ending what is over already does nothing, so this may be repeated."""
        await (await calls_of(flow.tenant)).hang_up(GraphCallId(one.graph_id))
        async with store.open_tenant(flow.tenant) as rows:
            await rows.outbox.done(one.effect, flow.now())
        log.warning("a call that still stood at Graph was ended", tenant=flow.tenant)
        return True

    return end
