"""10,000 calls are written to a CRM that goes wrong in every known way, by a worker that is killed fifty times.

Ours is the product's outbox on PostgreSQL, in a process that is ended by SIGKILL; beside it, in the same run and
against the same CRM over real HTTP, a worker that repeats until it works and one that notes first. Time of the CRM and
its writers runs thirty times as fast as ours.
"""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.crm_stand import LATE_S, RATE, FastClock, Stand, party_of, stands
from benchmarks.crm_worker import work
from benchmarks.ground import Ground, agent_id, ground, opened, organisation, pool, set_up
from benchmarks.measuring import Line
from benchmarks.other_writers import Call as Written
from benchmarks.other_writers import mark_first, naive, written
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.effects import LogActivity
from cordpair.core.ids import GraphCallId, QueueId, call_id
from cordpair.core.tenant import TenantSetup
from cordpair.store.doors import Store

if TYPE_CHECKING:
    import asyncpg

CALLS, KILLS, SEED = 10_000, 50, 11
_OTHERS = 5  # the other writers get every fifth call, and as many kills fewer: what they do wrong shows at once
_LIMIT_S = 1_500  # real: longer than it takes on a slow machine
_BATCH, _LOOK_S = 500, 0.02


def run(calls: int = CALLS, kills: int = KILLS, seed: int = SEED) -> list[Line]:
    """Activities too many and calls without one, of each writer."""
    return asyncio.run(_run(calls, kills, seed))


async def _run(calls: int, kills: int, seed: int) -> list[Line]:
    zero = time.monotonic()
    clock, setup = FastClock(zero), organisation(1, agents=1)
    async with ground() as base, stands("ours", "naive", "mark-first", seed=seed, zero=zero) as (ours, simple, marked):
        begun = time.monotonic()
        known = [_call(setup, ours, number, clock) for number in range(calls)]
        async with opened(base.databases, pool_size=4) as store:
            await set_up(store, setup)
            await _order(store, setup, known, clock)
        await _ours(base, setup, ours, _Plan(calls, kills, zero, random.Random(seed)))
        took_s = time.monotonic() - begun
        plain: list[Written] = [(call.id, call.party) for call in known[::_OTHERS] if call.party is not None]
        await asyncio.gather(
            written(naive, simple, plain, clock, kills // _OTHERS),
            written(mark_first, marked, plain, clock, kills // _OTHERS),
        )
        await clock.sleep(2 * LATE_S)
        return _lines(calls, kills, took_s, ours, simple, marked)


class _Plan:
    """How many calls, how many kills, and where in between."""

    def __init__(self, calls: int, kills: int, zero: float, chance: random.Random) -> None:
        self.calls, self.zero, self.chance = calls, zero, chance
        self.kills_at = sorted(chance.randrange(calls) for _ in range(kills))


async def _ours(base: Ground, setup: TenantSetup, stand: Stand, plan: _Plan) -> None:
    """Start the worker, kill it where the plan says so, start it again; until nothing is left to be written."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.crm_worker"])
    async with asyncio.timeout(_LIMIT_S), pool(base.databases, 1) as connections:
        for life, kill_at in enumerate([*plan.kills_at, None]):
            arguments = (base.databases, setup, stand.setup, plan.zero, life)
            worker = context.Process(target=work, args=arguments, daemon=True)
            worker.start()
            while worker.is_alive() and not await _is_reached(connections, stand, kill_at):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)
            if worker.exitcode is not None:
                raise ChildProcessError(f"the worker ended by itself: {worker.exitcode}")
            worker.kill()
            worker.join()


async def _is_reached(connections: "asyncpg.Pool[asyncpg.Record]", stand: Stand, kill_at: int | None) -> bool:
    if kill_at is not None:
        return len(stand.imis.activities) > kill_at
    left: int = await connections.fetchval("select count(*) from outbox where state not in ('done', 'parked')")
    return left == 0


async def _order(store: Store, setup: TenantSetup, calls: Sequence[Call], clock: FastClock) -> None:
    for begin in range(0, len(calls), _BATCH):
        part = calls[begin : begin + _BATCH]
        async with store.open_tenant(setup.id) as rows:
            await rows.calls.save(part)
            await rows.outbox.put([LogActivity(call=call.id) for call in part], clock.now())


def _call(setup: TenantSetup, stand: Stand, number: int, clock: FastClock) -> Call:
    """A call that was answered and written up."""
    graph_id, at = GraphCallId(f"bench-{number}"), clock.now()
    return Call(
        id=call_id(setup.id, graph_id),
        graph_id=graph_id,
        state=CallState.CLOSED,
        queue=QueueId("service"),
        sequence=number,
        heard_at=at,
        arrived_at=at,
        connected_at=at,
        ended_at=at,
        closed_at=at,
        party=party_of(number, stand),
        agent=agent_id(0),
        outcome=Outcome.ANSWERED,
        disposition="done",
        note="Lampe",
    )


def _lines(calls: int, kills: int, took_s: float, ours: Stand, simple: Stand, marked: Stand) -> list[Line]:
    (twice, lost), others = ours.verdict(calls), len(range(0, calls, _OTHERS))
    troubles = ", ".join(f"{count} {kind}" for kind, count in sorted(ours.dice.struck.items()))
    return [
        Line(
            work=f"activities too many, {calls:,} calls, worker killed {kills} times",
            unit="",
            ours=twice,
            opponent=f"repeats until it works, {others:,} calls",
            theirs=simple.verdict(others)[0],
            aim=0,
            at_most=True,
            note=f"{ours.carried_out_unheard} were carried out unheard",
        ),
        Line(
            work="calls without an activity",
            unit="",
            ours=lost,
            opponent=f"notes first, {others:,} calls",
            theirs=marked.verdict(others)[1],
            aim=0,
            at_most=True,
            note=troubles,
        ),
        Line(work="  written, with all pauses", unit="/s", ours=calls / took_s, note=f"CRM's time runs x {RATE:g}"),
    ]
