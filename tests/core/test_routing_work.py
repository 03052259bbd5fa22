"""The work of a decision does not grow with the floor: counted, not timed."""

import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from types import FrameType
from typing import Any

from benchmarks.floor_day import FLOOR, MORNING, ask, questions, record
from cordpair.core import pool, profile, routing
from cordpair.core.ids import AgentId, CallId
from cordpair.core.need import Ability
from cordpair.core.routing import ContactKey, Need, Router

OURS = {pool.__file__, profile.__file__, routing.__file__}
ANA = AgentId("ana")
GERMAN = Need(FLOOR, frozenset({"german"}))


def steps_of(work: Callable[[], object]) -> int:
    """How many bytecode steps the router takes for `work`; comparisons made inside C are counted by `Instant`."""
    steps = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        if frame.f_code.co_filename not in OURS:
            return None
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps


class Instant(datetime):
    """An instant that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: date) -> bool:
        Instant.compared += 1
        return isinstance(other, datetime) and super().__lt__(other)

    def __eq__(self, other: object) -> bool:
        Instant.compared += 1
        return super().__eq__(other)

    __hash__ = datetime.__hash__


def steps_per_decision(agents: int, declined: float = 0.0) -> float:
    day = record(agents=agents, steps=2_000, declined=declined)
    router = Router()
    for agent, skills in day.agents.items():
        router.put_agent(agent, Ability.of((FLOOR,), skills))
    ask(questions(router, day.opening))
    calls = questions(router, day.steps)
    return steps_of(lambda: ask(calls)) / len(calls)


def test_ten_thousand_agents_take_no_more_steps_than_a_hundred() -> None:
    assert steps_per_decision(10_000) < 1.5 * steps_per_decision(100)


def test_declined_offers_take_no_more_steps_on_a_large_floor() -> None:
    assert steps_per_decision(10_000, declined=0.1) < 1.5 * steps_per_decision(100, declined=0.1)


def free_with_backlog(waiting: int) -> int:
    """Steps until an agent who becomes idle has their contact, while others wait in vain."""
    router = Router()
    router.put_agent(ANA, Ability.of((FLOOR,), frozenset({"german"})))
    for number in range(waiting):
        need = Need(FLOOR, frozenset({"german", f"rare-{number % 50}"}))
        router.wait(CallId(f"rare-{number}"), need, ContactKey(0, 0.0, number))
    router.wait(CallId("german"), GERMAN, ContactKey(0, 1.0, waiting))
    return steps_of(lambda: router.idle(ANA, MORNING))


def test_contacts_that_nobody_can_serve_cost_an_idle_agent_nothing() -> None:
    assert free_with_backlog(10_000) == free_with_backlog(100)


def test_an_agent_who_comes_back_is_put_in_place_by_few_comparisons() -> None:
    router = Router()
    router.wait(CallId("opens the class"), GERMAN, ContactKey(0, 0.0, 0))
    router.gone(CallId("opens the class"))
    for number in range(5_000):
        agent = AgentId(f"agent-{number:04}")
        router.put_agent(agent, Ability.of((FLOOR,), frozenset({"german"})))
        router.idle(agent, Instant.fromtimestamp(MORNING.timestamp() - number, MORNING.tzinfo))
    Instant.compared = 0
    router.wait(CallId("german"), GERMAN, ContactKey(0, 1.0, 1))
    assert 0 < Instant.compared < 100


def test_an_agent_taken_for_one_class_does_not_pile_up_in_the_others() -> None:
    router = Router()
    quiet = Need(FLOOR, frozenset())
    for need in (quiet, GERMAN):
        router.wait(CallId("opens the class"), need, ContactKey(0, 0.0, 0))
        router.gone(CallId("opens the class"))
    router.put_agent(ANA, Ability.of((FLOOR,), frozenset({"german"})))
    for number in range(10_000):
        router.idle(ANA, MORNING + timedelta(seconds=number))
        router.wait(CallId(f"call-{number}"), GERMAN, ContactKey(0, float(number), number))
    assert len(router._pools[quiet].orders[0].in_turn) < 100


def test_attributes_that_no_agent_has_any_more_are_forgotten() -> None:
    router = Router()
    for number in range(100):
        router.put_agent(ANA, Ability.of((FLOOR,), (f"skill-{number}",)))
    assert len(router._profiles) == 1
