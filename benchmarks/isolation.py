"""E7: what row-level security costs, question by question, beside the same question as the tables' owner.

That nothing leaks is shown by the tests (tests/isolation, tests/store); here is the price. Every question names its
tenant in both forms, so that the plans are alike and only the policies make the difference. The aim is their sum: one
question alone is as short as a way to the server, and as unsteady.
"""

import asyncio
import time
from datetime import timedelta
from statistics import median
from typing import Any

import asyncpg

from benchmarks.ground import ground, now, opened, organisation, pool, set_up, tenant_id
from benchmarks.measuring import Line
from cordpair.core.call import Call, CallState
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.effects import HangUp
from cordpair.core.ids import GraphCallId, QueueId, TenantId, call_id
from cordpair.store.databases import APP_ROLE
from cordpair.store.doors import Store
from cordpair.store.inbox import Incoming

_OPPONENT = "the same without policies"
_TENANTS = 20
_CALLS = 300  # of each tenant
_ROUNDS = 40
_TIMES = 25  # in a round
_UNFOLDED = "select id, sealed from inbox where tenant = $1 and state = 'new' order by id limit 20"
_COUNTED = (
    "select queue, count(*) from calls where tenant = $1 and arrived_at > now() - interval '1 hour' group by queue"
)
#: The question, and whether its second value is a call.
_QUESTIONS = {
    "a call by its id": ("select body, sealed from calls where tenant = $1 and call = $2", True),
    "20 items to fold": (_UNFOLDED, False),
    "calls of an hour, counted": (_COUNTED, False),
    "an effect marked as begun": ("update outbox set attempts = attempts + 1 where tenant = $1 and call = $2", True),
}


def run() -> list[Line]:
    """Microseconds of each question, half of the rounds."""
    return asyncio.run(_run())


async def _run() -> list[Line]:
    async with ground() as base, opened(base.databases) as store:
        for number in range(_TENANTS):
            await _filled(store, tenant_id(number))
        async with pool(base.databases, 1) as owner, owner.acquire() as bare:
            await bare.execute("vacuum analyze")
            bound = await asyncpg.connect(base.databases.main_url, **base.databases.as_role(APP_ROLE))
            try:
                await bound.execute("select set_config('app.tenant', $1, false)", tenant_id(1))
                asked = [await _line(name, sql, of_call, bound, bare) for name, (sql, of_call) in _QUESTIONS.items()]
            finally:
                await bound.close()
    together = Line(
        work="all of them",
        unit="us",
        ours=sum(line.ours for line in asked),
        opponent=_OPPONENT,
        theirs=sum(line.theirs or 0.0 for line in asked),
        aim=1.35,
        at_most=True,
        by_ratio=True,
    )
    return [*asked, together]


async def _line(name: str, sql: str, of_call: bool, bound: Any, bare: Any) -> Line:
    tenant = tenant_id(1)
    values = (tenant, _name(tenant, 7)) if of_call else (tenant,)
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        theirs.append(await _us(bare, sql, values))
        ours.append(await _us(bound, sql, values))
    return Line(
        work=name,
        unit="us",
        ours=median(ours),
        opponent=_OPPONENT,
        theirs=median(theirs),
    )


async def _us(connection: Any, sql: str, values: tuple[object, ...]) -> float:
    begun = time.perf_counter()
    for _ in range(_TIMES):
        await connection.fetch(sql, *values)
    return (time.perf_counter() - begun) / _TIMES * 1e6


def _name(tenant: TenantId, number: int) -> str:
    return call_id(tenant, GraphCallId(str(number)))


async def _filled(store: Store, tenant: TenantId) -> None:
    """Calls, items to fold and effects of one tenant."""
    at = now()
    await set_up(store, organisation(int(tenant[:8]), agents=2))
    calls = [
        Call(
            id=call_id(tenant, GraphCallId(str(number))),
            graph_id=GraphCallId(str(number)),
            state=CallState.CLOSED,
            queue=QueueId("service"),
            sequence=number + 1,
            heard_at=at,
            arrived_at=at - timedelta(minutes=number % 120),
            caller=Caller(kind=CallerKind.WITHHELD),
        )
        for number in range(_CALLS)
    ]
    await store.accept(tenant, [Incoming("graph", str(number), b"x" * 1600, at) for number in range(_CALLS)])
    async with store.open_tenant(tenant) as rows:
        await rows.calls.save(calls)
        await rows.outbox.put([HangUp(call=call.id, graph_id=call.graph_id) for call in calls], at)
