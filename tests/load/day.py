"""A day of load: many organisations call at once, presence changes all the time, and it is measured what that costs."""

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from benchmarks.ground import percentile
from benchmarks.measuring import Line
from tests.chaos.played import Run, play
from tests.chaos.stand import Stand
from tests.load.offers import Measured, offer_seconds
from tests.load.town import town

_WRAP_UP = timedelta(seconds=20)  # of every queue of the stand


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is played. Time is real: one emulated second is one second."""

    minutes: float = 10.0
    tenants: int = 20
    queues: int = 50
    agents: int = 200
    calls_per_s: float = 3.0
    presence_per_s: float = 100.0
    nodes: int = 1
    seed: int = 7


async def loaded(load: Load, folder: Path, say: Any = lambda _: None) -> list[Line]:
    """Play it; figures beside their limits. Violations are among them, and named by `say`."""
    world = town(tenants=load.tenants, queues=load.queues, agents=load.agents, seed=load.seed)
    run = Run(
        seed=load.seed,
        calls=round(load.calls_per_s * load.minutes * 60),
        minutes=load.minutes,
        nodes=load.nodes,
        rate=1.0,
        is_wired=False,
    )
    presence = Presence(load)
    violations = await play(run, folder, plan=[], world=world, beside=[presence.change], at_the_end=_keep_rows, say=say)
    for violation in violations:
        say(violation)
    return _lines(load, run, presence, violations, folder)


class Presence:
    """Agents whose clients fall idle and wake up again: news that change nobody's work. `count` of them so far."""

    def __init__(self, load: Load) -> None:
        self._per_s, self._dice = load.presence_per_s, random.Random(load.seed)
        self.count = 0
        self.seconds = 0.0  #: over which they changed

    async def change(self, stand: Stand) -> None:
        """Change somebody's presence again and again, at the wanted rate, until cancelled."""
        presences, seats = stand.parts.presences, list(stand.parts.floor.seats.values())
        clock, began = stand.parts.cloud.clock, stand.parts.cloud.clock.elapsed()
        while True:
            seat = self._dice.choice(seats)
            known = presences._of.get(seat.agent.id)
            if known is not None and known.availability in ("Available", "AvailableIdle"):
                other = "AvailableIdle" if known.availability == "Available" else "Available"
                presences.set(seat.tenant, seat.agent.id, other, "Available")
                self.count += 1
            self.seconds = clock.elapsed() - began
            await clock.sleep(max(0.0, self.count / self._per_s - self.seconds))


async def _keep_rows(stand: Stand, folder: Path) -> None:
    """What the measurement needs of the database, which is gone afterwards."""
    main = await asyncpg.connect(stand.databases.main_url)
    try:
        offers = [dict(row) for row in await main.fetch(_OFFERS)]
        changes = [dict(row) for row in await main.fetch(_CHANGES)]
        sessions = await main.fetchval("select count(*) from pg_stat_activity where usename like 'cordpair%'")
    finally:
        await main.close()
    (folder / "measured.json").write_bytes(
        msgspec.json.encode({"offers": offers, "changes": changes, "sessions": sessions})
    )


_OFFERS = "select call, number, agent, made_at from offers"
_CHANGES = """
select agent, before, after, at, lag(at) over (partition by tenant, agent order by id) as since
from history where agent is not null and after <> before order by id
"""


def _lines(load: Load, run: Run, presence: Presence, violations: list[str], folder: Path) -> list[Line]:
    journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    kept = msgspec.json.decode((folder / "measured.json").read_bytes(), type=Measured)
    told = json.loads((folder / "run.json").read_text())
    took = offer_seconds(journal, kept, _WRAP_UP)
    answers = [entry["took_ms"] for entry in journal if entry["kind"] == "notification"]
    before, after = (told["weights"][name] for name in ("before", "after"))
    return [
        Line(work=f"violations in {run.calls} calls", unit="", ours=len(violations), aim=0, at_most=True),
        Line(work=f"offers ({len(took)}), p50", unit="ms", ours=percentile(took, 0.5) * 1e3),
        Line(work="  p99", unit="ms", ours=percentile(took, 0.99) * 1e3, aim=500, at_most=True),
        Line(work="call notifications acknowledged, p99", unit="ms", ours=percentile(answers, 0.99)),
        Line(
            work="changes of presence",
            unit="/s",
            ours=presence.count / presence.seconds,
            opponent="wanted",
            theirs=load.presence_per_s,
        ),
        *(_back(name, unit, before, after) for name, unit in (("bytes", "MB"), ("descriptors", ""), ("threads", ""))),
        Line(
            work="sessions of the database",
            unit="",
            ours=kept.sessions,
            aim=told["weights"]["sessions_at_most"],
            at_most=True,
        ),
    ]


def _back(name: str, unit: str, before: list[dict[str, int]], after: list[dict[str, int]]) -> Line:
    """What the largest node holds afterwards, beside what it held before anybody called."""
    scale = 1e6 if unit == "MB" else 1
    most, least = max(one[name] for one in after) / scale, max(one[name] for one in before) / scale
    return Line(work=f"{name} of the largest node, after", unit=unit, ours=most, opponent="before", theirs=least)
