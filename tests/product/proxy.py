"""A proxy before the product, with habits that proxies have; over TLS where it is given a certificate."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_HOP = {"host", "content-length", "connection", "transfer-encoding"}


@contextlib.asynccontextmanager
async def proxy(
    target: str,
    *,
    takes: frozenset[str] = frozenset(),
    adds: dict[str, str] | None = None,
    refuses: frozenset[str] = frozenset(),
    certificate: Path | None = None,
) -> AsyncIterator[str]:
    """Its address. It takes these headers away from requests, adds those to answers, and refuses these methods."""
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:

        async def passing(request: Request) -> Response:
            if request.method in refuses:
                return Response("not here", status_code=405)
            url = f"{target}{request.url.path}" + (f"?{request.url.query}" if request.url.query else "")
            headers = {name: value for name, value in request.headers.items() if name not in _HOP | takes}
            answer = await http.request(request.method, url, headers=headers, content=await request.body())
            kept = {name: value for name, value in answer.headers.items() if name not in _HOP}
            return Response(answer.content, answer.status_code, headers={**kept, **(adds or {})})

        app = Starlette(routes=[Route("/{path:path}", passing, methods=["GET", "POST"])])
        with socket.create_server(("127.0.0.1", 0)) as listening:
            known = {"ssl_certfile": str(certificate), "ssl_keyfile": str(certificate)} if certificate else {}
            config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, **known)  # type: ignore[arg-type]
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                yield f"{'https' if certificate else 'http'}://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True
                await serving


def self_signed(folder: Path, *, days: int) -> Path:
    """A certificate for this machine with its key, good for some more days."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "here.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def trusting(certificate: Path) -> ssl.SSLContext:
    """What certificates are checked against, where this one is an authority."""
    return ssl.create_default_context(cafile=str(certificate))
