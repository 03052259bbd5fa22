"""Finds a CRM connector by its name. A connector is imported when it is opened, not before."""

import importlib
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

import httpx

from cordpair.connectors.kit import Crm
from cordpair.core.tenant import CrmSetup
from cordpair.errors import Rejected

#: Name of each connector and what people call the system.
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "imis": "iMIS",
        "memory": "Memory",
        "rest": "an own mapping",
        "dataverse": "Dynamics 365",
        "hubspot": "HubSpot",
        "salesforce": "Salesforce",
        "tryton": "Tryton",
        "ldap": "LDAP",
        "carddav": "CardDAV",
    }
)

#: Dataverse, HubSpot, Salesforce and Tryton are mapping files of the connector for any CRM over HTTP.
_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "imis": "cordpair.connectors.imis",
        "memory": "cordpair.connectors.memory",
        "rest": "cordpair.connectors.rest",
        "dataverse": "cordpair.connectors.rest",
        "hubspot": "cordpair.connectors.rest",
        "salesforce": "cordpair.connectors.rest",
        "tryton": "cordpair.connectors.rest",
        "ldap": "cordpair.connectors.ldap",
        "carddav": "cordpair.connectors.carddav",
    }
)


class Clock(Protocol):
    """Tells the time, aware UTC."""

    def now(self) -> datetime: ...


class Connect(Protocol):
    """What a connector's module exports as `connect`."""

    def __call__(
        self, setup: CrmSetup, *, region: str, time_zone: str, http: httpx.AsyncClient, now: Callable[[], datetime]
    ) -> Crm: ...


def open_crm(setup: CrmSetup, *, region: str, time_zone: str, http: httpx.AsyncClient, clock: Clock) -> Crm:
    """Open the CRM of a tenant whose national numbers belong to `region` and who lives in `time_zone` (IANA).

    `http` is shared and stays the caller's to close. Nothing is sent yet. Raises Rejected, with one clear line,
    for an unknown connector or a wrong setting.
    """
    module = _MODULES.get(setup.connector)
    if module is None:
        raise Rejected(f"there is no connector {setup.connector!r}; there are: {', '.join(sorted(_MODULES))}")
    connect: Connect = importlib.import_module(module).connect
    return connect(setup, region=region, time_zone=time_zone, http=http, now=clock.now)


def title(connector: str) -> str:
    """What people call the system behind a connector."""
    return TITLES.get(connector, connector)
