"""TLS of our own: what is shown, what is refused, and a renewal without a restart."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cordpair.errors import PermanentFailure
from cordpair.settings import Settings, read_settings
from cordpair.web.certificate import ServerCertificate, server_certificate
from cordpair.web.server import server_config
from tests.certificates import LOOPBACK, Authority


class Files:
    """A certificate and its key as files, issued by an authority of ours."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder, "ours")
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        self.renew()

    def renew(self) -> bytes:
        certificate, key = self.authority.issue()
        self.certificate.write_bytes(certificate)
        self.key.write_bytes(key)
        return ssl.PEM_cert_to_DER_cert(certificate.decode())

    @property
    def settings(self) -> Settings:
        return read_settings(
            tls_certificate=str(self.certificate), tls_key=str(self.key), public_url="https://cordpair.example"
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@contextlib.asynccontextmanager
async def listening(settings: Settings, certificate: ServerCertificate | None) -> AsyncIterator[int]:
    """The port of a server that says by which scheme it was asked."""

    async def said(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.url.scheme)

    app = Starlette(routes=[Route("/{path:path}", said, methods=["GET", "POST"])])
    with socket.create_server((LOOPBACK, 0)) as one:
        server = uvicorn.Server(server_config(settings, app, certificate))
        serving = asyncio.create_task(server.serve(sockets=[one]))
        try:
            yield one.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def shown(port: int, authority: Authority, *, most: ssl.TLSVersion | None = None) -> bytes:
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(authority.file))
    if most is not None:
        context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, most
    _, writer = await asyncio.open_connection(LOOPBACK, port, ssl=context)
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return found


async def test_a_request_over_our_own_tls_is_answered(files: Files) -> None:
    context = ssl.create_default_context(cafile=str(files.authority.file))
    certificate, http = server_certificate(files.settings), httpx.AsyncClient(verify=context, trust_env=False)
    async with listening(files.settings, certificate) as port, http:
        assert (await http.get(f"https://{LOOPBACK}:{port}/x")).text == "https"


async def test_a_request_in_clear_is_refused(files: Files) -> None:
    certificate, http = server_certificate(files.settings), httpx.AsyncClient(trust_env=False)
    async with listening(files.settings, certificate) as port, http:
        with pytest.raises(httpx.TransportError):
            await http.get(f"http://{LOOPBACK}:{port}/x")


@pytest.mark.filterwarnings("ignore")
async def test_tls_older_than_1_2_is_refused(files: Files) -> None:
    async with listening(files.settings, server_certificate(files.settings)) as port:
        with pytest.raises((ssl.SSLError, OSError)):
            await shown(port, files.authority, most=ssl.TLSVersion.TLSv1_1)


async def test_a_renewed_certificate_is_shown_to_new_connections(files: Files) -> None:
    certificate = server_certificate(files.settings)
    assert certificate is not None
    async with listening(files.settings, certificate) as port:
        before = await shown(port, files.authority)
        renewed = files.renew()
        certificate.look()
        assert await shown(port, files.authority) == renewed != before


async def test_a_renewal_that_is_half_written_changes_nothing_until_it_is_whole(files: Files) -> None:
    certificate = server_certificate(files.settings)
    assert certificate is not None
    async with listening(files.settings, certificate) as port:
        before, old_key = await shown(port, files.authority), files.key.read_bytes()
        renewed = files.renew()
        new_key = files.key.read_bytes()
        files.key.write_bytes(old_key)
        certificate.look()
        half = await shown(port, files.authority)
        files.key.write_bytes(new_key + b"\n")
        certificate.look()
        assert (half, await shown(port, files.authority)) == (before, renewed)


def test_a_key_that_is_not_the_certificate_s_stops_the_start(files: Files, tmp_path: Path) -> None:
    files.key.write_bytes(Authority(tmp_path, "strangers").issue()[1])
    with pytest.raises(PermanentFailure, match="the key is not the certificate's"):
        server_certificate(files.settings)


def test_a_file_that_is_not_there_stops_the_start(files: Files) -> None:
    files.key.unlink()
    with pytest.raises(PermanentFailure, match="cannot be read"):
        server_certificate(files.settings)


# ---- behind a proxy


def behind(*proxies: str) -> Settings:
    return read_settings(public_url="https://cordpair.example", trusted_proxies=proxies)


async def asked(settings: Settings, method: str = "GET", **headers: str) -> httpx.Response:
    async with listening(settings, None) as port, httpx.AsyncClient(trust_env=False) as http:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http.request(method, f"http://{LOOPBACK}:{port}/floor?of=x", headers=named)


async def test_what_a_named_proxy_says_of_the_scheme_counts() -> None:
    assert (await asked(behind("127.0.0.0/8"), x_forwarded_proto="https")).text == "https"


@pytest.mark.parametrize("proxies", [(), ("10.0.0.7",)])
async def test_what_anybody_else_says_of_the_scheme_does_not(proxies: tuple[str, ...]) -> None:
    assert (await asked(behind(*proxies), x_forwarded_proto="https")).text != "https"


async def test_a_page_that_came_to_the_proxy_in_clear_is_sent_to_https() -> None:
    answer = await asked(behind(LOOPBACK), x_forwarded_proto="http")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://cordpair.example/floor?of=x")


async def test_a_notification_that_came_to_the_proxy_in_clear_is_refused() -> None:
    assert (await asked(behind(LOOPBACK), "POST", x_forwarded_proto="http")).status_code == 403


async def test_a_probe_that_no_proxy_has_forwarded_is_answered() -> None:
    assert (await asked(behind(LOOPBACK))).text == "http"
