"""A destroyed key stays destroyed, and only the operator's key opens the store."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from cordpair.core.changes import Changes
from cordpair.errors import PermanentFailure
from cordpair.settings import Settings
from cordpair.store.databases import Databases
from cordpair.store.doors import Store
from cordpair.store.operator_key import read_operator_key
from cordpair.store.sealing import Unreadable, call_subject
from tests.databases import OPERATOR_KEY, Server
from tests.store.world import NOON, A, call, configured, leased


async def saved(store: Store) -> None:
    await configured(store, A)
    epoch = await leased(store, A)
    async with store.open_tenant(A) as rows:
        await rows.write_fold(
            owner="node-1", epoch=epoch, changes=Changes(calls={call().id: call()}), folded={}, fired=[], now=NOON
        )


async def test_what_a_destroyed_key_sealed_is_unreadable_for_good(store: Store) -> None:
    await saved(store)
    assert await store.keys.destroy(A, [call_subject(call().id)]) == 1
    for _ in range(2):  # reading must not make a new key
        with pytest.raises(Unreadable):
            async with store.open_tenant(A) as rows:
                await rows.calls.get(call().id)


async def test_another_store_reads_with_the_same_operators_key(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        first = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await saved(first)
        await first.close()
        second = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        async with second.open_tenant(A) as rows:
            assert await rows.calls.get(call().id) == call()
        await second.close()


async def test_another_operators_key_is_told_apart(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        first = await Store.open(databases, OPERATOR_KEY, pool_size=2)
        await saved(first)
        await first.close()
        second = await Store.open(databases, bytes(32), pool_size=2)
        with pytest.raises(PermanentFailure, match="CORDPAIR_OPERATOR_KEY"):
            async with second.open_tenant(A) as rows:
                await rows.calls.get(call().id)
        await second.close()


async def test_a_short_operators_key_stops_the_start(postgresql: Server) -> None:
    async with postgresql.fresh() as databases:
        with pytest.raises(PermanentFailure, match="32 bytes"):
            await Store.open(databases, b"short")


def test_the_operators_key_is_made_once_and_only_ours_to_read(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    key = read_operator_key(settings)
    assert read_operator_key(settings) == key
    assert len(key) == 32
    assert (tmp_path / "data" / "operator.key").stat().st_mode & 0o777 == 0o600


def test_a_malformed_operators_key_is_refused_without_showing_it() -> None:
    with pytest.raises(PermanentFailure) as refused:
        read_operator_key(Settings(operator_key="bm90IGxvbmcgZW5vdWdo"))  # type: ignore[arg-type]
    assert "bm90" not in str(refused.value)


def test_addresses_with_a_password_are_not_printed() -> None:
    databases = Databases(main_url="postgresql://cordpair:hunter2@db/cordpair", keys_url="postgresql:///keys")
    assert "hunter2" not in repr(databases)
    assert "hunter2" not in repr(replace(databases, direct_roles=True))
