"""Two common ways of writing calls to a CRM: repeat until it works, and note first so that nothing is repeated."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import httpx

from benchmarks.crm_stand import FastClock, Stand, activity_of
from cordpair.connectors.kit import Crm
from cordpair.connectors.registry import open_crm
from cordpair.core.ids import CallId, PartyRef
from cordpair.errors import CordpairError

WIDTH = 24
_PAUSE_S = 5.0

Call = tuple[CallId, PartyRef]
#: Writes one call by `crm`; `done` holds those that count as written.
Write = Callable[[Crm, Call, set[CallId], FastClock], Awaitable[None]]


async def naive(crm: Crm, call: Call, done: set[CallId], clock: FastClock) -> None:
    """Send until an answer says that it worked, then note it."""
    while True:
        try:
            await crm.log_activity(activity_of(*call, clock.now()), key=f"cc:{call[0]}", repeat=False)
        except CordpairError:
            await clock.sleep(_PAUSE_S)
            continue
        done.add(call[0])
        return


async def mark_first(crm: Crm, call: Call, done: set[CallId], clock: FastClock) -> None:
    """Note it, then send; what was noted is never sent again. A clear refusal is tried once more."""
    done.add(call[0])
    with contextlib.suppress(CordpairError):
        await crm.log_activity(activity_of(*call, clock.now()), key=f"cc:{call[0]}", repeat=False)


async def written(write: Write, stand: Stand, calls: Sequence[Call], clock: FastClock, kills: int) -> None:
    """Write all calls. The worker is ended at `kills` places, whatever it is at; what counts as written survives."""
    done: set[CallId] = set()
    for life in range(1, kills + 2):
        until = len(calls) * life // (kills + 1)
        async with httpx.AsyncClient(trust_env=False) as http:
            crm = open_crm(stand.setup, region="DE", time_zone="Europe/Berlin", http=http, clock=clock)
            await crm.find_activities(calls[0][1], "")  # what its tables are called: learned by one, not by each lane
            await _life(write, crm, [call for call in calls if call[0] not in done], done, clock, until)


async def _life(write: Write, crm: Crm, rest: Sequence[Call], done: set[CallId], clock: FastClock, until: int) -> None:
    waiting = iter(rest)

    async def lane() -> None:
        for call in waiting:
            await write(crm, call, done, clock)

    lanes = [asyncio.create_task(lane()) for _ in range(WIDTH)]
    while len(done) < until and not all(one.done() for one in lanes):  # noqa: ASYNC110 - ended at whatever it is at
        await asyncio.sleep(0.005)
    for one in lanes:
        one.cancel()
    await asyncio.gather(*lanes, return_exceptions=True)
