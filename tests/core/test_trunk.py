"""Which company calls, when nobody has stored the extension."""

from collections.abc import Iterable

import pytest

from cordpair.core.ids import PartyRef
from cordpair.core.number_plan import stored_numbers
from cordpair.core.party import PartyRecord, StoredPhone
from cordpair.core.trunk import Origin, Trunk, contact_of, spelled_root, trunk_keys, trunks_of

DOCHT = "Docht & Söhne GmbH"


def person(number: int, *raw: str, company: str = DOCHT, region: str = "DE") -> PartyRecord:
    phones = tuple(StoredPhone(raw=text) for text in raw)
    return PartyRecord(
        ref=PartyRef("imis", str(number)), name="Ansgar Wiesel", company=company, phones=phones, region=region
    )


def organization(number: int, *raw: str, name: str = DOCHT) -> PartyRecord:
    phones = tuple(StoredPhone(raw=text) for text in raw)
    return PartyRecord(ref=PartyRef("imis", str(number)), name=name, phones=phones, region="DE", is_organization=True)


def known_by(caller: str, records: Iterable[PartyRecord]) -> list[Trunk]:
    keys = trunk_keys(caller)
    contacts = [
        contact_of(record, number.e164, spelled_root(number) or "")
        for record in records
        for phone in record.phones
        for number in stored_numbers(phone.raw, record.region)
        if number.e164 is not None and number.valid
    ]
    return [trunk for trunk in trunks_of(contacts) if trunk.key in keys]


@pytest.mark.parametrize(
    ("raw", "region", "root"),
    [
        ("06221/9119-0", "DE", "+4962219119"),
        ("+49 (0)6221 9119-23", "DE", "+4962219119"),
        ("06221 9119 – 0", "DE", "+4962219119"),
        ("06221 91190", "DE", None),  # nothing is marked off
        ("030-12345", "DE", None),  # the hyphen parts the town off
        ("0171-3920012", "DE", None),  # too long, and a mobile
        ("020 7946-0123", "GB", None),  # there people group digits by it
        ("(212) 555-0123", "US", None),
    ],
)
def test_a_hyphen_marks_a_root_where_numbers_have_no_fixed_length(raw: str, region: str, root: str | None) -> None:
    assert spelled_root(stored_numbers(raw, region)[0]) == root


def test_an_unknown_extension_behind_a_written_root_is_the_company_s() -> None:
    (trunk,) = known_by("+496221911977", [organization(1, "06221/9119-0")])
    assert (trunk.company, trunk.party.id, trunk.origin, trunk.is_person) == (DOCHT, "1", Origin.SPELLED, False)


def test_without_a_record_of_its_own_one_of_its_people_stands_for_the_company() -> None:
    (trunk,) = known_by("+496221911977", [person(7, "06221/9119-23")])
    assert (trunk.company, trunk.party.id, trunk.is_person) == (DOCHT, "7", True)


def test_a_private_person_has_no_trunk() -> None:
    assert known_by("+496221911977", [person(7, "06221/9119-23", company="")]) == []


def test_three_contacts_of_one_organisation_tell_its_range_and_how_long_extensions_are() -> None:
    people = [person(n, f"+49 6221 9119{n}") for n in (11, 12, 34)]
    (trunk,) = known_by("+496221911977", people)
    assert (trunk.root, trunk.extension, trunk.origin) == ("+4962219119", 2, Origin.LEARNED)
    assert known_by("+4962219119777", people) == []


def test_two_contacts_are_a_coincidence() -> None:
    assert known_by("+496221911977", [person(n, f"+49 6221 9119{n}") for n in (11, 12)]) == []


def test_a_range_that_others_share_is_nobody_s() -> None:
    people = [person(n, f"+49 6221 9119{n}") for n in (11, 12, 34)]
    neighbours = [person(n, f"+49 6221 9119{n}", company="Laternen AG") for n in (55, 56)]
    assert known_by("+496221911977", [*people, *neighbours]) == []


def test_colleagues_in_one_town_are_no_range() -> None:
    people = [person(n, f"+49 30 2312{n}") for n in (1011, 2012, 3034)]
    assert known_by("+4930231249999", people) == []


def test_mobiles_that_follow_each_other_are_no_range() -> None:
    people = [person(n, f"+49 171 39200{n}") for n in (11, 12, 34)]
    assert known_by("+491713920077", people) == []


def test_ranges_of_other_countries_are_learned_too() -> None:
    people = [person(n, f"+44 20 7946 01{n}", region="GB") for n in (11, 12, 34)]
    assert [trunk.root for trunk in known_by("+442079460177", people)] == ["+4420794601"]
