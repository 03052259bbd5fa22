"""How long a caller of the intake waits. That what comes in is stored once stands in test_inbox."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from cordpair.core.ids import TenantId
from cordpair.errors import UnknownOutcome
from cordpair.store.inbox import Incoming
from cordpair.store.intake import Intake

TENANT = TenantId("00000001-0000-4000-8000-00000000000a")


def item(key: str) -> Incoming:
    return Incoming("graph", key, b"{}", datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


class Slow:
    """Stores when it is let."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def put(self, _tenant: TenantId, items: Sequence[Incoming]) -> set[tuple[str, str]]:
        await self.may.wait()
        return {(one.source, one.key) for one in items}


async def test_who_waits_too_long_hears_that_nobody_knows() -> None:
    with pytest.raises(UnknownOutcome):
        await Intake(Slow().put).accept(TENANT, [item("a")], within_s=0.01)


async def test_who_comes_later_than_others_who_wait_hears_it_too() -> None:
    intake = Intake(Slow().put)
    first = asyncio.create_task(intake.accept(TENANT, [item("a")], within_s=0.05))
    await asyncio.sleep(0.02)  # how long does not matter: only that the second one's time ends after the first one's
    second = asyncio.create_task(intake.accept(TENANT, [item("b")], within_s=0.05))
    heard = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 30)
    assert [type(one) for one in heard] == [UnknownOutcome, UnknownOutcome]


async def test_one_whose_patience_ends_does_not_end_that_of_the_others() -> None:
    slow = Slow()
    intake = Intake(slow.put)
    patient = asyncio.create_task(intake.accept(TENANT, [item("a")], within_s=600))
    with pytest.raises(UnknownOutcome):
        await intake.accept(TENANT, [item("b")], within_s=0.01)
    slow.may.set()
    assert await patient == 1


async def test_what_is_stored_in_time_is_counted_whatever_time_passes_after() -> None:
    slow = Slow()
    slow.may.set()
    intake = Intake(slow.put)
    assert await intake.accept(TENANT, [item("a")], within_s=0.001) == 1
    assert await intake.accept(TENANT, [item("b")], within_s=600) == 1
