"""Processes of the product for tests: started, killed, started again."""

import asyncio
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.crash.child import Order

_ROOT = Path(__file__).resolve().parents[2]
_START_S = 120.0


class Products:
    """Makes processes of the product, one at a time, each by a fork of one that has loaded it."""

    def __init__(self) -> None:
        environment = os.environ | {"PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"}
        self._mother = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env=environment,
            start_new_session=True,
        )
        self._said: queue.Queue[dict[str, int]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.pid = 0

    def _listen(self) -> None:
        assert self._mother.stdout is not None
        for line in self._mother.stdout:
            self._said.put(msgspec.json.decode(line, type=dict[str, int]))

    async def start(self, order: Order) -> None:
        """Start the product."""
        assert self._mother.stdin is not None
        self._mother.stdin.write(msgspec.json.encode(order) + b"\n")
        self._mother.stdin.flush()
        self.pid = (await asyncio.to_thread(self._said.get, timeout=_START_S))["pid"]

    async def ended(self) -> int:
        """Wait for the end of the product; what it ended by: an exit status, or minus a signal."""
        while True:  # no thread is left behind when this is cancelled
            try:
                status = self._said.get_nowait()["status"]
            except queue.Empty:
                await asyncio.sleep(0.01)
            else:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)

    async def stop(self, number: signal.Signals = signal.SIGKILL) -> int | None:
        """End the product, if there is one."""
        if not self.pid:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        return await self.ended()

    def close(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._mother.kill()
        self._mother.wait()


@contextlib.contextmanager
def products() -> Iterator[Products]:
    made = Products()
    try:
        yield made
    finally:
        made.close()
