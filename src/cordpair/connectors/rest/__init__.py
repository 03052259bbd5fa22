"""Any CRM over HTTP, by a mapping file: data that says how to ask and how to read, not a connector of its own."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx

from cordpair.connectors.rest.answers import Meaning
from cordpair.connectors.rest.client import Client
from cordpair.connectors.rest.crm import RestCrm
from cordpair.connectors.rest.hosts import Hosts
from cordpair.connectors.rest.mapping import Mapping, OAuth
from cordpair.connectors.rest.reading import read_mapping, schema, shipped_names, shipped_text
from cordpair.connectors.rest.settings import given_values
from cordpair.connectors.rest.sign_in import SignIn
from cordpair.connectors.rest.templates import template
from cordpair.connectors.rest.wire import Seen, Watch, Wire
from cordpair.core.tenant import CrmSetup
from cordpair.errors import Rejected

__all__ = [
    "Mapping",
    "RestCrm",
    "Seen",
    "connect",
    "mapping_of",
    "opened",
    "read_mapping",
    "schema",
    "shipped_names",
    "shipped_text",
]

#: Connectors that an own mapping cannot be called after: parties would be taken for theirs.
_TAKEN = frozenset({"imis", "ldap", "carddav", "memory", "teams"})
OWN = "rest"  #: the connector's name where the mapping is the organisation's own, given as the setting `mapping`


def connect(
    setup: CrmSetup, *, region: str, time_zone: str, http: httpx.AsyncClient, now: Callable[[], datetime]
) -> RestCrm:
    """Open the CRM of the mapping that the setup names or holds. Raises Rejected for a wrong mapping or setting."""
    return opened(mapping_of(setup), setup, region=region, time_zone=time_zone, http=http, now=now)


def mapping_of(setup: CrmSetup) -> Mapping:
    """The mapping of a setup: its own text, or the one that comes with cordpair under the connector's name."""
    if setup.connector == OWN:
        mapping = read_mapping(setup.settings.get("mapping", ""), "mapping")
        if mapping.name in _TAKEN:
            raise Rejected(f"mapping: name: {mapping.name} is another connector; choose another name")
        return mapping
    return read_mapping(shipped_text(setup.connector), f"{setup.connector}.toml")


def opened(
    mapping: Mapping,
    setup: CrmSetup,
    *,
    region: str,
    time_zone: str,
    http: httpx.AsyncClient,
    now: Callable[[], datetime],
    watch: Watch | None = None,
) -> RestCrm:
    """Open a CRM by a mapping; `watch` sees each request and answer without secrets. Raises Rejected."""
    settings, secrets = given_values(mapping, setup)
    context = {"settings": settings, "secrets": secrets}
    base_url = template(mapping.base_url).text(context).rstrip("/")
    addresses = [base_url]
    if isinstance(mapping.auth, OAuth):
        addresses.append(template(mapping.auth.token_url).text(context))
    hosts = Hosts(mapping.title, addresses, [template(one).text(context) for one in mapping.hosts])
    limits = mapping.limits
    wire = Wire(http, limits.concurrent, tuple(secrets.values()), watch)
    meaning = Meaning(mapping.title, mapping.errors, limits.quarantine_s)
    sign_in = SignIn(
        mapping.auth,
        context,
        title=mapping.title,
        base_url=base_url,
        hosts=hosts,
        wire=wire,
        meaning=meaning,
        timeout_s=limits.timeout_s,
        now=now,
    )
    client = Client(
        mapping, settings, base_url=base_url, hosts=hosts, sign_in=sign_in, wire=wire, meaning=meaning, now=now
    )
    return RestCrm(mapping, client, region=region, zone=ZoneInfo(time_zone), now=now)
