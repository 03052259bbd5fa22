"""What is sealed opens in its own place only, and never again once its key is gone."""

from datetime import UTC, datetime

import pytest

from cordpair.core.ids import TenantId
from cordpair.store.sealing import Keyring, TenantKey, Unreadable, intake_subject, new_key
from tests.store.world import A, B

KEY = bytes(range(32))
TEXT = b"Erika Beispiel"


def ring(tenant: TenantId = A, **keys: bytes) -> Keyring:
    return Keyring(tenant, {"call": KEY, "other": KEY, **keys})


def test_a_sealed_text_opens_in_its_place() -> None:
    assert ring().open("calls.sealed", "call", ring().seal("calls.sealed", "call", TEXT, "c1"), "c1") == TEXT


def test_a_sealed_text_shows_nothing_of_itself() -> None:
    assert TEXT not in ring().seal("calls.sealed", "call", TEXT)


def test_the_same_text_is_never_sealed_alike() -> None:
    assert ring().seal("calls.sealed", "call", TEXT) != ring().seal("calls.sealed", "call", TEXT)


@pytest.mark.parametrize(
    ("tenant", "column", "subject", "row"),
    [
        (B, "calls.sealed", "call", "c1"),
        (A, "parties.sealed", "call", "c1"),
        (A, "calls.sealed", "other", "c1"),
        (A, "calls.sealed", "call", "c2"),
    ],
    ids=["tenant", "column", "subject", "row"],
)
def test_a_sealed_text_moved_elsewhere_does_not_open(tenant: TenantId, column: str, subject: str, row: str) -> None:
    sealed = ring().seal("calls.sealed", "call", TEXT, "c1")
    with pytest.raises(Unreadable):
        ring(tenant).open(column, subject, sealed, row)


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x02" + bytes(40), bytes(60)], ids=["empty", "cut", "form", "zero"])
def test_broken_bytes_are_unreadable_and_nothing_worse(broken: bytes) -> None:
    with pytest.raises(Unreadable):
        ring().open("calls.sealed", "call", broken)


def test_without_its_key_a_text_is_unreadable() -> None:
    sealed = ring(gone=new_key()).seal("calls.sealed", "gone", TEXT)
    with pytest.raises(Unreadable):
        ring().open("calls.sealed", "gone", sealed)


def test_a_subjects_key_unwraps_for_its_subject_only() -> None:
    tenant_key = TenantKey(A, KEY)
    wrapped = tenant_key.wrap("call:1", b"k" * 32)
    assert tenant_key.unwrap("call:1", wrapped) == b"k" * 32
    with pytest.raises(Unreadable):
        tenant_key.unwrap("call:2", wrapped)


def test_look_up_hashes_differ_between_tenants_and_kinds() -> None:
    mine, theirs = TenantKey(A, KEY), TenantKey(B, bytes(32))
    hashes = {
        mine.look_up_hash("e164", "+4930"),
        mine.look_up_hash("suffix", "+4930"),
        theirs.look_up_hash("e164", "+4930"),
    }
    assert len(hashes) == 3


def test_the_day_of_intake_is_counted_in_utc() -> None:
    berlin = datetime.fromisoformat("2026-11-25T00:30:00+01:00")
    assert intake_subject(berlin) == intake_subject(datetime(2026, 11, 24, 23, 30, tzinfo=UTC)) == "intake:2026-11-24"
