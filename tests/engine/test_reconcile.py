"""What we believe written is held against the CRM: missing is written again, unheard taken down, doubled told."""

from datetime import timedelta
from typing import Any

import pytest

from cordpair.connectors.kit import Activity
from cordpair.connectors.memory import MemoryCrm
from cordpair.core import events as e
from cordpair.core.call import Call, CallState
from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.engine.activities import activity_key
from cordpair.engine.reconcile import Difference, Finding, Reconciler
from cordpair.store.doors import Store
from tests.store.world import ANA, NOON, A, call, configured

PARTY = PartyRef("memory", "31001")
LATER = NOON + timedelta(hours=5)


class Books:
    """One closed call, the CRM, and the comparison of both."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.crm = MemoryCrm(now=lambda: NOON)
        self.crm.put([PartyRecord(ref=PARTY, name="Ansgar Wiesel")])
        self.reconciler = Reconciler(A, store, self.crm)

    async def closed(self, *, activity: str, written: int) -> Call:
        """A call that we believe written as `activity`, and so many activities of it in the CRM."""
        known = call(A, state=CallState.CLOSED, closed_at=NOON, agent=ANA, party=PARTY, activity=activity)
        await configured(self.store, A)
        async with self.store.open_tenant(A) as rows:
            await rows.calls.save([known])
        for _ in range(written):
            entry = Activity(call=known.id, party=PARTY, started_at=NOON, talk_s=1, agent_name="", queue="")
            await self.crm.log_activity(entry, key=activity_key(A, known), repeat=False)
        return known

    async def found(self) -> list[Difference]:
        return await self.reconciler.compare(await self.reconciler.due(LATER))

    async def healed(self) -> list[e.AnyEvent]:
        await self.reconciler.heal(await self.found(), LATER)
        async with self.store.open_tenant(A) as rows:
            return [e.decode(row.body) for row in await rows.inbox.unfolded(10)]


@pytest.fixture
async def books(store: Store) -> Books:
    return Books(store)


async def test_what_stands_on_both_sides_is_no_difference(books: Books) -> None:
    await books.closed(activity="1", written=1)
    assert await books.found() == []


async def test_what_the_crm_has_lost_is_written_again(books: Books) -> None:
    known = await books.closed(activity="7", written=0)
    assert await books.found() == [Difference(call=known.id, finding=Finding.MISSING, references=("7",))]
    assert await books.healed() == [e.ActivityMissing(at=LATER, call=known.id, party=PARTY, reference="7")]


async def test_what_we_never_heard_of_is_taken_down(books: Books) -> None:
    known = await books.closed(activity="", written=1)
    assert await books.healed() == [e.ActivityLogged(at=LATER, call=known.id, party=PARTY, reference="1")]


async def test_what_stands_twice_is_told_and_left_to_a_person(books: Books) -> None:
    known = await books.closed(activity="1", written=2)
    assert await books.found() == [Difference(call=known.id, finding=Finding.DOUBLED, references=("1", "2"))]
    assert await books.healed() == []


async def test_healing_twice_tells_the_same_once(books: Books) -> None:
    await books.closed(activity="7", written=0)
    await books.healed()
    assert len(await books.healed()) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"state": CallState.WRAP_UP, "closed_at": None},
        {"closed_at": LATER - timedelta(minutes=10)},
        {"closed_at": LATER - timedelta(days=9)},
        {"agent": None},
        {"party": PartyRef("imis", "1")},
        {"party": None},
    ],
    ids=["open", "young", "old", "unanswered", "another crm", "unsettled"],
)
async def test_other_calls_are_left_alone(books: Books, fields: dict[str, Any]) -> None:
    plain: dict[str, Any] = {"state": CallState.CLOSED, "closed_at": NOON, "agent": ANA, "party": PARTY}
    known = call(A, **(plain | fields))
    await configured(books.store, A)
    async with books.store.open_tenant(A) as rows:
        await rows.calls.save([known])
    assert await books.reconciler.due(LATER) == []
