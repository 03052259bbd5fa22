"""The audit trail of one tenant: records, the chain of their commitments, signed head and checkpoints.

An entry is appended in the transaction of the action itself, as its last write: the head's row is held until the
commit, so whoever appends at the same moment, on whatever node, comes behind it and the chain has no fork.
"""

import os
from datetime import datetime

import asyncpg
import msgspec

from cordpair.core.audit import (
    BEGINNING,
    SALT_BYTES,
    Actor,
    Deed,
    Entry,
    Record,
    Signed,
    Trail,
    chained,
    statement,
)
from cordpair.core.audit_check import Periods
from cordpair.errors import Rejected
from cordpair.privacy.kinds import KINDS
from cordpair.store.due import due
from cordpair.store.scope import Scope
from cordpair.store.sealing import Keyring, Unreadable, audit_subject

PERIODS = Periods(
    kept=KINDS["audit_record"].default,
    at_most=KINDS["audit_record"].keep_at_most,
    chain=KINDS["audit_chain"].default,
)

_DETAIL = "audit_records.detail_sealed"
_RECORD = "number, at, actor, action, target, detail_sealed, salt"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A record for people. `detail` is None once its key is destroyed."""

    number: int
    at: datetime
    actor: Actor
    action: str
    target: str
    detail: dict[str, str] | None


class Audit:
    """The audit trail of one tenant."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def append(self, deed: Deed) -> int:
        """Write down what is done in this transaction; returns the entry's number. Call it last.

        Raises Rejected (404) for a tenant that is not set up.
        """
        keys = await self._scope.writing([audit_subject(deed.at)])
        number, previous = await self._hold_head()
        record = _record(deed, number + 1, keys)
        entry = chained(self._scope.tenant, record, previous)
        await self._insert(record, entry)
        await self._move_head(entry)
        return entry.number

    async def shown(self, most: int = 100) -> list[Shown]:
        """The newest records, newest first, with their details in the clear."""
        rows = await self._scope.connection.fetch(
            f"select {_RECORD} from audit_records where tenant = $1 order by number desc limit $2",  # noqa: S608
            self._scope.tenant,
            most,
        )
        keys = await self._scope.reading({audit_subject(row["at"]) for row in rows})
        return [_shown(row, keys) for row in rows]

    async def trail(self) -> Trail:
        """All that stands in the tables, to be verified by `core.audit_check`."""
        return Trail(
            entries=tuple([Entry(**row) for row in await self._all("audit_chain", _columns(Entry))]),
            records=tuple([Record(**row) for row in await self._all("audit_records", _RECORD)]),
            checkpoints=tuple([Signed(**row) for row in await self._all("audit_checkpoints", _columns(Signed))]),
            head=await self.head(),
        )

    async def head(self) -> Signed | None:
        """The signed end of the chain; None when nothing was ever written down."""
        row = await self._scope.connection.fetchrow(
            "select number, digest, signer, signature from audit_heads where tenant = $1", self._scope.tenant
        )
        return None if row is None else Signed(**row)

    async def checkpoint(self, now: datetime) -> bool:
        """Sign where the chain stands, once for each UTC day on which it has grown. False: there is nothing new."""
        head, day = await self.head(), now.date()
        if head is None:
            return False
        signing = self._scope.signing
        changed = await self._scope.connection.execute(
            "insert into audit_checkpoints (tenant, number, digest, day, signer, signature) "
            "select $1, $2, $3, $4::date, $5, $6 "
            "where not exists (select from audit_checkpoints where tenant = $1 and (number >= $2 or day >= $4)) "
            "on conflict do nothing",
            self._scope.tenant,
            head.number,
            head.digest,
            day,
            signing.public,
            signing.sign(statement(self._scope.tenant, head.number, head.digest, day)),
        )
        return changed == "INSERT 0 1"

    async def prune(self, now: datetime) -> int:
        """Delete records that have had their time; returns how many.

        Then the beginning of the chain whose time is over too, as far as a checkpoint vouches for it.
        """
        gone = await self._scope.connection.fetch(
            "delete from audit_records r using audit_chain e "
            "where r.tenant = $1 and e.tenant = $1 and e.number = r.number and e.day < $2 returning r.number",
            self._scope.tenant,
            due(now).audit_before,
        )
        await self._scope.connection.execute(_DROP, self._scope.tenant, now.date() - PERIODS.chain)
        await self._scope.connection.execute(_DROP_CHECKPOINTS, self._scope.tenant)
        return len(gone)

    async def _hold_head(self) -> tuple[int, bytes]:
        """Where the chain stands. Nobody else moves it until this transaction ends."""
        await self._scope.connection.execute(
            "insert into audit_heads (tenant, number, digest, signer, signature) "
            "select tenant, 0, $2, '', '' from tenants where tenant = $1 on conflict do nothing",
            self._scope.tenant,
            BEGINNING,
        )
        row = await self._scope.connection.fetchrow(
            "select number, digest from audit_heads where tenant = $1 for update", self._scope.tenant
        )
        if row is None:
            raise Rejected("no such organisation", status=404)
        return row["number"], row["digest"]

    async def _insert(self, record: Record, entry: Entry) -> None:
        await self._scope.connection.execute(
            "insert into audit_chain (tenant, number, day, commitment, previous, digest) "
            "values ($1, $2, $3, $4, $5, $6)",
            self._scope.tenant,
            *msgspec.structs.astuple(entry),
        )
        await self._scope.connection.execute(
            f"insert into audit_records (tenant, {_RECORD}) values ($1, $2, $3, $4, $5, $6, $7, $8)",  # noqa: S608
            self._scope.tenant,
            *msgspec.structs.astuple(record),
        )

    async def _move_head(self, entry: Entry) -> None:
        signing = self._scope.signing
        await self._scope.connection.execute(
            "update audit_heads set number = $2, digest = $3, signer = $4, signature = $5 where tenant = $1",
            self._scope.tenant,
            entry.number,
            entry.digest,
            signing.public,
            signing.sign(statement(self._scope.tenant, entry.number, entry.digest)),
        )

    async def _all(self, table: str, columns: str) -> list[asyncpg.Record]:
        return await self._scope.connection.fetch(
            f"select {columns} from {table} where tenant = $1 order by number",  # noqa: S608 - our own names
            self._scope.tenant,
        )


def _columns(kind: type[msgspec.Struct]) -> str:
    return ", ".join(kind.__struct_fields__)


def _record(deed: Deed, number: int, keys: Keyring) -> Record:
    detail = msgspec.json.encode(deed.detail, order="sorted")
    return Record(
        number=number,
        at=deed.at,
        actor=deed.actor,
        action=deed.action.value,
        target=deed.target,
        detail_sealed=keys.seal(_DETAIL, audit_subject(deed.at), detail, str(number)),
        salt=os.urandom(SALT_BYTES),
    )


def _shown(row: asyncpg.Record, keys: Keyring) -> Shown:
    try:
        opened = keys.open(_DETAIL, audit_subject(row["at"]), row["detail_sealed"], str(row["number"]))
        detail = msgspec.json.decode(opened, type=dict[str, str])
    except Unreadable:
        detail = None
    return Shown(**{name: row[name] for name in ("number", "at", "actor", "action", "target")}, detail=detail)


# A checkpoint that is old enough proves that all before it are: nobody drops what is young behind a young one.
_DROP = """
delete from audit_chain where tenant = $1 and number <= (
    select max(number) from audit_checkpoints where tenant = $1 and day < $2
)
"""
# The chain begins behind one of them, and the newest says how far it has come.
_DROP_CHECKPOINTS = """
delete from audit_checkpoints where tenant = $1
and number < coalesce(
    (select min(number) - 1 from audit_chain where tenant = $1),
    (select max(number) from audit_checkpoints where tenant = $1)
)
"""
