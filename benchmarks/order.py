"""E5: one tenant's events while its lease moves from node to node, beside workers that take rows by `skip locked`.

An inversion is an event that was applied to a call after a later one. Four owners take turns by force: each is cut off
in the middle of whatever it does. Four workers of the opponent take batches side by side.
"""

import asyncio
import contextlib
import itertools
from datetime import timedelta

import asyncpg

from benchmarks import bare
from benchmarks.fold import BATCH, Day, engine_loop
from benchmarks.ground import ground, now, opened, organisation, pool, set_up
from benchmarks.measuring import Line
from cordpair.core.ids import TenantId
from cordpair.errors import TemporaryFailure
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming

_CALLS = 500
_LIVING = 80  # calls that live side by side, as in the floor that is folded
_NODES = 4
_TURN_S = 0.3
_APPLIED = """
create table if not exists bare_applied (id bigint generated always as identity, call text not null,
    event bigint not null);
truncate bare_applied;
"""


def run() -> list[Line]:
    """Inversions, ours and theirs."""
    return asyncio.run(_run())


async def _run() -> list[Line]:
    setup = organisation(1, agents=200)
    items = Day(setup, now() - timedelta(minutes=5), "order").play(_CALLS)
    async with ground() as base, opened(base.databases) as store, pool(base.databases, _NODES) as owner:
        theirs = await _by_skip_locked(owner, items)
        await set_up(store, setup)
        for start in range(0, len(items), BATCH):
            await store.accept(setup.id, items[start : start + BATCH])
        moves = await _by_turns(store, setup.id)
        ours = await owner.fetchval(
            "select count(*) from (select at < lag(at) over (partition by call order by id) as late from history "
            "where call is not null and what <> 'Offered' and what <> 'OfferEnded') h where late"
        )
        whole = await owner.fetchval("select count(*) from calls where outcome = 'answered'")
    return [
        Line(
            work=f"inversions in {len(items):,} events, the lease moved {moves} times",
            unit="",
            ours=ours,
            opponent=f"{_NODES} workers, skip locked",
            theirs=theirs,
            aim=0,
            at_most=True,
        ),
        Line(work="  calls that did not end as they should", unit="", ours=_CALLS - whole, aim=0, at_most=True),
    ]


async def _by_turns(store: Store, tenant: TenantId) -> int:
    """Fold everything by owners that are replaced while they work; how often that happened."""
    loops = []
    for moves in itertools.count():
        epoch = await _taken_over(store, tenant, f"node-{moves - 1}", f"node-{moves}")
        loop = engine_loop(store, organisation(1, agents=200), f"node-{moves}", epoch)
        loops.append(asyncio.create_task(_turns(loop.turn)))
        await asyncio.sleep(_TURN_S)
        async with store.open_tenant(tenant) as rows:
            if not await rows.inbox.unfolded(1):
                break
    for task in loops:
        task.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    return moves


async def _taken_over(store: Store, tenant: TenantId, former: str, owner: str) -> int:
    """The epoch of the new owner, who has to wait while the former one commits."""
    while True:
        async with store.open_queue() as queue:
            await queue.release(former)
            epochs = await queue.lease([tenant], owner, now(), timedelta(hours=1))
        if tenant in epochs:
            return epochs[tenant]


async def _turns(turn: object) -> None:
    """A node that does not know yet that it has lost its lease."""
    with contextlib.suppress(TemporaryFailure):
        while True:
            if not await turn():  # type: ignore[operator]
                await asyncio.sleep(0.01)


async def _by_skip_locked(owner: "asyncpg.Pool[asyncpg.Record]", items: list[Incoming]) -> int:
    await owner.execute(bare.SCHEMA)
    await owner.execute(_APPLIED)
    for start in range(0, len(items), BATCH):
        await bare.put(owner, [(item.key, str(number % _LIVING), item.body) for number, item in _part(items, start)])
    await asyncio.gather(*(_worker(owner) for _ in range(_NODES)))
    found: int = await owner.fetchval(
        "select count(*) from (select event < lag(event) over (partition by call order by id) as late "
        "from bare_applied) a where late"
    )
    return found


def _part(items: list[Incoming], start: int) -> list[tuple[int, Incoming]]:
    return list(enumerate(items))[start : start + BATCH]


async def _worker(owner: "asyncpg.Pool[asyncpg.Record]") -> None:
    taken = 1
    while taken:
        async with owner.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                "select id, call from bare_inbox where state = 'new' order by id limit 50 for update skip locked"
            )
            taken = len(rows)
            for row in rows:
                await connection.execute(
                    "insert into bare_applied (call, event) values ($1, $2)", row["call"], row["id"]
                )
            await connection.execute(
                "update bare_inbox set state = 'folded' where id = any($1::bigint[])", [row["id"] for row in rows]
            )
