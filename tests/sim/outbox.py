"""The store's outbox on the database in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from cordpair.core.effects import Effect, InviteAgent, Lane
from cordpair.core.events import AnyEvent, encode
from cordpair.core.ids import TenantId
from cordpair.store.inbox import Inbox, Incoming
from cordpair.store.outbox import Handed, Outbox, OutboxRow, ParkedEffect
from tests.sim.database import Transaction


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox row."""

    id: int
    key: str
    effect: Effect
    state: str
    run_at: datetime
    since: datetime
    lease_until: datetime | None = None
    attempts: int = 0
    unknown: bool = False
    reason: str = ""


class MemoryOutbox(Outbox):
    """See Outbox."""

    def __init__(self, transaction: Transaction, tenant: TenantId, inbox: Inbox) -> None:
        self._tx, self._tenant = transaction, tenant
        self._inbox = inbox

    async def put(self, orders: Sequence[Effect], now: datetime) -> None:
        await self._tx.statement()
        await self.add(orders, now, None)

    async def add(self, orders: Sequence[Effect], now: datetime, handed: Handed | None) -> dict[str, int]:
        """What `put` does, as a part of somebody else's statement; returns the ids of those handed over, by key."""
        urgent = [number for number, order in enumerate(orders) if order.lane < Lane.CRM]
        chosen = sorted(urgent, key=lambda it: orders[it].lane)[: handed.most if handed else 0]
        ids: dict[str, int] = {}
        for number, order in enumerate(orders):
            unique = (self._tenant, order.key)
            await self._tx.lock("outbox.key", unique)
            if self._tx.get("outbox.key", unique) is not None:
                continue
            row = Order(
                id=self._tx.database.number(), key=order.key, effect=order, state="ready", run_at=now, since=now
            )
            if handed and number in chosen:
                begun = not isinstance(order, InviteAgent)
                state = "sending" if begun else "claimed"
                row = replace(row, state=state, lease_until=handed.until, attempts=int(begun))
                ids[row.key] = row.id
            self._tx.put("outbox.key", unique, row.id)
            await self._write(row)
        return ids

    async def load(self, ids: Sequence[int]) -> list[OutboxRow]:
        await self._tx.statement()
        found = (self._tx.get("outbox", (self._tenant, one)) for one in ids)
        return [order_row(row) for row in found if row is not None]

    async def begin(self, effect: int) -> OutboxRow | None:
        await self._tx.statement()
        row = await self._own(effect)
        if row is None or row.state != "claimed":
            return None
        row = replace(row, state="sending", attempts=row.attempts + 1)
        await self._write(row)
        return order_row(row)

    async def done(self, effect: int, now: datetime, results: Sequence[AnyEvent] = ()) -> None:
        await self.ended({effect: results}, now)

    async def ended(self, results: Mapping[int, Sequence[AnyEvent]], now: datetime) -> None:
        """These effects are carried out, each with its results."""
        await self._tx.statement()
        for effect, told in results.items():
            row = await self._own(effect)
            if row is not None and row.state != "done":
                await self._write(replace(row, state="done", lease_until=None, since=now))
                await self._put_results(row.key, told, now)

    async def retry_later(self, effect: int, run_at: datetime, error_class: str, *, unknown: bool) -> None:
        await self._tx.statement()
        row = await self._own(effect)
        if row is not None and row.state in ("claimed", "sending"):
            again = replace(row, state="ready", lease_until=None, run_at=run_at, reason=error_class)
            await self._write(replace(again, unknown=row.unknown or unknown))

    async def park(self, effect: int, now: datetime, reason: str, results: Sequence[AnyEvent] = ()) -> None:
        await self._tx.statement()
        row = await self._own(effect)
        if row is not None and row.state != "done":
            await self._write(replace(row, state="parked", lease_until=None, since=now, reason=reason))
            await self._put_results(f"{row.key}#parked@{now.isoformat()}", results, now)

    async def take_back(self, kept: Sequence[int]) -> None:
        await self._tx.statement()
        for key, row in list(self._tx.scan("outbox", "outbox.open")):
            mine = key[0] == self._tenant  # type: ignore[index]
            if mine and row.state in ("claimed", "sending") and row.effect.lane < Lane.CRM and row.id not in kept:
                await self.free(row.id)

    async def free(self, effect: int) -> None:
        """Whoever was at it is so no more."""
        row = await self._own(effect)
        if row is not None and row.state in ("claimed", "sending"):
            unknown = row.unknown or row.state == "sending"
            await self._write(replace(row, state="ready", lease_until=None, unknown=unknown))

    async def parked(self) -> list[ParkedEffect]:
        await self._tx.statement()
        rows = [row for key, row in self._tx.scan("outbox") if key[0] == self._tenant]  # type: ignore[index]
        return [
            ParkedEffect(
                id=row.id,
                key=row.key,
                kind=type(row.effect).__name__,
                call=row.effect.call,
                reason=row.reason,
                since=row.since,
                attempts=row.attempts,
            )
            for row in sorted(rows, key=lambda row: (row.since, row.id))
            if row.state == "parked"
        ]

    async def retry_parked(self, effect: int, now: datetime) -> bool:
        await self._tx.statement()
        row = await self._own(effect)
        if row is None or row.state != "parked":
            return False
        await self._write(replace(row, state="ready", run_at=now, since=now, unknown=row.attempts > 0))
        return True

    async def _put_results(self, key: str, results: Sequence[AnyEvent], now: datetime) -> None:
        if results:
            items = [Incoming("result", f"{key}#{number}", encode(it), now) for number, it in enumerate(results)]
            await self._inbox.put(items)

    async def _own(self, effect: int) -> Order | None:
        await self._tx.lock("outbox", (self._tenant, effect))
        row: Order | None = self._tx.get("outbox", (self._tenant, effect))
        return row

    async def _write(self, row: Order) -> None:
        await self._tx.lock("outbox", (self._tenant, row.id))
        self._tx.put("outbox", (self._tenant, row.id), row)


def order_row(row: Order) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        key=row.key,
        effect=row.effect,
        attempts=row.attempts,
        state=row.state,
        unknown=row.unknown,
        since=row.since,
    )
