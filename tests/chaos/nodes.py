"""Nodes of the product as processes: killed, stalled, and started again as a service manager would."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.chaos.wire import Ends
from tests.crash.child import Order
from tests.crash.products import Products

_PAUSE_S = 0.3  # before a process that ended is started again


class Exit(msgspec.Struct, frozen=True):
    """A node has ended. `status` is its exit status, or minus the signal; `after_s` is how long it had been up."""

    node: int
    status: int
    after_s: float
    was_ours: bool  #: we killed it


class NodeProcess:
    """One node. `now` is emulated time."""

    def __init__(
        self, number: int, born: Products, settings: dict[str, Any], folder: Path, now: Callable[[], datetime]
    ) -> None:
        self.number, self.port = number, settings["port"]
        self._born, self._settings, self._folder, self._now = born, settings, folder, now
        self._back_after_s = _PAUSE_S
        self._is_ours = self._is_stalled = False
        self.exits: list[Exit] = []
        self.log = folder / f"node{number}.log"

    @property
    def takes_requests(self) -> bool:
        """As a load balancer sees it: a stalled process still takes connections."""
        return self._born.pid != 0

    async def reach(self) -> Ends:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def keep_alive(self, rate: float) -> None:
        """Start it, and start it again whenever it has ended."""
        while True:
            began = time.monotonic()
            await self._born.start(self._order(rate))
            status = await self._born.ended()
            self.exits.append(Exit(self.number, status, round(time.monotonic() - began, 1), self._is_ours))
            self._is_ours = False
            await asyncio.sleep(self._back_after_s)
            self._back_after_s = _PAUSE_S

    def kill(self, back_after_s: float) -> None:
        """kill -9."""
        self._back_after_s, self._is_ours = back_after_s, True
        self._signal(signal.SIGKILL)

    def tell_to_end(self) -> None:
        """SIGTERM, as a service manager sends it."""
        self._is_ours = True
        self._signal(signal.SIGTERM)

    async def stall(self, seconds: float) -> None:
        """It stands still for real seconds, and does not know it."""
        pid = self._born.pid
        self._signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            if self._born.pid == pid:
                self._signal(signal.SIGCONT)

    def weight(self) -> dict[str, int] | None:
        """What the process holds: bytes of memory, descriptors, threads. None while there is none."""
        here = Path(f"/proc/{self._born.pid}")
        try:
            status = dict(line.split(":", 1) for line in (here / "status").read_text().splitlines())
            descriptors = len(list((here / "fd").iterdir()))
        except OSError:
            return None
        return {
            "bytes": int(status["VmRSS"].split()[0]) * 1024,
            "descriptors": descriptors,
            "threads": int(status["Threads"]),
        }

    async def is_ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"http://127.0.0.1:{self.port}/health/ready")).status_code == 200
        except httpx.HTTPError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        if self._born.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._born.pid, number)

    def _order(self, rate: float) -> Order:
        return Order(
            settings=self._settings,
            log=str(self.log),
            journal=str(self._folder / f"node{self.number}.steps"),
            instant=self._now(),
            monotonic=time.monotonic(),
            rate=rate,
        )


class Front:
    """What stands before the nodes: gives each new connection to the next node that takes it."""

    def __init__(self) -> None:
        self.nodes: list[NodeProcess] = []
        self._turn = 0

    async def reach(self) -> Ends:
        """Raises ConnectionRefusedError when no node is there."""
        for _ in self.nodes:
            self._turn += 1
            node = self.nodes[self._turn % len(self.nodes)]
            if node.takes_requests:
                with contextlib.suppress(OSError):
                    return await node.reach()
        raise ConnectionRefusedError("no node takes requests")
