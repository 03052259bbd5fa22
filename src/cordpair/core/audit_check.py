"""Finds what is wrong with an audit trail, from what stands in its tables alone."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, timedelta
from enum import StrEnum
from itertools import pairwise

import msgspec

from cordpair.core.audit import BEGINNING, Entry, Signed, Trail, commitment, digest, statement
from cordpair.core.ids import TenantId

#: Whether a signature (message, signature, signer's public key) is good and its signer one of ours.
IsSigned = Callable[[bytes, bytes, bytes], bool]


class FaultKind(StrEnum):
    """What can be wrong."""

    ENTRY_CHANGED = "entry_changed"
    ENTRY_MISSING = "entry_missing"  # numbers have a gap, or the beginning is gone without a checkpoint
    CHAIN_BROKEN = "chain_broken"  # an entry does not follow the one before it
    RECORD_CHANGED = "record_changed"
    RECORD_MISSING = "record_missing"  # gone before its time
    RECORD_STRAY = "record_stray"  # no entry stands for it
    RECORD_OVERDUE = "record_overdue"  # still there after its time
    HEAD_WRONG = "head_wrong"  # not signed by us, or not the last entry
    CHECKPOINT_WRONG = "checkpoint_wrong"
    NOT_THAT_HEAD = "not_that_head"  # the trail does not hold what its reader had noted down


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong, at the entry or record of this number."""

    kind: FaultKind
    number: int


class Periods(msgspec.Struct, frozen=True, kw_only=True):
    """A record may be missing once it is older than `kept`; one older than `at_most` must be gone.

    The beginning of the chain may be missing up to a checkpoint that is older than `chain`.
    """

    kept: timedelta
    at_most: timedelta
    chain: timedelta


def faults(tenant: TenantId, trail: Trail, *, today: date, periods: Periods, is_signed: IsSigned) -> list[Fault]:
    """Everything that is wrong, by number; empty when the trail is whole. `today` is a UTC day."""
    found = (
        *_of_entries(tenant, trail),
        *_of_beginning(trail, today, periods),
        *_of_records(tenant, trail, today, periods),
        *_of_head(tenant, trail, is_signed),
        *_of_checkpoints(tenant, trail, is_signed),
    )
    return sorted(found, key=lambda it: (it.number, it.kind))


def holds(trail: Trail, number: int, noted: bytes) -> bool:
    """Whether the trail still has the digest that somebody noted down for entry `number`."""
    return any((it.number, it.digest) == (number, noted) for it in _points(trail))


def _of_entries(tenant: TenantId, trail: Trail) -> Iterator[Fault]:
    for entry in trail.entries:
        if digest(tenant, entry) != entry.digest:
            yield Fault(FaultKind.ENTRY_CHANGED, entry.number)
    for before, entry in pairwise(trail.entries):
        if entry.number != before.number + 1:
            yield Fault(FaultKind.ENTRY_MISSING, before.number + 1)
        elif entry.previous != before.digest:
            yield Fault(FaultKind.CHAIN_BROKEN, entry.number)


def _of_beginning(trail: Trail, today: date, periods: Periods) -> Iterator[Fault]:
    """The chain starts at its first entry, or right behind a checkpoint that is old enough to vouch for it."""
    last = max((it.number for it in trail.checkpoints), default=0)
    number = trail.entries[0].number - 1 if trail.entries else last
    old = {it.number: it.digest for it in trail.checkpoints if it.day is not None and it.day < today - periods.chain}
    known = BEGINNING if number == 0 else old.get(number)
    if known is None:
        yield Fault(FaultKind.ENTRY_MISSING, number)
    elif trail.entries and known != trail.entries[0].previous:
        yield Fault(FaultKind.CHAIN_BROKEN, number + 1)


def _of_records(tenant: TenantId, trail: Trail, today: date, periods: Periods) -> Iterator[Fault]:
    entries = {entry.number: entry for entry in trail.entries}
    for record in trail.records:
        entry = entries.pop(record.number, None)
        day = record.at.astimezone(UTC).date()
        if entry is None:
            yield Fault(FaultKind.RECORD_STRAY, record.number)
        elif entry.day != day or commitment(tenant, record) != entry.commitment:
            yield Fault(FaultKind.RECORD_CHANGED, record.number)
        if day < today - periods.at_most:
            yield Fault(FaultKind.RECORD_OVERDUE, record.number)
    for entry in entries.values():
        if entry.day >= today - periods.kept:
            yield Fault(FaultKind.RECORD_MISSING, entry.number)


def _points(trail: Trail) -> list[Entry | Signed]:
    """Everything that says what an entry's digest is, but the head."""
    return [*trail.checkpoints, *trail.entries]


def _of_head(tenant: TenantId, trail: Trail, is_signed: IsSigned) -> Iterator[Fault]:
    last = max(_points(trail), key=lambda it: it.number, default=None)
    head = trail.head
    if head is None:
        if last is not None:
            yield Fault(FaultKind.HEAD_WRONG, last.number)
        return
    is_last = last is not None and (last.number, last.digest) == (head.number, head.digest)
    if not is_last or not is_signed(statement(tenant, head.number, head.digest), head.signature, head.signer):
        yield Fault(FaultKind.HEAD_WRONG, head.number)


def _of_checkpoints(tenant: TenantId, trail: Trail, is_signed: IsSigned) -> Iterator[Fault]:
    entries = {entry.number: entry.digest for entry in trail.entries}
    for one in trail.checkpoints:
        signed = is_signed(statement(tenant, one.number, one.digest, one.day), one.signature, one.signer)
        if not signed or entries.get(one.number, one.digest) != one.digest:
            yield Fault(FaultKind.CHECKPOINT_WRONG, one.number)
