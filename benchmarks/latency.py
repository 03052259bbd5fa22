"""E3: from `established` leaving Graph to the card's request reaching the Bot Connector, at 50 events a second.

That is the server's part of the screen pop. Beside it the same way through a bare handler: one commit takes in, one
folds, one marks the attempt, then the request is sent.
"""

import asyncio
import re
import time

from benchmarks import notices
from benchmarks.ground import ground, now, opened, organisation, percentile, ready, set_up, until_quiet
from benchmarks.load import Wire, bare_handler, loaded, node, request, wires
from benchmarks.measuring import Line
from benchmarks.peers import Peers, bearer, peers
from cordpair.core.ids import GraphCallId, TenantId, call_id

_AGENTS = 60
_CALLS_PER_S = 17  # three notifications each: 50 events a second
_SECONDS = 20
_WARM = 30  # calls that do not count
_TALK_S = 0.5
_CALL = re.compile(rb'"call"\s*:\s*"([0-9a-f-]{36})"')


class _Watch:
    """Notes for each call when `established` was sent and when its first card came."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.carded: dict[str, float] = {}

    def card_seen(self, body: bytes, at: float) -> None:
        found = _CALL.search(body)
        if found is not None:
            self.carded.setdefault(found[1].decode(), at)

    def took_ms(self) -> list[float]:
        """Of the calls after the warm-up, in order. A call without a card counts as a second."""
        calls = list(self.sent)[_WARM:]
        return [(self.carded.get(call, self.sent[call] + 1.0) - self.sent[call]) * 1e3 for call in calls]


class _Caller:
    """Plays callers against a node: they ring, are answered, and leave."""

    def __init__(self, tenant: TenantId, path: str, free: "asyncio.Queue[Wire]", around: Peers, watch: _Watch) -> None:
        self._tenant, self._path, self._free, self._watch = tenant, path, free, watch
        self._token = bearer()
        self._answered: dict[str, asyncio.Event] = {}
        around.answered = lambda call: self._answered[call].set()
        around.card_seen = watch.card_seen

    async def call(self, number: int, *, is_answered: bool = True) -> None:
        """One call. A bare handler does not answer: then it is established at once."""
        name = notices.graph_call(number, self._path)
        self._answered[name] = asyncio.Event()
        await self._tell(notices.incoming(self._tenant, name, number))
        if is_answered:
            await self._answered[name].wait()
        key = call_id(self._tenant, GraphCallId(name)) if is_answered else name
        self._watch.sent[key] = time.perf_counter()
        await self._tell(notices.established(self._tenant, name))
        await asyncio.sleep(_TALK_S)
        await self._tell(notices.terminated(self._tenant, name))

    async def _tell(self, item: dict[str, object]) -> None:
        wire = await self._free.get()
        try:
            assert await wire.ask(request(self._path, notices.body(item), self._token)) == 202
        finally:
            self._free.put_nowait(wire)


def run() -> list[Line]:
    """Milliseconds, half of all calls and 99 % of them."""
    return asyncio.run(_run())


async def _run() -> list[Line]:
    setup = organisation(1, agents=_AGENTS)
    async with ground() as base, peers() as around, opened(base.databases) as store:
        async with bare_handler(base.databases.main_url, around.url) as (port, _):
            theirs = await _played(port, setup.id, "/", around, is_answered=False)
        await set_up(store, setup, chats_at=around.url)
        await store.accept(setup.id, ready([agent.id for agent in setup.agents], now()))
        async with node(base.environment(**around.settings())) as (port, _):
            await until_quiet(store, setup.id)
            await loaded()
            ours = await _played(port, setup.id, f"/graph/{setup.registration.id}/calls", around)
    bare = "bare SQL, three commits and the request"
    return [
        Line(
            work="established until the card's request, p50",
            unit="ms",
            ours=percentile(ours, 0.5),
            opponent=bare,
            theirs=percentile(theirs, 0.5),
            aim=5,
            at_most=True,
            note="(bare: no look at who may see what, no agents, routing, history or content of the card)",
        ),
        Line(
            work="  p99",
            unit="ms",
            ours=percentile(ours, 0.99),
            opponent=bare,
            theirs=percentile(theirs, 0.99),
            aim=25,
            at_most=True,
        ),
    ]


async def _played(port: int, tenant: TenantId, path: str, around: Peers, *, is_answered: bool = True) -> list[float]:
    watch = _Watch()
    free: asyncio.Queue[Wire] = asyncio.Queue()
    async with wires(port, 32) as open_wires, asyncio.timeout(_SECONDS + 60), asyncio.TaskGroup() as group:
        for wire in open_wires:
            free.put_nowait(wire)
        caller = _Caller(tenant, path, free, around, watch)
        begun = time.perf_counter()
        for number in range(_CALLS_PER_S * _SECONDS):
            if (early := begun + number / _CALLS_PER_S - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(caller.call(number, is_answered=is_answered))
    await asyncio.sleep(0.5)
    return watch.took_ms()
