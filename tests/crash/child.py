"""The product in a process that can be killed: as `cordpair serve` starts it, on a clock that outlives it.

`python -m tests.crash.child` loads the product once, then makes a new process of it for every line of JSON that it
reads (an `Order`), and prints `{"pid": ...}`, and `{"status": ...}` when that process has ended. A start takes a
fraction of a second so: in emulated time, which runs faster, about as long as a real start in real time.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import time
import traceback
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import alembic.command  # noqa: F401 - loaded before the fork, like all the rest
import msgspec
import sqlalchemy.ext.asyncio  # noqa: F401
import uvloop

import cordpair.app
import cordpair.connectors.teams.conversation
from cordpair.cli import serve
from cordpair.engine.clock import Clock
from cordpair.settings import read_settings
from tests.crash.steps import Steps


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """How to start the product. `settings` override those of the environment.

    At the monotonic second `monotonic` it was `instant`; from there time runs at `rate`. `kill` names the last step.
    """

    settings: dict[str, Any]
    log: str
    journal: str
    instant: datetime
    monotonic: float
    rate: float = 1.0
    kill: tuple[str, int] | None = None
    every_statement: bool = False


class LastingClock:
    """The emulated world's time: it goes on while the product is dead."""

    def __init__(self, order: Order) -> None:
        self.rate = order.rate
        self._instant, self._monotonic = order.instant, order.monotonic

    def now(self) -> datetime:
        return self._instant + timedelta(seconds=(time.monotonic() - self._monotonic) * self.rate)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.rate)


def main() -> None:
    """Serve orders until the input ends."""
    _die_with_parent()
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        pid = os.fork()
        if pid == 0:
            _live(order)
        _say({"pid": pid})
        _, status = os.waitpid(pid, 0)
        _say({"status": status})


def _die_with_parent() -> None:
    """A test that is killed itself leaves nobody behind (Linux)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _say(what: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _live(order: Order) -> None:
    """Be the product, until it ends or is killed. Never returns."""
    _die_with_parent()
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for there, here in ((null, 0), (log, 1), (log, 2)):
        os.dup2(there, here)
    status = 1
    try:
        Steps(Path(order.journal), order.kill).install(every_statement=order.every_statement)
        clock: Clock = LastingClock(order)
        vars(cordpair.app)["clock_at"] = lambda rate: clock
        uvloop.run(serve._serve(read_settings(**order.settings)))
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is: the test reads of it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
