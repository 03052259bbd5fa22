"""Calls as rows: what queries need in columns, what is personal sealed, the rest as one JSON value."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from cordpair.core.call import Call, Mistaken
from cordpair.core.caller import Caller, CallerKind, Candidate
from cordpair.core.changes import HistoryEntry, OfferRecord, PendingItem
from cordpair.core.ids import CallId, OfferId, PartyRef, QueueId, offer_id
from cordpair.store.scope import Scope
from cordpair.store.sealing import Keyring, call_subject
from cordpair.store.together import Write

_SEALED = "calls.sealed"
_SHORT_ABANDON_S = 5.0


class _Personal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of a call that is about a person."""

    caller: Caller = Caller(kind=CallerKind.WITHHELD)
    candidates: tuple[Candidate, ...] = ()
    party: PartyRef | None = None
    note: str = ""
    activity: str = ""
    mistaken: tuple[Mistaken, ...] = ()
    dialled: str = ""


class QueueCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the calls that arrived in one queue.

    offered = answered + abandoned + flowed_out + waiting. `in_target`: answered within the queue's service level.
    `short`: abandoned within five seconds. Waiting seconds run from the arrival in the queue to the agent.
    """

    queue: QueueId
    offered: int
    answered: int
    in_target: int
    abandoned: int
    short: int
    flowed_out: int
    waiting: int
    answer_wait_s: float  #: of all answered calls together
    longest_answer_wait_s: float


class PendingCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits for a person to say who it was."""

    item: PendingItem
    call: Call


class Calls:
    """The calls of one tenant, for reading and for the fold."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, call: CallId) -> Call | None:
        found = await self.load([call])
        return found[0] if found else None

    async def load(self, ids: Sequence[CallId]) -> list[Call]:
        """Calls by id, in no order; unknown ids are left out."""
        return await self._fetch("call = any($2::text[])", list(ids))

    async def of_floor(self, closed_after: datetime) -> list[Call]:
        """Calls that live, and those closed at `closed_after` or later, in order of arrival."""
        return await self._fetch("(closed_at is null or closed_at >= $2)", closed_after)

    async def arrived_since(self, since: datetime) -> list[Call]:
        """Calls that arrived at `since` or later, in order of arrival."""
        return await self._fetch("arrived_at >= $2", since)

    async def count_since(self, since: datetime) -> int:
        """How many calls we heard of since `since`; the name under which one was asked for is not another one."""
        number: int = await self._scope.connection.fetchval(
            "select count(*) from calls "
            "where tenant = $1 and heard_at >= $2 and (state <> 'closed' or outcome is not null)",
            self._scope.tenant,
            since,
        )
        return number

    async def next_sequence(self) -> int:
        highest: int = await self._scope.connection.fetchval(
            "select coalesce(max(sequence), 0) from calls where tenant = $1", self._scope.tenant
        )
        return highest + 1

    async def expect(self, ids: Sequence[CallId]) -> None:
        """Make what saving new calls will need: keys, which takes a commit of its own. It may be done ahead of time."""
        await self._scope.writing([call_subject(call) for call in ids])

    async def save(self, calls: Sequence[Call]) -> None:
        """Write the newest value of each call."""
        write = await saving_calls(self._scope, calls)
        await self._scope.connection.execute(write.sql, *write.values)

    async def counts(self, since: datetime) -> list[QueueCounts]:
        """What became of the calls that arrived since `since`, per queue that had any."""
        rows = await self._scope.connection.fetch(_COUNTS, self._scope.tenant, since, _SHORT_ABANDON_S)
        return [QueueCounts(**row) for row in rows]

    async def history_of(self, call: CallId) -> list[HistoryEntry]:
        """What happened to a call, in the order in which it was folded."""
        rows = await self._scope.connection.fetch(
            "select at, what, call, agent, before, after, detail from history "
            "where tenant = $1 and call = $2 order by id",
            self._scope.tenant,
            call,
        )
        return [
            HistoryEntry(**{**row, "detail": msgspec.json.decode(row["detail"], type=dict[str, str])}) for row in rows
        ]

    async def offers_of(self, call: CallId) -> list[OfferRecord]:
        """The offers of a call, first to last."""
        rows = await self._scope.connection.fetch(
            "select call, number, agent, state, made_at, ended_at, why from offers "
            "where tenant = $1 and call = $2 order by number",
            self._scope.tenant,
            call,
        )
        return read_offers(call, [{**row} for row in rows])

    async def pending(self) -> list[PendingCall]:
        """Calls that wait for a person, the one that has waited longest first."""
        rows = await self._scope.connection.fetch(
            "select call, reason, since from pending_items where tenant = $1 order by since, call", self._scope.tenant
        )
        calls = {call.id: call for call in await self.load([row["call"] for row in rows])}
        return [PendingCall(item=PendingItem(**row), call=calls[row["call"]]) for row in rows if row["call"] in calls]

    async def _fetch(self, condition: str, value: object) -> list[Call]:
        rows = await self._scope.connection.fetch(
            f"select call, body, sealed from calls where tenant = $1 and {condition} order by sequence, call",  # noqa: S608
            self._scope.tenant,
            value,
        )
        keys = await self._scope.reading([call_subject(row["call"]) for row in rows])
        return [read_call(row["call"], row["body"], row["sealed"], keys) for row in rows]


async def saving_calls(scope: Scope, calls: Sequence[Call]) -> Write:
    """What `save` writes."""
    keys = await scope.writing([call_subject(call.id) for call in calls])
    return Write(_SAVE, (scope.tenant, *_columns(calls, keys)))


def read_call(call: CallId, body: str, sealed: bytes, keys: Keyring) -> Call:
    """A call from its columns."""
    plain = _body_decoder.decode(body)
    personal = _personal_decoder.decode(keys.open(_SEALED, call_subject(call), sealed, call))
    return replace(plain, **{name: getattr(personal, name) for name in _PERSONAL_FIELDS})


def read_offers(call: CallId, rows: Iterable[dict[str, Any]]) -> list[OfferRecord]:
    """The offers of a call from their columns."""
    named = ({**row, "call": call, "id": OfferId(offer_id(call, row["number"]))} for row in rows)
    return [msgspec.convert(row, OfferRecord, strict=False) for row in named]


def _columns(calls: Sequence[Call], keys: Keyring) -> Iterable[list[Any]]:
    plain = [[getattr(call, name) for call in calls] for name in _PLAIN_COLUMNS]
    bodies = [_encoder.encode(replace(call, **_IMPERSONAL)).decode() for call in calls]
    sealed = [keys.seal_again(_SEALED, call_subject(call.id), _personal_part(call), call.id) for call in calls]
    return [*plain, bodies, sealed]


def _personal_part(call: Call) -> bytes:
    return _encoder.encode(_Personal(**{name: getattr(call, name) for name in _PERSONAL_FIELDS}))


_encoder = msgspec.json.Encoder()
_body_decoder = msgspec.json.Decoder(Call)
_personal_decoder = msgspec.json.Decoder(_Personal)
_IMPERSONAL: dict[str, Any] = {name: getattr(_Personal(), name) for name in _Personal.__struct_fields__}
_PERSONAL_FIELDS = tuple(_IMPERSONAL)

_PLAIN_COLUMNS = (
    "id", "state", "queue", "sequence", "heard_at", "arrived_at", "connected_at", "ended_at", "closed_at", "agent",
    "outcome",
)  # fmt: skip
_SAVE = """
insert into calls (tenant, call, state, queue, sequence, heard_at, arrived_at, connected_at, ended_at, closed_at, agent,
                   outcome, body, sealed)
select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
                         $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[],
                         $13::jsonb[], $14::bytea[])
on conflict (tenant, call) do update set
    state = excluded.state, queue = excluded.queue, sequence = excluded.sequence, heard_at = excluded.heard_at,
    arrived_at = excluded.arrived_at, connected_at = excluded.connected_at, ended_at = excluded.ended_at,
    closed_at = excluded.closed_at, agent = excluded.agent, outcome = excluded.outcome, body = excluded.body,
    sealed = excluded.sealed
"""
_COUNTS = """
select c.queue,
       count(*) as offered,
       count(*) filter (where outcome = 'answered') as answered,
       count(*) filter (where outcome = 'answered' and wait_s <= q.service_level_s) as in_target,
       count(*) filter (where outcome = 'abandoned') as abandoned,
       count(*) filter (where outcome = 'abandoned' and stay_s < $3) as short,
       count(*) filter (where outcome = 'flowed_out') as flowed_out,
       count(*) filter (where outcome is null) as waiting,
       coalesce(sum(wait_s) filter (where outcome = 'answered'), 0) as answer_wait_s,
       coalesce(max(wait_s) filter (where outcome = 'answered'), 0) as longest_answer_wait_s
from (
    select tenant, queue, outcome,
           extract(epoch from connected_at - coalesce((body->>'queued_at')::timestamptz, arrived_at))::double precision
               as wait_s,
           extract(epoch from ended_at - coalesce((body->>'queued_at')::timestamptz, arrived_at))::double precision
               as stay_s
    from calls where tenant = $1 and arrived_at >= $2 and queue is not null
) c
left join queues q on q.tenant = c.tenant and q.queue = c.queue
group by c.queue order by c.queue
"""
