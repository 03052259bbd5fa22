"""Agents on one side, callers and those outside on the other: passes on to them what the exchange tells."""

from cordpair.emulator.callers import Callers
from cordpair.emulator.floor import Floor
from cordpair.emulator.graph.call import Call, Ring
from cordpair.emulator.outside import Outside
from cordpair.emulator.world import Tenant


class Everybody:
    """`people.People` of the demo world. `callers` and `outside` are set when they are there."""

    callers: Callers
    outside: Outside

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def is_signed_in(self, tenant: Tenant, user: str) -> bool:
        return self._floor.is_signed_in(tenant, user)

    def ring_began(self, ring: Ring) -> None:
        (self.outside if ring.number else self._floor).ring_began(ring)

    def ring_ended(self, ring: Ring) -> None:
        (self.outside if ring.number else self._floor).ring_ended(ring)

    def joined(self, call: Call, user: str) -> None:
        self._floor.joined(call, user)
        self.callers.joined(call, user)

    def left(self, call: Call, user: str) -> None:
        self._floor.left(call, user)
        self.callers.left(call)

    def answered(self, call: Call) -> None:
        self.callers.answered(call)

    def ended(self, call: Call) -> None:
        self.callers.ended(call)
