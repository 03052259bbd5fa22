"""What the database says is told by what happens next, and never with a value in it."""

import asyncpg
import pytest

from cordpair.errors import Rejected, TemporaryFailure, UnknownOutcome
from cordpair.settings import Settings
from cordpair.store import postgres
from cordpair.store.doors import Store
from cordpair.store.faults import committing, translated
from cordpair.store.inbox import Incoming
from tests.databases import OPERATOR_KEY, folder
from tests.store.world import NOON, A, configured, setup

NOTE = Incoming("graph", "n1", b"{}", NOON)


async def test_while_the_database_is_away_nothing_is_acknowledged_and_then_all_goes_on() -> None:
    with folder() as data_dir:
        settings = Settings(data_dir=data_dir)
        async with postgres.running(settings) as databases:
            store = await Store.open(databases, OPERATOR_KEY, pool_size=2)
            await configured(store, A)
        for attempt in (store.accept(A, [NOTE]), store.ping(), configured(store, A)):
            with pytest.raises(TemporaryFailure):
                await attempt
        async with postgres.running(settings):
            await store.ping()
            assert await store.accept(A, [NOTE]) == 1
            await store.close()


async def test_without_a_database_the_start_says_so() -> None:
    with folder() as data_dir:
        async with postgres.running(Settings(data_dir=data_dir)) as databases:
            pass
        with pytest.raises(TemporaryFailure):
            await Store.open(databases, OPERATOR_KEY)


async def test_what_is_not_finished_is_not_kept(store: Store) -> None:
    async def make_a_mistake() -> None:
        async with store.open_tenant(A) as rows:
            await rows.setups.configure(setup(A))
            raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        await make_a_mistake()
    async with store.open_tenant(A) as rows:
        assert await rows.setups.get() is None


def test_a_connection_lost_during_the_commit_leaves_the_outcome_unknown() -> None:
    with pytest.raises(UnknownOutcome), translated("fold"), committing("fold"):
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


def test_a_connection_lost_before_the_commit_is_only_away() -> None:
    with pytest.raises(TemporaryFailure) as lost, translated("fold"):
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    assert not isinstance(lost.value, UnknownOutcome)


def test_a_connection_that_takes_no_further_statement_is_only_away() -> None:
    with pytest.raises(TemporaryFailure), translated("fold"):
        raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")


@pytest.mark.parametrize("error", [asyncpg.UniqueViolationError, asyncpg.InvalidTextRepresentationError])
def test_a_refusal_keeps_values_to_itself(error: type[asyncpg.PostgresError]) -> None:
    with pytest.raises(Rejected) as refused, translated("fold"):
        raise error("Key (name)=(Erika Beispiel) already exists")
    assert "Erika" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
