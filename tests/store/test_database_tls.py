"""The way to a database on another machine: TLS as the address asks for it, and a reason for every refusal."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import asyncpg
import pytest
import pytest_asyncio

from cordpair.engine.doctor_database import _way, examine_reach
from cordpair.engine.findings import Level
from cordpair.errors import PermanentFailure
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.cluster import Cluster, cluster_in, environment, set_up
from cordpair.store.doors import Store
from cordpair.store.reach import Way, way_of
from tests.certificates import LOOPBACK, Authority
from tests.databases import DEBIAN_15, OPERATOR_KEY, folder
from tests.product.house import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Guarded:
    """PostgreSQL 15 that takes connections over the network with TLS only."""

    def __init__(self, cluster: Cluster, port: int, certificates: Path) -> None:
        self.cluster, self.port = cluster, port
        self.ours, self.strangers = Authority(certificates, "ours"), Authority(certificates, "strangers")

    def address(self, database: str = "postgres", host: str = LOOPBACK, **parameters: str) -> str:
        return f"postgresql://cordpair@{host}:{self.port}/{database}?{urlencode(parameters)}"

    def checked(self, database: str = "postgres", **parameters: str) -> str:
        return self.address(database, **{"sslmode": "verify-full", "sslrootcert": str(self.ours.file), **parameters})

    def install(self, certificate: bytes, key: bytes) -> None:
        for name, content, mode in (("server.crt", certificate, 0o644), ("server.key", key, 0o600)):
            file = self.cluster.data / name
            file.write_bytes(content)
            file.chmod(mode)
            self.cluster.runner.own(file)

    async def show(self, certificate: bytes, key: bytes) -> None:
        """From now on it shows this certificate."""
        self.install(certificate, key)
        connection = await asyncpg.connect(self._inside)
        await connection.execute("select pg_reload_conf()")
        await connection.close()
        wanted = ssl.PEM_cert_to_DER_cert(certificate.decode())
        await until(lambda: self._shows(wanted))

    async def _shows(self, certificate: bytes) -> bool:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        try:
            writer.write(struct.pack("!II", 8, 80877103))  # PostgreSQL's own words before TLS begins
            assert await reader.readexactly(1) == b"S"
            blind = ssl.create_default_context()
            blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
            await writer.start_tls(blind)
            return bool(writer.get_extra_info("ssl_object").getpeercert(binary_form=True) == certificate)
        finally:
            writer.close()

    @property
    def _inside(self) -> str:
        return f"{self.cluster.url('postgres')}&port={self.port}"

    async def answers(self) -> bool:
        try:
            await (await asyncpg.connect(self._inside)).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Guarded]:
    with folder() as data_dir:
        cluster = cluster_in(data_dir, DEBIAN_15)
        set_up(cluster)
        one = Guarded(cluster, free_port(), data_dir)
        (cluster.data / "pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
        one.install(*one.ours.issue())
        options = {"listen_addresses": LOOPBACK, "port": str(one.port), "ssl": "on", "fsync": "off"}
        options |= {"unix_socket_directories": str(cluster.socket)}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        process = await asyncio.create_subprocess_exec(
            cluster.programs / "postgres",
            "-D",
            cluster.data,
            *given,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment(),
            cwd=cluster.data,
            preexec_fn=cluster.runner.before_exec(die_with_us=True),
        )
        try:
            await until(one.answers, 60)
            yield one
        finally:
            process.terminate()
            await process.wait()


@contextlib.asynccontextmanager
async def showing(server: Guarded, certificate: bytes, key: bytes) -> AsyncIterator[None]:
    await server.show(certificate, key)
    try:
        yield
    finally:
        await server.show(*server.ours.issue())


async def refused(url: str) -> str:
    """What stops the start of a product on this database."""
    with pytest.raises(PermanentFailure) as caught:
        async with postgres.running(Settings(database_url=url)):
            pass
    return str(caught.value)


async def found(url: str) -> list[str]:
    return [finding.key for finding in await examine_reach(Settings(database_url=url))]


async def test_a_product_works_over_tls_with_the_name_checked_from_migration_to_rows(server: Guarded) -> None:
    connection = await asyncpg.connect(server.checked())
    await connection.execute("create database whole")
    await connection.close()
    async with postgres.running(Settings(database_url=server.checked("whole"))) as databases:
        store = await Store.open(databases, OPERATOR_KEY, pool_size=4)
        try:
            await store.ping()
            connection = await asyncpg.connect(databases.main_url)
            clear = await connection.fetchval(
                "select count(*) from pg_stat_activity a join pg_stat_ssl s using (pid) "
                "where a.datname like 'whole%' and not s.ssl"
            )
            way = await way_of(connection, databases.keys_url)
            await connection.close()
        finally:
            await store.close()
    assert clear == 0
    assert (way.tls, way.is_checked) == ("TLSv1.3", True)


async def test_a_certificate_of_a_stranger_s_authority_is_refused(server: Guarded) -> None:
    async with showing(server, *server.strangers.issue()):
        assert "of an authority that sslrootcert does not hold" in await refused(server.checked())
        assert await found(server.checked()) == ["database.authority"]


async def test_a_certificate_for_another_name_is_refused(server: Guarded) -> None:
    async with showing(server, *server.ours.issue(name="database.example")):
        assert "for another name" in await refused(server.checked())
        assert await found(server.checked()) == ["database.name"]


async def test_a_certificate_for_another_address_is_refused(server: Guarded) -> None:
    async with showing(server, *server.ours.issue(name="127.0.0.2")):
        assert await found(server.checked()) == ["database.name"]


async def test_a_certificate_that_has_ended_is_refused(server: Guarded) -> None:
    async with showing(server, *server.ours.issue(days=-1)):
        assert "has ended" in await refused(server.checked())
        assert await found(server.checked()) == ["database.expired"]


async def test_a_file_of_the_address_that_is_not_there_is_named_as_the_cause(server: Guarded, tmp_path: Path) -> None:
    missing = server.checked(sslrootcert=str(tmp_path / "nowhere.pem"))
    assert "address cannot be used" in await refused(missing)
    assert await found(missing) == ["database.address"]


async def test_verify_full_without_an_authority_is_an_unusable_address(
    server: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert await found(server.address(sslmode="verify-full")) == ["database.address"]


async def test_a_way_in_clear_is_refused_by_a_server_that_wants_tls(server: Guarded) -> None:
    assert await found(server.address(sslmode="disable")) == ["database.login"]


async def test_tls_that_nobody_checks_is_told_as_such(server: Guarded) -> None:
    connection = await asyncpg.connect(server.address(sslmode="require"))
    way = await way_of(connection, server.address(sslmode="require"))
    await connection.close()
    assert (bool(way.tls), way.is_checked) == (True, False)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        (Way(tls="", is_checked=False, is_local=True), []),
        (Way(tls="", is_checked=False, is_local=False), [("database_way.clear", Level.WARNING)]),
        (Way(tls="TLSv1.3", is_checked=False, is_local=False), [("database_way.unchecked", Level.WARNING)]),
        (Way(tls="TLSv1.3", is_checked=True, is_local=False), [("database_way.ok", Level.OK)]),
    ],
)
async def test_the_doctor_warns_of_a_way_to_another_machine_that_is_not_guarded(
    way: Way, told: list[tuple[str, Level]]
) -> None:
    assert [(it.key, it.level) for it in _way(way, "main")] == told
