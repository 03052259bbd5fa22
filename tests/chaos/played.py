"""One run: people call while things go wrong, then all faults end, and what is left is written down for the auditor."""

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from cordpair.emulator.world import World
from cordpair.errors import CordpairError
from tests.chaos.injector import Injector
from tests.chaos.schedule import Fault, schedule
from tests.chaos.stand import RATE, Stand, stand
from tests.databases import OPERATOR_KEY

HEAL_S = 15 * 60.0  #: emulated seconds after the last fault in which everything must have come to its end
_SESSIONS = 24  # of the database: the pools of one process, and a beacon
_TELL_EVERY_S = 20.0
_ROOT = Path(__file__).resolve().parents[2]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`minutes` are real ones, over which the callers are spread."""

    seed: int
    calls: int
    minutes: float
    nodes: int = 2
    rate: float = RATE
    is_wired: bool = True


async def play(
    run: Run,
    folder: Path,
    *,
    plan: list[Fault] | None = None,
    world: World | None = None,
    beside: Sequence[Callable[[Stand], Coroutine[Any, Any, None]]] = (),
    at_the_end: Callable[[Stand, Path], Awaitable[None]] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Play it in `folder`; what the auditor finds wrong. Raises TimeoutError when it cannot even begin.

    Without a `plan` the seed makes one, without a `world` it is the demo world. What is `beside` goes on meanwhile;
    `at_the_end` may look at the stand before it is taken down. `say` is told now and then how far it is.
    """
    seconds = run.minutes * 60
    plan = schedule(run.seed, seconds, nodes=run.nodes) if plan is None else plan
    async with stand(folder, seed=run.seed, nodes=run.nodes, rate=run.rate, world=world, is_wired=run.is_wired) as one:
        await one.begin()
        injector, before = Injector(one), one.weights()
        coming_back = asyncio.create_task(_come_back(one))
        looking_in = asyncio.create_task(one.office.look_in(one.setups))
        faults = asyncio.create_task(injector.run(plan))
        floors = [(tenant, float(len(tenant.agents))) for tenant in one.parts.cloud.world.tenants]
        people = asyncio.create_task(one.parts.callers.play(run.calls, run.calls / (seconds * run.rate), floors))
        going_on = [asyncio.create_task(act(one)) for act in beside]
        deadline = time.monotonic() + seconds + HEAL_S / run.rate
        telling = asyncio.create_task(_tell(one, injector, say))
        await faults
        healed_s = await _healed(one, people, deadline)
        for task in (people, coming_back, telling, looking_in, *going_on):
            task.cancel()
        if at_the_end is not None:
            await at_the_end(one, folder)
        found = {
            "floor": await one.shown(),
            "weights": {"before": before, "after": one.weights(), "sessions_at_most": (run.nodes + 1) * _SESSIONS},
        }
        _write(run, one, injector, found | {"healed_s": healed_s}, folder)
        return await _audit(folder)


async def _tell(one: Stand, injector: Injector, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        calls = one.parts.cloud.journal.calls.values()
        over = sum(call.ended_at is not None for call in calls)
        say(f"  {time.monotonic() - began:5.0f} s: {len(calls)} called, {over} over, {len(injector.done)} faults")


async def _come_back(one: Stand) -> None:
    """Agents whom the product has taken out of the queues say that they are there, every few seconds."""
    while True:
        await asyncio.sleep(2.0)
        for setup in one.setups:
            try:
                async with one.store.open_tenant(setup.id) as rows:
                    away = [agent.id for agent in await rows.agents.of_floor() if agent.state == "not_responding"]
            except CordpairError:
                continue
            for agent in away:
                seat = one.parts.floor.seats[agent]
                if not seat.ring and not seat.call:
                    await one.parts.chats.say(seat.chat, "ready")


async def _healed(one: Stand, people: "asyncio.Task[Any]", deadline: float) -> float | None:
    """Emulated seconds until nobody called and nothing was under way any more; None when that did not come in time."""
    began, rate = time.monotonic(), one.parts.cloud.clock.rate
    quiet_since = None
    while time.monotonic() < deadline:
        if not people.done() or not await _is_quiet(one):
            quiet_since = None
        elif quiet_since is None:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > 1.0:
            return (quiet_since - began) * rate
        await asyncio.sleep(0.2)
    return None


async def _is_quiet(one: Stand) -> bool:
    if not one.parts.floor.is_quiet:
        return False
    try:
        for setup in one.setups:
            async with one.store.open_tenant(setup.id) as rows:
                if await rows.outbox._connection.fetchval(_UNDER_WAY):
                    return False
    except CordpairError:
        return False
    return True


_UNDER_WAY = """
select exists (select from calls where state <> 'closed') or exists (select from inbox where state = 'new')
    or exists (select from outbox where state in ('ready', 'claimed', 'sending'))
    or exists (select from agents where state in ('ringing', 'talking', 'wrap_up'))
"""


def _write(run: Run, one: Stand, injector: Injector, found: dict[str, Any], folder: Path) -> None:
    """What the auditor reads beside the journal and the database."""
    told = {
        **msgspec.to_builtins(run),
        "commit": commit(),
        "main_url": one.databases.main_url,
        "keys_url": one.databases.keys_url,
        "operator_key": base64.b64encode(OPERATOR_KEY).decode(),
        "faults": injector.done,
        **found,
        "deeds": one.office.deeds,
        "targets": {setup.id: {queue.id: queue.service_level_s for queue in setup.queues} for setup in one.setups},
        "exits": [msgspec.to_builtins(exit_) for node in one.nodes for exit_ in node.exits],
        "logs": [node.log.name for node in one.nodes],
    }
    activities = {tenant: app.state.imis.activities for tenant, app in one.parts.imis.items()}
    truth = [asdict(call) for call in one.parts.cloud.journal.calls.values()]
    for name, what in (("run", told), ("truth", truth), ("activities", activities)):
        (folder / f"{name}.json").write_text(json.dumps(what, default=_text, indent=1))


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


async def _audit(folder: Path) -> list[str]:
    """The auditor is a program of its own. It names each violation in a line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.auditor", str(folder), cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    found = json.loads(said) if said else {"violations": [f"the auditor ended with {process.returncode}"]}
    (folder / "verdict.json").write_text(json.dumps(found))
    violations: list[str] = found["violations"]
    return violations


def commit() -> str:
    """Which state of the source was played."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"
