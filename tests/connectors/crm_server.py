"""Emulated CRMs on a free port, opened by the mapping files that come with cordpair, as stages for the promises."""

import contextlib
import functools
import itertools
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import timedelta

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from cordpair.connectors.rest import RestCrm, connect
from cordpair.connectors.testkit import Fault
from cordpair.core.ids import PartyRef
from cordpair.core.tenant import CrmSetup
from cordpair.emulator import dataverse, hubspot, salesforce
from cordpair.emulator.crm_host import Clock, CrmHost, Person
from cordpair.emulator.imis_faults import Fault as Planned
from cordpair.emulator.imis_faults import Kind
from tests.connectors.imis_server import StillClock

PHONE = "+493023125123"
PAGE = 4
_count = itertools.count(1)
Make = Callable[[Iterable[Person], Clock], Starlette]

_KINDS: dict[Fault, Kind] = {
    Fault.HTML: "html",
    Fault.ERROR: "error",
    Fault.THROTTLED: "throttle",
    Fault.SIGNED_OUT: "unauthorized",
    Fault.LOCKED_OUT: "unauthorized",
    Fault.CUT: "cut",
}


def people(kind: str, column: str, name: Callable[[int], str]) -> list[Person]:
    """One who is known, and enough others for more than three pages."""
    others = [Person(name(n), "Berta Dachs", kind, {column: f"030 66969{n:03}"}) for n in range(2, 15)]
    return [Person(name(1), "Ansgar Wiesel", kind, {column: "030 23125123"}), *others]


class RestStage:
    """See `RemoteStage`. `api` is a part of every path but that of signing in, `entries` of a creation's alone."""

    known_phone = PHONE

    def __init__(
        self,
        crm: CrmHost,
        url: str,
        http: httpx.AsyncClient,
        clock: StillClock,
        setup: CrmSetup,
        *,
        known: str,
        api: str,
        creates: tuple[str, str],
    ) -> None:
        self.host, self.url, self.http, self.clock, self.setup = crm, url, http, clock, setup
        self.api, self.creates = api, creates
        self.known = PartyRef(setup.connector, known)
        self.crm = self.another_crm()

    def another_crm(self) -> RestCrm:
        return connect(self.setup, region="DE", time_zone="Europe/Berlin", http=self.http, now=self.clock.now)

    async def party_ids(self) -> list[str]:
        prefix = self.known.id.rpartition(":")[0]
        return [f"{prefix}:{one.id}" if prefix else one.id for one in self.host.people]

    async def activity_ids(self) -> list[str]:
        return [one.id for one in self.host.entries]

    async def change(self, party: PartyRef) -> None:
        self.clock.at += timedelta(minutes=61)
        self.host.change(party.id.rpartition(":")[2])

    async def lose_next_answer(self) -> None:
        method, path = self.creates
        lost = Planned("created_then_cut", path=path)
        lost.method = method
        self.host.faults.append(lost)

    async def fault(self, fault: Fault, *, after: int = 0) -> None:
        times = 2 if fault is Fault.LOCKED_OUT else 1
        wait = "7" if fault is Fault.THROTTLED else ""
        self.host.faults.append(Planned(_KINDS[fault], times=times, path=self.api, skip=after, retry_after=wait))


@functools.cache
def server() -> tuple[str, Starlette]:
    """One real web server for all tests of this process, on a thread of its own; applications come and go."""
    app = Starlette()
    listener = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", app


@contextlib.contextmanager
def mounted(app: Starlette) -> Iterator[str]:
    """Serve an application at an address of its own."""
    url, root = server()
    mount = Mount(f"/crm{next(_count)}", app)
    root.router.routes.append(mount)
    yield f"{url}{mount.path}"
    root.router.routes.remove(mount)


@contextlib.asynccontextmanager
async def hubspot_stage() -> AsyncIterator[RestStage]:
    clock = StillClock()
    app = hubspot.hubspot_app(people("contacts", "phone", lambda n: str(5000 + n)), clock)
    app.state.crm.page_cap = PAGE
    async with httpx.AsyncClient() as http:
        with mounted(app) as url:
            setup = CrmSetup(
                connector="hubspot", settings={"base_url": url, "portal": "4711"}, secrets={"token": app.state.token}
            )
            creates = ("POST", "/objects/calls")
            yield RestStage(app.state.crm, url, http, clock, setup, known="5001", api="/objects/", creates=creates)


@contextlib.asynccontextmanager
async def salesforce_stage() -> AsyncIterator[RestStage]:
    clock = StillClock()
    app = salesforce.salesforce_app(people("Contact", "Phone", lambda n: f"003{n:012}AAA"), clock)
    app.state.crm.page_cap = PAGE
    async with httpx.AsyncClient() as http:
        with mounted(app) as url:
            client, secret = app.state.crm.client
            setup = CrmSetup(
                connector="salesforce",
                settings={"base_url": url, "client_id": client},
                secrets={"client_secret": secret},
            )
            known, creates = "contact:003000000000001AAA", ("PATCH", "/sobjects/Task/")
            yield RestStage(app.state.crm, url, http, clock, setup, known=known, api="/services/data/", creates=creates)


@contextlib.asynccontextmanager
async def dataverse_stage() -> AsyncIterator[RestStage]:
    clock = StillClock()
    app = dataverse.dataverse_app(people("contacts", "telephone1", lambda n: f"00000000-0000-4000-8000-{n:012}"), clock)
    app.state.crm.page_cap = PAGE
    async with httpx.AsyncClient() as http:
        with mounted(app) as url:
            client, secret = app.state.crm.client
            setup = CrmSetup(
                connector="dataverse",
                settings={"base_url": url, "login_url": url, "tenant": dataverse.TENANT, "client_id": client},
                secrets={"client_secret": secret},
            )
            known = "contact:00000000-0000-4000-8000-000000000001"
            creates = ("PATCH", "/phonecalls(")
            yield RestStage(app.state.crm, url, http, clock, setup, known=known, api="/api/data/", creates=creates)
