"""The product and its store with one promise taken away each: the simulation must find out. What it cannot find is not
proven by it either.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from cordpair.core import fold_calls, fold_offers, offers
from cordpair.core.call import Call, Offer
from cordpair.core.changes import Changes
from cordpair.core.effects import Effect
from cordpair.core.events import AnyEvent
from cordpair.core.floor import Floor
from cordpair.core.ids import OfferId, TenantId
from cordpair.errors import IllegalEvent
from cordpair.store.inbox import Incoming
from cordpair.store.outbox import Handed, OutboxRow
from tests.sim.inbox import Item, MemoryInbox
from tests.sim.outbox import MemoryOutbox, Order, order_row
from tests.sim.queue import Lease, MemoryQueue
from tests.sim.store import MemoryRows, MemoryStore


async def _hold_lease(self: MemoryRows, owner: str, epoch: int) -> None:
    """Whoever believes to be the owner writes."""


def _named(call: Call, offer: OfferId) -> Offer:
    """Any offer's end is the end of the offer that rings now."""
    if call.offer is None:
        raise IllegalEvent("offer_over")
    return call.offer


async def _add(self: MemoryInbox, items: Sequence[Incoming]) -> list[Item]:
    """Whatever comes in is new."""
    return [row for item in items for row in await _adding(self, [replace(item, key=_another(self, item))])]


def _another(inbox: MemoryInbox, item: Incoming) -> str:
    return f"{item.key}~{inbox._tx.database.number()}"


_adding = MemoryInbox._add


async def _begin(self: MemoryOutbox, effect: int) -> OutboxRow | None:
    """A try leaves no mark before it begins."""
    await self._tx.statement()
    row: Order | None = self._tx.get("outbox", (self._tenant, effect))
    return None if row is None or row.state != "claimed" else order_row(replace(row, attempts=row.attempts + 1))


async def _unmarked(
    self: MemoryOutbox, orders: Sequence[Effect], now: datetime, handed: Handed | None
) -> dict[str, int]:
    """Nor does the first try of what is handed over."""
    ids = await _ordering(self, orders, now, handed)
    for effect in ids.values():
        row = await self._own(effect)
        if row is not None:
            await self._write(replace(row, state="claimed", attempts=0))
    return ids


_ordering = MemoryOutbox.add


async def _take(self: MemoryQueue, tenant: TenantId, lease: Lease) -> int:
    """Deadlines belong to the owner who has set them."""
    for key, _ in list(self._tx.scan("timers")):
        if key[0] == tenant:  # type: ignore[index]
            await self._tx.lock("timers", key)
            self._tx.delete("timers", key)
    return await _taking(self, tenant, lease)


_taking = MemoryQueue._take


async def _free(self: MemoryOutbox, effect: int) -> None:
    """What a lost worker was sending has not been done."""
    row = await self._own(effect)
    if row is not None and row.state in ("claimed", "sending"):
        await self._write(replace(row, state="ready", lease_until=None))


async def _retry_later(self: MemoryOutbox, effect: int, run_at: datetime, error_class: str, *, unknown: bool) -> None:
    """No answer is a no."""
    await _retrying(self, effect, run_at, error_class, unknown=False)


_retrying = MemoryOutbox.retry_later


async def _accept(
    self: MemoryStore, tenant: TenantId, items: Sequence[Incoming], *, within_s: float | None = None
) -> int:
    """Thanked for before it is kept."""
    task = asyncio.create_task(_accepting(self, tenant, items))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return len(items)


_accepting = MemoryStore.accept


async def _write_fold(self: MemoryRows, *, changes: Changes, now: datetime, **more: Any) -> dict[str, int]:
    """Orders go out before it is sure that their reason becomes true."""
    handed: Handed | None = more.get("handed")
    async with MemoryStore(self._tx.database).open_tenant(self.tenant) as rows:
        assert isinstance(rows, MemoryRows)
        ids = await rows.outbox.add(changes.effects, now, handed)
    await _writing(self, changes=replace_effects(changes), now=now, **more)
    return ids


def replace_effects(changes: Changes) -> Changes:
    return replace(changes, effects=[])


_writing = MemoryRows.write_fold


async def _never_free(self: MemoryQueue, _now: datetime) -> int:
    """Nobody looks after what a lost worker was at."""
    return 0


async def _none_freed(self: MemoryQueue, tenants: list[TenantId]) -> list[TenantId]:
    return tenants


async def _ended(self: MemoryOutbox, results: Mapping[int, Sequence[AnyEvent]], now: datetime) -> None:
    """An effect ends in one commit, and what came of it in another."""
    await _ending(self, dict.fromkeys(results, ()), now)
    rows = [self._tx.get("outbox", (self._tenant, effect)) for effect in results]
    asyncio.get_running_loop().create_task(_told_later(self, rows, list(results.values()), now))


async def _told_later(outbox: MemoryOutbox, rows: Sequence[Any], results: Sequence[Any], now: datetime) -> None:
    await asyncio.sleep(1.0)
    with contextlib.suppress(Exception):
        async with MemoryStore(outbox._tx.database).open_tenant(outbox._tenant) as again:
            assert isinstance(again, MemoryRows)
            for row, told in zip(rows, results, strict=True):
                await again.outbox._put_results(row.key, told, now)


_ending = MemoryOutbox.ended


def _arm_check(floor: Floor, call: Call, at: datetime, after_s: float) -> None:
    """Nobody looks after calls."""


Weakening = Sequence[tuple[object, str, object]]

#: Each promise that is taken away: what is put in the place of what.
WEAKENINGS: Mapping[str, Weakening] = {
    "the epoch of a lease is not checked": [(MemoryRows, "hold_lease", _hold_lease)],
    "offers have no fence": [(offers, "named", _named)],
    "what comes in twice is stored twice": [(MemoryInbox, "_add", _add)],
    "tries are not written down before they begin": [(MemoryOutbox, "begin", _begin), (MemoryOutbox, "add", _unmarked)],
    "deadlines are lost on a take-over": [(MemoryQueue, "_take", _take)],
    "unknown outcomes are simply repeated": [
        (MemoryOutbox, "free", _free),
        (MemoryOutbox, "retry_later", _retry_later),
    ],
    "acknowledged before it is stored": [(MemoryStore, "accept", _accept)],
    "orders go out before the fold commits": [(MemoryRows, "write_fold", _write_fold)],
    "lost workers are not looked after": [(MemoryQueue, "expired", _never_free), (MemoryQueue, "_free", _none_freed)],
    "results come apart from their effects": [(MemoryOutbox, "ended", _ended)],
    "rings are not withdrawn": [(fold_offers, "_STILL_RINGS", frozenset())],
    "calls are not looked after": [(fold_calls, "arm_check", _arm_check)],
}


@contextlib.contextmanager
def weakened(name: str) -> Iterator[None]:
    """The product without this promise, for as long as this lasts."""
    with contextlib.ExitStack() as back:
        for owner, attribute, instead in WEAKENINGS[name]:
            back.callback(_put_back(owner, attribute))
            setattr(owner, attribute, instead)
        yield


def _put_back(owner: object, attribute: str) -> Callable[[], None]:
    former = getattr(owner, attribute)
    return lambda: setattr(owner, attribute, former)
