"""The made-up members: the same for the same seed, in every spelling, with numbers that ring nowhere."""

import re
import time
from collections import Counter
from datetime import datetime

import phonenumbers
import pytest

from cordpair.emulator.imis import Imis
from cordpair.emulator.imis_query import read_query
from cordpair.emulator.imis_store import PARTY_PROPERTIES
from cordpair.emulator.members import Member, holders, members

#: Free numbers of the Bundesnetzagentur and of Ofcom; German companies have extensions behind theirs.
FREE = re.compile(
    r"\+49(3023125|4066969|8999998|6990009|2214710)\d{3}(0|\d\d)?|\+4917604069\d{3}|\+4917139200\d\d"
    r"|\+44(11[34678]|121|131|141|151|161)4960\d{3}|\+441914980\d{3}|\+442079460\d{3}|\+442896496\d{3}"
    r"|\+442890180\d{3}|\+442920180\d{3}"
)


@pytest.fixture(scope="module")
def people() -> list[Member]:
    return members(7)


def test_the_same_seed_gives_the_same_people(people: list[Member]) -> None:
    assert members(7) == people
    assert members(8) != people


def test_fewer_people_are_the_first_of_more(people: list[Member]) -> None:
    assert members(7, 100) == people[:100]


def test_ids_are_unique(people: list[Member]) -> None:
    assert len({person.party_id for person in people}) == len(people) == 10_000


def test_every_number_is_of_a_range_that_rings_nowhere(people: list[Member]) -> None:
    assert [number for number in holders(people) if not FREE.fullmatch(number)] == []


def test_every_number_is_valid_by_the_reference_library(people: list[Member]) -> None:
    assert [n for n in holders(people) if not phonenumbers.is_valid_number(phonenumbers.parse(n))] == []


def test_no_member_has_a_number_of_a_queue(people: list[Member]) -> None:
    assert not {"+493023125100", "+493023125200", "+493023125300", "+442079460100"} & set(holders(people))


def test_some_share_a_switchboard_and_some_have_no_number(people: list[Member]) -> None:
    sharing = Counter(len(owners) for owners in holders(people).values())
    assert set(sharing) == {1, 2, 3, 4}
    assert sum(sharing[k] for k in (2, 3, 4)) > 50
    assert 200 < sum(not person.e164 for person in people) < 400


def test_numbers_stand_in_both_places_that_imis_has(people: list[Member]) -> None:
    places = Counter(phone.where for person in people for phone in person.phones)
    assert places["address"] > 1_000
    assert places["phones"] > 5_000


def test_an_address_has_room_for_one_number(people: list[Member]) -> None:
    assert max(sum(phone.where == "address" for phone in person.phones) for person in people) == 1


@pytest.mark.parametrize(
    "spelling",
    [
        r"\+49\d+",
        r"\+49 \d+ \d+",
        r"\+49 \d+ \d+-\d+",
        r"\+49 \(0\)\d+ .*",
        r"0049 .*",
        r"49\d+",
        r"0\d+ \d+",
        r"0\d+",
        r"0\d+-\d+",
        r"0\d+/\d+(-\d+)?",
        r"\(0\d+\) .*",
        r"Tel\..*",
        r".* ext\. \d+",
        r".* (Zentrale|\(privat\))",
        r".* oder .*",
        "\u202a.*\u202c",
        r"020 7946 \d{4}",
        r"\+44 20 7946 \d{4}",
    ],
)
def test_every_spelling_occurs(people: list[Member], spelling: str) -> None:
    assert any(re.fullmatch(spelling, phone.raw) for person in people for phone in person.phones)


def test_mail_addresses_lead_nowhere(people: list[Member]) -> None:
    assert [person.email for person in people if not re.fullmatch(r"[a-z.-]+@[a-z-]+\.example", person.email)] == []


def test_a_british_association_has_mostly_british_members() -> None:
    regions = Counter(person.region for person in members(8, 1_000, home="GB"))
    assert regions["GB"] > 800
    assert regions["DE"] > 20


def test_a_look_up_by_number_among_ten_thousand_is_quick(people: list[Member]) -> None:
    imis = Imis("verband", people, _Clock(), "Europe/Berlin")
    queries = [
        read_query([("Phone", person.phones[0].raw)], PARTY_PROPERTIES) for person in people[:500] if person.phones
    ]
    began = time.perf_counter()
    assert all(imis.store.parties(None, query) for query in queries)
    assert (time.perf_counter() - began) / len(queries) < 0.005


class _Clock:
    def now(self) -> datetime:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError
