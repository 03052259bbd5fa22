"""How many agents are enough, against sixty digits of the definitions."""

import math
from collections.abc import Iterator
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.core.staffing import Goal, LevelDefinition, Load, Outlook, agents_needed, blocking, on_the_roster, outlook
from cordpair.errors import Rejected

SIZES = (1, 2, 10, 100, 1_000, 5_000)
#: Erlangs for each agent, mean patience as a share of the handling time, time of the service level likewise.
CASES = [
    (load, patience, within)
    for load in (0.5, 0.95, 1.0, 1.3, 2.5)
    for patience in (0.1, 0.5, 3.0)
    for within in (0.0, 0.1, 1.0)
]
HANDLING_S = 240.0


@pytest.fixture(autouse=True)
def _sixty_digits() -> Iterator[None]:
    with localcontext() as context:
        context.prec = 60
        yield


def exact_blocking(erlangs: float, lines: int) -> Decimal:
    """B = a^n/n! / sum a^k/k!, from the largest term down."""
    whole = term = Decimal(1)
    for line in range(lines, 0, -1):
        term *= Decimal(line) / Decimal(erlangs)
        whole += term
    return 1 / whole


def exact_wait(load: Load, agents: int, within_s: float) -> dict[str, Decimal]:
    """Erlang A summed over its states: whole chances, not recurrences, for the time that a call takes."""
    assert load.patience_s is not None
    arrive, service = Decimal(load.calls_per_s), Decimal(agents) / Decimal(load.handling_s)
    leave = 1 / Decimal(load.patience_s)
    outlasts = (-leave * Decimal(within_s)).exp()
    x, below = 1 - outlasts, 1 / exact_blocking(load.erlangs, agents) - 1
    weight, j = Decimal(1), 0
    sums = dict.fromkeys(("states", "queue", "in", "gone"), Decimal(0))
    late = {b: (outlasts.ln() * b).exp() if within_s else Decimal(1) for b in (service / leave, service / leave + 1)}
    terms = dict(late)
    while weight > sums["states"] * Decimal("1e-30") or arrive > service + j * leave:
        served, tilted = (1 - late[b] for b in late)
        in_time = tilted * service / (service + (j + 1) * leave)
        sums["states"] += weight
        sums["queue"] += weight * j
        sums["in"] += weight * in_time
        sums["gone"] += weight * (1 - in_time - outlasts * (1 - served))
        j += 1
        weight *= arrive / (service + j * leave)
        for b in late:
            terms[b] *= x * (b + j - 1) / j
            late[b] += terms[b]
    whole = below + sums["states"]
    return {
        "waits": sums["states"] / whole,
        "abandons": leave * sums["queue"] / arrive / whole,
        "answered_in": (below + sums["in"]) / whole,
        "abandoned_in": sums["gone"] / whole,
        "wait_s": sums["queue"] / arrive / whole,
    }


@pytest.mark.parametrize("agents", SIZES)
@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 1.0, 2.5])
def test_the_share_of_lost_calls_is_exact(agents: int, share: float) -> None:
    assert blocking(agents * share, agents) == pytest.approx(float(exact_blocking(agents * share, agents)), rel=1e-9)


@pytest.mark.parametrize("agents", SIZES)
@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.999])
def test_waiting_without_end_is_exact(agents: int, share: float) -> None:
    lost, erlangs = exact_blocking(agents * share, agents), Decimal(agents * share)
    waits = lost / (lost + (1 - lost) * (1 - erlangs / agents))
    late = waits * (-(agents - erlangs) * 20 / Decimal(HANDLING_S)).exp()
    told = outlook(Load(calls_per_s=agents * share / HANDLING_S, handling_s=HANDLING_S), agents)
    assert told.waits == pytest.approx(float(waits), rel=1e-9)
    assert told.answered_in == pytest.approx(float(1 - late), abs=1e-9)
    assert told.wait_s == pytest.approx(float(waits) * HANDLING_S / (agents * (1 - share)), rel=1e-9)


@pytest.mark.parametrize("agents", [1, 10, 100, pytest.param(5_000, marks=pytest.mark.long)])
@pytest.mark.parametrize(("share", "patience", "within"), CASES)
def test_waiting_with_patience_is_exact(agents: int, share: float, patience: float, within: float) -> None:
    load = Load(calls_per_s=agents * share / HANDLING_S, handling_s=HANDLING_S, patience_s=patience * HANDLING_S)
    told, within_s = outlook(load, agents, within * HANDLING_S), within * HANDLING_S
    for name, value in exact_wait(load, agents, within_s).items():
        assert getattr(told, name) == pytest.approx(float(value), rel=1e-9, abs=1e-9), name


def test_the_textbook_case() -> None:
    """100 calls in half an hour of 3 minutes each: 10 Erlangs; 80/20 takes 14 agents, and 12 of them answer 54 %."""
    load = Load(calls_per_s=100 / 1800, handling_s=180)
    assert agents_needed(load, Goal()).agents == 14
    assert outlook(load, 14).answered_in == pytest.approx(0.888, abs=5e-4)
    assert outlook(load, 14).waits == pytest.approx(0.174, abs=5e-4)


def test_fewer_agents_than_erlangs_can_be_enough_when_callers_give_up() -> None:
    load = Load(calls_per_s=5000 / 3600, handling_s=240, patience_s=90)
    found = agents_needed(load, Goal(abandons_at_most=0.05))
    assert found.agents == 322
    assert found.agents < load.erlangs


def test_the_least_number_is_found() -> None:
    load = Load(calls_per_s=0.5, handling_s=200, patience_s=120)
    goal = Goal(share=0.9, within_s=10)
    found = agents_needed(load, goal)
    assert goal.is_met(found)
    assert not goal.is_met(outlook(load, found.agents - 1, 10))


def test_where_more_comes_than_can_be_handled_and_nobody_gives_up_the_wait_has_no_end() -> None:
    told = outlook(Load(calls_per_s=1, handling_s=100), 100)
    assert (told.wait_s, told.answered_in, told.waits) == (math.inf, 0.0, 1.0)


def test_a_call_centre_of_a_million_keeps_its_digits() -> None:
    told = outlook(Load(calls_per_s=1_000_000 / 240, handling_s=240, patience_s=120), 1_000_000)
    assert 0 < told.abandons < 0.001
    assert 0.999 < told.answered_in <= 1


def test_an_overload_beyond_every_float_still_adds_up() -> None:
    told = outlook(Load(calls_per_s=100, handling_s=1_000, patience_s=1_000), 10)
    assert told.abandons == pytest.approx(1 - 10 / 100_000, rel=1e-6)
    assert told.occupancy == pytest.approx(1.0)


definitions = st.sampled_from(LevelDefinition)


@given(
    agents=st.integers(1, 200),
    share=st.floats(0.1, 3),
    patience_s=st.floats(1, 2_000),
    within_s=st.floats(0, 600),
    definition=definitions,
)
def test_shares_are_shares_and_every_further_agent_helps(
    agents: int, share: float, patience_s: float, within_s: float, definition: LevelDefinition
) -> None:
    load = Load(calls_per_s=agents * share / HANDLING_S, handling_s=HANDLING_S, patience_s=patience_s)
    told, better = outlook(load, agents, within_s), outlook(load, agents + 1, within_s)
    for value in (told.waits, told.abandons, told.answered_in, told.abandoned_in, told.occupancy):
        assert -1e-9 <= value <= 1 + 1e-9
    assert told.answered_in + told.abandoned_in <= 1 + 1e-9
    assert better.level(definition) >= told.level(definition) - 1e-9
    assert better.abandons <= told.abandons + 1e-9


def test_the_definitions_of_a_service_level_differ_by_who_gave_up() -> None:
    figures = Outlook(agents=1, waits=0, abandons=0.2, answered_in=0.6, abandoned_in=0.1, wait_s=0, occupancy=0)
    levels = [figures.level(definition) for definition in LevelDefinition]
    assert levels == pytest.approx([0.6, 0.75, 0.6 / 0.9, 0.7])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Load(calls_per_s=0, handling_s=1),
        lambda: Load(calls_per_s=1, handling_s=math.nan),
        lambda: Load(calls_per_s=1, handling_s=1, patience_s=0),
        lambda: Goal(share=1),
        lambda: Goal(within_s=-1),
        lambda: outlook(Load(calls_per_s=1, handling_s=1), 0),
        lambda: on_the_roster(3, 1),
        lambda: agents_needed(Load(calls_per_s=1, handling_s=60), Goal(occupancy_at_most=0.0)),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(Rejected):
        wrong()


def test_shrinkage_is_added_on_top() -> None:
    assert (on_the_roster(70, 0.3), on_the_roster(71, 0.3), on_the_roster(5, 0)) == (100, 102, 5)
