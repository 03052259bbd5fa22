"""A directory over LDAP as a source of parties: who calls is found there; calls are not written to it."""

from collections.abc import Callable
from datetime import datetime

import httpx

from cordpair.connectors.ldap.directory import LdapDirectory
from cordpair.connectors.ldap.settings import read_settings
from cordpair.connectors.ldap.wire import LdapWire
from cordpair.core.tenant import CrmSetup

__all__ = ["LdapDirectory", "connect"]


def connect(
    setup: CrmSetup, *, region: str, time_zone: str, http: httpx.AsyncClient, now: Callable[[], datetime]
) -> LdapDirectory:
    """Open a directory. Raises Rejected for a wrong setting."""
    del time_zone, http
    settings = read_settings(setup)
    return LdapDirectory(settings, LdapWire(settings), region=region, now=now)
