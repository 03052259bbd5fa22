"""Thousands of made-up contacts, their numbers typed in every way that people have."""

from collections import defaultdict

import pytest

from cordpair.core.caller import Candidate, settled
from cordpair.core.ids import PartyRef
from cordpair.core.numbers import Hit, StoredNumber, candidates, last7, stored_numbers
from cordpair.emulator.members import Member, holders, members

Index = dict[str, list[tuple[Member, StoredNumber]]]


def index_of(people: list[Member]) -> Index:
    """Two keys per number, as the phone index has them: E.164 and the last seven digits."""
    index: Index = defaultdict(list)
    for person in people:
        for phone in person.phones:
            for number in stored_numbers(phone.raw, person.region):
                for key in {number.e164, last7(number.digits)} - {None}:
                    index[str(key)].append((person, number))
    return index


def look_up(index: Index, caller: str) -> tuple[Candidate, ...]:
    pairs = [*index.get(caller, ()), *index.get(last7(caller) or "", ())]
    return candidates(
        caller,
        [
            Hit(party=PartyRef("imis", person.party_id), name=person.name, number=number, source="iMIS")
            for person, number in pairs
        ],
    )


@pytest.mark.parametrize(("home", "seed"), [("DE", 11), ("GB", 12)])
def test_messy_contacts_are_found_and_never_taken_for_each_other(home: str, seed: int) -> None:
    people = members(seed, 3_000, home)
    index, truth = index_of(people), holders(people)
    found = wrong = 0
    for caller, owners in truth.items():
        true_ids = {owner.party_id for owner in owners}
        got = look_up(index, caller)
        found += bool(true_ids & {one.party.id for one in got})
        chosen = settled(got)
        wrong += chosen is not None and chosen.id not in true_ids
    assert wrong == 0
    assert found / len(truth) >= 0.999


def test_strangers_with_free_numbers_are_taken_for_nobody() -> None:
    people = members(13, 3_000)
    known, index = holders(people), index_of(people)
    strangers = [number for number in holders(members(14, 3_000)) if number not in known]
    assert len(strangers) > 1_000
    assert [number for number in strangers if settled(look_up(index, number))] == []


def test_shared_switchboards_give_a_pick_list_of_all_who_share_them() -> None:
    people = members(15, 3_000)
    index = index_of(people)
    shared = {number: owners for number, owners in holders(people).items() if len(owners) > 1}
    assert shared
    for number, owners in shared.items():
        assert {one.party.id for one in look_up(index, number)} == {owner.party_id for owner in owners}
        assert settled(look_up(index, number)) is None
