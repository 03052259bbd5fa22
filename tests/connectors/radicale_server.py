"""A real Radicale on a free port, as a stage for the promises of an address book."""

import contextlib
import functools
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from cordpair.connectors.carddav import AddressBook, connect
from cordpair.core.ids import PartyRef
from cordpair.core.tenant import CrmSetup
from tests.connectors.beside import free_port, new_folder, start

USER, PASSWORD = "cordpair", "lamp&wick"
PHONE = "+493023125123"
_PEOPLE = [("Ansgar Wiesel", "030 23125123"), *(("Berta Dachs", f"030 66969{n:03}") for n in range(13))]
_BOOK = """<?xml version="1.0"?><d:mkcol xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:set><d:prop>
<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype></d:prop></d:set></d:mkcol>"""


class Radicale:
    """The server; `url` is that of its one address book."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/{USER}/people/"
        self.ids = [f"p{number:02}" for number in range(len(_PEOPLE))]
        self._http = httpx.Client(auth=(USER, PASSWORD), timeout=20)
        assert self._http.request("MKCOL", self.url, content=_BOOK).status_code == 201
        for number in range(len(_PEOPLE)):
            self.put(number)

    def put(self, number: int, note: str = "") -> None:
        name, phone = _PEOPLE[number]
        card = (
            f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{self.ids[number]}\r\nFN:{name}\r\nN:{name};;;;\r\nORG:Laternenhaus\r\n"
        )
        card += f"TEL;TYPE=work:{phone}\r\nNOTE:{note}\r\nEND:VCARD\r\n"
        answer = self._http.put(
            f"{self.url}{self.ids[number]}.vcf", content=card.encode(), headers={"Content-Type": "text/vcard"}
        )
        assert answer.status_code in (201, 204), answer.status_code


@functools.cache
def radicale() -> Radicale:
    """The one Radicale of this process. Raises AssertionError where it is not installed."""
    program = Path(sys.executable).parent / "radicale"
    assert program.exists(), "Radicale is missing: pip install Radicale"
    folder = new_folder("radicale")
    (folder / "users").write_text(f"{USER}:{PASSWORD}\n", encoding="utf-8")
    port = free_port()
    config = folder / "config"
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\n"
        f"htpasswd_encryption = plain\ndelay = 0\n[storage]\nfilesystem_folder = {folder}/data\n",
        encoding="utf-8",
    )
    start([str(program), "--config", str(config)], port, folder)
    return Radicale(port)


def setup(at: str, *, password: str = PASSWORD, **settings: str) -> CrmSetup:
    return CrmSetup(
        connector="carddav",
        settings={"url": at, "username": USER, "page_size": "4"} | settings,
        secrets={"password": password},
    )


class BookStage:
    """See `Stage`."""

    known_phone = PHONE
    known = PartyRef("carddav", "p00")

    def __init__(self, server: Radicale, http: httpx.AsyncClient) -> None:
        self.server, self.http = server, http
        self.crm = self.another_crm()

    def another_crm(self) -> AddressBook:
        return self.opened(setup(self.server.url))

    def opened(self, given: CrmSetup) -> AddressBook:
        return connect(given, region="DE", time_zone="Europe/Berlin", http=self.http, now=lambda: datetime.now(UTC))

    async def party_ids(self) -> list[str]:
        return self.server.ids

    async def activity_ids(self) -> list[str]:
        return []

    async def change(self, party: PartyRef) -> None:
        self.server.put(int(party.id[1:]), note=str(time.monotonic()))

    async def lose_next_answer(self) -> None:
        raise AssertionError("nothing is written to an address book")


@contextlib.asynccontextmanager
async def book_stage() -> AsyncIterator[BookStage]:
    async with httpx.AsyncClient() as http:
        yield BookStage(radicale(), http)
