"""How many agents are enough: the Erlang B, C and A models.

Calls arrive at random (Poisson), handling times are exponential, all agents can take all calls. B: a call that finds
all agents busy is lost. C: it waits for ever. A: it waits until its patience, exponential too, is over (Garnett,
Mandelbaum, Reiman 2002, "Designing a call center with impatient customers"). Rates are per second, times seconds.

Exact, not approximate: sums of state probabilities relative to "all agents busy", which neither overflow nor cancel,
tested to 1e-9 against sixty digits for up to 5,000 agents. The definitions of service level are those of contact centre
products, by name; without abandonment they are one.
"""

import math
from enum import StrEnum

import msgspec

from cordpair.core.erlang_a import waiting_shares
from cordpair.errors import Rejected


class LevelDefinition(StrEnum):
    """What the service level counts; "in" is within the target time."""

    OF_OFFERED = "of_offered"  #: answered in / offered
    OF_ANSWERED = "of_answered"  #: answered in / answered
    LESS_EARLY_ABANDONED = "less_early_abandoned"  #: answered in / (offered - abandoned in)
    IN_TIME = "in_time"  #: (answered in + abandoned in) / offered


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What comes in. `patience_s` is the mean; None: callers wait for ever. Refused when it is not positive."""

    calls_per_s: float
    handling_s: float
    patience_s: float | None = None

    def __post_init__(self) -> None:
        wrong = [
            name
            for name, value in (("calls", self.calls_per_s), ("handling time", self.handling_s))
            if not (value > 0 and math.isfinite(value))
        ]
        if self.patience_s is not None and not (self.patience_s > 0 and math.isfinite(self.patience_s)):
            wrong.append("patience")
        if wrong:
            raise Rejected(f"must be a positive number: {', '.join(wrong)}")

    @property
    def erlangs(self) -> float:
        """Calls that are handled at once on average, if none is lost."""
        return self.calls_per_s * self.handling_s


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """How it goes with so many agents. Shares are of the offered calls; times seconds.

    `wait_s` is the mean over all calls, those that give up among them. Where more comes than can be handled and nobody
    gives up, `wait_s` is infinite and the level 0.
    """

    agents: int
    waits: float
    abandons: float
    answered_in: float
    abandoned_in: float
    wait_s: float
    occupancy: float

    def level(self, definition: LevelDefinition) -> float:
        """The service level by one of its definitions."""
        answered = 1 - self.abandons
        match definition:
            case LevelDefinition.OF_OFFERED:
                return self.answered_in
            case LevelDefinition.OF_ANSWERED:
                return self.answered_in / answered if answered else 0.0
            case LevelDefinition.LESS_EARLY_ABANDONED:
                return self.answered_in / (1 - self.abandoned_in) if self.abandoned_in < 1 else 0.0
            case LevelDefinition.IN_TIME:
                return self.answered_in + self.abandoned_in


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What is enough: `share` of the calls within `within_s`, and where given, not more abandons, wait or occupancy."""

    share: float = 0.8
    within_s: float = 20.0
    definition: LevelDefinition = LevelDefinition.OF_OFFERED
    abandons_at_most: float | None = None
    wait_s_at_most: float | None = None
    occupancy_at_most: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise Rejected("the share of the service level must be at least 0 and less than 1")
        if self.within_s < 0:
            raise Rejected("the time of the service level must not be negative")

    def is_met(self, outlook: Outlook) -> bool:
        limits = (
            (outlook.abandons, self.abandons_at_most),
            (outlook.wait_s, self.wait_s_at_most),
            (outlook.occupancy, self.occupancy_at_most),
        )
        is_within = all(most is None or value <= most for value, most in limits)
        return is_within and outlook.level(self.definition) >= self.share


def blocking(erlangs: float, lines: int) -> float:
    """Erlang B: the share of calls that find all `lines` busy and are lost.

    By the recurrence B(n) = aB(n-1) / (n + aB(n-1)), B(0) = 1, which is stable for any size.
    """
    lost = 1.0
    for line in range(1, lines + 1):
        lost = erlangs * lost / (line + erlangs * lost)
    return lost


def outlook(load: Load, agents: int, within_s: float = 20.0) -> Outlook:
    """How it goes with `agents` (at least 1): Erlang A with patience, Erlang C without."""
    if agents < 1:
        raise Rejected("there must be at least one agent")
    return (
        _without_patience(load, agents, within_s) if load.patience_s is None else _with_patience(load, agents, within_s)
    )


def _without_patience(load: Load, agents: int, within_s: float) -> Outlook:
    erlangs, spare = load.erlangs, agents - load.erlangs
    if spare <= 0:
        gone = {"waits": 1.0, "answered_in": 0.0, "wait_s": math.inf, "occupancy": 1.0}
        return Outlook(agents=agents, abandons=0.0, abandoned_in=0.0, **gone)
    lost = blocking(erlangs, agents)
    waits = lost / (lost + (1 - lost) * spare / agents)
    return Outlook(
        agents=agents,
        waits=waits,
        abandons=0.0,
        answered_in=1 - waits * math.exp(-spare * within_s / load.handling_s),
        abandoned_in=0.0,
        wait_s=waits * load.handling_s / spare,
        occupancy=erlangs / agents,
    )


def _with_patience(load: Load, agents: int, within_s: float) -> Outlook:
    assert load.patience_s is not None
    service, leave = agents / load.handling_s, 1 / load.patience_s
    lost = blocking(load.erlangs, agents)
    # Everything relative to the state "all busy, nobody waits": all states below it and itself weigh 1 / B.
    shares = waiting_shares(load.calls_per_s, service, leave, within_s)
    # B is too small for a float where nobody ever waits.
    whole = (1 / lost - 1) * shares.scale + shares.states if lost else math.inf
    abandons = leave * shares.queue / load.calls_per_s / whole
    return Outlook(
        agents=agents,
        waits=shares.states / whole,
        abandons=abandons,
        answered_in=1 - (shares.states - shares.answered_in) / whole,
        abandoned_in=shares.abandoned_in / whole,
        wait_s=shares.queue / load.calls_per_s / whole,
        occupancy=load.erlangs * (1 - abandons) / agents,
    )


def agents_needed(load: Load, goal: Goal) -> Outlook:
    """The outlook with the fewest agents that meet the goal.

    Every figure gets better with every further agent, so that doubling and halving find the least. With patience fewer
    agents than Erlangs can be enough, so the search begins at one. Raises Rejected when no number is enough.
    """
    high = 1
    while not goal.is_met(outlook(load, high, goal.within_s)):
        high *= 2
        if high > 10 * load.erlangs + 100_000:
            raise Rejected("no number of agents meets this goal")
    low = high // 2  # not enough
    while high - low > 1:
        middle = (low + high) // 2
        if goal.is_met(outlook(load, middle, goal.within_s)):
            high = middle
        else:
            low = middle
    return outlook(load, high, goal.within_s)


def on_the_roster(agents: int, shrinkage: float) -> int:
    """How many must be on the roster when a share of their paid time goes to breaks, training, illness."""
    if not 0 <= shrinkage < 1:
        raise Rejected("shrinkage must be at least 0 and less than 1")
    return math.ceil(agents / (1 - shrinkage) - 1e-9)
