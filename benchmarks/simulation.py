"""Simulated calls per second: a floor of sixty in three skill groups, by the router that routes the real one."""

import random
import time
from heapq import heappop, heappush

from benchmarks.measuring import Line, undisturbed
from cordpair.core.ids import QueueId
from cordpair.core.need import Step
from cordpair.core.scenario import AgentGroup, ContactClass, Duration, Rate, Scenario
from cordpair.core.simulation import Simulation

CALLS = 100_000
PER_HOUR = 260.0
FLOOR = QueueId("floor")
#: A million calls in three minutes.
AIM = 1_000_000 / 180


def run() -> list[Line]:
    """Calls per second of wall time, beside a heap that only takes in and gives out as many events."""
    scenario = _scenario()
    with undisturbed():
        start = time.perf_counter()
        tally = Simulation(scenario, random.Random(7)).run()
        took = time.perf_counter() - start
    calls = sum(kind.figures().offered for kind in tally.classes.values())
    limit = calls / _heap_only(3 * calls)
    work = "simulated calls, 60 agents, 3 classes, with patience and a widening step"
    return [Line(work=work, unit="/s", ours=calls / took, opponent="heap of its events alone", theirs=limit, aim=AIM)]


def _scenario() -> Scenario:
    names = ("tax", "law", "pension")
    contacts = tuple(
        ContactClass(
            name=name,
            queue=FLOOR,
            arrivals=(Rate(per_hour=PER_HOUR),),
            handling=Duration(mean_s=240),
            patience=Duration(mean_s=180),
            steps=(Step(skills=frozenset({name})), Step(after_s=60)),
        )
        for name in names
    )
    agents = tuple(AgentGroup(name=name, count=20, queues=(FLOOR,), skills=(name,)) for name in names)
    return Scenario(length_s=CALLS / (3 * PER_HOUR) * 3600, contacts=contacts, agents=agents)


def _heap_only(events: int) -> float:
    """Seconds for putting so many events on a heap of the same depth and taking them off again."""
    dice = random.Random(7)
    heap: list[tuple[float, int]] = []
    start = time.perf_counter()
    for number in range(events):
        heappush(heap, (dice.random() + number, number))
        if len(heap) > 200:
            heappop(heap)
    return time.perf_counter() - start
