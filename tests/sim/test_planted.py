"""The simulation finds out what is wrong with a product that was made worse, one promise at a time."""

from collections.abc import Iterator

import pytest
import structlog

from tests.sim.plan import Plan
from tests.sim.run import Simulation
from tests.sim.weakened import WEAKENINGS, weakened

#: Found by the first few seeds. The others take the long proof.
SOON = (
    "what comes in twice is stored twice",
    "deadlines are lost on a take-over",
    "unknown outcomes are simply repeated",
    "acknowledged before it is stored",
    "orders go out before the fold commits",
    "results come apart from their effects",
    "lost workers are not looked after",
    "rings are not withdrawn",
    "calls are not looked after",
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hours full of faults would fill the logs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


def found_by(name: str, most_seeds: int) -> int | None:
    """The first seed that finds something wrong; None when none of them does."""
    with weakened(name):
        for seed in range(1, most_seeds + 1):
            if Simulation(Plan(seed=seed, hours=0.7, faults=4, calls_per_hour=60)).run().violations:
                return seed
    return None


@pytest.mark.parametrize("name", SOON)
def test_a_planted_mistake_is_found_soon(name: str) -> None:
    assert found_by(name, 12) is not None


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(WEAKENINGS.keys() - set(SOON)))
def test_a_planted_mistake_is_found(name: str) -> None:
    assert found_by(name, 80) is not None
