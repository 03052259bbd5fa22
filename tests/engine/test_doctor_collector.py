"""What the doctor says of the way to the trace collector."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.engine.doctor_collector import examine_collector
from cordpair.engine.findings import Level
from tests.certificates import LOOPBACK, Authority
from tests.collector import collector

SECRET = "Bearer of-the-collector"


@contextlib.asynccontextmanager
async def guarded(certificate: Path | None = None, key: Path | None = None) -> AsyncIterator[str]:
    """A collector that lets in who knows its secret; over TLS where it has a certificate."""

    async def take(request: Request) -> Response:
        return Response(status_code=200 if request.headers.get("authorization") == SECRET else 401)

    app = Starlette(routes=[Route("/v1/traces", take, methods=["POST"])])
    with socket.create_server((LOOPBACK, 0)) as listening:
        known = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)} if certificate else {}
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, **known)  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"{'https' if certificate else 'http'}://{LOOPBACK}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def found(endpoint: str, **environment: str) -> dict[str, Level]:
    return {finding.key: finding.level for finding in await examine_collector(endpoint, environment)}


async def test_without_a_collector_there_is_nothing_to_say() -> None:
    assert await found("") == {}


async def test_a_collector_that_takes_spans_is_well_and_gets_none() -> None:
    async with collector() as told:
        assert await found(told.url) == {"collector.ok": Level.OK}
    assert told.spans == []


async def test_a_collector_that_is_not_there_is_a_problem() -> None:
    assert await found(f"http://{LOOPBACK}:9") == {"collector.away": Level.PROBLEM}


async def test_an_address_with_the_path_in_it_is_a_problem() -> None:
    async with collector() as told:
        assert await found(f"{told.url}/v1/traces") == {"collector.stranger": Level.PROBLEM}


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"])
async def test_a_collector_is_asked_with_the_headers_that_the_exporter_sends(variable: str) -> None:
    async with guarded() as url:
        assert await found(url) == {"collector.forbidden": Level.PROBLEM}
        assert await found(url, **{variable: "authorization=Bearer%20of-the-collector"}) == {"collector.ok": Level.OK}


async def test_a_collector_with_a_certificate_of_a_private_authority_needs_it_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    for file, content in zip((certificate, key), authority.issue(), strict=True):
        file.write_bytes(content)
    named = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.file)}
    async with guarded(certificate, key) as url:
        assert await found(url) == {"collector.certificate": Level.PROBLEM}
        assert await found(url, **named) == {"collector.forbidden": Level.PROBLEM}


async def test_an_authority_s_file_that_is_not_there_is_a_problem_of_the_certificate() -> None:
    nowhere = {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere/authority.pem"}
    assert await found(f"https://{LOOPBACK}:9", **nowhere) == {"collector.certificate": Level.PROBLEM}
