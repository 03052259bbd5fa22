"""E1: a signed notification of 1.6 KB, verified and durable before its 202, beside a bare handler that is durable too.

The node under test takes in and does not fold: another owner holds the tenant, so that only the way in is measured.
Figures are per processor second of the serving process, because neighbours on the machine change those least, and
medians of short bursts that both get by turns, because what such a second is worth changes from minute to minute.
"""

import asyncio
from statistics import median

from benchmarks import notices
from benchmarks.ground import Ground, cpu_of, ground, held_elsewhere, opened, organisation, percentile, set_up
from benchmarks.load import at_once, at_rate, bare_handler, node, request
from benchmarks.measuring import Line
from benchmarks.peers import Peers, bearer, peers

_REQUESTS = 1_500
_ROUNDS = 15
_WARM = 3
_CONNECTIONS = 64
_RATE = 300.0
_SECONDS = 8


def run() -> list[Line]:
    """Requests per processor second, and how long one waits at 300 a second."""
    return asyncio.run(_run())


async def _run() -> list[Line]:
    setup = organisation(1, agents=2)
    async with ground() as base, peers() as around, opened(base.databases) as store:
        await set_up(store, setup)
        async with held_elsewhere(store, setup.id):
            return await _measured(base, around, f"/graph/{setup.registration.id}/calls")


async def _measured(base: Ground, around: Peers, path: str) -> list[Line]:
    tenant = organisation(1, agents=0).id
    token = bearer()

    def requests(series: str, count: int) -> list[bytes]:
        items = (notices.incoming(tenant, notices.graph_call(one, series), one) for one in range(count))
        return [request(path, notices.body(item), token) for item in items]

    async with (
        node(base.environment(**around.settings())) as (our_port, our_pid),
        bare_handler(base.databases.main_url) as (bare_port, bare_pid),
    ):
        ours, theirs = [], []
        for round_number in range(_WARM + _ROUNDS):
            content = requests(f"burst-{round_number}", _REQUESTS)
            theirs.append(await _per_cpu_second(bare_port, bare_pid, content))
            ours.append(await _per_cpu_second(our_port, our_pid, content))
        calm = requests("steady", int(_RATE * _SECONDS))
        bare_waits = await at_rate(bare_port, calm, rate=_RATE)
        our_waits = await at_rate(our_port, calm, rate=_RATE)
    bare = "bare durable handler"
    says = (
        "(bare: token by a cached verdict, JSON, the same bytes once in a group commit, 202; no tenants kept apart, "
        "sealing, names by content, limits, metrics or security headers)"
    )
    size = len(notices.body(notices.incoming(tenant, notices.graph_call(1), 1)))
    return [
        Line(
            work=f"notifications of {size:,} bytes taken in, per core",
            unit="/cpu-s",
            ours=median(rate for rate, _ in ours[_WARM:]),
            opponent=bare,
            theirs=median(rate for rate, _ in theirs[_WARM:]),
            aim=0.6,
            by_ratio=True,
            note=says,
        ),
        Line(
            work="  the same by the clock, sender and database on the same machine",
            unit="/s",
            ours=median(rate for _, rate in ours[_WARM:]),
            opponent=bare,
            theirs=median(rate for _, rate in theirs[_WARM:]),
        ),
        Line(
            work=f"  p50 at {_RATE:.0f}/s",
            unit="ms",
            ours=percentile(our_waits, 0.5) * 1e3,
            opponent=bare,
            theirs=percentile(bare_waits, 0.5) * 1e3,
        ),
        Line(
            work=f"  p99 at {_RATE:.0f}/s",
            unit="ms",
            ours=percentile(our_waits, 0.99) * 1e3,
            opponent=bare,
            theirs=percentile(bare_waits, 0.99) * 1e3,
            aim=25,
            at_most=True,
        ),
    ]


async def _per_cpu_second(port: int, pid: int, content: list[bytes]) -> tuple[float, float]:
    """Requests per processor second of the process, and per second."""
    before = cpu_of(pid)
    took = await at_once(port, content, connections=_CONNECTIONS)
    return len(content) / max(cpu_of(pid) - before, 1e-3), len(content) / took
