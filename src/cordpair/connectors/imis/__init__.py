"""iMIS (ASI): parties, live look-up by phone, hourly sync, activities written once."""

from collections.abc import Callable
from datetime import datetime

import httpx

from cordpair.connectors.imis.crm import ImisCrm
from cordpair.connectors.imis.session import ImisSession
from cordpair.connectors.imis.settings import ImisSettings, read_settings
from cordpair.core.tenant import CrmSetup

__all__ = ["ImisCrm", "ImisSettings", "connect"]


def connect(
    setup: CrmSetup, *, region: str, time_zone: str, http: httpx.AsyncClient, now: Callable[[], datetime]
) -> ImisCrm:
    """Open an iMIS. Raises Rejected for a wrong setting. The tenant's own time zone is never taken for iMIS's."""
    del region, time_zone
    settings = read_settings(setup)
    return ImisCrm(settings, ImisSession(settings, http, now), now)
