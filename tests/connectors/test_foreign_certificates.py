"""A server whose certificate does not hold gets nothing from us, and whoever reads of the failure learns why."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cordpair.connectors.imis import connect
from cordpair.connectors.teams.keys import SigningKeys
from cordpair.connectors.teams.presence import GraphPresence
from cordpair.connectors.teams.tokens import GRAPH_SCOPE, AppTokens
from cordpair.connectors.testkit import failure_of
from cordpair.core.ids import AgentId, RegistrationId, TenantId
from cordpair.core.tenant import Registration
from cordpair.errors import TemporaryFailure
from tests.certificates import LOOPBACK, Authority
from tests.connectors.imis_server import PHONE, StillClock, setup

STRANGE = "its certificate is of an authority that is not trusted"
#: What a server shows, and what is said of it.
FAULTS = [
    pytest.param({"days": -2}, "its certificate has ended", id="ended"),
    pytest.param({"name": "elsewhere.example"}, "its certificate is for another name", id="another name"),
    pytest.param({"is_strange": True}, STRANGE, id="a stranger's"),
]


class Shown:
    """A server that shows a certificate; `http` trusts one authority. `heard` is what got through to it."""

    def __init__(self, folder: Path) -> None:
        self.url, self.heard, self._folder = "", b"", folder
        self.ours, self._strange = Authority(folder, "ours"), Authority(folder, "strange")
        self.http = httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(self.ours.file)), trust_env=False)

    @contextlib.asynccontextmanager
    async def showing(self, *, name: str = LOOPBACK, days: int = 30, is_strange: bool = False) -> AsyncIterator[None]:
        files = self._folder / "certificate.pem", self._folder / "key.pem"
        issued = (self._strange if is_strange else self.ours).issue(name=name, days=days)
        for file, content in zip(files, issued, strict=True):
            file.write_bytes(content)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
        async with await asyncio.start_server(self._hear, LOOPBACK, 0, ssl=context) as server:
            self.url = f"https://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
            yield

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.read(1)
        writer.close()


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Shown]:
    shown = Shown(tmp_path)
    async with shown.http:
        yield shown


class Token:
    """Tokens that need no Entra."""

    async def token(self, scope: str, *, instead_of: str = "") -> str:
        return "a token"


@pytest.mark.parametrize(("shows", "fault"), FAULTS)
async def test_an_imis_whose_certificate_does_not_hold_is_told_nothing(
    other: Shown, shows: dict[str, object], fault: str
) -> None:
    async with other.showing(**shows):  # type: ignore[arg-type]
        crm = connect(setup(other.url), region="DE", time_zone="Europe/Berlin", http=other.http, now=StillClock().now)
        failure = await failure_of(crm.find_by_phone(PHONE))
    assert (type(failure), str(failure), other.heard) == (TemporaryFailure, f"iMIS cannot be reached: {fault}", b"")


@pytest.mark.parametrize(("shows", "fault"), FAULTS)
async def test_a_graph_whose_certificate_does_not_hold_is_told_nothing(
    other: Shown, shows: dict[str, object], fault: str
) -> None:
    async with other.showing(**shows):  # type: ignore[arg-type]
        graph = GraphPresence(other.http, Token(), graph_url=other.url, client_id="c")  # type: ignore[arg-type]
        failure = await failure_of(graph.read([AgentId("a")], at=StillClock().now()))
    assert (type(failure), str(failure), other.heard) == (TemporaryFailure, f"Graph cannot be reached: {fault}", b"")


async def test_an_entra_whose_certificate_does_not_hold_gets_no_secret(other: Shown) -> None:
    tenant = TenantId("aaaaaaaa-0000-4000-8000-000000000001")
    registration = Registration(id=RegistrationId("r"), tenant=tenant, client_id="c", client_secret="s", bot_id="b")
    async with other.showing():
        failure = await failure_of(AppTokens(registration, login_url=other.url).token(GRAPH_SCOPE))
    assert (str(failure), other.heard) == (f"Entra does not answer: {STRANGE}", b"")


async def test_keys_of_an_issuer_whose_certificate_does_not_hold_are_not_taken(other: Shown) -> None:
    async with other.showing(days=-2):
        failure = await failure_of(SigningKeys(other.http, f"{other.url}/keys", is_jwks=True).key("k"))
    wanted = "the signing keys of the issuer cannot be fetched: its certificate has ended"
    assert (str(failure), other.heard) == (wanted, b"")


async def test_a_certificate_that_holds_lets_a_request_through(other: Shown) -> None:
    async with other.showing():
        crm = connect(setup(other.url), region="DE", time_zone="Europe/Berlin", http=other.http, now=StillClock().now)
        await failure_of(crm.find_by_phone(PHONE))
    assert other.heard
