"""What may be an endpoint: an address that is encrypted, without a user in it, and not in a network of our own."""

import ipaddress

import httpx

from cordpair.core.addresses import may_be_reached, read_networks
from cordpair.errors import Rejected


def checked_address(text: str, private_networks: str) -> None:
    """Raises Rejected for an address that no message may be sent to. Names are judged again when they are resolved."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise Rejected("an endpoint looks like https://flows.example.org/hook") from exc
    private = read_networks(private_networks)
    try:
        literal = str(ipaddress.ip_address(url.host))
    except ValueError:
        literal = ""
    if url.userinfo or url.fragment or not url.host or url.scheme not in ("https", "http"):
        raise Rejected("an endpoint looks like https://flows.example.org/hook")
    if literal and not may_be_reached(literal, private):
        raise Rejected("an endpoint must not be in a network that is not public (CORDPAIR_PRIVATE_NETWORKS)")
    if url.scheme == "http" and not (literal and ipaddress.ip_address(literal).is_loopback):
        raise Rejected("an endpoint must begin with https://")
