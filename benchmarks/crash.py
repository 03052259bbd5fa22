"""E6: kill -9 of nodes (16 times) and of PostgreSQL (3 times) while people call: what is lost, what is done twice, how
long it takes until the next caller is offered to somebody.

An auditor that shares no decisions with the product compares what the database says with the truth of the emulated
cloud and its CRMs. Recovery counts from the kill to the first ring for a call that arrived after it, of the
organisation that waited longest. Nodes are forked from a process that has loaded the product, so each stays away for as
long as a start takes longer than that: it is measured beside; a start of PostgreSQL is what its supervisor needs.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import Line
from tests.chaos.played import Run, play
from tests.chaos.schedule import Fault
from tests.chaos.stand import Stand
from tests.databases import folder
from tests.load.town import town

_EVERY_S = 7.0  # real seconds between two kills
_CALLS_PER_S = 3.0  # real
_MARK = "kills begin"
_KILLS_OF_TWO, _KILLS_OF_DATABASE, _KILLS_OF_ONE = 12, 3, 4


def run() -> list[Line]:
    """Violations, and seconds until the next offer."""
    start_s = _start_s()
    plan = [("kill_node", {"node": number % 2, "back_after_s": start_s}) for number in range(_KILLS_OF_TWO)]
    for number in range(_KILLS_OF_DATABASE):
        plan.insert(2 + number * 4, ("kill_database", {}))
    alone = [("kill_node", {"node": 0, "back_after_s": start_s})] * _KILLS_OF_ONE
    found, others = _played(plan, nodes=2)
    found_alone, again = _played(alone, nodes=1)
    nodes = [seconds for kind, seconds in others if kind == "kill_node"]
    databases = [seconds for kind, seconds in others if kind == "kill_database"]
    return [
        Line(work="lost, doubled or stuck", unit="", ours=len(found) + len(found_alone), aim=0, at_most=True),
        _recovery(f"node killed ({len(nodes)} times), another takes over", nodes, 15),
        _recovery(f"only node killed ({len(again)} times), it starts again", [it for _, it in again], 10),
        _recovery(f"database killed ({len(databases)} times)", databases, None),
        Line(work="  of it: loading the product", unit="s", ours=start_s),
    ]


def _recovery(work: str, seconds: Sequence[float], limit_s: float | None) -> Line:
    return Line(work=f"{work}: next offer, worst", unit="s", ours=max(seconds), aim=limit_s, at_most=True)


def _start_s() -> float:
    """How long a process takes until it has loaded what a node needs, which an earlier one has compiled."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import cordpair.cli, cordpair.app"], check=True)
        took.append(time.perf_counter() - began)
    return round(min(took), 2)


def _played(kills: Sequence[tuple[str, dict[str, Any]]], *, nodes: int) -> tuple[list[str], list[tuple[str, float]]]:
    """What the auditor finds wrong, and for each kill its kind and the seconds to the next offer."""
    plan = [Fault(at=5.0 + number * _EVERY_S, kind=kind, how=how) for number, (kind, how) in enumerate(kills)]
    seconds = 5.0 + len(plan) * _EVERY_S
    world = town(tenants=2, queues=2, agents=80)
    played = Run(seed=6, calls=round(seconds * _CALLS_PER_S), minutes=seconds / 60, nodes=nodes)
    with folder() as place:
        violations = asyncio.run(play(played, place, plan=plan, world=world, beside=[_mark]))
        for violation in violations:
            sys.stderr.write(violation + "\n")
        return violations, list(_recoveries(place, [tenant.id for tenant in world.tenants]))


async def _mark(stand: Stand) -> None:
    """Where in the journal's time the plan begins."""
    stand.parts.cloud.journal.note(_MARK)


def _recoveries(place: Path, tenants: Sequence[str]) -> Iterable[tuple[str, float]]:
    journal = [json.loads(line) for line in (place / "journal.jsonl").read_text().splitlines()]
    began_ms = next(entry["real_ms"] for entry in journal if entry["kind"] == _MARK)
    arrived, rang = _lives(journal)
    for kill in json.loads((place / "run.json").read_text())["faults"]:
        killed_ms = began_ms + kill["at"] * 1e3
        after = {
            tenant: min(
                (ms for call, ms in rang.items() if arrived[call][0] == tenant and arrived[call][1] > killed_ms),
                default=float("inf"),
            )
            for tenant in tenants
        }
        yield kill["kind"], (max(after.values()) - killed_ms) / 1e3


def _lives(journal: Sequence[Mapping[str, Any]]) -> tuple[dict[str, tuple[str, float]], dict[str, float]]:
    """Of each call: whose it is and when it was first told, and when it first rang at an agent; real milliseconds."""
    arrived: dict[str, tuple[str, float]] = {}
    rang: dict[str, float] = {}
    for entry in journal:
        if entry["kind"] == "notification" and entry["change"] == "created":
            arrived.setdefault(entry["graph_id"], (entry["tenant"], entry["real_ms"] - entry["took_ms"]))
        elif entry["kind"] == "ring" and entry["context"] and entry["graph_id"] in arrived:
            rang.setdefault(entry["graph_id"], entry["real_ms"])
    return arrived, rang
