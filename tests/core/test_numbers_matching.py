"""How sure it is that a stored number is the caller's, and who is therefore a candidate."""

import pytest

from cordpair.core.caller import Candidate, Grade, settled
from cordpair.core.ids import PartyRef
from cordpair.core.numbers import Hit, candidates, grade, stored_numbers

BERLIN = "+493023125123"
LONDON = "+442079460123"
ANSGAR = PartyRef("imis", "31001")
BERTA = PartyRef("imis", "31002")


@pytest.mark.parametrize(
    ("caller", "stored", "region", "expected"),
    [
        (BERLIN, "+49 30 23125123", "DE", Grade.EXACT),
        (BERLIN, "493023125123", "DE", Grade.EXACT),
        (BERLIN, "+49 30 23125123", "GB", Grade.EXACT),
        (BERLIN, "030/23125-123", "DE", Grade.NATIONAL),
        (LONDON, "020 7946 0123", "GB", Grade.NATIONAL),
        (LONDON, "7946 0123", "GB", Grade.SUFFIX),
        (BERLIN, "23125123", "DE", Grade.SUFFIX),
        (BERLIN, "030 23125124", "DE", Grade.NONE),
        (BERLIN, "", "DE", Grade.NONE),
        (BERLIN, "siehe oben", "DE", Grade.NONE),
    ],
)
def test_a_grade_says_how_sure_a_match_is(caller: str, stored: str, region: str, expected: Grade) -> None:
    assert grade(caller, stored, region)[0] is expected


def test_the_reason_says_what_agrees() -> None:
    assert grade(BERLIN, "+49 30 23125123", "DE")[1] == "exact number"
    assert grade(BERLIN, "030 23125123", "DE")[1] == "same number, stored without its country"


def test_a_number_that_only_lacks_its_country_is_national() -> None:
    # Nobody says which country: the one thing it can be is the caller's, without +44.
    assert grade("+442079460123", "20 7946 0123", None)[0] is Grade.NATIONAL


def test_a_national_number_of_two_countries_is_left_to_a_person() -> None:
    # Read as German, as the tenant is, it belongs to somebody else.
    assert grade("+497700900123", "07700 900123", "DE")[0] is Grade.NATIONAL
    assert grade("+447700900123", "07700 900123", "DE")[0] is Grade.SUFFIX


def test_the_same_last_seven_digits_of_another_city_are_no_match() -> None:
    assert grade("+441134960123", "0114 496 0123", "GB")[0] is Grade.NONE
    assert grade("+441134960123", "+44 114 496 0123", "GB")[0] is Grade.NONE


def test_a_switchboard_and_its_extension_are_different_numbers() -> None:
    assert grade("+4962219119", "+49 6221 9119-0", "DE")[0] is Grade.NONE


def test_a_number_stored_with_an_extension_is_never_certain() -> None:
    sure, why = grade(BERLIN, "030 23125123 ext. 12", "DE")
    assert (sure, why) == (Grade.SUFFIX, "same number, but stored with an extension")


def test_the_best_of_several_readings_counts() -> None:
    assert grade("+4915123380326", "4915123380326", "DE")[0] is Grade.EXACT


def found(caller: str, *parties: tuple[PartyRef, str, str]) -> tuple[Candidate, ...]:
    return candidates(
        caller,
        [
            Hit(party=party, name=name, number=number, source="iMIS", link=f"https://imis.example/{party.id}")
            for party, name, raw in parties
            for number in stored_numbers(raw, "DE")
        ],
    )


def test_the_best_match_comes_first() -> None:
    got = found(BERLIN, (BERTA, "Berta", "23125123"), (ANSGAR, "Ansgar", "+49 30 23125123"))
    assert [(one.name, one.grade) for one in got] == [("Ansgar", Grade.EXACT), ("Berta", Grade.SUFFIX)]


def test_a_party_with_two_numbers_is_one_candidate_by_its_better_number() -> None:
    got = found(BERLIN, (ANSGAR, "Ansgar", "23125123"), (ANSGAR, "Ansgar", "030 23125123"))
    assert [one.grade for one in got] == [Grade.NATIONAL]


def test_a_hit_that_does_not_stand_the_check_is_left_out() -> None:
    assert found(BERLIN, (ANSGAR, "Ansgar", "0221 3125123")) == ()


def test_a_candidate_says_why_it_is_one() -> None:
    (one,) = found(BERLIN, (ANSGAR, "Ansgar", "+49 30 23125123"))
    assert one.reason == "matched by phone, exact number, iMIS"
    assert one.link == "https://imis.example/31001"


def test_two_holders_of_one_number_settle_nobody() -> None:
    assert settled(found(BERLIN, (ANSGAR, "Ansgar", "030 23125123"), (BERTA, "Berta", "+49 30 23125123"))) is None


def test_a_sure_match_settles_beside_an_unsure_one() -> None:
    assert settled(found(BERLIN, (ANSGAR, "Ansgar", "030 23125123"), (BERTA, "Berta", "23125123"))) == ANSGAR
