"""All nodes are replaced one after the other while people call: nobody notices."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.chaos.played import Run, play
from tests.chaos.schedule import Fault
from tests.databases import folder

CALLS = 30


class Played:
    """What a run with two rolling restarts has left."""

    def __init__(self, place: Path, violations: list[str]) -> None:
        self.violations = violations
        self.run: dict[str, Any] = json.loads((place / "run.json").read_text())
        self.truth: list[dict[str, Any]] = json.loads((place / "truth.json").read_text())
        self.journal = [json.loads(line) for line in (place / "journal.jsonl").read_text().splitlines()]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rolled() -> AsyncIterator[Played]:
    plan = [Fault(at=3.0, kind="roll_nodes", how={})]
    with folder() as place:
        yield Played(place, await play(Run(seed=4, calls=CALLS, minutes=0.25), place, plan=plan))


async def test_a_rolling_restart_loses_no_call(rolled: Played) -> None:
    assert rolled.violations == []
    assert len(rolled.truth) == CALLS


async def test_every_node_ends_by_itself_and_in_peace(rolled: Played) -> None:
    assert [(one["node"], one["status"]) for one in rolled.run["exits"]] == [(0, 0), (1, 0)]


async def test_every_notification_is_taken_in_while_nodes_come_and_go(rolled: Played) -> None:
    told = [entry["status"] for entry in rolled.journal if entry["kind"] == "notification"]
    assert len(told) > CALLS
    assert set(told) == {202}


async def test_every_caller_is_answered_in_time(rolled: Played) -> None:
    assert [call["graph_id"] for call in rolled.truth if call["established"] is None] == []
