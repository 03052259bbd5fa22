"""Whom a mapping may speak to: the host of its base URL and what it lists. Nothing that a CRM answers widens this."""

import ipaddress
from collections.abc import Iterable

import httpx

from cordpair.errors import Rejected


class Hosts:
    """The allow-list of one connector. Names may begin with `*.`: any host below."""

    def __init__(self, title: str, addresses: Iterable[str], names: Iterable[str]) -> None:
        self._title = title
        self._names = {address(title, one).host for one in addresses} | {name.strip().lower() for name in names}

    def allowed(self, text: str) -> httpx.URL:
        """The address, if it may be spoken to. Raises Rejected."""
        url = address(self._title, text)
        host = url.host.lower()
        if host in self._names or any(name.startswith("*.") and host.endswith(name[1:]) for name in self._names):
            return url
        raise Rejected(f"{self._title}: {host} is not among the hosts of the mapping")


def address(title: str, text: str) -> httpx.URL:
    """An address that may be used at all: encrypted unless it stays on this machine, without user and password."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as exc:
        raise Rejected(f"{title}: an address must look like https://crm.example.org") from exc
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.fragment:
        raise Rejected(f"{title}: an address must look like https://crm.example.org")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise Rejected(f"{title}: addresses must begin with https://")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
