"""A CRM in memory that keeps every promise of a real one: for demonstrations of the engine and its tests."""

from collections.abc import Callable
from datetime import datetime

import httpx

from cordpair.connectors.memory.crm import MemoryCrm, Trouble
from cordpair.core.tenant import CrmSetup

__all__ = ["MemoryCrm", "Trouble", "connect"]


def connect(
    setup: CrmSetup, *, region: str, time_zone: str, http: httpx.AsyncClient, now: Callable[[], datetime]
) -> MemoryCrm:
    """An empty one. Needs no settings, no HTTP and no time zone."""
    del setup, time_zone, http
    return MemoryCrm(region=region, now=now)
