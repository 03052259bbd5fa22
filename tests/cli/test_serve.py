"""The served product as an operator starts it: a process with settings from the environment."""

import asyncio
import contextlib
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from cordpair.cli.tenant import read_setup
from tests.certificates import LOOPBACK, Authority
from tests.databases import folder
from tests.product.house import until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def data() -> Iterator[str]:
    """A data folder; whoever is served first makes the database in it."""
    with folder() as made:
        yield str(made)


async def started(settings: dict[str, str], *, stderr: int | None = None) -> asyncio.subprocess.Process:
    """`cordpair serve` with these settings."""
    known = {"LOG_LEVEL": "error", **settings}
    environment = {**os.environ, **{f"CORDPAIR_{name}": value for name, value in known.items()}}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cordpair", "serve", env=environment, stderr=stderr
    )


@contextlib.asynccontextmanager
async def served(url: str, http: httpx.AsyncClient, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A product, once it is ready at `url`; in the end it is told to end, and does."""
    process = await started(settings)

    async def ready() -> bool:
        assert process.returncode is None
        try:
            return (await http.get(f"{url}/health/ready")).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        await until(ready, 60)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def test_a_served_product_is_ready_tells_metrics_and_ends_when_told_to(data: str) -> None:
    port, metrics = free_port(), free_port()
    ours = {"DATA_DIR": data, "PORT": str(port), "METRICS_PORT": str(metrics)}
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        async with served(f"http://127.0.0.1:{port}", http, **ours) as process:
            told = (await http.get(f"http://127.0.0.1:{metrics}/metrics")).text
        assert "cc_outbox_pending" in told
        assert process.returncode in (0, -15)


async def test_a_product_served_with_a_certificate_speaks_https_only_and_says_so(data: str, tmp_path: Path) -> None:
    authority, port = Authority(tmp_path, "ours"), free_port()
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    for file, content in zip(files, authority.issue(), strict=True):
        file.write_bytes(content)
    url, tls = f"https://{LOOPBACK}:{port}", ssl.create_default_context(cafile=str(authority.file))
    ours = {"TLS_CERTIFICATE": str(files[0]), "TLS_KEY": str(files[1]), "PUBLIC_URL": url}
    ours |= {"DATA_DIR": data, "PORT": str(port)}
    async with httpx.AsyncClient(timeout=5, verify=tls, trust_env=False) as http, served(url, http, **ours):
        answers = [await http.get(f"{url}{path}") for path in ("/health/live", "/floor", "/nowhere")]
        answers.append(await http.post(f"{url}/graph/nobody/calls", json={}))
        assert [answer.headers.get("strict-transport-security") for answer in answers] == ["max-age=31536000"] * 4
        with pytest.raises(httpx.TransportError):
            await http.get(f"http://{LOOPBACK}:{port}/health/live")


async def test_a_certificate_that_cannot_be_used_stops_the_start_with_one_line(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(Authority(tmp_path, "ours").issue()[0])
    key.write_bytes(Authority(tmp_path, "strange").issue()[1])
    ours = {"TLS_CERTIFICATE": str(certificate), "TLS_KEY": str(key), "PUBLIC_URL": "https://cordpair.example"}
    process = await started({"DATA_DIR": str(tmp_path / "data"), **ours}, stderr=asyncio.subprocess.PIPE)
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert "CORDPAIR_TLS_CERTIFICATE, CORDPAIR_TLS_KEY: the key is not the certificate's" in said.decode()
    assert (process.returncode, (tmp_path / "data").exists()) == (1, False)


def test_the_example_of_an_organisation_can_be_applied() -> None:
    example = Path(__file__).parents[2] / "docs" / "reference" / "organisation.toml"
    setup = read_setup(example)
    assert (setup.queues[0].dispositions[1].de, setup.agents[0].queues) == ("Rückruf", ("membership", "taxes"))
