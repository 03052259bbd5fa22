"""kill -9 between any two steps of a call loses nothing and rings nobody twice.

The emulated cloud, the CRM and the database live on; what the cloud wanted to say meanwhile is lost, as it would be.
"""

import random
import zlib
from pathlib import Path

import pytest

from tests.crash.conftest import Step
from tests.crash.life import life
from tests.crash.products import Products
from tests.crash.verdict import wrong
from tests.databases import Server

SEED = 20261124
PICKS = 6
PARTS = 16  #: the long proof in pieces, so that two workers share it
UNREACHED = 0.15  #: share of steps that need not come again: how facts share a commit is a matter of milliseconds


async def killed_at(
    step: Step, steps: list[Step], server: Server, born: Products, folder: Path
) -> tuple[list[str], bool]:
    """What is wrong after a life in which the product dies at `step`, for people; and whether it came to that."""
    where = f"seed {SEED}, step {steps.index(step)} of {len(steps)}, {step[0]} for the {step[1]}. time"
    async with life(server, born, folder) as one:
        try:
            left = await one.live(step)
        except TimeoutError as exc:
            return [f"{where}: {exc}"], True
        return [f"{where}: {it}\n{one.log()}" for it in wrong(left)], left.killed_at is not None


@pytest.mark.parametrize("pick", range(PICKS))
async def test_a_kill_loses_nothing_and_rings_nobody_twice(
    pick: int, steps: list[Step], postgresql: Server, born: Products, tmp_path: Path
) -> None:
    step = random.Random(SEED).sample(steps, PICKS)[pick]
    problems, _ = await killed_at(step, steps, postgresql, born, tmp_path)
    assert problems == []


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
async def test_a_kill_at_any_step_loses_nothing_and_rings_nobody_twice(
    part: int, steps: list[Step], postgresql: Server, born: Products, tmp_path: Path
) -> None:
    mine = [step for step in steps if zlib.crc32(repr(step).encode()) % PARTS == part]
    problems, unreached = [], 0
    for number, step in enumerate(mine):
        folder = tmp_path / str(number)
        folder.mkdir()
        found, was_killed = await killed_at(step, steps, postgresql, born, folder)
        problems += found
        unreached += not was_killed
    assert problems == []
    assert unreached <= 1 + UNREACHED * len(mine)
