"""What came in: stored sealed before it is acknowledged, folded once, parked when it cannot be folded."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import asyncpg
import msgspec

from cordpair.core.ids import TenantId
from cordpair.errors import Rejected
from cordpair.store.scope import Scope
from cordpair.store.sealing import Keyring, Unreadable, intake_subject
from cordpair.store.together import Write

SOURCES = frozenset({"graph", "presence", "result", "command", "timer"})
_LONGEST_KEY = 500
_BODY = "inbox.sealed"
_RESULT = "inbox.result_sealed"
_PUT = (
    "with door as materialized (select set_config('app.tenant', $1::text, true)) "
    "insert into inbox (tenant, source, key, received_at, state, attempts, error, folded_at, sealed) "
    "select $1::text::uuid, s, k, r, case when f is null then 'new' else 'folded' end, 0, '', f, b "
    "from door, unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bytea[]) as t (s, k, r, f, b) "
    "on conflict (tenant, source, key) do nothing returning source, key, id"
)


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """Something that came in. `key` is unique in its `source`: the same key again is the same thing again.

    A key may be logged and is stored in the clear: it holds ids and hashes, never personal data.
    """

    source: str
    key: str
    body: bytes
    received_at: datetime


class InboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """An unfolded item, in the clear. `attempts` counts how often it was parked."""

    id: int
    source: str
    key: str
    body: bytes
    received_at: datetime
    attempts: int


class ParkedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item that could not be folded, for people: without its body. It can be retried while its day's key lives."""

    id: int
    source: str
    key: str
    received_at: datetime
    attempts: int
    error: str


def check(item: Incoming) -> None:
    """Raises Rejected for an item that can never be stored, so that it does not take its neighbours with it."""
    if item.source not in SOURCES:
        raise Rejected("an incoming item has an unknown source")
    if not 0 < len(item.key) <= _LONGEST_KEY or not item.key.isprintable():
        raise Rejected("an incoming item has a key that is empty, too long or malformed")
    if item.received_at.tzinfo is None:
        raise Rejected("an incoming item has an instant without a time zone")


class Inbox:
    """The inbox of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def put(self, items: Sequence[Incoming]) -> set[tuple[str, str]]:
        """Store items in this transaction; returns (source, key) of those that were new."""
        write = incoming(self._scope.tenant, items, await self._scope.writing(days(items)))
        return new_ones(await self._scope.connection.fetch(write.sql, *write.values))

    async def take_in(self, items: Sequence[Incoming], now: datetime) -> list[InboxRow]:
        """Store items that this same transaction folds; the new ones, in their order.

        They are folded as of `now` from the start. Only a command waits to be marked, with what it came to.
        """
        write = incoming(self._scope.tenant, items, await self._scope.writing(days(items)), folded_at=now)
        rows = await self._scope.connection.fetch(write.sql, *write.values)
        ids: dict[tuple[str, str], int] = {(row[0], row[1]): row[2] for row in rows}
        return [
            InboxRow(
                id=ids.pop((item.source, item.key)),
                source=item.source,
                key=item.key,
                body=item.body,
                received_at=item.received_at,
                attempts=0,
            )
            for item in items
            if (item.source, item.key) in ids
        ]

    async def unfolded(self, limit: int) -> list[InboxRow]:
        """The oldest items that wait to be folded. One that does not open any more is parked."""
        rows = await self._scope.connection.fetch(
            "select id, source, key, sealed, received_at, attempts from inbox "
            "where tenant = $1 and state = 'new' order by id limit $2",
            self._scope.tenant,
            limit,
        )
        keys = await self._scope.reading({intake_subject(row["received_at"]) for row in rows})
        found: list[InboxRow] = []
        for row in rows:
            body = _opened(keys, _BODY, row["received_at"], row["sealed"], _row(row["source"], row["key"]))
            if body is None:
                await self.park(row["id"], "it does not open: its key is gone")
            else:
                found.append(
                    InboxRow(
                        id=row["id"],
                        source=row["source"],
                        key=row["key"],
                        body=body,
                        received_at=row["received_at"],
                        attempts=row["attempts"],
                    )
                )
        return found

    async def fold(self, folded: Mapping[int, bytes | None], now: datetime) -> None:
        """Mark items as folded, each with what it came to (for a waiting caller) or None."""
        write = await folding_items(self._scope, folded, now)
        await self._scope.connection.execute(write.sql, *write.values)

    async def purge(self, before: datetime) -> int:
        """Delete what came in before `before`, whatever became of it; returns how many there were."""
        gone = await self._scope.connection.execute(
            "delete from inbox where tenant = $1 and received_at < $2", self._scope.tenant, before
        )
        return int(gone.rpartition(" ")[2])

    async def result(self, source: str, key: str) -> bytes | None:
        """What an item came to; None while it waits, when it came to nothing, or when it is unknown."""
        row = await self._scope.connection.fetchrow(
            "select id, folded_at, result_sealed from inbox where tenant = $1 and source = $2 and key = $3",
            self._scope.tenant,
            source,
            key,
        )
        if row is None or row["result_sealed"] is None:
            return None
        keys = await self._scope.reading([intake_subject(row["folded_at"])])
        return _opened(keys, _RESULT, row["folded_at"], row["result_sealed"], str(row["id"]))

    async def park(self, item: int, error: str) -> None:
        """Put an item aside that cannot be folded. `error` is for people and holds no personal data."""
        await self._scope.connection.execute(
            "update inbox set state = 'parked', attempts = attempts + 1, error = $3 where tenant = $1 and id = $2",
            self._scope.tenant,
            item,
            error,
        )

    async def put_aside(self, item: Incoming, error: str) -> None:
        """Store an item as parked from the start: nothing can be done with it but by a person."""
        await self.put([item])
        await self._scope.connection.execute(
            "update inbox set state = 'parked', error = $4 where tenant = $1 and source = $2 and key = $3",
            self._scope.tenant,
            item.source,
            item.key,
            error,
        )

    async def parked(self) -> list[ParkedItem]:
        """All items that were put aside, oldest first."""
        rows = await self._scope.connection.fetch(
            "select id, source, key, received_at, attempts, error from inbox "
            "where tenant = $1 and state = 'parked' order by id",
            self._scope.tenant,
        )
        return [ParkedItem(**row) for row in rows]

    async def retry(self, item: int) -> bool:
        """Let a parked item be folded again. False when it is not parked."""
        changed = await self._scope.connection.execute(
            "update inbox set state = 'new' where tenant = $1 and id = $2 and state = 'parked'",
            self._scope.tenant,
            item,
        )
        return changed == "UPDATE 1"


def days(items: Sequence[Incoming]) -> set[str]:
    """The subjects whose keys seal these items."""
    instants = [item.received_at for item in items]
    ends = {intake_subject(pick(instants)) for pick in (min, max) if instants}
    return ends if len(ends) < 2 else {intake_subject(at) for at in instants}


def incoming(tenant: TenantId, items: Sequence[Incoming], keys: Keyring, *, folded_at: datetime | None = None) -> Write:
    """The insert of items: alone in a transaction, or in one that has opened the tenant's door already.

    One statement is one way to the database and back. The policies look at the door when they see the first row, and
    rows come out of `door`, so never before it is open. Were it otherwise, nothing could be inserted at all.
    """
    sealers = {subject: keys.sealer(_BODY, subject, len(items)) for subject in days(items)}
    only = next(iter(sealers.values())) if len(sealers) == 1 else None  # two around midnight
    sealed = [
        (only or sealers[intake_subject(item.received_at)])(item.body, _row(item.source, item.key)) for item in items
    ]
    sources, names = [item.source for item in items], [item.key for item in items]
    folded = [None if item.source == "command" else folded_at for item in items]
    return Write(_PUT, (tenant, sources, names, [item.received_at for item in items], folded, sealed))


def new_ones(rows: Iterable[asyncpg.Record]) -> set[tuple[str, str]]:
    """(source, key) of the rows that `incoming` has inserted."""
    return {(row[0], row[1]) for row in rows}


async def folding_items(scope: Scope, folded: Mapping[int, bytes | None], now: datetime) -> Write:
    """What `fold` writes."""
    keys = await scope.writing([intake_subject(now)] if any(folded.values()) else [])
    results = [
        None if result is None else keys.seal(_RESULT, intake_subject(now), result, str(item))
        for item, result in folded.items()
    ]
    # The state and the bounds keep the planner, who knows little of a young tenant, from reading its whole inbox.
    return Write(
        "update inbox set state = 'folded', folded_at = $2, result_sealed = t.r "
        "from unnest($3::bigint[], $4::bytea[]) as t (i, r) "
        "where tenant = $1 and id = t.i and state = 'new' and id between $5 and $6",
        (scope.tenant, now, list(folded), results, min(folded, default=0), max(folded, default=0)),
    )


def _row(source: str, key: str) -> str:
    return f"{source}:{key}"


def _opened(keys: Keyring, column: str, at: datetime, sealed: bytes, row: str) -> bytes | None:
    try:
        return keys.open(column, intake_subject(at), sealed, row)
    except Unreadable:
        return None
