"""A sync learns which ranges of numbers are companies', and keeps the index in memory up to date."""

from collections.abc import Sequence

from cordpair.connectors.memory import MemoryCrm
from cordpair.core.ids import PartyRef, TenantId
from cordpair.core.number_rules import NumberRules
from cordpair.core.party import PartyRecord, StoredPhone
from cordpair.engine.sync import PartySync
from cordpair.store.doors import Store
from cordpair.store.parties import IndexedParty
from tests.engine.conftest import StandingClock
from tests.store.world import NOON, A, configured

CALLER = "+496221911977"


def record(number: int, raw: str, company: str = "Docht AG") -> PartyRecord:
    return PartyRecord(
        ref=PartyRef("memory", str(number)), name="Ansgar Wiesel", company=company, phones=(StoredPhone(raw=raw),)
    )


async def test_a_sync_learns_the_ranges_of_companies(store: Store) -> None:
    await configured(store, A)
    crm = MemoryCrm(now=lambda: NOON)
    crm.put([record(n, f"+49 6221 9119{n}") for n in (11, 12, 34)])
    await PartySync(A, store, crm, StandingClock(), "DE").once()
    async with store.open_tenant(A) as rows:
        (trunk,) = (await rows.callers.trunks_of([CALLER]))[CALLER]
    assert (trunk.company, trunk.is_person) == ("Docht AG", True)


async def test_a_range_that_is_no_longer_one_is_forgotten_by_the_next_sync(store: Store) -> None:
    await configured(store, A)
    crm = MemoryCrm(now=lambda: NOON)
    crm.put([record(n, f"+49 6221 9119{n}") for n in (11, 12, 34)])
    sync = PartySync(A, store, crm, StandingClock(), "DE")
    await sync.once()
    crm.put([record(11, "+49 30 23125111")])
    await sync.once()
    async with store.open_tenant(A) as rows:
        assert await rows.callers.trunks_of([CALLER]) == {CALLER: []}


async def test_who_has_changed_is_told_with_the_numbers_that_the_exchange_s_rules_make(store: Store) -> None:
    await configured(store, A)
    told: list[IndexedParty] = []

    async def changed(_: TenantId, parties: Sequence[IndexedParty]) -> None:
        told.extend(parties)

    crm = MemoryCrm(now=lambda: NOON)
    crm.put([record(1, "911923"), record(2, "4711")])
    rules = NumberRules(area_code="6221", internal_digits=5)
    await PartySync(A, store, crm, StandingClock(), "DE", rules=rules, changed=changed).once()
    assert [[phone.e164 for phone in one.phones] for one in told] == [["+496221911923"], []]
