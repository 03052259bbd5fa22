"""`python -m cordpair.emulator`: the emulated cloud by itself. Prints one JSON line with its url when it is ready."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cordpair.emulator.server import running


def main() -> None:
    """Serve until a signal ends it."""
    options = argparse.ArgumentParser(prog="cordpair.emulator", description=__doc__)
    options.add_argument("--port", type=int, default=0, help="port on loopback; 0 picks a free one")
    options.add_argument("--seed", type=int, default=7, help="chance of this world")
    options.add_argument("--rate", type=float, default=1.0, help="emulated seconds per real second; 0: by hand only")
    options.add_argument("--members", type=int, default=10_000, help="members of the larger organisation")
    options.add_argument("--product", default="", help="where the product listens; /_control/product sets it later")
    options.add_argument("--journal", type=Path, default=None, help="file that the journal is appended to")
    chosen = options.parse_args()
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        runner.run(_serve(chosen))


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not on Windows
        return None
    return uvloop.new_event_loop


async def _serve(options: argparse.Namespace) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with running(
        seed=options.seed,
        rate=options.rate,
        port=options.port,
        product_url=options.product,
        journal=options.journal,
        members_count=options.members,
    ) as server:
        sys.stdout.write(json.dumps({"url": server.url}) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    main()
