"""`cordpair demo`: the product on an emulated Teams cloud, with a floor of agents and people who call."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import typer
import uvloop

from cordpair.cli.demo_stage import START_TIMEOUT_S, Demo, data_folder, emulator, listening, settings_of

HABITS = {"habits": {"passes_on": 0.06}}  #: nothing goes wrong; now and then a caller is passed on
CHECK_RATE = 10.0  #: a check plays this many times faster than real time
CALLS_PER_SECOND = 0.16  #: of emulated time: what twenty-four agents can take


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("demo")
    def demo_command(
        check: Annotated[bool, typer.Option("--check", help="Play, print what came of it as JSON, and exit.")] = False,
        calls: Annotated[int, typer.Option(min=1, help="How many people call (with --check).")] = 200,
        seed: Annotated[int, typer.Option(help="Chance of the played day.")] = 7,
        rate: Annotated[float, typer.Option(help="Speed of time; 0: real time, or 10 with --check.", min=0)] = 0,
        port: Annotated[int, typer.Option(help="Port of the product; 0: 8080, or a free one.", min=0)] = 0,
        members: Annotated[int, typer.Option(help="Members of the association.", min=10)] = 10_000,
    ) -> None:
        """Play a working day on an emulated Microsoft cloud: nothing leaves this machine."""
        speed = rate or (CHECK_RATE if check else 1.0)
        day = _check(calls, seed, speed, port, members) if check else _live(seed, speed, port, members)
        raise typer.Exit(uvloop.run(day))


async def _live(seed: int, rate: float, port: int, members: int) -> int:
    """Play on until Ctrl-C."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with playing(seed, rate, port, members) as demo:
        await demo.control("faults", HABITS)
        await demo.control("play", {"calls": 1_000_000, "per_second": CALLS_PER_SECOND, "wait": False})
        _say("")
        for setup, link in await demo.links():
            _say(f"  {setup.name}\n    {link}")
        _say("\nThe floor is live: open an address in a browser. Ctrl-C ends the demonstration.")
        await ended.wait()
        _say("closing ...")
    return 0


async def _check(calls: int, seed: int, rate: float, port: int, members: int) -> int:
    """Play `calls` calls and judge them. The exit code is 0 when every call came out right."""
    from cordpair.cli.demo_check import judge

    async with playing(seed, rate, port, members) as demo:
        _say(f"{calls} people call, {rate:g} times faster than real time ...")
        await demo.control("faults", HABITS)
        await demo.control("play", {"calls": calls, "per_second": CALLS_PER_SECOND, "wait": False})
        await _played(demo, calls)
        report = await judge(demo)
    print(json.dumps(report, indent=2))
    return 1 if report["violations"] else 0


async def _played(demo: Demo, calls: int) -> None:
    """Wait for the end of the day, and say how far it is."""
    looks = 0
    while not (await demo.control("play")).get("is_over"):
        await asyncio.sleep(0.5)
        looks += 1
        if looks % 20 == 0:
            truth = (await demo.control("truth"))["calls"]
            over = sum(call["ended_at"] is not None for call in truth)
            _say(f"  {len(truth)} of {calls} have called, {over} calls are over")


@contextlib.asynccontextmanager
async def playing(seed: int, rate: float, port: int, members: int) -> AsyncIterator[Demo]:
    """Everything up, agents at their desks, nobody calling yet."""
    from cordpair.app import assembled, serve, start_logging

    _say("the emulated Microsoft cloud and its iMIS ...")
    async with emulator(seed, rate, members) as url, httpx.AsyncClient(timeout=30) as http:
        world = (await http.get(f"{url}/_control/world")).json()
        with data_folder() as folder, listening(port) as sock:
            settings = settings_of(world, folder, sock.getsockname()[1], rate)
            _say("an own PostgreSQL ...")
            async with assembled(settings) as product:
                start_logging(settings, product.metrics)
                demo = Demo(product, world, url, http)
                await _set_up(demo)
                await demo.control("product", {"url": settings.public_url})
                serving = asyncio.create_task(serve(product, sock=sock))
                try:
                    await _until_ready(demo, serving)
                    yield demo
                finally:
                    serving.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await serving


async def _set_up(demo: Demo) -> None:
    """What an administrator does: organisations, queues, agents, the CRM, and its parties in the phone index."""
    from cordpair.cli.demo_menu import with_menu
    from cordpair.cli.demo_world import setup_of, with_pause
    from cordpair.core.audit import operator_actor
    from cordpair.engine.privileged import apply_setup
    from cordpair.engine.sync import PartySync

    for tenant in demo.world["tenants"]:
        by, now = operator_actor(os.getuid()), demo.product.clock.now()
        setup = with_menu(with_pause(setup_of(tenant), now))
        demo.setups.append(setup)
        await apply_setup(demo.product.store, setup, by=by, now=now)
        parts = await demo.product.workshop.of(setup.id)
        sync = PartySync(setup.id, demo.product.store, parts.crm, demo.product.clock, setup.region)
        count = await sync.once()
        _say(f"{setup.name}: {len(setup.queues)} queues, {len(setup.agents)} agents, {count} members from iMIS")


async def _until_ready(demo: Demo, serving: "asyncio.Task[None]") -> None:
    """Wait until the product answers and owns its organisations; then the agents come in."""
    async with asyncio.timeout(START_TIMEOUT_S):
        while len(demo.product.node.tenants) < len(demo.setups):
            if serving.done():
                await serving
            await asyncio.sleep(0.05)
    ready = await demo.control("begin", {})
    _say(f"{ready['ready']} agents are ready")


def _say(text: str) -> None:
    """Progress goes to standard error: standard output is for the result."""
    print(text, file=sys.stderr, flush=True)
