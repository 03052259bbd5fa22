"""Carries out a plan of faults on a stand."""

import asyncio
import contextlib
import os
import signal
import time
from typing import Any

from cordpair.emulator.delivery import Faults
from cordpair.emulator.failing import Failing
from cordpair.emulator.imis_faults import Fault as ImisFault
from tests.chaos import harm
from tests.chaos.schedule import Fault
from tests.chaos.stand import Stand
from tests.chaos.wire import Way


class Injector:
    """Everything that goes wrong goes through here. `done` lists what was carried out, with its real second."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.done: list[dict[str, Any]] = []

    async def run(self, plan: list[Fault]) -> None:
        """Each fault at its time; returns when the last one is over. Cancelled, it takes every fault back."""
        began = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                for fault in plan:
                    await asyncio.sleep(began + fault.at - time.monotonic())
                    self.done.append({"at": round(time.monotonic() - began, 2), "kind": fault.kind, "how": fault.how})
                    group.create_task(self._strike(fault.kind, fault.how))
        finally:
            self._calm()

    async def _strike(self, kind: str, how: dict[str, Any]) -> None:
        one, parts = self._stand, self._stand.parts
        match kind:
            case "kill_node":
                one.nodes[how["node"]].kill(how["back_after_s"])
            case "roll_nodes":
                await one.roll()
            case "stall_node":
                await one.nodes[how["node"]].stall(how["seconds"])
            case "kill_database":
                self._signal_database(signal.SIGKILL)
            case "restart_database":
                self._signal_database(signal.SIGINT)
            case "stall_database":
                with harm.stalled(one.home):
                    await asyncio.sleep(how["seconds"])
            case "lock_table":
                await self._while(harm.locked(one.databases.main_url, how["table"]), how["seconds"])
            case "refuse_writes":
                wanted = how["table"], how["sqlstate"], how["times"]
                await self._while(harm.raising(one.databases.main_url, *wanted), how["seconds"])
            case "crowd_database":
                await self._while(harm.crowded(one.databases.main_url), how["seconds"])
            case "cut_database":
                one.database_wires[how["node"]].cut()
            case "lose_commits":
                await one.database_wires[how["node"]].lose(Way.ANSWERS, how["seconds"])
            case "cloud_unheard":
                await one.cloud_wire.lose(Way.REQUESTS, how["seconds"])
            case "cloud_mute":
                await one.cloud_wire.lose(Way.ANSWERS, how["seconds"])
            case "cloud_slow":
                await one.cloud_wire.hold(how["by_s"], how["seconds"])
            case "lose_acknowledgements":
                await one.front_wire.lose(Way.ANSWERS, how["seconds"])
            case "notifications":
                await self._notifications(how)
            case "lose_changes":
                await self._changes(how)
            case "graph":
                parts.graph.failing = Failing(path="/communications/", **how)
            case "connector":
                parts.connector.failing = Failing(**how)
            case "imis":
                tenant = parts.cloud.world.tenants[how["tenant"]]
                parts.imis[tenant.id].state.imis.faults.append(ImisFault(**how["fault"]))
            case _:
                raise ValueError(f"there is no fault {kind}")

    async def _notifications(self, how: dict[str, Any]) -> None:
        delivery = self._stand.parts.delivery
        mine = delivery.faults = Faults(**how["faults"])
        await asyncio.sleep(how["seconds"])
        if delivery.faults is mine:
            delivery.faults = Faults()

    async def _changes(self, how: dict[str, Any]) -> None:
        self._stand.parts.subscriptions.lose = how["share"]
        await asyncio.sleep(how["seconds"])
        self._stand.parts.subscriptions.lose = 0.0

    async def _while(self, harming: contextlib.AbstractAsyncContextManager[None], seconds: float) -> None:
        """So long as the database stands: when something else ends it, this is over, too."""
        with contextlib.suppress(*harm.AWAY):
            async with harming:
                await asyncio.sleep(seconds)

    def _signal_database(self, number: signal.Signals) -> None:
        pid = harm.server_pid(self._stand.home)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _calm(self) -> None:
        parts = self._stand.parts
        parts.delivery.faults, parts.subscriptions.lose = Faults(), 0.0
        parts.graph.failing = parts.connector.failing = Failing()
        for app in parts.imis.values():
            app.state.imis.faults.clear()
