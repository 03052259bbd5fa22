"""Who is at the ends of the lines, as the exchange sees them."""

from typing import Protocol

from cordpair.emulator.graph.call import Call, Ring
from cordpair.emulator.world import Tenant


class People(Protocol):
    """Agents and callers. The exchange asks them, and tells them what happens on their lines."""

    def is_signed_in(self, tenant: Tenant, user: str) -> bool: ...
    def ring_began(self, ring: Ring) -> None:
        """A client is to ring; one that cannot says so by `Rings.busy`."""

    def ring_ended(self, ring: Ring) -> None: ...
    def joined(self, call: Call, user: str) -> None: ...
    def left(self, call: Call, user: str) -> None: ...
    def answered(self, call: Call) -> None:
        """The caller hears the bot."""

    def ended(self, call: Call) -> None: ...
