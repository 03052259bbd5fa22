"""One emulated iMIS instance: its store, its tokens, its clock and the switches on it."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from cordpair.emulator.imis_activity import Table
from cordpair.emulator.imis_faults import Counters, Fault
from cordpair.emulator.imis_panel import Panel
from cordpair.emulator.imis_shapes import Shapes
from cordpair.emulator.imis_store import Activity, Store
from cordpair.emulator.imis_tokens import Tokens
from cordpair.emulator.members import Member


class Clock(Protocol):
    """Time as the emulated world has it."""

    def now(self) -> datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class Imis:
    """One instance and the switches on it.

    `faults` hit in order; `old_assembly` names types as iMIS 2017 does; `page_cap` is the largest page;
    `metadata_works` off answers 501 to metadata of an entity, `definitions_work` off to the list of definitions;
    `table` is what its activities can hold, `panels` are the organisation's own tables by name.
    """

    def __init__(self, instance: str, members: Iterable[Member], clock: Clock, time_zone: str) -> None:
        self.instance = instance
        self.clock = clock
        self.store = Store(members, ZoneInfo(time_zone))
        self.tokens = Tokens()
        self.counters = Counters()
        self.faults: list[Fault] = []
        self.old_assembly = False
        self.page_cap = 500
        self.metadata_works = False
        self.definitions_work = True
        self.table = Table()
        self.panels = {"UD_FollowUps": Panel()}
        self._late: set[asyncio.Task[None]] = set()

    @property
    def shapes(self) -> Shapes:
        return Shapes(old=self.old_assembly)

    @property
    def activities(self) -> list[Activity]:
        return self.store.activities

    def change(self, party_id: str, **fields: object) -> None:
        """Change a party now, by field names of `imis_store.Party`. Raises KeyError."""
        self.store.change(party_id, self.clock.now(), **fields)

    def take_fault(self, method: str, path: str) -> Fault | None:
        return next((fault for fault in self.faults if fault.hits(method, path)), None)

    def commit_later(self, write: Callable[[], object], delay_s: float) -> None:
        """Write `delay_s` from now on, when nobody expects it any more."""

        async def commit() -> None:
            await self.clock.sleep(delay_s)
            write()

        task = asyncio.get_running_loop().create_task(commit())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
