"""The audit trail is kept hour by hour: signed once a day, pruned when time is over, and again after a failure."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from cordpair.core.audit import Action, Deed, Trail, operator_actor
from cordpair.core.ids import TenantId
from cordpair.engine.audit_keeping import AuditKeeping
from cordpair.errors import TemporaryFailure
from cordpair.store.doors import Store
from tests.engine.conftest import StandingClock, until
from tests.store.world import NOON, A, configured

DEED = Deed(at=NOON, actor=operator_actor(1000), action=Action.SETUP_APPLIED, target=A)


async def trail(store: Store) -> Trail:
    async with store.open_tenant(A) as rows:
        return await rows.audit.trail()


async def test_a_deed_is_vouched_for_and_its_record_goes_in_time(store: Store) -> None:
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.audit.append(DEED)
    clock = StandingClock()
    async with kept(store, clock):
        await until(lambda: has_checkpoint(store))
        clock.move(timedelta(days=151).total_seconds())
        await until(lambda: has_no_record(store))
    assert len((await trail(store)).entries) == 1


async def test_what_fails_is_done_the_next_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.audit.append(DEED)
    keep, failures = Store.keep_audit, iter([TemporaryFailure("the database is away")])

    async def once_away(self: Store, tenant: TenantId, now: object) -> int:
        for failure in failures:
            raise failure
        return await keep(self, tenant, now)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "keep_audit", once_away)
    async with kept(store, StandingClock()):
        assert await until(lambda: has_checkpoint(store))


async def has_checkpoint(store: Store) -> bool:
    return bool((await trail(store)).checkpoints)


async def has_no_record(store: Store) -> bool:
    return not (await trail(store)).records


@contextlib.asynccontextmanager
async def kept(store: Store, clock: StandingClock) -> AsyncIterator[None]:
    """While the trail of A is kept."""
    keeping = asyncio.create_task(AuditKeeping(A, store, clock).run())
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
