"""The phone index in memory finds whom the store would find, and lags behind without harm."""

from hypothesis import given
from hypothesis import strategies as st

from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.store.parties import IndexedParty, IndexedPhone, hashes_of
from cordpair.store.phone_memory import PhoneMemory
from cordpair.store.sealing import TenantKey
from tests.store.world import A, B

KEY = TenantKey(A, bytes(32))
ERIKA, JOHN = PartyRef("imis", "101"), PartyRef("imis", "102")
BERLIN, LONDON, PARIS = "+493012345678", "+442072345678", "+33142340000"


def party(ref: PartyRef, *numbers: str) -> IndexedParty:
    return IndexedParty(PartyRecord(ref=ref, name="Erika Beispiel"), tuple(IndexedPhone(number) for number in numbers))


def filled(*parties: IndexedParty, most: int = 100) -> PhoneMemory:
    memory = PhoneMemory(most)
    memory.fill(
        (hashed, one.record.ref)
        for one in parties
        for phone in one.phones
        for hashed in hashes_of(KEY, phone.e164).values()
    )
    return memory


def test_an_empty_one_finds_nobody() -> None:
    assert PhoneMemory().find(KEY, BERLIN) == ()


def test_a_party_is_found_by_its_number_and_by_its_last_seven_digits() -> None:
    memory = filled(party(ERIKA, BERLIN), party(JOHN, PARIS))
    assert memory.find(KEY, BERLIN) == (ERIKA,)
    assert memory.find(KEY, LONDON) == (ERIKA,)
    assert memory.find(KEY, "+498999999999") == ()


def test_a_change_counts_at_once_and_the_former_number_no_longer() -> None:
    memory = filled(party(ERIKA, BERLIN))
    for number in (PARIS, "+498999999999"):
        memory.put(KEY, [party(ERIKA, number)])
    assert memory.find(KEY, BERLIN) == memory.find(KEY, PARIS) == ()
    assert memory.find(KEY, "+498999999999") == (ERIKA,)


def test_a_tenant_that_is_too_big_for_memory_is_left_to_its_store() -> None:
    memory = filled(party(ERIKA, BERLIN), most=1)
    assert (len(memory), memory.find(KEY, BERLIN)) == (0, ())


def test_another_tenant_s_key_finds_nobody() -> None:
    assert filled(party(ERIKA, BERLIN)).find(TenantKey(B, bytes(range(32))), BERLIN) == ()


PEOPLE = st.sampled_from([PartyRef("imis", str(number)) for number in range(5)])
NUMBERS = st.sampled_from([f"+4930{number:08}" for number in range(6)])


@given(st.lists(st.tuples(PEOPLE, st.lists(NUMBERS, max_size=2)), max_size=30), st.integers(0, 30))
def test_in_whatever_order_parties_change_their_newest_numbers_find_them(
    changes: list[tuple[PartyRef, list[str]]], first: int
) -> None:
    known = dict(changes[:first])
    memory = filled(*(party(ref, *numbers) for ref, numbers in known.items()))
    for ref, numbers in changes[first:]:
        known[ref] = numbers
        memory.put(KEY, [party(ref, *numbers)])
    for number in (f"+4930{one:08}" for one in range(6)):
        assert set(memory.find(KEY, number)) == {ref for ref, numbers in known.items() if number in numbers}
