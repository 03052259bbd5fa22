"""A run under faults, judged by the auditor. Longer ones, by seed: `./run chaos`."""

import random

import pytest

from tests.chaos.played import Run, play
from tests.chaos.schedule import KINDS, schedule
from tests.databases import folder


async def played(run: Run) -> list[str]:
    with folder() as place:
        return await play(run, place)


async def test_calls_come_out_right_while_everything_around_them_fails() -> None:
    assert await played(Run(seed=1, calls=20, minutes=0.15)) == []


@pytest.mark.long
async def test_calls_come_out_right_in_a_longer_storm() -> None:
    assert await played(Run(seed=5, calls=60, minutes=0.6)) == []


def test_the_seed_alone_decides_what_goes_wrong() -> None:
    random.seed(1)
    first = schedule(7, 60.0, nodes=2)
    random.seed(2)
    assert schedule(7, 60.0, nodes=2) == first
    assert schedule(8, 60.0, nodes=2) != first


def test_a_minute_of_faults_has_every_kind() -> None:
    assert {fault.kind for fault in schedule(1, 60.0, nodes=2)} == set(KINDS)
