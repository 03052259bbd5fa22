"""What a simulated day counts. Whatever happened to contacts that came before the end of the warm-up is left out."""

import math
from array import array
from collections.abc import Iterable

import msgspec

from cordpair.core.ids import AgentId
from cordpair.core.scenario import Scenario


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """Of the answered contacts of a class: mean and percentiles, in seconds; 0 where none was answered."""

    mean_s: float = 0.0
    p50_s: float = 0.0
    p90_s: float = 0.0
    p99_s: float = 0.0
    longest_s: float = 0.0


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A class of contacts. `standing` waited at the end; `mean_wait_s` is over answered and abandoned ones alike."""

    name: str
    offered: int
    answered: int
    abandoned: int
    standing: int
    had_to_wait: int
    answered_in: int
    abandoned_in: int
    level_s: float
    mean_wait_s: float
    waits: Waits


class GroupFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A group of agents. `occupancy` is busy by staffed time; `idlest` and `busiest` are those of single agents.

    How evenly work is spread: `gini` of the agents' busy times (0: all the same, towards 1: one has it all), and
    `taken_per_idle_h`, contacts taken by hours that the group was idle.
    """

    name: str
    staffed_h: float
    busy_h: float
    taken: int
    occupancy: float
    idlest: float
    busiest: float
    gini: float
    taken_per_idle_h: float


class ClassTally:
    """One class while the day runs."""

    def __init__(self, name: str, level_s: float, warm_up_s: float) -> None:
        self.name = name
        self.level_s = level_s
        self.warm_up_s = warm_up_s
        self.offers = self.gone = self.gone_in = self.waited = 0
        self.gone_wait_s = 0.0
        self.waits = array("d")

    def offered(self, now_s: float) -> None:
        self.offers += now_s >= self.warm_up_s

    def answered(self, arrived_s: float, now_s: float) -> None:
        if arrived_s >= self.warm_up_s:
            self.waits.append(now_s - arrived_s)
            self.waited += now_s > arrived_s

    def abandoned(self, arrived_s: float, now_s: float) -> None:
        if arrived_s >= self.warm_up_s:
            self.gone += 1
            self.waited += 1
            self.gone_in += now_s - arrived_s <= self.level_s
            self.gone_wait_s += now_s - arrived_s

    def figures(self) -> ClassFigures:
        waits, settled = sorted(self.waits), len(self.waits) + self.gone
        return ClassFigures(
            name=self.name,
            offered=self.offers,
            answered=len(waits),
            abandoned=self.gone,
            standing=self.offers - settled,
            had_to_wait=self.waited,
            answered_in=sum(wait <= self.level_s for wait in waits),
            abandoned_in=self.gone_in,
            level_s=self.level_s,
            mean_wait_s=(math.fsum(waits) + self.gone_wait_s) / settled if settled else 0.0,
            waits=_waits(waits),
        )


def _waits(waits: list[float]) -> Waits:
    if not waits:
        return Waits()
    p50, p90, p99 = (waits[min(len(waits) - 1, len(waits) * percent // 100)] for percent in (50, 90, 99))
    return Waits(mean_s=math.fsum(waits) / len(waits), p50_s=p50, p90_s=p90, p99_s=p99, longest_s=waits[-1])


class GroupTally:
    """One group while the day runs."""

    def __init__(self, name: str, warm_up_s: float, length_s: float) -> None:
        self.name = name
        self.warm_up_s, self.length_s = warm_up_s, length_s
        self.staffed_s = self.busy_s = 0.0
        self.busy_of: dict[AgentId, float] = {}
        self.busy = self.calls = 0
        self._since_s = warm_up_s

    def signed_in(self, agent: AgentId, now_s: float, until_s: float) -> None:
        self.busy_of.setdefault(agent, 0.0)
        self.staffed_s += max(0.0, until_s - max(now_s, self.warm_up_s))

    def took(self, agent: AgentId, now_s: float, handled_s: float) -> None:
        self._pass(now_s)
        measured_s = min(now_s + handled_s, self.length_s) - max(now_s, self.warm_up_s)
        self.busy_of[agent] += max(0.0, measured_s)
        self.busy += 1
        self.calls += now_s >= self.warm_up_s

    def freed(self, now_s: float) -> None:
        self._pass(now_s)
        self.busy -= 1

    def end(self, now_s: float) -> None:
        self._pass(now_s)

    def _pass(self, now_s: float) -> None:
        if now_s > self._since_s:
            self.busy_s += self.busy * (now_s - self._since_s)
            self._since_s = now_s

    def figures(self) -> GroupFigures:
        one_s = self.staffed_s / len(self.busy_of) if self.busy_of else 0.0
        shares = [busy_s / one_s for busy_s in self.busy_of.values()] if one_s else [0.0]
        idle_h = (self.staffed_s - self.busy_s) / 3600
        return GroupFigures(
            name=self.name,
            staffed_h=self.staffed_s / 3600,
            busy_h=self.busy_s / 3600,
            taken=self.calls,
            occupancy=self.busy_s / self.staffed_s if self.staffed_s else 0.0,
            idlest=min(shares),
            busiest=max(shares),
            gini=gini(shares),
            taken_per_idle_h=self.calls / idle_h if idle_h > 0 else 0.0,
        )


def gini(values: Iterable[float]) -> float:
    """Gini's coefficient of values that are not negative: half the mean difference of two of them by their mean."""
    ordered = sorted(values)
    total = math.fsum(ordered)
    if not total:
        return 0.0
    weighted = math.fsum((2 * place - len(ordered) - 1) * value for place, value in enumerate(ordered, 1))
    return weighted / (len(ordered) * total)


class DayTally(msgspec.Struct, kw_only=True):
    """All of a day, by name."""

    classes: dict[str, ClassTally]
    groups: dict[str, GroupTally]

    @classmethod
    def of(cls, scenario: Scenario) -> "DayTally":
        warm_up_s = scenario.warm_up_s
        return cls(
            classes={kind.name: ClassTally(kind.name, kind.level_s, warm_up_s) for kind in scenario.contacts},
            groups={group.name: GroupTally(group.name, warm_up_s, scenario.length_s) for group in scenario.agents},
        )

    def end(self, now_s: float) -> None:
        for group in self.groups.values():
            group.end(now_s)
