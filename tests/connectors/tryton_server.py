"""A real Tryton with its parties on SQLite, started once for all tests of this process, as a stage for the promises."""

import base64
import contextlib
import functools
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Generator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from cordpair.connectors.rest import RestCrm, connect, shipped_text
from cordpair.connectors.testkit import Fault
from cordpair.core.ids import PartyRef
from cordpair.core.tenant import CrmSetup
from tests.connectors.beside import free_port, new_folder, start
from tests.connectors.spoiling_proxy import Spoiling

PASSWORD = "lamp&wick+1% ä"
PHONE = "+493023125123"
_NAMES = [("Ansgar Wiesel", "+49 30 23125123"), *((f"Berta Dachs {n}", f"+49 30 66969{n:03}") for n in range(13))]


class Tryton:
    """The server, its database file, and its parties by id."""

    def __init__(self, url: str, database: Path) -> None:
        self.url, self.database = url, database
        self.parties: list[int] = []
        self.proxy = Spoiling(url, spared=(b"common.db.login",))

    def ask(self, method: str, *params: object) -> object:
        """One request as the administrator. Raises AssertionError for an error."""
        answer = httpx.post(
            f"{self.url}/crm/rpc/", json={"id": 1, "method": method, "params": params}, auth=_SignedIn()
        )
        body = answer.json()
        assert "error" not in body, body
        return body["result"]

    def sql(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()


class _SignedIn(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        login = httpx.Request(
            "POST",
            request.url,
            json={"id": 1, "method": "common.db.login", "params": ["admin", {"password": PASSWORD}]},
        )
        answer = yield login
        answer.read()
        user, token = answer.json()["result"][:2]
        secret = base64.b64encode(f"admin:{user}:{token}".encode()).decode()
        request.headers["Authorization"] = f"Session {secret}"
        yield request


@functools.cache
def tryton() -> Tryton:
    """The one Tryton of this process. Raises AssertionError where it is not installed."""
    bin_dir = Path(sys.executable).parent
    assert (bin_dir / "trytond").exists(), "Tryton is missing: pip install trytond trytond_party"
    folder = new_folder("tryton")
    port = free_port()
    (folder / "crm.sqlite").touch()
    (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    config = folder / "trytond.cfg"
    config.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n", encoding="utf-8"
    )
    environment = {**os.environ, "TRYTONPASSFILE": str(folder / "password"), "PYTHONUTF8": "1"}
    admin = [str(bin_dir / "trytond-admin"), "-c", str(config), "-d", "crm"]
    step = ["-u", "party", "--activate-dependencies", "--email", "admin@example.org"]
    subprocess.run([*admin, *step], check=True, env=environment, capture_output=True, stdin=subprocess.DEVNULL)
    start([str(bin_dir / "trytond"), "-c", str(config), "-d", "crm"], port, folder, environment)
    found = Tryton(f"http://127.0.0.1:{port}", folder / "crm.sqlite")
    rows = [
        {"name": name, "contact_mechanisms": [["create", [{"type": "phone", "value": number}]]]}
        for name, number in _NAMES
    ]
    parties = found.ask("model.party.party.create", rows, {})
    assert isinstance(parties, list)
    found.parties = parties
    return found


class TrytonStage:
    """See `RemoteStage`. The mapping is given as an organisation's own, with small pages."""

    known_phone = PHONE

    def __init__(self, server: Tryton, http: httpx.AsyncClient) -> None:
        self.server, self.http = server, http
        self.known = PartyRef("tryton", str(server.parties[0]))
        self.crm = self.another_crm()

    def another_crm(self) -> RestCrm:
        settings = {
            "mapping": shipped_text("tryton").replace("size = 200", "size = 4"),
            "base_url": self.server.proxy.url,
            "database": "crm",
            "username": "admin",
        }
        setup = CrmSetup(connector="rest", settings=settings, secrets={"password": PASSWORD})
        return connect(setup, region="DE", time_zone="Europe/Berlin", http=self.http, now=lambda: datetime.now(UTC))

    async def party_ids(self) -> list[str]:
        return [str(one) for one in self.server.parties]

    async def activity_ids(self) -> list[str]:
        found = self.server.ask("model.ir.attachment.search", [], 0, None, [["id", "ASC"]], {})
        assert isinstance(found, list)
        return [str(one) for one in found]

    async def change(self, party: PartyRef) -> None:
        self.server.ask("model.party.party.write", [int(party.id)], {"name": "Ansgar Wiesel"}, {})

    async def lose_next_answer(self) -> None:
        self.server.proxy.loses = b"model.ir.attachment.create"

    async def fault(self, fault: Fault, *, after: int = 0) -> None:
        self.server.proxy.spoil(fault, after=after)


@contextlib.asynccontextmanager
async def tryton_stage() -> AsyncIterator[TrytonStage]:
    """The parties as if they stood there for long, and no activities."""
    server = tryton()
    server.proxy.spoil(None)
    server.proxy.loses = b""
    server.sql(
        "delete from ir_attachment",
        "update party_party set create_date = '2026-01-05 08:00:00', write_date = '2026-01-05 08:00:00'",
    )
    async with httpx.AsyncClient() as http:
        yield TrytonStage(server, http)
