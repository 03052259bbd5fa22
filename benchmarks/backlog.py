"""E4: a long backlog of effects, nine tenths of it one tenant's, beside the same number of effects in an empty queue.

What is measured is the outbox: claiming, writing down that a try begins, and that it is done. Performing costs nothing
here. The small tenants must not wait for the big one.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from benchmarks.ground import ground, now, opened, organisation, percentile, set_up, tenant_id
from benchmarks.measuring import Line
from cordpair.core.effects import Effect, HangUp
from cordpair.core.events import AnyEvent
from cordpair.core.ids import CallId, GraphCallId, TenantId
from cordpair.engine.attempt import Attempt
from cordpair.engine.clock import SystemClock
from cordpair.engine.outbox import OutboxWorkers
from cordpair.engine.perform import Performer
from cordpair.engine.tenant_loop import BATCH
from cordpair.store.doors import Store
from cordpair.telemetry import Metrics

_TENANTS = 50
_BACKLOG = 100_000  # of the big tenant
_SMALL = 20  # of each other one, put in while the big one is worked on
_MEASURED = 2_500
_WIDTH = 16


class _Performed:
    """Performs at once, and notes when and for whom."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def connector(self, effect: Effect) -> str:  # noqa: ARG002
        return "teams"

    async def perform(self, effect: Effect, attempt: Attempt) -> Sequence[AnyEvent]:  # noqa: ARG002
        self.at.append(time.perf_counter())
        return []


def run() -> list[Line]:
    """Effects per second, and seconds that the small tenants' wait."""
    return asyncio.run(_run())


async def _run() -> list[Line]:
    tenants = [tenant_id(number) for number in range(_TENANTS)]
    async with ground() as base, opened(base.databases) as store:
        for number in range(_TENANTS):
            await set_up(store, organisation(number, agents=0))
        await _put(store, tenants[0], "warm", 500)
        await _drained(store, tenants, lambda done: len(done[tenants[0]].at) >= 500)
        await _put(store, tenants[0], "empty", _MEASURED)
        empty = await _drained(store, tenants, lambda done: len(done[tenants[0]].at) >= _MEASURED)
        await _put(store, tenants[0], "backlog", _BACKLOG)
        full = await _drained(store, tenants, lambda done: len(done[tenants[0]].at) >= _MEASURED)
        begun = time.perf_counter()
        for tenant in tenants[1:]:
            await _put(store, tenant, "small", _SMALL)
        put = time.perf_counter()
        everybody = await _drained(store, tenants, lambda done: all(len(done[one].at) >= _SMALL for one in tenants[1:]))
        waits = [at - put for tenant in tenants[1:] for at in everybody[tenant].at]
    rates = [_rate(done[tenants[0]].at) for done in (full, empty)]
    return [
        Line(
            work=f"effects carried out with {_BACKLOG:,} more waiting",
            unit="/s",
            ours=rates[0],
            opponent="the same in an empty queue",
            theirs=rates[1],
            aim=0.8,
            by_ratio=True,
        ),
        Line(
            work=f"  the wait of {_TENANTS - 1} small tenants' {_SMALL} each beside it, p99",
            unit="s",
            ours=percentile(waits, 0.99),
            opponent="had they their share of that rate",
            theirs=(_TENANTS - 1) * _SMALL / rates[0],
            note=f"put in within {put - begun:.2f} s",
        ),
    ]


def _rate(at: list[float]) -> float:
    return (len(at) - 1) / (at[-1] - at[0])


async def _put(store: Store, tenant: TenantId, series: str, count: int) -> None:
    """As folds order them: not more than a batch at one instant."""
    orders = [HangUp(call=CallId(f"{series}-{one}"), graph_id=GraphCallId("g")) for one in range(count)]
    async with store.open_tenant(tenant) as rows:
        for start in range(0, count, BATCH):
            await rows.outbox.put(orders[start : start + BATCH], now())


async def _drained(
    store: Store, tenants: Sequence[TenantId], until: Callable[[dict[TenantId, _Performed]], bool]
) -> dict[TenantId, _Performed]:
    """Let workers go at it until `until` holds; what they did. What is under way then is finished."""
    done = {tenant: _Performed() for tenant in tenants}

    async def performer_of(tenant: TenantId) -> Performer:
        return done[tenant]  # type: ignore[return-value]

    workers = OutboxWorkers(
        store,
        SystemClock(),
        performer_of,
        owned=lambda: frozenset() if until(done) else frozenset(tenants),
        ring=lambda _: None,
        width=_WIDTH,
        metrics=Metrics(),
        chance=lambda: 0.5,
    )
    task = asyncio.create_task(workers.run())
    async with asyncio.timeout(120):
        while not until(done) or any(workers.at_work(tenant) for tenant in tenants):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return done
