"""Which addresses may be spoken to when somebody else has named the host."""

import pytest

from cordpair.core.addresses import may_be_reached, read_networks
from cordpair.errors import Rejected

INSIDE = [
    *("127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("192.0.0.192", "168.63.129.16", "198.18.0.1", "255.255.255.255", "240.0.0.1"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::7f00:1"),
    *("", "localhost", "2130706433", "127.1"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_of_our_own_surroundings_is_not_reached(address: str) -> None:
    assert not may_be_reached(address, ())


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
)
def test_a_public_address_is_reached(address: str) -> None:
    assert may_be_reached(address, ())


def test_a_private_network_that_is_allowed_is_reached_and_its_neighbour_is_not() -> None:
    allowed = read_networks("10.1.0.0/16, fd00:7::/32")
    reached = ("10.1.2.3", "::ffff:10.1.2.3", "fd00:7::1")
    assert all(may_be_reached(address, allowed) for address in reached)
    assert not may_be_reached("10.2.0.1", allowed)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(Rejected, match=r"10\.1\.0\.0/16"):
        read_networks("10.1.0.0/99")
