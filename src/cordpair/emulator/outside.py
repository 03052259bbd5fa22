"""People outside whom an organisation calls: their telephones ring, they answer, talk and hang up."""

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.exchange import Exchange
from cordpair.emulator.graph.call import Call, Ring

_ANSWERS_AFTER_S = (2.0, 9.0)
_TALKS_S = (20.0, 120.0)


class Outside:
    """Telephones that are not of the organisation. In manual mode they do only what they are told."""

    def __init__(self, cloud: Cloud, exchange: Exchange) -> None:
        self._cloud, self._exchange = cloud, exchange
        self._dice = cloud.random("outside")
        self.rings: dict[str, Ring] = {}  #: by number
        self.is_manual = False

    def ring_began(self, ring: Ring) -> None:
        assert ring.number is not None
        if ring.number in self.rings:
            self._exchange.busy(ring)
            return
        self.rings[ring.number] = ring
        if not self.is_manual:
            self._cloud.clock.later(self._dice.uniform(*_ANSWERS_AFTER_S), lambda: self._answer(ring))

    def ring_ended(self, ring: Ring) -> None:
        if ring.number is not None and self.rings.get(ring.number) is ring:
            del self.rings[ring.number]

    def answer(self, number: str) -> bool:
        """The telephone of this number is picked up. Raises KeyError when it does not ring."""
        return self._exchange.accept(self.rings[number])

    def decline(self, number: str) -> None:
        """They do not want to talk. Raises KeyError when it does not ring."""
        self._exchange.decline(self.rings[number])

    def hang_up(self, call: Call, number: str) -> None:
        """They leave the call."""
        self._exchange.number_leaves(call, number)

    def _answer(self, ring: Ring) -> None:
        number = ring.number
        if number is not None and self._exchange.accept(ring):
            self._cloud.clock.later(self._dice.uniform(*_TALKS_S), lambda: self.hang_up(ring.call, number))
