"""What a simulated day is made of, as data: classes of contacts, groups of agents. Times are seconds from its begin."""

import math
from enum import StrEnum

import msgspec

from cordpair.core.ids import QueueId
from cordpair.core.need import Ability, Membership, Need, Step, Value, steps_are_in_order
from cordpair.errors import Rejected


class Distribution(StrEnum):
    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"
    CONSTANT = "constant"


class Duration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A random time. `variation` is standard deviation by mean, of the lognormal only."""

    mean_s: float
    distribution: Distribution = Distribution.EXPONENTIAL
    variation: float = 1.0

    def __post_init__(self) -> None:
        if not (self.mean_s > 0 and math.isfinite(self.mean_s) and self.variation > 0):
            raise ValueError("mean_s and variation must be positive")

    @property
    def log_parameters(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm."""
        spread = math.log1p(self.variation**2)
        return math.log(self.mean_s) - spread / 2, math.sqrt(spread)


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """So many an hour from `from_s` on, until the next one begins."""

    per_hour: float
    from_s: float = 0.0

    def __post_init__(self) -> None:
        if not (self.per_hour >= 0 and math.isfinite(self.per_hour)):
            raise ValueError("per_hour must not be negative")

    @property
    def per_s(self) -> float:
        return self.per_hour / 3600


class ContactClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Contacts of one kind. Without `patience` they wait for ever; `level_s` is the time of the service level."""

    name: str
    queue: QueueId
    arrivals: tuple[Rate, ...]
    handling: Duration
    patience: Duration | None = None
    credit_s: float = 0.0
    tier: int = 0
    level_s: float = 20.0
    steps: tuple[Step, ...] = (Step(),)

    def __post_init__(self) -> None:
        begins = [rate.from_s for rate in self.arrivals]
        if not begins or begins[0] != 0 or begins != sorted(set(begins)):
            raise ValueError("arrivals must begin at from_s = 0, each later than the one before")
        if not any(rate.per_hour for rate in self.arrivals):
            raise ValueError("arrivals must not be all 0")
        if not self.steps or not steps_are_in_order(self.steps):
            raise ValueError("steps must begin at after_s = 0, each later than the one before")

    def rate_at(self, when_s: float) -> float:
        """Arrivals per second at an instant."""
        return next(rate.per_s for rate in reversed(self.arrivals) if rate.from_s <= when_s)

    def need(self, step: int) -> Need:
        """What the contact asks for in its step."""
        return self.steps[step].need(self.queue)


class AgentGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Agents who are alike. They take calls from `from_s` to `to_s` (None: the end)."""

    name: str
    count: int
    queues: tuple[QueueId | Membership, ...]
    skills: tuple[str, ...] = ()
    attributes: dict[str, Value] = msgspec.field(default_factory=dict)
    from_s: float = 0.0
    to_s: float | None = None

    def __post_init__(self) -> None:
        if self.count < 1 or not self.queues:
            raise ValueError("a group needs at least one agent and one queue")
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError("to_s must be later than from_s")

    @property
    def ability(self) -> Ability:
        return Ability.of(self.queues, self.skills, self.attributes)

    def until_s(self, scenario: "Scenario") -> float:
        return scenario.length_s if self.to_s is None else min(self.to_s, scenario.length_s)


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A day to simulate. What happens before `warm_up_s` fills the floor and is not counted."""

    length_s: float
    warm_up_s: float = 0.0
    contacts: tuple[ContactClass, ...]
    agents: tuple[AgentGroup, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up_s < self.length_s:
            raise ValueError("length_s must be greater than warm_up_s")
        for what, names in (
            ("contacts", [one.name for one in self.contacts]),
            ("agents", [one.name for one in self.agents]),
        ):
            if not names or len(set(names)) < len(names):
                raise ValueError(f"{what} must be given, each with a name of its own")


def read_scenario(data: object) -> Scenario:
    """A scenario from plain data (of a TOML or JSON file). Raises Rejected with the place of the mistake."""
    try:
        return msgspec.convert(data, Scenario, strict=False)
    except msgspec.ValidationError as exc:
        raise Rejected(str(exc)) from exc
