"""What must be known of a directory before it can be asked."""

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

from cordpair.core.tenant import CrmSetup
from cordpair.errors import Rejected

#: Every setting with its default; None: it must be given.
_DEFAULTS: dict[str, str | None] = {
    "url": None,
    "base_dn": None,
    "bind_dn": "",
    "start_tls": "no",
    "filter": "(objectClass=person)",
    "id": "entryUUID",
    "name": "cn",
    "company": "o",
    "country": "c",
    "phones": "telephoneNumber mobile homePhone",
    "changed": "modifyTimestamp",
    "page_size": "500",
    "record_link": "",
}
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9;-]{0,60}")


class LdapSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one directory; attributes are named as its schema has them. Active Directory: id objectGUID,
    changed whenChanged. `filter` chooses the entries that are people."""

    host: str
    port: int
    tls: bool
    start_tls: bool
    base_dn: str
    bind_dn: str
    password: str
    filter: str
    id: str
    name: str
    company: str
    country: str
    phones: tuple[str, ...]
    changed: str
    page_size: int
    record_link: str

    @property
    def attributes(self) -> list[str]:
        return [one for one in (self.id, self.name, self.company, self.country, self.changed, *self.phones) if one]


def read_settings(setup: CrmSetup) -> LdapSettings:
    """Read what an administrator has set. Raises Rejected, naming the setting."""
    for name in setup.settings.keys() - _DEFAULTS.keys():
        raise Rejected(f"LDAP: there is no setting {name}; there are: {', '.join(_DEFAULTS)}")
    given = {name: setup.settings.get(name, default) for name, default in _DEFAULTS.items()}
    for name, value in given.items():
        if value is None or (not value.strip() and _DEFAULTS[name] is None):
            raise Rejected(f"LDAP: {name} is missing")
    text = {name: value or "" for name, value in given.items()}
    host, port, tls = _address(text["url"])
    start_tls = text["start_tls"] == "yes"
    if not (tls or start_tls or _is_loopback(host)):
        raise Rejected("LDAP: url must begin with ldaps://, or start_tls must be yes")
    phones = tuple(text["phones"].replace(",", " ").split())
    for name in (text["id"], text["name"], text["company"], text["country"], text["changed"], *phones):
        if name and not _ATTRIBUTE.fullmatch(name):
            raise Rejected(f"LDAP: {name} is no name of an attribute")
    if not phones or not text["id"] or not text["name"]:
        raise Rejected("LDAP: phones, id and name must name attributes")
    return LdapSettings(
        host=host,
        port=port,
        tls=tls,
        start_tls=start_tls,
        base_dn=text["base_dn"],
        bind_dn=text["bind_dn"],
        password=setup.secrets.get("password", ""),
        filter=_filter(text["filter"]),
        id=text["id"],
        name=text["name"],
        company=text["company"],
        country=text["country"],
        phones=phones,
        changed=text["changed"],
        page_size=_page_size(text["page_size"]),
        record_link=text["record_link"],
    )


def _address(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as exc:
        raise Rejected("LDAP: url must look like ldaps://directory.example.org") from exc
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or parts.path.strip("/") or parts.username:
        raise Rejected("LDAP: url must look like ldaps://directory.example.org")
    tls = parts.scheme == "ldaps"
    return parts.hostname, port or (636 if tls else 389), tls


def _filter(text: str) -> str:
    if not (text.startswith("(") and text.endswith(")") and text.count("(") == text.count(")")):
        raise Rejected("LDAP: filter must look like (objectClass=person)")
    return text


def _page_size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise Rejected("LDAP: page_size must be 1 to 1000")
    return int(text)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
