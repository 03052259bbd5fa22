"""What is known of callers beside their numbers, and that it goes with them."""

from datetime import timedelta

from cordpair.core.identify import Choice, Contact, Known
from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.core.trunk import Origin, Trunk
from cordpair.store.doors import Store
from cordpair.store.parties import IndexedParty, IndexedPhone
from tests.store.world import ANA, NOON, SALES, A, B, configured

ERIKA, JOHN, DOCHT = (PartyRef("imis", number) for number in ("101", "102", "901"))
BERLIN = "+493012345678"
CONTACT = Contact(ANA, SALES, NOON)


async def indexed(store: Store) -> None:
    await configured(store, A, B)
    people = [PartyRecord(ref=ref, name=name) for ref, name in ((ERIKA, "Erika Beispiel"), (JOHN, "John Example"))]
    company = PartyRecord(ref=DOCHT, name="Docht AG", is_organization=True)
    async with store.open_tenant(A) as rows:
        await rows.parties.upsert([IndexedParty(one, (IndexedPhone(BERLIN),)) for one in (*people, company)])


async def test_a_choice_is_remembered_for_its_number_alone(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        await rows.callers.chose(BERLIN, ERIKA, NOON)
        assert await rows.callers.known(BERLIN, [ERIKA]) == {ERIKA: Known(choice=Choice(1.0, NOON))}
        assert await rows.callers.known("+493012345679", [ERIKA, JOHN]) == {ERIKA: Known(), JOHN: Known()}


async def test_a_choice_that_is_told_twice_counts_once_and_another_call_adds_to_it(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        for at in (NOON, NOON, NOON + timedelta(days=90)):
            await rows.callers.chose(BERLIN, ERIKA, at)
        known = (await rows.callers.known(BERLIN, [ERIKA]))[ERIKA]
    assert known.choice == Choice(1.5, NOON + timedelta(days=90))


async def test_a_choice_can_be_taken_back(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        await rows.callers.chose(BERLIN, ERIKA, NOON)
        await rows.callers.forget(BERLIN, ERIKA)
        assert (await rows.callers.known(BERLIN, [ERIKA]))[ERIKA].choice is None


async def test_the_last_contact_is_the_latest_in_whatever_order_they_are_told(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        await rows.callers.met(ERIKA, CONTACT)
        await rows.callers.met(ERIKA, Contact(None, None, NOON - timedelta(days=1)))
        assert (await rows.callers.known(BERLIN, [ERIKA]))[ERIKA].contact == CONTACT


async def test_the_last_contacts_of_several_parties_are_found_at_once(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        await rows.callers.met(ERIKA, CONTACT)
        assert await rows.callers.contacts([ERIKA, JOHN]) == {ERIKA: CONTACT}


async def test_all_of_it_goes_with_its_party(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        await rows.callers.chose(BERLIN, ERIKA, NOON)
        await rows.callers.met(ERIKA, CONTACT)
        await rows.parties.remove([ERIKA])
        assert await rows.callers.known(BERLIN, [ERIKA]) == {ERIKA: Known()}


async def test_who_is_not_in_the_index_is_not_remembered(store: Store) -> None:
    await indexed(store)
    stranger = PartyRef("imis", "999")
    async with store.open_tenant(A) as rows:
        await rows.callers.chose(BERLIN, stranger, NOON)
        await rows.callers.met(stranger, CONTACT)
        assert await rows.callers.known(BERLIN, [stranger]) == {stranger: Known()}


def trunk(root: str, digits: int, party: PartyRef = DOCHT) -> Trunk:
    return Trunk(root=root, extension=digits, origin=Origin.SPELLED, company="Docht AG", party=party)


async def test_a_trunk_is_found_by_any_extension_that_fits(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        await rows.callers.put_trunks("imis", [trunk("+493012345", 0), trunk("+4930123", 2)])
        assert await rows.callers.trunks_of(["+49301234599"]) == {"+49301234599": [trunk("+493012345", 0)]}
        assert await rows.callers.trunks_of(["+493012377"]) == {"+493012377": [trunk("+4930123", 2)]}
        assert await rows.callers.trunks_of(["+4930123777"]) == {"+4930123777": []}


async def test_trunks_are_replaced_by_those_of_the_next_look(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        await rows.callers.put_trunks("imis", [trunk("+493012345", 0)])
        await rows.callers.put_trunks("imis", [])
        assert await rows.callers.trunks_of(["+49301234599"]) == {"+49301234599": []}


async def test_numbers_that_several_parties_have_are_told_most_shared_first(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        alone = PartyRecord(ref=PartyRef("imis", "103"), name="Nora Beispiel")
        await rows.parties.upsert([IndexedParty(alone, (IndexedPhone("+493000000000"),))])
        (shared,) = await rows.parties.shared(2)
        assert (shared.e164, [party.ref for party in shared.parties]) == (BERLIN, [ERIKA, JOHN, DOCHT])
        assert await rows.parties.shared(4) == []


async def test_another_tenant_sees_nothing(store: Store) -> None:
    await indexed(store)
    async with store.open_tenant(A) as rows:
        await rows.callers.put_trunks("imis", [trunk("+493012345", 0)])
        await rows.callers.chose(BERLIN, ERIKA, NOON)
    async with store.open_tenant(B) as rows:
        assert await rows.callers.trunks_of(["+49301234599"]) == {"+49301234599": []}
        assert await rows.callers.known(BERLIN, [ERIKA]) == {ERIKA: Known()}
        assert await rows.parties.shared(2) == []
