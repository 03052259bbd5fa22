"""A real iMIS emulator on a free port, and the stage that a connector's promises are tested on."""

import asyncio
import contextlib
import functools
import itertools
import socket
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from cordpair.connectors.imis import ImisCrm, connect
from cordpair.connectors.testkit import Fault
from cordpair.core.ids import PartyRef
from cordpair.core.tenant import CrmSetup
from cordpair.emulator.imis import Imis, imis_app
from cordpair.emulator.imis_faults import Fault as ImisFault
from cordpair.emulator.imis_faults import Kind
from cordpair.emulator.members import Member, Phone

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANSGAR = PartyRef("imis", "31001")
PHONE = "+493023125123"
PAGE = 4
_count = itertools.count(1)


class StillClock:
    """Time that moves when told to; sleeping takes no time of its own."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        del seconds
        await asyncio.sleep(0)


def member(
    party_id: str, *phones: Phone, name: str = "Ansgar Wiesel", region: str = "DE", updated_on: datetime | None = None
) -> Member:
    first, last = name.split()
    return Member(
        party_id=party_id,
        first_name=first,
        last_name=last,
        company="",
        email="",
        phones=phones,
        e164=(),
        region=region,
        city="Berlin",
        postal_code="10115",
        updated_on=updated_on or NOON - timedelta(days=90),
    )


def people() -> list[Member]:
    """One who is known, and enough others for more than three pages."""
    others = [member(str(31100 + n), Phone(f"030 66969{n:03}", "Home"), name="Berta Dachs") for n in range(13)]
    return [member(ANSGAR.id, Phone("030 23125123", "Home")), *others]


class ImisStage:
    """See `RemoteStage`."""

    known = ANSGAR
    known_phone = PHONE

    def __init__(
        self, imis: Imis, url: str, http: httpx.AsyncClient, clock: StillClock, settings: dict[str, str]
    ) -> None:
        self.settings = settings
        self.imis = imis
        self.url = url
        self.http = http
        self.clock = clock
        self.crm = self.another_crm()

    def another_crm(self, **settings: str) -> ImisCrm:
        return connect(
            setup(self.url, **(self.settings | settings)),
            region="DE",
            time_zone="Europe/Berlin",
            http=self.http,
            now=self.clock.now,
        )

    async def party_ids(self) -> list[str]:
        return self.imis.store.party_ids()

    async def activity_ids(self) -> list[str]:
        return [str(activity["SEQN"]) for activity in self.imis.activities]

    async def change(self, party: PartyRef) -> None:
        self.clock.at += timedelta(minutes=61)
        self.imis.change(party.id, city="Hamburg")

    async def lose_next_answer(self) -> None:
        self.imis.faults.append(ImisFault("created_then_cut"))

    async def fault(self, fault: Fault, *, after: int = 0) -> None:
        kinds: dict[Fault, Kind] = {
            Fault.HTML: "html",
            Fault.ERROR: "error",
            Fault.THROTTLED: "throttle",
            Fault.SIGNED_OUT: "unauthorized",
            Fault.LOCKED_OUT: "unauthorized",
            Fault.CUT: "cut",
        }
        times, wait = (2 if fault is Fault.LOCKED_OUT else 1), "7" if fault is Fault.THROTTLED else ""
        self.imis.faults.append(ImisFault(kinds[fault], times=times, path="/api/", skip=after, retry_after=wait))


def setup(url: str, **settings: str) -> CrmSetup:
    return CrmSetup(
        connector="imis",
        settings={"base_url": url, "time_zone": "Europe/Berlin", "username": "cordpair"} | settings,
        secrets={"password": "lamp&wick+1% ä", "client_secret": "s&cret+1", "refresh_token": "first-refresh/token+"},
    )


@functools.cache
def _server() -> tuple[str, Starlette]:
    """One real web server for all tests of this process, on a thread of its own; instances come and go."""
    app = Starlette()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", app


@contextlib.asynccontextmanager
async def imis_stage(members: list[Member] | None = None, /, **settings: str) -> AsyncIterator[ImisStage]:
    clock, instance = StillClock(), f"verband{next(_count)}"
    app = imis_app(instance, people() if members is None else members, clock)
    imis: Imis = app.state.imis
    imis.page_cap = PAGE
    url, server = _server()
    mount = Mount(f"/imis/{instance}", app)
    server.router.routes.append(mount)
    async with httpx.AsyncClient(verify=False) as http:
        yield ImisStage(imis, f"{url}/imis/{instance}", http, clock, settings)
    server.router.routes.remove(mount)
