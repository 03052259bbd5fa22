"""E1: a signed notification of 1.6 KB, verified and durable before its 202, beside a bare handler that is durable too.

The node under test takes in and does not fold: another owner holds the tenant, so that only the way in is measured.
Figures are per processor second of the serving process, because neighbours on the machine do not change those.
"""

import asyncio

from benchmarks import notices
from benchmarks.ground import Ground, cpu_of, ground, held_elsewhere, opened, organisation, percentile, set_up
from benchmarks.load import at_once, at_rate, bare_handler, node, request
from benchmarks.measuring import Line
from benchmarks.peers import Peers, bearer, peers

_REQUESTS = 6_000
_ROUNDS = 3
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
        for round_number in range(_ROUNDS + 1):  # the first warms up
            content = requests(f"burst-{round_number}", _REQUESTS if round_number else 500)
            theirs.append(await _per_cpu_second(bare_port, bare_pid, content))
            ours.append(await _per_cpu_second(our_port, our_pid, content))
        calm = requests("steady", int(_RATE * _SECONDS))
        bare_waits = await at_rate(bare_port, calm, rate=_RATE)
        our_waits = await at_rate(our_port, calm, rate=_RATE)
    bare = "bare ASGI, cached verdict, group commit"
    size = len(notices.body(notices.incoming(tenant, notices.graph_call(1), 1)))
    return [
        Line(
            work=f"notifications of {size:,} bytes taken in, per core",
            unit="/cpu-s",
            ours=max(rate for rate, _ in ours[1:]),
            opponent=bare,
            theirs=max(rate for rate, _ in theirs[1:]),
            aim=0.6,
            by_ratio=True,
        ),
        Line(
            work="  the same by the clock, sender and database on the same machine",
            unit="/s",
            ours=max(rate for _, rate in ours[1:]),
            opponent=bare,
            theirs=max(rate for _, rate in theirs[1:]),
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
    return len(content) / max(cpu_of(pid) - before, 0.01), len(content) / took
