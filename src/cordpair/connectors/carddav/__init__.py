"""An address book over CardDAV as a source of parties: who calls is found there; calls are not written to it."""

from collections.abc import Callable
from datetime import datetime

import httpx

from cordpair.connectors.carddav.book import AddressBook
from cordpair.connectors.carddav.dav import Dav, read_settings
from cordpair.core.tenant import CrmSetup

__all__ = ["AddressBook", "connect"]


def connect(
    setup: CrmSetup, *, region: str, time_zone: str, http: httpx.AsyncClient, now: Callable[[], datetime]
) -> AddressBook:
    """Open an address book. Raises Rejected for a wrong setting."""
    del time_zone
    return AddressBook(Dav(read_settings(setup), http, now), region=region)
