"""The real engine in simulated hours: nothing goes wrong, and the same seed tells the same story."""

from collections.abc import Iterator

import pytest
import structlog

from tests.sim.plan import Plan
from tests.sim.run import Simulation


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hours full of faults would fill the logs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


def test_a_day_without_faults_goes_well() -> None:
    result = Simulation(Plan(seed=1, hours=2, faults=0, calls_per_hour=50)).run()
    assert result.violations == []
    assert result.counts["calls"] > 20


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_goes_wrong_while_everything_breaks(seed: int) -> None:
    result = Simulation(Plan(seed=seed, hours=1.5, faults=3, calls_per_hour=40)).run()
    assert result.violations == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(101, 109))
def test_nothing_goes_wrong_all_day_long(seed: int) -> None:
    assert Simulation(Plan(seed=seed)).run().violations == []


def test_the_same_seed_tells_the_same_story() -> None:
    plan = Plan(seed=5, hours=0.5, faults=4, calls_per_hour=40)
    one, again = Simulation(plan).run(), Simulation(plan).run()
    assert (one.journal, one.counts) == (again.journal, again.counts)


def test_another_seed_tells_another_story() -> None:
    one, other = (Simulation(Plan(seed=seed, hours=0.3, calls_per_hour=40)).run() for seed in (6, 7))
    assert one.journal != other.journal
