"""The router beside a scan of everybody: decisions per second from 100 to 100,000 agents, and under a dead backlog."""

import hashlib
import time
from collections.abc import Callable, Iterable
from datetime import timedelta

from benchmarks.floor_day import FLOOR, MORNING, BecameIdle, Came, Day, Matches, Step, ask, questions, record
from benchmarks.measuring import Line, cpu_seconds, undisturbed
from benchmarks.naive_router import Idle, NaiveRouter, Pair, Waits
from cordpair.core.ids import AgentId, CallId
from cordpair.core.need import Ability
from cordpair.core.routing import ContactKey, Match, Need, Router

SIZES = (100, 1_000, 10_000, 100_000)
STEPS = 100_000
ROUNDS = 5
SCAN_FOR_S = 2.0
BACKLOG = 10_000
_NOBODY: frozenset[AgentId] = frozenset()


def run() -> list[Line]:
    """All lines of `routing`. A decision is one event answered: an agent became idle, or a contact came."""
    us: dict[int, float] = {}
    lines = []
    for size in SIZES:
        day = record(agents=size, steps=STEPS)
        us[size] = _router_us(day)
        lines.append(_beside_a_scan(size, day, us[size]))
        lines.append(Line(work=f"  its slowest 1 in 100, {size:,} agents", unit="us", ours=_slow_us(day)))
    lines.append(_growth(us))
    lines.append(_with_declined_offers())
    lines.append(_dead_backlog())
    return lines


def _beside_a_scan(size: int, day: Day, router_us: float) -> Line:
    scan_us, answers = _by_scan(day)
    common = len(answers)
    # Only the same work may be compared.
    if _digest(answers) != _digest(ask(questions(_opened(day), day.steps[:common]))):
        raise AssertionError(f"router and scan chose differently within {common} events of {size} agents")
    return Line(
        work=f"decisions, {size:,} agents, load 0.9",
        unit="/s",
        ours=1e6 / router_us,
        opponent="scan of everybody",
        theirs=1e6 / scan_us,
        aim=500_000 if size == 1_000 else None,
        note=f"same choices in {common:,} events",
    )


def _growth(us: dict[int, float]) -> Line:
    small, large = SIZES[0], SIZES[-1]
    work = f"cost of a decision, {large:,} against {small:,} agents"
    return Line(work=work, unit="x", ours=us[large] / us[small], aim=6, at_most=True)


def _with_declined_offers() -> Line:
    day = record(agents=1_000, steps=STEPS, declined=0.05)
    work = "decisions, 1,000 agents, 5 % of offers declined"
    return Line(work=work, unit="/s", ours=1e6 / _router_us(day))


def _dead_backlog() -> Line:
    """One agent becomes idle and takes a call, again and again, while contacts wait whom nobody on duty can serve."""
    with_backlog, without = _free_us(Router(), BACKLOG), _free_us(Router(), 0)
    return Line(
        work=f"agent free, {BACKLOG:,} contacts waiting in vain, against none",
        unit="x",
        ours=with_backlog / without,
        opponent="scan of everybody",
        theirs=_free_us(NaiveRouter(), BACKLOG, events=500) / _free_us(NaiveRouter(), 0),
        aim=2,
        at_most=True,
    )


def _free_us(router: Matches, backlog: int, events: int = 20_000) -> float:
    router.put_agent(AgentId("ana"), Ability.of((FLOOR,), frozenset({"german"})))
    for number in range(backlog):
        need = Need(FLOOR, frozenset({"german", f"rare-{number % 70}"}))
        router.wait(CallId(f"rare-{number}"), need, ContactKey(0, 0.0, number), _NOBODY)
    german = Need(FLOOR, frozenset({"german"}))
    steps: list[Step] = []
    for number in range(events // 2):
        steps.append(BecameIdle(AgentId("ana"), MORNING + timedelta(seconds=number)))
        steps.append(Came(CallId(f"german-{number}"), german, ContactKey(0, 1.0 + number, backlog + number), _NOBODY))
    calls = questions(router, steps)
    return min(cpu_seconds(lambda: ask(calls)) for _ in range(3)) / len(steps) * 1e6


def _router_us(day: Day) -> float:
    """Microseconds of a decision in the best of several rounds; each round begins with the whole opening."""
    rounds = ROUNDS if len(day.agents) <= 10_000 else 3
    return min(cpu_seconds(_ready(day)) for _ in range(rounds)) / len(day.steps) * 1e6


def _slow_us(day: Day) -> float:
    """Microseconds within which 99 of 100 decisions are made. Reading the clock is part of it."""
    took = []
    clock = time.perf_counter_ns
    calls = questions(_opened(day), day.steps)
    with undisturbed():
        for call, step in calls:
            start = clock()
            call(*step)
            took.append(clock() - start)
    return sorted(took)[len(took) * 99 // 100] / 1e3


def _ready(day: Day) -> Callable[[], object]:
    calls = questions(_opened(day), day.steps)
    return lambda: ask(calls)


def _opened(day: Day) -> Router:
    router = Router()
    for agent, skills in day.agents.items():
        router.put_agent(agent, Ability.of((FLOOR,), skills))
    ask(questions(router, day.opening))
    return router


def _by_scan(day: Day) -> tuple[float, list[object]]:
    """Microseconds of a decision by scanning, over as many steps as there is time for, and the answers."""
    router = NaiveRouter()
    for agent, skills in day.agents.items():
        router.put_agent(agent, Ability.of((FLOOR,), skills))
    # The floor as it stood after the opening, which would take a scan minutes.
    router.idle_agents = {step.agent: Idle(step.since) for step in day.idle}
    router.contacts = {step.contact: Waits(step.need, step.key, step.excluded) for step in day.waiting}
    calls = questions(router, day.steps)
    answers: list[object] = []
    with undisturbed():
        start = time.process_time()
        while len(answers) < len(calls) and time.process_time() - start < SCAN_FOR_S:
            answers += ask(calls[len(answers) : len(answers) + 100])
        return (time.process_time() - start) / len(answers) * 1e6, answers


def _digest(answers: Iterable[object]) -> str:
    """A hash of the assignments, so that two programs can be shown to choose alike."""
    pairs = [[(pair.contact, pair.agent) for pair in _matches(answer)] for answer in answers]
    return hashlib.sha256(repr(pairs).encode()).hexdigest()


def _matches(answer: object) -> list[Match | Pair]:
    """Answers are nothing, a match, or matches."""
    found = [answer] if isinstance(answer, Match | Pair) or answer is None else answer
    assert isinstance(found, list | tuple)
    return [match for match in found if isinstance(match, Match | Pair)]
