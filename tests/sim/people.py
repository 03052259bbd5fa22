"""What callers and agents of the simulation are like. Seconds throughout."""

from collections.abc import Callable
from random import Random

import msgspec


class Reaction(msgspec.Struct, frozen=True):
    """What an agent does with a ring: accept | decline | ignore, after some time."""

    does: str
    after_s: float


class Habits:
    """Draws what people do. `has_talked` (tenant, call id, agent) is told of every conversation that is over."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.has_talked: Callable[[str, str, str], None] = lambda _tenant, _call, _agent: None

    def patience_s(self) -> float:
        """How long a caller waits for somebody."""
        return self._chance.uniform(5, 40) if self._chance.random() < 0.2 else self._chance.uniform(40, 240)

    def talk(self) -> tuple[float, bool]:
        """How long a conversation lasts, and whether the agent ends it. Some are over at once."""
        long_s = self._chance.uniform(0.5, 4) if self._chance.random() < 0.1 else self._chance.uniform(10, 150)
        return long_s, self._chance.random() < 0.4

    def reaction(self) -> Reaction:
        drawn, after_s = self._chance.random(), self._chance.uniform(1, 18)
        if drawn < 0.72:
            return Reaction("accept", after_s)
        if drawn < 0.80:
            return Reaction("accept", self._chance.uniform(18, 24))  # just about when the ring has had its time
        return Reaction("decline", after_s) if drawn < 0.90 else Reaction("ignore", after_s)

    def until_written_s(self) -> float | None:
        """How long after a conversation the agent writes it down; None: never."""
        return self._chance.uniform(2, 50) if self._chance.random() < 0.8 else None

    def until_back_s(self) -> float:
        """How long it takes somebody who missed a ring to say that they are here."""
        return self._chance.uniform(20, 90)
