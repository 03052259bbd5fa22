"""A real OpenLDAP on a free port, filled before it starts, as a stage for the promises of a directory."""

import contextlib
import functools
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import ldap3

from cordpair.connectors.ldap import LdapDirectory, connect
from cordpair.core.ids import PartyRef
from cordpair.core.tenant import CrmSetup
from tests.connectors.beside import free_port, new_folder, start

BASE = "dc=laternen,dc=example"
ROOT = f"cn=admin,{BASE}"
PASSWORD = "lamp&wick"
PHONE = "+496221911924"
KNOWN = "00000000-0000-4000-8000-000000000001"
INSTALL = "apt-get install -y --no-install-recommends slapd"
_CONFIG = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
database mdb
suffix "{base}"
rootdn "{root}"
rootpw {password}
directory {folder}/data
"""
_PERSON = """dn: uid=p{number},{base}
objectClass: inetOrgPerson
uid: p{number}
cn: {name}
sn: {name}
o: Laternenhaus
telephoneNumber: {phone}
entryUUID: 00000000-0000-4000-8000-{number:012}
createTimestamp: 20260105080000Z
modifyTimestamp: 20260105080000Z

"""


class Slapd:
    """The server. `ids` are those of all people."""

    def __init__(self, port: int, ids: list[str]) -> None:
        self.port, self.ids = port, ids

    def change(self, number: int) -> None:
        """Somebody changes an entry."""
        connection = ldap3.Connection(ldap3.Server("127.0.0.1", self.port), ROOT, PASSWORD, auto_bind=True)
        connection.modify(f"uid=p{number},{BASE}", {"description": [(ldap3.MODIFY_REPLACE, [str(time.monotonic())])]})  # type: ignore[no-untyped-call]
        assert connection.result["description"] == "success", connection.result
        connection.unbind()


def _program(name: str) -> str:
    """Debian's own; installed where the tests run as root, else they say how."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    if shutil.which(name, path=path) is None and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update"], check=False, capture_output=True, env=environment)
        subprocess.run(INSTALL.split(), check=False, capture_output=True, env=environment)
    found = shutil.which(name, path=path)
    assert found is not None, f"{name} is missing: {INSTALL}"
    return found


@functools.cache
def slapd() -> Slapd:
    """The one OpenLDAP of this process."""
    folder = new_folder("slapd")
    (folder / "data").mkdir()
    config = folder / "slapd.conf"
    config.write_text(_CONFIG.format(folder=folder, base=BASE, root=ROOT, password=PASSWORD), encoding="utf-8")
    numbers = ["06221/911924", "06221 / 91.19-25", *(f"030 66969{n:03}" for n in range(12))]
    names = ["Ansgar Wiesel", *["Berta Dachs"] * 13]
    people = [
        _PERSON.format(number=number, base=BASE, name=name, phone=phone)
        for number, (name, phone) in enumerate(zip(names, numbers, strict=True), 1)
    ]
    top = f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Laternenhaus\ndc: laternen\n\n"
    (folder / "people.ldif").write_text(top + "".join(people), encoding="utf-8")
    server = _program("slapd")
    subprocess.run(
        [_program("slapadd"), "-f", str(config), "-l", str(folder / "people.ldif")], check=True, capture_output=True
    )
    port = free_port()
    start([server, "-f", str(config), "-h", f"ldap://127.0.0.1:{port}", "-d", "0"], port, folder)
    return Slapd(port, [f"00000000-0000-4000-8000-{number:012}" for number in range(1, len(names) + 1)])


def setup(port: int, *, password: str = PASSWORD, **settings: str) -> CrmSetup:
    given = {"url": f"ldap://127.0.0.1:{port}", "base_dn": BASE, "bind_dn": ROOT, "page_size": "4"}
    return CrmSetup(connector="ldap", settings=given | settings, secrets={"password": password})


class LdapStage:
    """See `Stage`."""

    known_phone = PHONE
    known = PartyRef("ldap", KNOWN)

    def __init__(self, server: Slapd, http: httpx.AsyncClient) -> None:
        self.server, self.http = server, http
        self.crm = self.another_crm()

    def another_crm(self) -> LdapDirectory:
        return self.opened(setup(self.server.port))

    def opened(self, given: CrmSetup) -> LdapDirectory:
        return connect(given, region="DE", time_zone="Europe/Berlin", http=self.http, now=lambda: datetime.now(UTC))

    async def party_ids(self) -> list[str]:
        return self.server.ids

    async def activity_ids(self) -> list[str]:
        return []

    async def change(self, party: PartyRef) -> None:
        self.server.change(int(party.id[-12:]))

    async def lose_next_answer(self) -> None:
        raise AssertionError("nothing is written to a directory")


@contextlib.asynccontextmanager
async def ldap_stage() -> AsyncIterator[LdapStage]:
    async with httpx.AsyncClient() as http:
        yield LdapStage(slapd(), http)
