"""Promises about periods hold whatever a tenant sets, and the catalogue speaks only of kinds that exist."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.privacy.catalogue import KEYS, MAIN, columns, is_sealed
from cordpair.privacy.kinds import KINDS, DataKind, Erasure, expires_at
from cordpair.privacy.logkeys import LOG_KEYS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KIND = st.sampled_from(list(KINDS.values()))
ALL = [*columns(MAIN), *columns(KEYS)]


@given(KIND, st.none() | st.timedeltas(timedelta(-4000), timedelta(4000)))
def test_no_tenants_setting_passes_the_ceiling(kind: DataKind, wanted: timedelta | None) -> None:
    assert NOON <= expires_at(kind, NOON, wanted) <= NOON + kind.keep_at_most


@given(KIND)
def test_what_holds_without_a_setting_is_within_the_ceiling(kind: DataKind) -> None:
    assert expires_at(kind, NOON) == NOON + kind.default <= NOON + kind.keep_at_most


def test_a_tenant_may_shorten_a_period() -> None:
    assert expires_at(KINDS["call_metadata"], NOON, timedelta(days=30)) == NOON + timedelta(days=30)


def test_nothing_outlives_180_days() -> None:
    assert {name for name, kind in KINDS.items() if kind.keep_at_most > timedelta(days=180)} == set()


@pytest.mark.parametrize("table", sorted({table for table, _, _ in ALL}))
def test_a_column_has_one_kind(table: str) -> None:
    names = [column for tables in (MAIN, KEYS) for one, column, _ in columns(tables) if one == table]
    assert len(set(names)) == len(names) or table == "alembic_version"


def test_what_goes_with_its_key_stands_under_a_key() -> None:
    erasable = {f"{table}.{column}" for table, column, kind in ALL if is_sealed(column)}
    promised = {f"{table}" for table, _, kind in ALL if kind.erasure is Erasure.DESTROY_KEY}
    assert promised == {name.split(".")[0] for name in erasable}


def test_every_log_field_has_a_kind_that_exists() -> None:
    assert set(LOG_KEYS.values()) <= set(KINDS)
