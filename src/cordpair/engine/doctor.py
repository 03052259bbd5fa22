"""The examination of an installation and of its organisations: what is looked at, in which order."""

import asyncio
import ssl
from collections.abc import Mapping

import httpx
from msgspec.structs import replace

from cordpair.core.ids import TenantId
from cordpair.engine.clock import Clock
from cordpair.engine.doctor_certificate import examine_certificate, examine_own_certificate, is_refused
from cordpair.engine.doctor_collector import examine_collector
from cordpair.engine.doctor_outside import examine_clock, examine_listening, examine_public_url
from cordpair.engine.doctor_tenant import TenantDoctor
from cordpair.engine.findings import Finding, problem, warning
from cordpair.errors import CordpairError
from cordpair.settings import Settings
from cordpair.store.doors import Store

_AT_ONCE = 4  #: organisations that are examined at the same time


async def examine_outside(
    settings: Settings, http: httpx.AsyncClient, tls: ssl.SSLContext, wall: Clock, environment: Mapping[str, str]
) -> list[Finding]:
    """Clock, public address, certificates, trace collector. Changes nothing; a failure is a finding, never an error.

    `tls` is what certificates are checked against, `wall` the clock of this machine; `environment` holds the variables
    of OpenTelemetry's exporter.
    """
    address = await examine_public_url(http, settings.public_url)
    shown = await examine_certificate(settings.public_url, tls, wall)
    if is_refused(shown):  # then that is why the address cannot be reached
        address = [finding for finding in address if finding.key != "public_url.away"]
    return [
        *await examine_clock(http, settings.graph_url, wall),
        *address,
        *shown,
        *examine_own_certificate(settings, wall),
        *examine_listening(settings),
        *await examine_collector(settings.otlp_endpoint, environment),
    ]


async def examine_tenants(
    store: Store, settings: Settings, http: httpx.AsyncClient, clock: Clock, wall: Clock
) -> list[Finding]:
    """Every organisation that is set up, in the order of their ids. `clock` is the product's, `wall` the machine's."""
    async with store.open_queue() as queue:
        tenants = await queue.tenants()
    if not tenants:
        return [warning("organisations.none")]
    doctor = TenantDoctor(store, settings, http, clock, wall)
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(tenant: TenantId) -> list[Finding]:
        async with free:
            return [replace(finding, organisation=tenant) for finding in await _examined(doctor, tenant)]

    try:
        return [finding for found in await asyncio.gather(*map(one, tenants)) for finding in found]
    finally:
        await doctor.close()


async def _examined(doctor: TenantDoctor, tenant: TenantId) -> list[Finding]:
    try:
        return await doctor.examine(tenant)
    except CordpairError as exc:
        return [problem("setup.unusable", why=str(exc))]
    except Exception as exc:  # noqa: BLE001 - the outermost place of this work: the other organisations are examined
        return [problem("examination.failed", why=type(exc).__name__)]
