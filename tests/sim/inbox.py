"""The store's inbox and timers on the database in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from cordpair.core.changes import Timer
from cordpair.core.ids import TenantId
from cordpair.store.inbox import Inbox, InboxRow, Incoming, ParkedItem
from cordpair.store.timers import Timers
from tests.sim.database import Transaction


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An inbox row."""

    id: int
    source: str
    key: str
    body: bytes
    received_at: datetime
    state: str = "new"
    attempts: int = 0
    error: str = ""
    folded_at: datetime | None = None
    result: bytes | None = None


class MemoryInbox(Inbox):
    """See Inbox."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def put(self, items: Sequence[Incoming]) -> set[tuple[str, str]]:
        await self._tx.statement()
        return {(row.source, row.key) for row in await self._add(items)}

    async def take_in(self, items: Sequence[Incoming], now: datetime) -> list[InboxRow]:
        await self._tx.statement()
        taken = await self._add(items)
        for row in taken:
            if row.source != "command":
                await self._write(replace(row, state="folded", folded_at=now))
        return [_inbox_row(row) for row in taken]

    async def _add(self, items: Sequence[Incoming]) -> list[Item]:
        """The rows that are new."""
        new = []
        for item in items:
            unique = (self._tenant, item.source, item.key)
            await self._tx.lock("inbox.key", unique)
            if self._tx.get("inbox.key", unique) is not None:
                continue
            row = Item(
                id=self._tx.database.number(),
                source=item.source,
                key=item.key,
                body=item.body,
                received_at=item.received_at,
            )
            self._tx.put("inbox.key", unique, row.id)
            await self._write(row)
            new.append(row)
        return new

    async def unfolded(self, limit: int) -> list[InboxRow]:
        await self._tx.statement()
        rows = sorted((row for row in self._all("inbox.new") if row.state == "new"), key=lambda row: row.id)
        return [_inbox_row(row) for row in rows[:limit]]

    async def fold(self, folded: Mapping[int, bytes | None], now: datetime) -> None:
        await self._tx.statement()
        await self.mark(folded, now)

    async def mark(self, folded: Mapping[int, bytes | None], now: datetime) -> None:
        """What `fold` does, as a part of somebody else's statement."""
        for item, result in folded.items():
            row = await self._own(item)
            if row is not None and row.state == "new":
                await self._write(replace(row, state="folded", folded_at=now, result=result))

    async def result(self, source: str, key: str) -> bytes | None:
        await self._tx.statement()
        found = self._tx.get("inbox.key", (self._tenant, source, key))
        row: Item | None = None if found is None else self._tx.get("inbox", (self._tenant, found))
        return None if row is None else row.result

    async def park(self, item: int, error: str) -> None:
        await self._tx.statement()
        row = await self._own(item)
        if row is not None:
            await self._write(replace(row, state="parked", attempts=row.attempts + 1, error=error))

    async def put_aside(self, item: Incoming, error: str) -> None:
        await self.put([item])
        found = self._tx.get("inbox.key", (self._tenant, item.source, item.key))
        row = await self._own(found)
        if row is not None:
            await self._write(replace(row, state="parked", error=error))

    async def parked(self) -> list[ParkedItem]:
        await self._tx.statement()
        rows = sorted((row for row in self._all("") if row.state == "parked"), key=lambda row: row.id)
        names = ("id", "source", "key", "received_at", "attempts", "error")
        return [ParkedItem(**{name: getattr(row, name) for name in names}) for row in rows]

    async def retry(self, item: int) -> bool:
        await self._tx.statement()
        row = await self._own(item)
        if row is None or row.state != "parked":
            return False
        await self._write(replace(row, state="new"))
        return True

    async def purge(self, before: datetime) -> int:
        await self._tx.statement()
        gone = [row for row in self._all("") if row.received_at < before]
        for row in gone:
            await self._own(row.id)
            self._tx.delete("inbox", (self._tenant, row.id))
            self._tx.delete("inbox.key", (self._tenant, row.source, row.key))
        return len(gone)

    def _all(self, index: str) -> list[Item]:
        return [row for key, row in self._tx.scan("inbox", index) if key[0] == self._tenant]  # type: ignore[index]

    async def _own(self, item: int | None) -> Item | None:
        await self._tx.lock("inbox", (self._tenant, item))
        row: Item | None = self._tx.get("inbox", (self._tenant, item))
        return row

    async def _write(self, row: Item) -> None:
        await self._tx.lock("inbox", (self._tenant, row.id))
        self._tx.put("inbox", (self._tenant, row.id), row)


def _inbox_row(row: Item) -> InboxRow:
    names = ("id", "source", "key", "body", "received_at", "attempts")
    return InboxRow(**{name: getattr(row, name) for name in names})


class MemoryTimers(Timers):
    """See Timers."""

    def __init__(self, transaction: Transaction, tenant: TenantId) -> None:
        self._tx, self._tenant = transaction, tenant

    async def due(self, now: datetime, limit: int) -> list[Timer]:
        await self._tx.statement()
        due = [timer for timer in self._all() if timer.run_at <= now]
        return sorted(due, key=lambda timer: (timer.run_at, timer.key))[:limit]

    async def planned(self) -> dict[str, datetime]:
        await self._tx.statement()
        return {timer.key: timer.run_at for timer in self._all()}

    async def cancel(self, keys: Sequence[str]) -> None:
        await self._tx.statement()
        await self.change(keys, [])

    async def set(self, timers: Sequence[Timer]) -> None:
        await self._tx.statement()
        await self.change([], timers)

    async def change(self, gone: Sequence[str], wanted: Sequence[Timer]) -> None:
        """What `cancel` and `set` do, as a part of somebody else's statement."""
        for key in gone:
            await self._tx.lock("timers", (self._tenant, key))
            self._tx.delete("timers", (self._tenant, key))
        for timer in wanted:
            await self._tx.lock("timers", (self._tenant, timer.key))
            self._tx.put("timers", (self._tenant, timer.key), timer)

    def _all(self) -> list[Any]:
        return [row for key, row in self._tx.scan("timers") if key[0] == self._tenant]  # type: ignore[index]
