"""What the doctor says of certificates: those that a server shows, and the files of our own."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from cordpair.engine.clock import SystemClock
from cordpair.engine.doctor_certificate import examine_certificate, examine_own_certificate
from cordpair.engine.findings import Finding, Level
from cordpair.settings import Settings, read_settings
from tests.certificates import LOOPBACK, Authority


class Later:
    """The time of this machine, some days from now."""

    rate = 1.0

    def __init__(self, days: int = 0) -> None:
        self._days = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._days

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def written(folder: Path, certificate: bytes, key: bytes) -> Settings:
    """Settings with these as our own certificate, for https://127.0.0.1."""
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    return read_settings(
        tls_certificate=str(folder / "certificate.pem"),
        tls_key=str(folder / "key.pem"),
        public_url=f"https://{LOOPBACK}",
    )


@contextlib.asynccontextmanager
async def showing(folder: Path, certificate: bytes, key: bytes) -> AsyncIterator[str]:
    """The address of a server that shows a certificate."""
    known = written(folder, certificate, key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(known.tls_certificate, known.tls_key)
    server = await asyncio.start_server(lambda _, writer: writer.close(), LOOPBACK, 0, ssl=context)
    async with server:
        yield f"https://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"


def date_in(days: int) -> str:
    """The day of an instant of a certificate, issued now."""
    return f"{datetime.now(UTC) + timedelta(days=days, hours=1):%Y-%m-%d}"


async def seen(url: str, trusted: Authority) -> Finding:
    """The one thing that is found about an address."""
    (found,) = await examine_certificate(url, ssl.create_default_context(cafile=str(trusted.file)), SystemClock())
    return found


# ---- what the public address shows


@pytest.mark.parametrize(
    ("days", "key", "level"),
    [
        pytest.param(31, "certificate.ok", Level.OK, id="long enough"),
        pytest.param(10, "certificate.ends", Level.WARNING, id="ends soon"),
        pytest.param(-2, "certificate.expired", Level.PROBLEM, id="ended"),
    ],
)
async def test_how_long_a_certificate_is_good_is_told_with_its_day(
    tmp_path: Path, authority: Authority, days: int, key: str, level: Level
) -> None:
    async with showing(tmp_path, *authority.issue(days=days)) as url:
        found = await seen(url, authority)
    assert (found.key, found.level) == (key, level)
    assert date_in(days) in found.text("en")


async def test_a_certificate_that_is_not_good_yet_is_told_with_its_first_day(
    tmp_path: Path, authority: Authority
) -> None:
    certificate, key = authority.issue(days=70)
    async with showing(tmp_path, certificate, key) as url:
        found = await seen(url, authority)
    assert found.text("en").startswith(f"the certificate of {LOOPBACK} is good only from {date_in(10)} on")
    assert own(written(tmp_path, certificate, key)) == {"own_certificate.early": Level.PROBLEM}


async def test_a_certificate_for_another_name_is_told_with_the_names_that_it_has(
    tmp_path: Path, authority: Authority
) -> None:
    async with showing(tmp_path, *authority.issue(name="elsewhere.example")) as url:
        found = await seen(url, authority)
    assert found.text("en") == f"the certificate of {LOOPBACK} is for another name: elsewhere.example"


async def test_a_certificate_whose_issuer_is_not_at_hand_lacks_its_chain(tmp_path: Path, authority: Authority) -> None:
    async with showing(tmp_path, *authority.issue()) as url:
        found = await seen(url, Authority(tmp_path, "others"))
    assert (found.key, found.level) == ("certificate.chain", Level.PROBLEM)
    assert "fullchain.pem" in found.cure("de")


async def test_a_certificate_of_an_authority_of_its_own_is_a_private_one(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.issue()
    async with showing(tmp_path, certificate + authority.file.read_bytes(), key) as url:
        found = await seen(url, Authority(tmp_path, "others"))
    assert found.key == "certificate.private"


@pytest.mark.parametrize("url", [f"http://{LOOPBACK}:9", f"https://{LOOPBACK}:9", "https://", "https://a:b"])
async def test_where_nobody_shows_a_certificate_there_is_nothing_to_say(authority: Authority, url: str) -> None:
    assert await examine_certificate(url, ssl.create_default_context(), SystemClock()) == []


# ---- our own files


def own(settings: Settings, days: int = 0) -> dict[str, Level]:
    return {finding.key: finding.level for finding in examine_own_certificate(settings, Later(days))}


def test_files_that_fit_are_well(tmp_path: Path, authority: Authority) -> None:
    assert own(written(tmp_path, *authority.issue())) == {"own_certificate.ok": Level.OK}


def test_without_files_there_is_nothing_to_say() -> None:
    assert own(read_settings(tls_certificate="", tls_key="")) == {}


@pytest.mark.parametrize(
    ("days", "found"),
    [(15, {"own_certificate.ends": Level.WARNING}), (31, {"own_certificate.expired": Level.PROBLEM})],
)
def test_the_end_of_our_certificate_is_told_in_time(
    tmp_path: Path, authority: Authority, days: int, found: dict[str, Level]
) -> None:
    assert own(written(tmp_path, *authority.issue(days=30)), days) == found


@pytest.mark.parametrize(
    ("public_url", "name", "found"),
    [
        ("https://cordpair.example", "cordpair.example", {}),
        ("https://CORDPAIR.example", "*.example", {}),
        ("https://a.cordpair.example", "*.example", {"own_certificate.name": Level.WARNING}),
        ("https://cordpair.example", "other.example", {"own_certificate.name": Level.WARNING}),
        ("https://127.0.0.1", "127.0.0.2", {"own_certificate.name": Level.WARNING}),
    ],
)
def test_a_certificate_that_is_not_for_our_name_is_told(
    tmp_path: Path, authority: Authority, public_url: str, name: str, found: dict[str, Level]
) -> None:
    settings = written(tmp_path, *authority.issue(name=name)).model_copy(update={"public_url": public_url})
    assert own(settings) == {**found, "own_certificate.ok": Level.OK}


def test_a_key_of_another_certificate_is_a_problem(tmp_path: Path, authority: Authority) -> None:
    settings = written(tmp_path, authority.issue()[0], authority.issue()[1])
    assert own(settings) == {"own_certificate.key": Level.PROBLEM}


@pytest.mark.parametrize("missing", ["certificate.pem", "key.pem"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, authority: Authority, missing: str) -> None:
    settings = written(tmp_path, *authority.issue())
    (tmp_path / missing).unlink()
    (found,) = examine_own_certificate(settings, SystemClock())
    assert found.text("en") == f"{tmp_path / missing} cannot be read"


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_without_a_certificate_is_a_problem(tmp_path: Path, authority: Authority, content: bytes) -> None:
    assert own(written(tmp_path, content, authority.issue()[1])) == {"own_certificate.malformed": Level.PROBLEM}


def test_a_key_with_a_passphrase_is_a_problem(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.issue()
    locked = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    assert own(written(tmp_path, certificate, locked)) == {"own_certificate.no_key": Level.PROBLEM}
