"""What a turn reads: rows and timers of the store, what comes in just now, and calls that have left memory."""

import functools
from collections.abc import Mapping, Sequence

from cordpair.core import events as e
from cordpair.core.floor import Floor
from cordpair.engine.clock import Clock
from cordpair.engine.facts import Told, Translate, identify, read
from cordpair.engine.folding import Batch
from cordpair.engine.identifying import Identifier
from cordpair.engine.last_agents import remember_agents
from cordpair.store.doors import TenantRows
from cordpair.store.inbox import InboxRow


class Reading:
    """Reads for one tenant. What is read stands in the batch, also when a later step raises."""

    def __init__(self, clock: Clock, translators: Mapping[str, Translate], identifier: Identifier) -> None:
        self._clock, self._translators, self._identifier = clock, translators, identifier

    async def look(self, rows: TenantRows, batch: Batch) -> list[Told]:
        """What the store holds for us: it came before what comes in now, which may stand there too."""
        own = {row.id for row in batch.taken}
        if batch.most_rows:
            batch.rows = [row for row in await rows.inbox.unfolded(batch.most_rows) if row.id not in own]
        if batch.most_timers:
            batch.fired = await rows.timers.due(self._clock.now(), batch.most_timers)
        return await self._told(rows, batch.rows)

    async def take(self, rows: TenantRows, batch: Batch) -> list[Told]:
        """Store what comes in just now; only what is new of it is told."""
        if batch.delivery is not None:
            batch.taken = await rows.inbox.take_in(batch.delivery.items, self._clock.now())
        told = await self._told(rows, batch.taken)
        new = [event.call for one in told for event in one.events if isinstance(event, e.Arrived)]
        if new:
            await rows.calls.expect(new)
        return told

    async def _told(self, rows: TenantRows, found: Sequence[InboxRow]) -> list[Told]:
        told = read(found, self._translators)
        await identify(told, functools.partial(self._identifier.look_up, rows))
        return told

    async def remember(self, rows: TenantRows, floor: Floor, told: Sequence[Told]) -> None:
        """What the facts concern and memory does not hold: calls that have left it, agents whom callers know."""
        await self._remember_closed(rows, floor, told)
        await remember_agents(told, floor, rows)

    async def _remember_closed(self, rows: TenantRows, floor: Floor, told: Sequence[Told]) -> None:
        """A late fact may concern a call that has left memory: fetch it."""
        named = {event.call for one in told for event in one.events if isinstance(event, e.CallFact)}
        missing = [call for call in named if call not in floor.calls]
        if missing:
            floor.calls.update({call.id: call for call in await rows.calls.load(missing)})
