"""A busy floor, recorded: which contact came when, which agent became idle when.

A closed system: Poisson arrivals, exponential handling times, a contact handled by whom the router chose. The record
is made once; whoever makes the same decisions can be run over it, and only their own work is timed.
"""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

import msgspec

from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.need import Ability
from cordpair.core.routing import ContactKey, Match, Need, Router

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
FLOOR = QueueId("floor")
_SKILLS = tuple(f"skill-{number:02}" for number in range(40))
_PROFILES = 30
_SKILLS_OF_ONE = 6
_HANDLING_S = 240.0
_CREDITS_S = (0.0, 0.0, 0.0, 30.0, 90.0)
_NOBODY: frozenset[AgentId] = frozenset()


class BecameIdle(NamedTuple):
    agent: AgentId
    since: datetime


class Came(NamedTuple):
    contact: CallId
    need: Need
    key: ContactKey
    excluded: frozenset[AgentId]


Step = BecameIdle | Came


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """`opening` fills the floor and brings it to its usual load; `steps` are what is measured.

    `idle` and `waiting` are the state in between, for those who cannot afford the opening.
    """

    agents: dict[AgentId, frozenset[str]]
    opening: list[Step]
    idle: list[BecameIdle]
    waiting: list[Came]
    steps: list[Step]


class _Recorder:
    """Plays the floor with the router and writes down what was asked of it."""

    def __init__(self, agents: int, load: float, declined: float, seed: int) -> None:
        self.dice = random.Random(seed)
        skills = [frozenset(self.dice.sample(_SKILLS, _SKILLS_OF_ONE)) for _ in range(_PROFILES)]
        self.needs = [_needs(self.dice, profile) for profile in skills]
        self.agents = {AgentId(f"agent-{number:06}"): skills[number % _PROFILES] for number in range(agents)}
        self.between_arrivals_s = _HANDLING_S / (agents * load)
        self.declined = declined
        self.now_s = 0.0
        self.arrivals = 0
        self.ends: list[tuple[float, AgentId]] = []
        self.idle: dict[AgentId, BecameIdle] = {}
        self.waiting: dict[CallId, Came] = {}
        self.steps: list[Step] = []
        self.router = Router()
        for agent, has in self.agents.items():
            self.router.put_agent(agent, Ability.of((FLOOR,), has))

    def open(self) -> None:
        for number, agent in enumerate(self.agents):
            self.became_idle(BecameIdle(agent, MORNING - timedelta(hours=1) + timedelta(milliseconds=number)))

    def play(self, steps: int) -> None:
        goal = len(self.steps) + steps
        next_arrival_s = self.now_s + self.dice.expovariate(1 / self.between_arrivals_s)
        while len(self.steps) < goal:
            if self.ends and self.ends[0][0] < next_arrival_s:
                self.now_s, agent = heappop(self.ends)
                self.became_idle(BecameIdle(agent, MORNING + timedelta(seconds=self.now_s)))
            else:
                self.now_s = next_arrival_s
                self.arrive()
                next_arrival_s = self.now_s + self.dice.expovariate(1 / self.between_arrivals_s)

    def arrive(self) -> None:
        self.arrivals += 1
        since = MORNING.timestamp() + self.now_s - self.dice.choice(_CREDITS_S)
        key = ContactKey(0, since, self.arrivals)
        need = self.dice.choice(self.dice.choice(self.needs))
        self.came(Came(CallId(f"call-{self.arrivals:08}"), need, key, _NOBODY))

    def became_idle(self, step: BecameIdle) -> None:
        self.steps.append(step)
        self.idle[step.agent] = step
        match = self.router.idle(*step)
        if match is not None:
            self.matched(match)

    def came(self, step: Came) -> None:
        self.steps.append(step)
        self.waiting[step.contact] = step
        for match in self.router.wait(*step):
            self.matched(match)

    def matched(self, match: Match) -> None:
        contact, agent = self.waiting.pop(match.contact), self.idle.pop(match.agent)
        if self.declined and self.dice.random() < self.declined:
            self.came(contact._replace(excluded=contact.excluded | {agent.agent}))
            self.became_idle(agent)
        else:
            heappush(self.ends, (self.now_s + self.dice.expovariate(1 / _HANDLING_S), agent.agent))


def _needs(dice: random.Random, profile: frozenset[str]) -> list[Need]:
    """What the agents of one profile are there for: three single skills and a pair. Some 70 classes in all."""
    has = sorted(profile)
    wanted = [*([skill] for skill in dice.sample(has, 3)), dice.sample(has, 2)]
    return [Need(FLOOR, frozenset(skills)) for skills in wanted]


def record(*, agents: int, steps: int, load: float = 0.9, declined: float = 0.0, seed: int = 7) -> Day:
    """Record a day. `load` is demand by capacity; `declined` is the share of offers that come back.

    A declined contact waits again with its old key, the agent is idle again since the old time.
    """
    floor = _Recorder(agents, load, declined, seed)
    floor.open()
    floor.play(6 * agents)
    opening, floor.steps = floor.steps, []
    idle, waiting = list(floor.idle.values()), list(floor.waiting.values())
    floor.play(steps)
    return Day(agents=floor.agents, opening=opening, idle=idle, waiting=waiting, steps=floor.steps)


class Matches(Protocol):
    """Whoever can be put to the test: the router, or the one that scans."""

    def put_agent(self, agent: AgentId, ability: Ability) -> object: ...
    def idle(self, agent: AgentId, idle_since: datetime) -> object: ...
    def wait(self, contact: CallId, need: Need, key: ContactKey, excluded: frozenset[AgentId]) -> object: ...


def questions(router: Matches, steps: Sequence[Step]) -> list[tuple[Callable[..., object], Step]]:
    """The steps as calls of a router, to be made with `ask`."""
    return [(router.idle if isinstance(step, BecameIdle) else router.wait, step) for step in steps]


def ask(calls: list[tuple[Callable[..., object], Step]]) -> list[object]:
    """Make the calls; one answer for each. This is what is timed, so it does nothing else."""
    return [call(*step) for call, step in calls]
