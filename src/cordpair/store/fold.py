"""One transaction makes the whole outcome of a folded batch true, or none of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from cordpair.core.agent import Agent
from cordpair.core.call import Call
from cordpair.core.callback import Callback
from cordpair.core.changes import Changes, HistoryEntry, Leg, OfferRecord, OfferState, PendingItem
from cordpair.core.flow import Flow
from cordpair.core.ids import CallId
from cordpair.core.tenant import Queue
from cordpair.store.agents import Agents, saving_agents
from cordpair.store.callbacks import Callbacks, saving_callbacks
from cordpair.store.calls import Calls, saving_calls
from cordpair.store.faults import StaleLease
from cordpair.store.inbox import folding_items
from cordpair.store.outbox import Handed, putting_effects
from cordpair.store.scope import Scope
from cordpair.store.setups import Setups
from cordpair.store.timers import cancelling_timers, setting_timers
from cordpair.store.together import Write, together


class FloorRows(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's floor is rebuilt from. `next_sequence` is the number of the next call to arrive."""

    calls: list[Call]
    agents: list[Agent]
    queues: list[Queue]
    flows: tuple[Flow, ...] = ()
    callbacks: list[Callback] = []
    next_sequence: int


class Fold:
    """Loads a tenant's floor, and writes what a fold has changed."""

    def __init__(
        self,
        scope: Scope,
        *,
        calls: Calls,
        agents: Agents,
        setups: Setups,
    ) -> None:
        self._scope = scope
        self._calls = calls
        self._agents = agents
        self._setups = setups

    async def load_floor(self, recent: timedelta, now: datetime) -> FloorRows:
        """The queues, the agents, all calls that live and those closed within `recent`."""
        return FloorRows(
            calls=await self._calls.of_floor(now - recent),
            agents=await self._agents.of_floor(),
            queues=await self._setups.queues(),
            flows=await self._setups.call_flows(),
            callbacks=await Callbacks(self._scope).open(),
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
        handed: Handed | None = None,
    ) -> dict[str, int]:
        """Write a fold. Raises StaleLease when `owner` no longer holds the tenant in `epoch`.

        `folded` maps inbox ids to what they came to; `fired` are keys of timers whose events were folded. Returns the
        ids of effects that were handed over, by their keys.
        """
        writes = [] if not changes.effects else [putting_effects(self._scope, changes.effects, now, handed)]
        writes += await self._writes(changes, folded, fired, now)
        lease = _HOLD_LEASE if changes.effects else _HOLD_LEASE.replace(_HANDED, "'{}'::jsonb")
        write = together(writes, Write(lease, (self._scope.tenant, owner, epoch)))
        row = await self._scope.connection.fetchrow(write.sql, *write.values)
        if row is None:
            raise StaleLease("another process owns this tenant now")
        return msgspec.json.decode(row["handed"], type=dict[str, int])

    async def _writes(
        self, changes: Changes, folded: Mapping[int, bytes | None], fired: Sequence[str], now: datetime
    ) -> list[Write]:
        """All that is to be written, no row twice."""
        writes: list[Write] = []
        if changes.calls:
            writes.append(await saving_calls(self._scope, list(changes.calls.values())))
        if changes.callbacks:
            writes.append(await saving_callbacks(self._scope, list(changes.callbacks.values())))
        if changes.agents:
            writes.append(await saving_agents(self._scope, list(changes.agents.values())))
        if changes.offers:
            writes.append(self._saving_offers(changes.offers.values()))
        if changes.legs:
            writes.append(self._saving_legs(list(changes.legs.values())))
        if changes.history:
            writes.append(self._appending_history(changes.history))
        writes.extend(self._saving_pending(changes.pending))
        writes.extend(self._saving_timers(changes, fired))
        if folded:
            writes.append(await folding_items(self._scope, folded, now))
        return writes

    def _saving_offers(self, offers: Iterable[OfferRecord]) -> Write:
        # What has ended makes room first: the constraints look at every row as it is written.
        rows = sorted(offers, key=_room_first)
        return Write(
            "insert into offers (tenant, call, number, agent, state, made_at, ended_at, why) "
            "select $1, * from unnest($2::text[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], "
            "$7::timestamptz[], $8::text[]) on conflict (tenant, call, number) do update set "
            "state = excluded.state, ended_at = excluded.ended_at, why = excluded.why",
            (self._scope.tenant, *([getattr(row, name) for row in rows] for name in _OFFER_COLUMNS)),
        )

    def _saving_legs(self, legs: Sequence[Leg]) -> Write:
        columns = ([getattr(leg, name) for leg in legs] for name in ("call", "number", "agent", "joined_at", "left_at"))
        return Write(
            "insert into legs (tenant, call, number, agent, joined_at, left_at) "
            "select $1, * from unnest($2::text[], $3::integer[], $4::text[], $5::timestamptz[], $6::timestamptz[]) "
            "on conflict (tenant, call, number) do update set agent = excluded.agent, joined_at = excluded.joined_at, "
            "left_at = excluded.left_at",
            (self._scope.tenant, *columns),
        )

    def _appending_history(self, entries: Sequence[HistoryEntry]) -> Write:
        names = ("at", "call", "agent", "what", "before", "after")
        details = [msgspec.json.encode(entry.detail).decode() for entry in entries]
        return Write(
            "insert into history (tenant, at, call, agent, what, before, after, detail) select $1, * from "
            "unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])",
            (self._scope.tenant, *([getattr(entry, name) for entry in entries] for name in names), details),
        )

    def _saving_pending(self, pending: Mapping[CallId, PendingItem | None]) -> Iterable[Write]:
        settled = [call for call, item in pending.items() if item is None]
        if settled:
            yield Write(
                "delete from pending_items where tenant = $1 and call = any($2::text[])", (self._scope.tenant, settled)
            )
        items = [item for item in pending.values() if item is not None]
        if items:
            yield Write(
                "insert into pending_items (tenant, call, reason, since) "
                "select $1, * from unnest($2::text[], $3::text[], $4::timestamptz[]) "
                "on conflict (tenant, call) do update set reason = excluded.reason",
                (
                    self._scope.tenant,
                    *([getattr(item, name) for item in items] for name in ("call", "reason", "since")),
                ),
            )

    def _saving_timers(self, changes: Changes, fired: Sequence[str]) -> Iterable[Write]:
        """A timer that has fired and is set anew is only moved."""
        wanted = {key: timer for key, timer in changes.timers.items() if timer is not None}
        gone = [key for key in (*fired, *changes.timers) if key not in wanted]
        if gone:
            yield cancelling_timers(self._scope, gone)
        if wanted:
            yield setting_timers(self._scope, list(wanted.values()))


_HANDED = "(select coalesce(jsonb_object_agg(w0.key, w0.id), '{}') from w0 where w0.state <> 'ready')"
#: The lease cannot change hands before we have committed.
_HOLD_LEASE = (
    f"select l.epoch, {_HANDED} as handed from leases l "  # noqa: S608
    "where l.tenant = $1 and l.owner = $2 and l.epoch = $3 for key share of l"
)
_OFFER_COLUMNS = ("call", "number", "agent", "state", "made_at", "ended_at", "why")


def _room_first(offer: OfferRecord) -> int:
    if offer.ended_at is not None or offer.state is OfferState.ENDED:
        return 0
    return 1 if offer.state is OfferState.ACCEPTED else 2
