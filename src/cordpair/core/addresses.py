"""Which addresses of the network may be spoken to when somebody else has named the host. Pure.

`is_global` of the standard library is not enough: addresses that carry another one inside (mapped, NAT64, 6to4) count
as public there, and so do some that clouds use for themselves.
"""

import ipaddress
from collections.abc import Sequence

from cordpair.errors import Rejected

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Why a host is not spoken to, for whoever reads the failure.
NOT_PUBLIC = "its address is not public (the setting private_networks allows more)"

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
#: Public by their number, and yet of the machine's own surroundings.
_DENIED: tuple[Network, ...] = (
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure's own server of each virtual machine
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("100.64.0.0/10"),
    ipaddress.IPv4Network("198.18.0.0/15"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv6Network("2001::/32"),  # Teredo: a tunnel to an address that it hides
    _LOCAL_NAT64,
)


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks in a setting, with commas between. Raises Rejected."""
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as exc:
        raise Rejected(f"{exc}; write networks like 10.1.0.0/16, with commas between") from exc


def may_be_reached(text: str, private: Sequence[Network]) -> bool:
    """Whether an address (as a resolver gives it) is public, or of one of the `private` networks that are allowed."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = unwrapped(address)
    if any(inner.version == network.version and inner in network for network in private):
        return True
    denied = any(one.version == network.version and one in network for one in (address, inner) for network in _DENIED)
    return not denied and _is_public(inner)


def unwrapped(address: Address) -> Address:
    """The address that is spoken to in the end: out of a mapped, NAT64 or 6to4 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return address


def _is_public(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
