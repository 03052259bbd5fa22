"""One transaction makes the whole outcome of a folded batch true, or none of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from cordpair.core.agent import Agent
from cordpair.core.call import Call
from cordpair.core.changes import Changes, HistoryEntry, Leg, OfferRecord, OfferState, PendingItem
from cordpair.core.ids import CallId
from cordpair.core.tenant import Queue
from cordpair.store.agents import Agents
from cordpair.store.calls import Calls
from cordpair.store.faults import StaleLease
from cordpair.store.inbox import Inbox
from cordpair.store.outbox import Outbox
from cordpair.store.scope import Scope
from cordpair.store.setups import Setups
from cordpair.store.timers import Timers


class FloorRows(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's floor is rebuilt from. `next_sequence` is the number of the next call to arrive."""

    calls: list[Call]
    agents: list[Agent]
    queues: list[Queue]
    next_sequence: int


class Fold:
    """Loads a tenant's floor, and writes what a fold has changed."""

    def __init__(
        self,
        scope: Scope,
        *,
        calls: Calls,
        agents: Agents,
        inbox: Inbox,
        outbox: Outbox,
        timers: Timers,
        setups: Setups,
    ) -> None:
        self._scope = scope
        self._calls = calls
        self._agents = agents
        self._inbox = inbox
        self._outbox = outbox
        self._timers = timers
        self._setups = setups

    async def load_floor(self, recent: timedelta, now: datetime) -> FloorRows:
        """The queues, the agents, all calls that live and those closed within `recent`."""
        return FloorRows(
            calls=await self._calls.of_floor(now - recent),
            agents=await self._agents.of_floor(),
            queues=await self._setups.queues(),
            next_sequence=await self._calls.next_sequence(),
        )

    async def write(
        self,
        *,
        owner: str,
        epoch: int,
        changes: Changes,
        folded: Mapping[int, bytes | None],
        fired: Sequence[str],
        now: datetime,
    ) -> None:
        """Write a fold. Raises StaleLease when `owner` no longer holds the tenant in `epoch`.

        `folded` maps inbox ids to what they came to; `fired` are keys of timers whose events were folded.
        """
        await self._hold_lease(owner, epoch)
        if changes.calls:
            await self._calls.save(list(changes.calls.values()))
        if changes.agents:
            await self._agents.save(list(changes.agents.values()))
        if changes.offers:
            await self._save_offers(changes.offers.values())
        if changes.legs:
            await self._save_legs(list(changes.legs.values()))
        if changes.history:
            await self._append_history(changes.history)
        if changes.pending:
            await self._save_pending(changes.pending)
        await self._write_timers(changes, fired)
        if changes.effects:
            await self._outbox.put(changes.effects, now)
        if folded:
            await self._inbox.fold(folded, now)

    async def _hold_lease(self, owner: str, epoch: int) -> None:
        """The lease cannot change hands before we have committed."""
        held = await self._scope.connection.fetchval(
            "select epoch from leases where tenant = $1 and owner = $2 and epoch = $3 for key share",
            self._scope.tenant,
            owner,
            epoch,
        )
        if held is None:
            raise StaleLease("another process owns this tenant now")

    async def _save_offers(self, offers: Iterable[OfferRecord]) -> None:
        # What has ended makes room first: the constraints look at every row as it is written.
        rows = sorted(offers, key=_room_first)
        await self._scope.connection.execute(
            "insert into offers (tenant, call, number, agent, state, made_at, ended_at, why) "
            "select $1, * from unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], "
            "$7::timestamptz[], $8::text[]) on conflict (tenant, call, number) do update set "
            "state = excluded.state, ended_at = excluded.ended_at, why = excluded.why",
            self._scope.tenant,
            *([getattr(row, name) for row in rows] for name in _OFFER_COLUMNS),
        )

    async def _save_legs(self, legs: Sequence[Leg]) -> None:
        await self._scope.connection.execute(
            "insert into legs (tenant, call, number, agent, joined_at, left_at) "
            "select $1, * from unnest($2::text[], $3::integer[], $4::text[], $5::timestamptz[], $6::timestamptz[]) "
            "on conflict (tenant, call, number) do update set agent = excluded.agent, joined_at = excluded.joined_at, "
            "left_at = excluded.left_at",
            self._scope.tenant,
            *([getattr(leg, name) for leg in legs] for name in ("call", "number", "agent", "joined_at", "left_at")),
        )

    async def _append_history(self, entries: Sequence[HistoryEntry]) -> None:
        await self._scope.connection.execute(
            "insert into history (tenant, at, call, agent, what, before, after, detail) select $1, * from "
            "unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])",
            self._scope.tenant,
            *(
                [getattr(entry, name) for entry in entries]
                for name in ("at", "call", "agent", "what", "before", "after")
            ),
            [msgspec.json.encode(entry.detail).decode() for entry in entries],
        )

    async def _save_pending(self, pending: Mapping[CallId, PendingItem | None]) -> None:
        settled = [call for call, item in pending.items() if item is None]
        if settled:
            await self._scope.connection.execute(
                "delete from pending_items where tenant = $1 and call = any($2::text[])", self._scope.tenant, settled
            )
        items = [item for item in pending.values() if item is not None]
        if items:
            await self._scope.connection.execute(
                "insert into pending_items (tenant, call, reason, since) "
                "select $1, * from unnest($2::text[], $3::text[], $4::timestamptz[]) "
                "on conflict (tenant, call) do update set reason = excluded.reason",
                self._scope.tenant,
                *([getattr(item, name) for item in items] for name in ("call", "reason", "since")),
            )

    async def _write_timers(self, changes: Changes, fired: Sequence[str]) -> None:
        gone = [*fired, *(key for key, timer in changes.timers.items() if timer is None)]
        if gone:
            await self._timers.cancel(gone)
        wanted = [timer for timer in changes.timers.values() if timer is not None]
        if wanted:
            await self._timers.set(wanted)


_OFFER_COLUMNS = ("call", "number", "agent", "state", "made_at", "ended_at", "why")


def _room_first(offer: OfferRecord) -> int:
    if offer.ended_at is not None or offer.state is OfferState.ENDED:
        return 0
    return 1 if offer.state is OfferState.ACCEPTED else 2
