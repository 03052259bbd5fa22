"""A day of the floor without the world: the real router under a virtual clock, fed with random arrivals.

Answers "what if" (other staff, other skills, other priorities) and holds the router to queueing theory. Pure: all
chance comes from the dice that are passed in; the same scenario and seed give the same day.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Protocol

from cordpair.core.ids import AgentId, CallId
from cordpair.core.match import Match
from cordpair.core.pool import ContactKey
from cordpair.core.routing import Router
from cordpair.core.scenario import ContactClass, Distribution, Duration, Scenario
from cordpair.core.tally import ClassTally, DayTally

_START = datetime(2026, 1, 1, tzinfo=UTC)
_ARRIVAL, _PATIENCE, _STEP, _DELAY, _FREE, _SIGN_IN, _SIGN_OUT = range(7)


#: After so many events a listener hears how far the day is.
_TELL_EVERY = 10_000


class Dice(Protocol):
    """Chance, as `random.Random` gives it."""

    def random(self) -> float: ...
    def expovariate(self, lambd: float) -> float: ...
    def lognormvariate(self, mu: float, sigma: float) -> float: ...


class _Contact:
    """A call that waits or talks. `step` is the number of its requirement."""

    __slots__ = ("arrived_s", "key", "kind", "step", "tally", "waits")

    def __init__(self, kind: ContactClass, tally: ClassTally, arrived_s: float, number: int) -> None:
        self.kind = kind
        self.tally = tally
        self.arrived_s = arrived_s
        self.key = ContactKey(kind.tier, _START.timestamp() + arrived_s - kind.credit_s, number)
        self.step = 0
        self.waits = True


class Simulation:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario, dice: Dice) -> None:
        self.scenario = scenario
        self.dice = dice
        self.now_s = 0.0
        self.router = Router()
        self.tally = DayTally.of(scenario)
        self._contacts: dict[CallId, _Contact] = {}
        self._events: list[tuple[float, int, int, object]] = []
        self._number = 0
        self._order = 0
        self._group_of: dict[AgentId, str] = {}
        self._shift_end_s: dict[AgentId, float] = {}

    def run(self, tell: Callable[[float], None] | None = None) -> DayTally:
        """Play the scenario to its end. `tell` hears now and then which share of it is over."""
        for group in self.scenario.agents:
            for number in range(group.count):
                agent = AgentId(f"{group.name}-{number + 1}")
                self.router.put_agent(agent, group.ability)
                self._group_of[agent], self._shift_end_s[agent] = group.name, group.until_s(self.scenario)
                self._at(group.from_s, _SIGN_IN, agent)
                self._at(self._shift_end_s[agent], _SIGN_OUT, agent)
        for kind in self.scenario.contacts:
            self._next_arrival(kind)
        while self._events and self._events[0][0] <= self.scenario.length_s:
            self.now_s, number, what, of = heappop(self._events)
            self._happen(what, of)
            if tell is not None and number % _TELL_EVERY == 0:
                tell(self.now_s / self.scenario.length_s)
        self.tally.end(self.scenario.length_s)
        return self.tally

    def _at(self, when_s: float, what: int, of: object) -> None:
        self._order += 1
        heappush(self._events, (when_s, self._order, what, of))

    def _happen(self, what: int, of: object) -> None:
        if isinstance(of, ContactClass):
            self._arrive(of)
        elif what in (_FREE, _SIGN_IN):
            self._free(AgentId(str(of)), is_back=what == _FREE)
        elif what == _SIGN_OUT:
            self.router.busy(AgentId(str(of)))
        else:
            call = CallId(str(of))
            contact = self._contacts.get(call)
            if contact is not None and contact.waits:
                self._move_on(call, contact, what)

    def _move_on(self, call: CallId, contact: _Contact, what: int) -> None:
        """Patience is over, the requirement widens, or a delay has passed."""
        if what == _PATIENCE:
            self.router.gone(call)
            del self._contacts[call]
            contact.tally.abandoned(contact.arrived_s, self.now_s)
            return
        contact.step += what == _STEP
        self._wait(call, contact)

    def _arrive(self, kind: ContactClass) -> None:
        self._number += 1
        call = CallId(f"{kind.name}-{self._number}")
        contact = self._contacts[call] = _Contact(kind, self.tally.classes[kind.name], self.now_s, self._number)
        contact.tally.offered(self.now_s)
        self._next_arrival(kind)
        self._wait(call, contact)
        if contact.waits:
            self._arm(call, contact)

    def _arm(self, call: CallId, contact: _Contact) -> None:
        kind = contact.kind
        if kind.patience is not None:
            self._at(self.now_s + draw(kind.patience, self.dice), _PATIENCE, call)
        for step in kind.steps[1:]:
            self._at(self.now_s + step.after_s, _STEP, call)
        for delay_s in self.router.delays(kind.queue):
            # A hair later than the router compares, so that rounding hides nothing.
            self._at(self.now_s + max(0.0, delay_s - kind.credit_s) + 1e-6, _DELAY, call)

    def _next_arrival(self, kind: ContactClass) -> None:
        """Thinning (Lewis, Shedler 1979): arrivals at the highest rate, kept with the chance of the present one."""
        when_s, highest = self.now_s, max(rate.per_s for rate in kind.arrivals)
        while when_s <= self.scenario.length_s:
            when_s += self.dice.expovariate(highest)
            if len(kind.arrivals) == 1 or self.dice.random() * highest < kind.rate_at(when_s):
                self._at(when_s, _ARRIVAL, kind)
                return

    def _wait(self, call: CallId, contact: _Contact) -> None:
        need = contact.kind.need(contact.step)
        for match in self.router.wait(call, need, contact.key, now=_START.timestamp() + self.now_s):
            self._talk(match)

    def _free(self, agent: AgentId, *, is_back: bool) -> None:
        if is_back:
            self.tally.groups[self._group_of[agent]].freed(self.now_s)
        else:
            self.tally.groups[self._group_of[agent]].signed_in(agent, self.now_s, self._shift_end_s[agent])
        if self.now_s < self._shift_end_s[agent]:
            since = _START + timedelta(seconds=self.now_s)
            match = self.router.idle(agent, since, now=_START.timestamp() + self.now_s)
            if match is not None:
                self._talk(match)

    def _talk(self, match: Match) -> None:
        contact = self._contacts.pop(match.contact)
        contact.waits = False
        contact.tally.answered(contact.arrived_s, self.now_s)
        handled_s = draw(contact.kind.handling, self.dice)
        self.tally.groups[self._group_of[match.agent]].took(match.agent, self.now_s, handled_s)
        self._at(self.now_s + handled_s, _FREE, match.agent)


def draw(duration: Duration, dice: Dice) -> float:
    """A random time in seconds."""
    match duration.distribution:
        case Distribution.EXPONENTIAL:
            return dice.expovariate(1 / duration.mean_s)
        case Distribution.LOGNORMAL:
            return dice.lognormvariate(*duration.log_parameters)
        case Distribution.CONSTANT:
            return duration.mean_s
