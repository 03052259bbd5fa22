"""Callers are found by number, from an index that holds no number."""

from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.store.doors import Store
from cordpair.store.parties import IndexedParty, IndexedPhone
from tests.store.world import A, configured

ERIKA, JOHN = PartyRef("imis", "101"), PartyRef("imis", "102")
BERLIN, LONDON = "+493012345678", "+442072345678"  # the same last seven digits


def party(ref: PartyRef, *numbers: str, name: str = "Erika Beispiel") -> IndexedParty:
    return IndexedParty(PartyRecord(ref=ref, name=name), tuple(IndexedPhone(number, "Mobile") for number in numbers))


async def indexed(store: Store, *parties: IndexedParty) -> None:
    await configured(store, A)
    async with store.open_tenant(A) as rows:
        await rows.parties.upsert(parties)


async def found(store: Store, number: str) -> list[tuple[PartyRef, str, str]]:
    async with store.open_tenant(A) as rows:
        return [(hit.record.ref, hit.matched.e164, hit.by) for hit in await rows.parties.find(number)]


async def test_a_party_is_found_by_its_number(store: Store) -> None:
    await indexed(store, party(ERIKA, BERLIN))
    async with store.open_tenant(A) as rows:
        (hit,) = await rows.parties.find(BERLIN)
    assert hit.record == PartyRecord(ref=ERIKA, name="Erika Beispiel")
    assert (hit.matched, hit.by) == (IndexedPhone(BERLIN, "Mobile"), "e164")


async def test_the_same_last_digits_are_only_a_hint(store: Store) -> None:
    await indexed(store, party(JOHN, LONDON), party(ERIKA, BERLIN))
    assert await found(store, BERLIN) == [(ERIKA, BERLIN, "e164"), (JOHN, LONDON, "suffix")]


async def test_a_number_that_nobody_has_finds_nobody(store: Store) -> None:
    await indexed(store, party(ERIKA, BERLIN))
    assert await found(store, "+10000000000") == []


async def test_many_numbers_are_looked_up_together(store: Store) -> None:
    await indexed(store, party(ERIKA, BERLIN), party(JOHN, "+442071838750"))
    async with store.open_tenant(A) as rows:
        hits = await rows.parties.find_many([BERLIN, "+442071838750", "+10000000000"])
    assert {number: [hit.record.ref.id for hit in each] for number, each in hits.items()} == {
        BERLIN: ["101"],
        "+442071838750": ["102"],
        "+10000000000": [],
    }


async def test_a_party_that_changed_its_number_is_no_longer_found_by_the_old_one(store: Store) -> None:
    await indexed(store, party(ERIKA, BERLIN))
    await indexed(store, party(ERIKA, "+498999999999", name="Erika Muster"))
    assert await found(store, BERLIN) == []
    assert await found(store, "+498999999999") == [(ERIKA, "+498999999999", "e164")]


async def test_a_party_twice_in_one_batch_is_kept_as_it_came_last(store: Store) -> None:
    await indexed(store, party(ERIKA, BERLIN, name="old"), party(ERIKA, BERLIN, name="new"))
    async with store.open_tenant(A) as rows:
        assert [hit.record.name for hit in await rows.parties.find(BERLIN)] == ["new"]


async def test_a_removed_party_is_not_found_and_its_numbers_are_gone(store: Store) -> None:
    await indexed(store, party(ERIKA, BERLIN), party(JOHN, LONDON))
    async with store.open_tenant(A) as rows:
        await rows.parties.remove([ERIKA])
        assert await rows.parties.count() == 1
    assert await found(store, BERLIN) == [(JOHN, LONDON, "suffix")]


async def test_a_party_without_a_number_is_kept(store: Store) -> None:
    await indexed(store, party(ERIKA))
    async with store.open_tenant(A) as rows:
        assert await rows.parties.count() == 1
