"""A trail that somebody has touched is found out, from its tables alone."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from cordpair.core.audit import BEGINNING, Entry, Record, Signed, Trail, chained, statement
from cordpair.core.audit_check import FaultKind, Periods, faults, holds
from cordpair.core.ids import TenantId

K = FaultKind
HERE = TenantId("a0000000-0000-4000-8000-00000000000a")
THERE = TenantId("b0000000-0000-4000-8000-00000000000b")
FIRST = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = FIRST.date() + timedelta(days=5)
PERIODS = Periods(kept=timedelta(days=150), at_most=timedelta(days=180), chain=timedelta(days=170))
US, THEM = b"us", b"them"


def signature(message: bytes, signer: bytes) -> bytes:
    return hashlib.sha256(signer + message).digest()


def is_signed(message: bytes, given: bytes, signer: bytes) -> bool:
    """Only whoever knows how can make this: that is enough here, real signatures are under test with the store."""
    return signer == US and given == signature(message, signer)


def record(number: int) -> Record:
    return Record(
        number=number,
        at=FIRST + timedelta(days=number),
        actor="operator:1000",
        action="setup.applied",
        target="somewhere",
        detail_sealed=b"\x01\x02",
        salt=bytes([number]) * 32,
    )


def signed(entry: Entry, *, checkpoint: bool = False, signer: bytes = US, tenant: TenantId = HERE) -> Signed:
    day = entry.day if checkpoint else None
    message = statement(tenant, entry.number, entry.digest, day)
    return Signed(
        number=entry.number, digest=entry.digest, day=day, signer=signer, signature=signature(message, signer)
    )


def chain_of(records: list[Record], tenant: TenantId = HERE) -> list[Entry]:
    entries: list[Entry] = []
    for one in records:
        entries.append(chained(tenant, one, entries[-1].digest if entries else BEGINNING))
    return entries


def trail(count: int = 5, tenant: TenantId = HERE) -> Trail:
    """`count` entries, one each day, with a checkpoint at the third."""
    records = [record(number) for number in range(1, count + 1)]
    entries = chain_of(records, tenant)
    return Trail(
        entries=tuple(entries),
        records=tuple(records),
        checkpoints=(signed(entries[2], checkpoint=True, tenant=tenant),),
        head=signed(entries[-1], tenant=tenant),
    )


def found(seen: Trail, *, days_later: int = 0, tenant: TenantId = HERE) -> set[tuple[FaultKind, int]]:
    today = TODAY + timedelta(days=days_later)
    return {(it.kind, it.number) for it in faults(tenant, seen, today=today, periods=PERIODS, is_signed=is_signed)}


WHOLE = trail()


def without(seen: Trail, *numbers: int) -> Trail:
    """Entry and record of these numbers are gone."""
    return replace(
        seen,
        entries=tuple(it for it in seen.entries if it.number not in numbers),
        records=tuple(it for it in seen.records if it.number not in numbers),
    )


def with_record(number: int, **fields: object) -> Trail:
    changed = tuple(replace(it, **fields) if it.number == number else it for it in WHOLE.records)
    return replace(WHOLE, records=changed)


def with_entry(number: int, **fields: object) -> Trail:
    changed = tuple(replace(it, **fields) if it.number == number else it for it in WHOLE.entries)
    return replace(WHOLE, entries=changed)


def rewritten(*, signer: bytes) -> Trail:
    """All digests made anew after record 2 was changed, and signed by `signer`."""
    records = [replace(it, actor="operator:0") if it.number == 2 else it for it in WHOLE.records]
    entries = chain_of(records)
    head = signed(entries[-1], signer=signer)
    return Trail(entries=tuple(entries), records=tuple(records), checkpoints=WHOLE.checkpoints, head=head)


def swapped() -> Trail:
    """Records 2 and 4 have changed places."""
    places = {2: 4, 4: 2}
    moved = [replace(it, number=places.get(it.number, it.number)) for it in WHOLE.records]
    return replace(WHOLE, records=tuple(sorted(moved, key=lambda it: it.number)))


TOUCHED: dict[str, tuple[Callable[[], Trail], set[tuple[FaultKind, int]]]] = {
    "another actor": (lambda: with_record(2, actor="operator:0"), {(K.RECORD_CHANGED, 2)}),
    "another action": (lambda: with_record(2, action="floor_link.made"), {(K.RECORD_CHANGED, 2)}),
    "another target": (lambda: with_record(2, target="elsewhere"), {(K.RECORD_CHANGED, 2)}),
    "another instant": (lambda: with_record(2, at=FIRST), {(K.RECORD_CHANGED, 2)}),
    "another detail": (lambda: with_record(2, detail_sealed=b"\x01\x03"), {(K.RECORD_CHANGED, 2)}),
    "another salt": (lambda: with_record(2, salt=bytes(32)), {(K.RECORD_CHANGED, 2)}),
    "a text moved over a border": (
        lambda: with_record(2, action="setup.appliedsome", target="where"),
        {(K.RECORD_CHANGED, 2)},
    ),
    "another day": (
        lambda: with_entry(2, day=FIRST.date()),
        {(K.ENTRY_CHANGED, 2), (K.RECORD_CHANGED, 2)},
    ),
    "another digest": (
        lambda: with_entry(2, digest=bytes(32)),
        {(K.ENTRY_CHANGED, 2), (K.CHAIN_BROKEN, 3)},
    ),
    "a record taken out": (
        lambda: replace(WHOLE, records=WHOLE.records[:1] + WHOLE.records[2:]),
        {(K.RECORD_MISSING, 2)},
    ),
    "one taken out of the middle": (lambda: without(WHOLE, 2), {(K.ENTRY_MISSING, 2)}),
    "the first one taken out": (lambda: without(WHOLE, 1), {(K.ENTRY_MISSING, 1)}),
    "the last one taken out": (lambda: without(WHOLE, 5), {(K.HEAD_WRONG, 5)}),
    "everything but the head taken out": (
        lambda: replace(WHOLE, entries=(), records=(), checkpoints=()),
        {(K.HEAD_WRONG, 5)},
    ),
    "all that a checkpoint vouches for dropped too early": (lambda: without(WHOLE, 1, 2, 3), {(K.ENTRY_MISSING, 3)}),
    "all dropped but a young checkpoint": (
        lambda: replace(WHOLE, entries=(), records=(), head=signed(WHOLE.entries[2])),
        {(K.ENTRY_MISSING, 3)},
    ),
    "the head taken away": (lambda: replace(WHOLE, head=None), {(K.HEAD_WRONG, 5)}),
    "set back behind a checkpoint": (
        lambda: replace(without(WHOLE, 3, 4, 5), head=signed(WHOLE.entries[1])),
        {(K.HEAD_WRONG, 2)},
    ),
    "two in the other order": (swapped, {(K.RECORD_CHANGED, 2), (K.RECORD_CHANGED, 4)}),
    "a record put in": (
        lambda: replace(WHOLE, records=(*WHOLE.records, record(6))),
        {(K.RECORD_STRAY, 6)},
    ),
    "an entry put in at the end": (
        lambda: replace(WHOLE, entries=trail(6).entries, records=trail(6).records),
        {(K.HEAD_WRONG, 5)},
    ),
    "all made anew by somebody else": (
        lambda: rewritten(signer=THEM),
        {(K.HEAD_WRONG, 5), (K.CHECKPOINT_WRONG, 3)},
    ),
    "all made anew, with the key, after a checkpoint": (lambda: rewritten(signer=US), {(K.CHECKPOINT_WRONG, 3)}),
    "a checkpoint of another day": (
        lambda: replace(WHOLE, checkpoints=(replace(WHOLE.checkpoints[0], day=TODAY),)),
        {(K.CHECKPOINT_WRONG, 3)},
    ),
}  # fmt: skip


def test_a_trail_that_nobody_touched_is_whole() -> None:
    assert found(WHOLE) == set()


def test_no_trail_at_all_is_whole() -> None:
    assert found(Trail()) == set()


@pytest.mark.parametrize("how", TOUCHED)
def test_what_was_done_to_a_trail_is_found(how: str) -> None:
    touched, expected = TOUCHED[how]
    assert found(touched()) == expected


def test_the_trail_of_one_organisation_does_not_pass_as_anothers() -> None:
    assert found(trail(tenant=THERE)) != set()
    assert found(trail(tenant=THERE), tenant=THERE) == set()


def test_a_trail_without_the_records_that_had_their_time_is_whole() -> None:
    pruned = replace(WHOLE, records=WHOLE.records[2:])
    assert found(pruned, days_later=148) == set()
    assert found(pruned, days_later=147) == {(K.RECORD_MISSING, 2)}


def test_a_record_that_outlives_its_time_is_found() -> None:
    assert found(WHOLE, days_later=176) == set()
    assert found(WHOLE, days_later=177) == {(K.RECORD_OVERDUE, 1)}


def test_a_chain_may_begin_behind_an_old_checkpoint() -> None:
    pruned = replace(WHOLE, records=())
    assert found(without(pruned, 1, 2, 3), days_later=169) == set()
    assert found(without(pruned, 1, 2, 3), days_later=168) == {(K.ENTRY_MISSING, 3)}
    assert found(without(pruned, 1, 2), days_later=169) == {(K.ENTRY_MISSING, 2)}


def test_what_somebody_noted_down_is_found_again_or_missed() -> None:
    noted = WHOLE.entries[3].digest
    assert holds(WHOLE, 4, noted)
    assert holds(without(WHOLE, 1, 2, 3), 3, WHOLE.entries[2].digest), "a checkpoint stands for what was dropped"
    assert not holds(rewritten(signer=US), 4, noted)
