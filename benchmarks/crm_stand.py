"""A CRM over real HTTP that goes wrong at random, for whoever writes calls to it: an emulated iMIS for each writer."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from cordpair.connectors.kit import Activity
from cordpair.core.ids import CallId, PartyRef
from cordpair.core.tenant import CrmSetup
from cordpair.emulator.imis import Imis, imis_app
from cordpair.emulator.imis_faults import AFTER_WRITING, Fault
from cordpair.emulator.members import members

RATE = 30.0  #: seconds of the CRM and its writers that pass in a real one
LATE_S = 30.0  #: of them: the latest that a request is carried out whose connection has broken
_PARTIES = 500
#: How often a write meets what. Throttling is rarer: it holds everybody up.
_CHANCES: dict[str, float] = {
    "throttle": 0.001,
    "error": 0.03,
    "cut": 0.02,
    "created_then_error": 0.03,
    "created_then_cut": 0.03,
    "created_then_malformed": 0.03,
    "late_commit": 0.03,
}


class FastClock:
    """Time that runs `RATE` times as fast; the same in all processes of this machine that begin at `zero`."""

    rate = RATE

    def __init__(self, zero: float) -> None:
        self.zero = zero

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=(time.monotonic() - self.zero) * RATE)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / RATE)


class Dice(Fault):
    """A fault that strikes at random, of a kind drawn anew each time. `struck` counts by kind."""

    def __init__(self, seed: int) -> None:
        super().__init__("error")
        self._random, self.struck = random.Random(seed), Counter[str]()

    def hits(self, method: str, path: str) -> bool:
        if method != "POST" or not path.lower().endswith("/api/activity"):
            return False
        draw = self._random.random()
        for kind, chance in _CHANCES.items():
            draw -= chance
            if draw < 0:
                self.kind = kind  # type: ignore[assignment]
                self.delay_s = self._random.uniform(0, LATE_S)
                self.retry_after = "5"
                self.struck[kind] += 1
                return True
        return False


class Stand:
    """One writer's iMIS."""

    def __init__(self, url: str, imis: Imis, dice: Dice) -> None:
        self.url, self.imis, self.dice = url, imis, dice

    @property
    def setup(self) -> CrmSetup:
        settings = {"base_url": self.url, "time_zone": "Europe/Berlin", "username": "cordpair", "guard_column": "UF_1"}
        return CrmSetup(connector="imis", settings=settings, secrets={"password": "lamp&wick+1% ä"})

    def verdict(self, calls: int) -> tuple[int, int]:
        """(activities too many, calls without any): by the guard that each call's activity carries."""
        written = Counter((one["PartyId"], one["UF_1"]) for one in self.imis.activities)
        return sum(count - 1 for count in written.values()), calls - len(written)

    @property
    def carried_out_unheard(self) -> int:
        """How many writes were carried out and not answered."""
        return sum(self.dice.struck[kind] for kind in AFTER_WRITING)


@contextlib.asynccontextmanager
async def stands(*names: str, seed: int, zero: float) -> AsyncIterator[list[Stand]]:
    """The stands, on one server of this process; each meets troubles of its own, drawn from the same seed."""
    app, ready = Starlette(), []
    config = uvicorn.Config(app, port=0, log_config=None, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    for name in names:
        one = imis_app(name, members(seed, _PARTIES), FastClock(zero))
        imis: Imis = one.state.imis
        dice = Dice(seed)
        imis.faults.append(dice)
        app.router.routes.append(Mount(f"/imis/{name}", one))
        ready.append(Stand(f"http://127.0.0.1:{port}/imis/{name}", imis, dice))
    try:
        yield ready
    finally:
        server.should_exit = True
        await serving


def party_of(number: int, stand: Stand) -> PartyRef:
    """Whose the call of this number is."""
    ids = [one for one in stand.imis.store.party_ids() if not one.startswith("9")]
    return PartyRef("imis", ids[number % len(ids)])


def activity_of(call: CallId, party: PartyRef, at: datetime) -> Activity:
    return Activity(
        call=call, party=party, started_at=at, talk_s=185, agent_name="Ada Lindgreen", queue="Service", note="Lampe"
    )
