"""The audit trail: what a privileged action leaves behind, and how its entries are chained.

A *record* says who did what to what, and when; it goes when its time is over. An *entry* holds only a salted commitment
to its record and is chained to the entry before: it still proves that nothing was changed, removed, moved or put in
between when its record has gone. Head and checkpoints are signed. All bytes are described in docs/reference/audit.md.
"""

import hashlib
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NewType

import msgspec

from cordpair.core.ids import TenantId

#: Who did it, without a name: `operator:{uid}` at the command line, `link:{id}` through a floor link.
Actor = NewType("Actor", str)

UNKNOWN_ACTOR = Actor("unknown")  #: nobody wrote down who it was

SALT_BYTES = 32
BEGINNING = bytes(32)  #: what the first entry of a chain has before it


class Action(StrEnum):
    """Every privileged action. A new one is added here and performed by `engine.privileged`."""

    SETUP_APPLIED = "setup.applied"  # target: the tenant
    SECRET_CHANGED = "secret.changed"  # noqa: S105 - target: registration:{id} or crm:{connector}
    PARKED_RETRIED = "parked.retried"  # target: effect:{number}, notification:{number} or flow:{number}
    FLOOR_ORDERED = "floor.ordered"  # target: call:{id} or agent:{id}; detail: which order
    LINK_MADE = "floor_link.made"  # target: link:{id}
    LINK_OPENED = "floor_link.opened"  # target: link:{id}
    HOOK_CHANGED = "hook.changed"  # target: hook:{name}; detail: added, changed, rotated, removed, replayed


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """A privileged action somebody took, at an aware instant. `target` is an id; `detail` is stored sealed."""

    at: datetime
    actor: Actor
    action: Action
    target: str
    detail: dict[str, str] = {}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A deed as it is stored, with the salt of its commitment. `action` is a text: it outlives its enum member."""

    number: int
    at: datetime
    actor: str
    action: str
    target: str
    detail_sealed: bytes
    salt: bytes


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One link of a tenant's chain; numbers count from 1. `day` is the UTC day of its record."""

    number: int
    day: date
    commitment: bytes
    previous: bytes
    digest: bytes


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Says, signed, that entry `number` has `digest`. Of a checkpoint, `day` is when it was made; of a head, None."""

    number: int
    digest: bytes
    day: date | None = None
    signer: bytes
    signature: bytes


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """All that stands in the tables of one tenant, each list by number."""

    entries: tuple[Entry, ...] = ()
    records: tuple[Record, ...] = ()
    checkpoints: tuple[Signed, ...] = ()
    head: Signed | None = None


def operator_actor(uid: int) -> Actor:
    """Whoever runs a command as this user of the operating system."""
    return Actor(f"operator:{uid}")


def link_actor(link: str) -> Actor:
    """Whoever holds a floor link."""
    return Actor(f"link:{link}")


def commitment(tenant: TenantId, record: Record) -> bytes:
    """SHA-256 of the salt and the record: proves the record, tells nothing without the salt."""
    at = record.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    texts = (tenant, str(record.number), at, record.actor, record.action, record.target)
    parts = (b"cordpair audit record 1", *(text.encode() for text in texts), record.detail_sealed)
    return hashlib.sha256(record.salt + _fields(*parts)).digest()


def chained(tenant: TenantId, record: Record, previous: bytes) -> Entry:
    """The entry of `record` behind the one whose digest is `previous`."""
    entry = Entry(
        number=record.number,
        day=record.at.astimezone(UTC).date(),
        commitment=commitment(tenant, record),
        previous=previous,
        digest=b"",
    )
    return msgspec.structs.replace(entry, digest=digest(tenant, entry))


def digest(tenant: TenantId, entry: Entry) -> bytes:
    """SHA-256 over all of the entry but its digest."""
    texts = (tenant, str(entry.number), entry.day.isoformat())
    parts = (b"cordpair audit entry 1", *(text.encode() for text in texts), entry.commitment, entry.previous)
    return hashlib.sha256(_fields(*parts)).digest()


def statement(tenant: TenantId, number: int, digest: bytes, day: date | None = None) -> bytes:
    """What is signed: of a head without `day`, of a checkpoint with it."""
    kind = b"cordpair audit head 1" if day is None else b"cordpair audit checkpoint 1"
    parts = (kind, tenant.encode(), str(number).encode(), digest)
    return _fields(*parts) if day is None else _fields(*parts, day.isoformat().encode())


def _fields(*parts: bytes) -> bytes:
    """Each part behind its length (4 bytes, big-endian): no two lists of parts make the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
