"""Examines the way to the trace collector: asked as the exporter asks it, with nothing to tell."""

import importlib.util
import ssl
from collections.abc import Mapping

import httpx
from opentelemetry.util.re import parse_env_headers

from cordpair.connectors.kit import certificate_fault
from cordpair.engine.doctor_outside import NO_ANSWER
from cordpair.engine.findings import Finding, ok, problem

_PATIENCE_S = 5.0
_EXPORTER = ("opentelemetry.sdk", "opentelemetry.exporter")


async def examine_collector(endpoint: str, environment: Mapping[str, str]) -> list[Finding]:
    """Whether the collector is there and takes spans; nothing to say where none is set up.

    `environment` holds OpenTelemetry's own variables (headers, the certificate of an authority), as the exporter reads
    them.
    """
    if not endpoint:
        return []
    if not _is_installed():
        return [problem("collector.extra")]
    try:
        authority = _variable(environment, "CERTIFICATE")
        tls = ssl.create_default_context(cafile=authority) if authority else httpx.create_ssl_context()
    except OSError:  # the file is not there, or holds no certificate
        return [problem("collector.certificate", url=endpoint)]
    try:
        headers = parse_env_headers(_variable(environment, "HEADERS"), liberal=True)
        status = await _asked(f"{endpoint}/v1/traces", headers, tls)
    except NO_ANSWER as exc:
        return [problem("collector.certificate" if certificate_fault(exc) else "collector.away", url=endpoint)]
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return [problem("collector.forbidden", url=endpoint, status=status)]
    if status != httpx.codes.OK:
        return [problem("collector.stranger", url=endpoint, status=status)]
    return [ok("collector.ok", url=endpoint)]


def _is_installed() -> bool:
    try:
        return all(importlib.util.find_spec(name) for name in _EXPORTER)
    except ModuleNotFoundError:
        return False


async def _asked(url: str, headers: Mapping[str, str], tls: ssl.SSLContext) -> int:
    """The status of the answer to a request without spans, which is an empty message."""
    async with httpx.AsyncClient(timeout=_PATIENCE_S, verify=tls) as http:
        answer = await http.post(url, headers={**headers, "Content-Type": "application/x-protobuf"}, content=b"")
    return answer.status_code


def _variable(environment: Mapping[str, str], name: str) -> str:
    """What is set for traces goes before what is set for everything."""
    return environment.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or environment.get(f"OTEL_EXPORTER_OTLP_{name}", "")
