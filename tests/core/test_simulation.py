"""Simulated days agree with queueing theory, and do what their scenario says."""

import math
import random
from collections.abc import Callable
from itertools import permutations
from statistics import fmean, stdev

import pytest

from cordpair.core.ids import QueueId
from cordpair.core.need import AgentOrder, Membership, Step
from cordpair.core.scenario import AgentGroup, ContactClass, Duration, Rate, Scenario, read_scenario
from cordpair.core.simulation import Simulation
from cordpair.core.staffing import Load, blocking, outlook
from cordpair.core.tally import ClassFigures, DayTally, gini
from cordpair.errors import Rejected

SERVICE, EVENTS = QueueId("service"), QueueId("events")
HANDLING_S = 240.0
RUNS = 8
#: Within so many standard errors of eight runs the truth lies in 99 of 100 cases (Student's t, 7 degrees of freedom).
SURE = 3.5


def contacts(name: str, per_hour: float, **more: object) -> ContactClass:
    given = {"queue": SERVICE, "handling": Duration(mean_s=HANDLING_S), **more}
    return ContactClass(name=name, arrivals=(Rate(per_hour=per_hour),), **given)  # type: ignore[arg-type]


def agents(name: str, count: int, *queues: QueueId | Membership, skills: tuple[str, ...] = ()) -> AgentGroup:
    return AgentGroup(name=name, count=count, queues=queues or (SERVICE,), skills=skills)


def day(kinds: list[ContactClass], groups: list[AgentGroup], hours: float = 150) -> Scenario:
    return Scenario(length_s=hours * 3600, warm_up_s=3 * 3600, contacts=tuple(kinds), agents=tuple(groups))


def played(scenario: Scenario, seed: int = 1) -> DayTally:
    return Simulation(scenario, random.Random(seed)).run()


def figures(tally: DayTally, name: str) -> ClassFigures:
    return tally.classes[name].figures()


def strange(scenario: Scenario, **truths: tuple[float, Callable[[DayTally], float]]) -> list[str]:
    """The figures whose mean over some runs lies further from the truth than chance allows."""
    days = [played(scenario, seed) for seed in range(RUNS)]
    values = {name: [measure(one) for one in days] for name, (_, measure) in truths.items()}
    return [
        name
        for name, (truth, _) in truths.items()
        if abs(fmean(values[name]) - truth) > SURE * stdev(values[name]) / math.sqrt(RUNS)
    ]


def share(name: str, counted: str) -> Callable[[DayTally], float]:
    """So many of the offered contacts of a class, as a share."""

    def measure(tally: DayTally) -> float:
        return float(getattr(figures(tally, name), counted)) / figures(tally, name).offered

    return measure


def wait_of(name: str) -> Callable[[DayTally], float]:
    return lambda tally: figures(tally, name).mean_wait_s


PATIENT = day([contacts("all", 100)], [agents("team", 8)])
IMPATIENT = day([contacts("all", 130, patience=Duration(mean_s=120))], [agents("team", 8)])


@pytest.mark.parametrize(
    ("scenario", "patience_s", "per_hour"), [(PATIENT, None, 100), (IMPATIENT, 120.0, 130)], ids=["C", "A"]
)
def test_one_team_behaves_as_erlang_says(scenario: Scenario, patience_s: float | None, per_hour: float) -> None:
    told = outlook(Load(calls_per_s=per_hour / 3600, handling_s=HANDLING_S, patience_s=patience_s), 8)
    truths = {
        "wait": (told.wait_s, wait_of("all")),
        "waits": (told.waits, share("all", "had_to_wait")),
        "in time": (told.answered_in, share("all", "answered_in")),
        "abandons": (told.abandons, share("all", "abandoned")),
        "abandons in time": (told.abandoned_in, share("all", "abandoned_in")),
        "occupancy": (told.occupancy, lambda tally: tally.groups["team"].figures().occupancy),
    }
    assert strange(scenario, **truths) == []


def test_strict_tiers_wait_as_theory_says() -> None:
    """Kella, Yechiali 1985: W(k) = C / (nμ (1 - σ(k-1)) (1 - σ(k))), σ the load of a tier and those before it."""
    count, first, second = 8, 40.0, 60.0
    load = (first + second) / 3600 * HANDLING_S
    lost = blocking(load, count)
    all_busy = lost / (lost + (1 - lost) * (1 - load / count))
    upper = first / 3600 * HANDLING_S / count
    scenario = day([contacts("first", first), contacts("second", second, tier=1)], [agents("team", count)])
    factors = {"first": 1 / (1 - upper), "second": 1 / ((1 - upper) * (1 - load / count))}
    unhurried = all_busy * HANDLING_S / count
    assert strange(scenario, **{name: (unhurried * factor, wait_of(name)) for name, factor in factors.items()}) == []


#: Which agents can serve which class, one agent a group.
SKILLS = {"ana": {"tax"}, "ben": {"tax", "law"}, "cara": {"law", "pension"}}
PER_HOUR = {"tax": 14.0, "law": 12.0, "pension": 8.0}


def waits_by_product_form() -> dict[str, tuple[float, float]]:
    """Chance to wait and mean wait of each class under FCFS and longest idle: Adan, Weiss 2014, theorem 1.

    Busy agents stand in the order of the calls that they serve, n_j calls wait between the j-th and the next: a state
    weighs the product of λ(U)^n / μ^(n+1) over the busy, U the classes that only the first j serve, and of 1/λ(C)
    over the idle, C the classes that the last ones serve.
    """
    rate, service = {name: per_hour / 3600 for name, per_hour in PER_HOUR.items()}, 1 / HANDLING_S

    def only(busy: tuple[str, ...]) -> float:
        left = set().union(*(SKILLS[agent] for agent in SKILLS if agent not in busy))
        return sum(rate[name] for name in rate if name not in left)

    def any_of(idle: tuple[str, ...]) -> float:
        return sum(rate[name] for name in set().union(*(SKILLS[agent] for agent in idle)))

    total, late, queue = 0.0, dict.fromkeys(rate, 0.0), dict.fromkeys(rate, 0.0)
    for order in permutations(SKILLS):
        for busy in range(len(order) + 1):
            weight = math.prod(1 / any_of(order[number:]) for number in range(busy, len(order)))
            ratios = [only(order[: number + 1]) / (service * (number + 1)) for number in range(busy)]
            weight *= math.prod(1 / (service * (number + 1)) / (1 - ratio) for number, ratio in enumerate(ratios))
            total += weight
            for name, per_s in rate.items():
                able = {agent for agent in SKILLS if name in SKILLS[agent]}
                late[name] += weight * (able <= set(order[:busy]))
                for number, ratio in enumerate(ratios):
                    if able <= set(order[: number + 1]):
                        queue[name] += weight * ratio / (1 - ratio) * per_s / only(order[: number + 1])
    return {name: (late[name] / total, queue[name] / total / rate[name]) for name in rate}


def test_skill_groups_wait_as_the_product_form_of_fcfs_and_longest_idle_says() -> None:
    kinds = [contacts(name, per_hour, steps=(Step(skills=frozenset({name})),)) for name, per_hour in PER_HOUR.items()]
    groups = [agents(name, 1, skills=tuple(sorted(skills))) for name, skills in SKILLS.items()]
    scenario = day(kinds, groups, hours=400)
    expected = waits_by_product_form()
    late = {f"{name} late": (late, share(name, "had_to_wait")) for name, (late, _) in expected.items()}
    waits = {f"{name} wait": (wait_s, wait_of(name)) for name, (_, wait_s) in expected.items()}
    assert strange(scenario, **late, **waits) == []


def test_the_product_form_of_one_class_is_erlang_c() -> None:
    """The judge is judged: with skills that all have, the sum over permutations must be the old formula."""
    everybody = {agent: {"tax"} for agent in SKILLS}
    saved, rates = dict(SKILLS), dict(PER_HOUR)
    try:
        SKILLS.update(everybody)
        PER_HOUR.clear()
        PER_HOUR["tax"] = 34.0
        late, wait_s = waits_by_product_form()["tax"]
    finally:
        SKILLS.update(saved)
        PER_HOUR.clear()
        PER_HOUR.update(rates)
    told = outlook(Load(calls_per_s=34 / 3600, handling_s=HANDLING_S), 3)
    assert (late, wait_s) == pytest.approx((told.waits, told.wait_s))


def test_the_same_seed_gives_the_same_day() -> None:
    first, second, other = (figures(played(IMPATIENT, seed), "all") for seed in (3, 3, 4))
    assert first == second
    assert first != other


def test_a_credit_shortens_the_wait_of_its_class() -> None:
    tally = played(day([contacts("plain", 55), contacts("vip", 55, credit_s=90)], [agents("team", 8)]))
    assert figures(tally, "vip").mean_wait_s < 0.8 * figures(tally, "plain").mean_wait_s


def test_a_step_that_widens_lets_others_help() -> None:
    groups = [agents("german", 3, skills=("german",)), agents("others", 40)]
    strict = contacts("all", 60, steps=(Step(skills=frozenset({"german"})),))
    widening = contacts("all", 60, steps=(Step(skills=frozenset({"german"})), Step(after_s=30)))
    waits = [figures(played(day([kind], groups, hours=20)), "all").waits.longest_s for kind in (strict, widening)]
    assert waits[1] == pytest.approx(30)
    assert waits[0] > 60


def test_a_delay_keeps_the_second_team_for_those_who_have_waited() -> None:
    groups = [agents("first", 2), agents("second", 40, Membership(SERVICE, delay_s=15))]
    told = figures(played(day([contacts("all", 60)], groups, hours=20)), "all")
    assert told.waits.longest_s == pytest.approx(15, abs=1e-3)


def test_nobody_takes_calls_after_the_end_of_their_shift() -> None:
    scenario = Scenario(
        length_s=7200,
        contacts=(contacts("all", 100),),
        agents=(AgentGroup(name="early", count=20, queues=(SERVICE,), to_s=3600.0),),
    )
    tally = played(scenario)
    assert tally.groups["early"].figures().staffed_h == 20
    assert figures(tally, "all").standing > 50


def test_rates_change_during_the_day() -> None:
    kind = ContactClass(
        name="all",
        queue=SERVICE,
        handling=Duration(mean_s=1),
        arrivals=(Rate(per_hour=1000), Rate(per_hour=0, from_s=3600)),
    )
    told = figures(played(Scenario(length_s=7200, contacts=(kind,), agents=(agents("team", 50),))), "all")
    assert 900 < told.offered < 1100


def test_constant_and_lognormal_times_have_their_mean() -> None:
    for distribution in ("constant", "lognormal"):
        handling = read_duration(distribution)
        tally = played(day([contacts("all", 60, handling=handling)], [agents("team", 50)], hours=60))
        group = tally.groups["team"].figures()
        assert group.busy_h * 3600 / group.taken == pytest.approx(100, rel=0.05)


def read_duration(distribution: str) -> Duration:
    data = {"mean_s": 100, "distribution": distribution, "variation": 0.8}
    return read_scenario(plain(handling=data)).contacts[0].handling


def plain(**more: object) -> dict[str, object]:
    kind = {"name": "all", "queue": "service", "arrivals": [{"per_hour": 60}], "handling": {"mean_s": 60}, **more}
    return {"length_s": 3600, "contacts": [kind], "agents": [{"name": "team", "count": 2, "queues": ["service"]}]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"handling": {"mean_s": 0}}, r"mean_s and variation must be positive - at `\$.contacts\[0\].handling`"),
        ({"arrivals": []}, "arrivals must begin at from_s = 0"),
        ({"arrivals": [{"per_hour": 0}]}, "arrivals must not be all 0"),
        ({"steps": [{"after_s": 5}]}, "steps must begin at after_s = 0"),
        ({"steps": [{"order": "oldest"}]}, r"Invalid enum value 'oldest' - at `\$.contacts\[0\].steps\[0\].order`"),
        ({"patients": 3}, "unknown field `patients`"),
    ],
)
def test_a_mistake_in_a_scenario_is_named_with_its_place(more: dict[str, object], said: str) -> None:
    with pytest.raises(Rejected, match=said):
        read_scenario(plain(**more))


@pytest.mark.parametrize("order", AgentOrder)
def test_every_order_of_agents_can_be_simulated(order: AgentOrder) -> None:
    told = figures(played(day([contacts("all", 60, steps=(Step(order=order),))], [agents("team", 6)], hours=10)), "all")
    assert told.answered + told.standing == told.offered


# ---- how evenly work is spread


def test_who_is_idle_longest_comes_next_so_that_all_of_a_team_work_alike() -> None:
    team = played(PATIENT).groups["team"].figures()
    assert team.idlest <= team.occupancy <= team.busiest
    assert team.busiest - team.idlest < 0.05
    assert team.gini < 0.02


def test_who_is_the_best_skilled_has_all_the_work_while_there_is_little() -> None:
    """One call after the other, each two minutes long: the specialist takes them all."""
    wanted = Step(skills=frozenset({"tax"}), order=AgentOrder.BEST_SKILL)
    calls = contacts("tax", 10, steps=(wanted,), handling=Duration(mean_s=1.0))
    groups = [
        AgentGroup(name="team", count=1, queues=(SERVICE,), attributes={"tax": 1}),
        AgentGroup(name="specialist", count=1, queues=(SERVICE,), attributes={"tax": 5}),
    ]
    tally = played(day([calls], groups))
    assert tally.groups["specialist"].figures().taken > 100 * tally.groups["team"].figures().taken


def test_contacts_are_counted_by_the_hours_in_which_a_group_was_idle() -> None:
    team = played(PATIENT).groups["team"].figures()
    assert team.taken_per_idle_h == pytest.approx(team.taken / (team.staffed_h - team.busy_h))


@pytest.mark.parametrize(
    ("values", "told"), [([], 0), ([0, 0], 0), ([3, 3, 3], 0), ([0, 0, 0, 1], 0.75), ([1, 3], 0.25), ([5, 1], 1 / 3)]
)
def test_the_gini_coefficient_of_known_values(values: list[float], told: float) -> None:
    assert gini(values) == pytest.approx(told)
