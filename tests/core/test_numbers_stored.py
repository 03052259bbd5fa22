"""Reading what people typed into a CRM."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.core.number_rules import NumberRules
from cordpair.core.numbers import last7, stored_numbers


def e164s(raw: str, region: str | None = "DE") -> list[str | None]:
    return [number.e164 for number in stored_numbers(raw, region)]


@pytest.mark.parametrize(
    ("raw", "e164"),
    [
        ("+49 (0)6221 9119-0", "+49622191190"),
        ("0049 (0)6221 9119", "+4962219119"),
        ("06221/9119-0", "+49622191190"),
        ("06221/9119-0 Zentrale", "+49622191190"),
        ("Tel.: 06221 9119-0", "+49622191190"),
        ("Tel.06221 9119-0", "+49622191190"),
        ("Fon +49 6221 9119-0", "+49622191190"),
        ("Mobil: 0171 3920012", "+491713920012"),
        ("M: 0171 3920012", "+491713920012"),
        ("Phone 030 23125123", "+493023125123"),
        ("(030) 23125123", "+493023125123"),
        ("030-23125-123", "+493023125123"),
        ("+49.30.23125123", "+493023125123"),
        ("00493023125123", "+493023125123"),
        ("011 49 30 23125123", "+493023125123"),
        ("493023125123", "+493023125123"),
        ("+49 +49 30 23125123", "+493023125123"),
        ("030 23125123 (privat)", "+493023125123"),
        ("030 23125123 Hof", "+493023125123"),
        ("+49 30 23125123 bis 17 Uhr", "+493023125123"),
        ("tel:+49-30-23125123", "+493023125123"),
        ("sip:+493023125123@pbx.example", "+493023125123"),
        ("+４９ ３０ ２３１２５１２３", "+493023125123"),
        ("٠٣٠ ٢٣١٢٥١٢٣", "+493023125123"),
        ("\u200e030 23125123\u200f", "+493023125123"),
        ("+44 (0)20 7946 0123", "+442079460123"),
        ("+800 1234 5678", "+80012345678"),
    ],
)
def test_one_number_in_any_spelling_is_read(raw: str, e164: str) -> None:
    assert e164s(raw) == [e164]


@pytest.mark.parametrize("raw", ["1-800-FLOWERS", "0800 LATERNE", "LATERNE", "siehe Ehefrau", "n/a", "-", ""])
def test_letters_never_become_digits(raw: str) -> None:
    assert not [number for number in stored_numbers(raw, "US") if number.valid]


@pytest.mark.parametrize(
    "raw",
    [
        "+49 170 1234567 oder 0171 2345678",
        "+49 170 1234567; 0171 2345678",
        "+49 170 1234567, 0171 2345678",
        "+49 170 1234567 / 0171 2345678",
        "+49 170 1234567\n0171 2345678",
        "01701234567/01712345678",
        "privat 0170 1234567 Büro 0171 2345678",
        "Mobil: 0170 1234567 und Handy 0171 2345678",
    ],
)
def test_several_numbers_in_one_field_are_all_read(raw: str) -> None:
    assert e164s(raw) == ["+491701234567", "+491712345678"]


def test_a_second_extension_written_short_is_a_number_too() -> None:
    assert {"+493023125123", "+493023125124"} <= set(e164s("030 23125123/24"))


@pytest.mark.parametrize(
    ("raw", "extension"),
    [
        ("030 23125123 ext. 12", "12"),
        ("030 23125123 x12", "12"),
        ("030 23125123x12", "12"),
        ("030 23125123 Durchwahl 12", "12"),
        ("030 23125123 DW 12", "12"),
        ("030 23125123 App. 12", "12"),
        ("tel:+49-30-23125123;ext=12", "12"),
        ("030 23125123", ""),
    ],
)
def test_an_extension_is_kept_beside_the_number(raw: str, extension: str) -> None:
    (number,) = stored_numbers(raw, "DE")
    assert (number.e164, number.extension) == ("+493023125123", extension)


def test_a_truly_ambiguous_number_has_both_readings() -> None:
    assert set(e164s("4915123380326")) == {"+4915123380326", "+494915123380326"}


def test_the_contacts_own_country_is_what_a_national_number_is_read_in() -> None:
    assert e164s("020 7946 0123", "GB") == ["+442079460123"]


def test_without_any_country_only_international_spellings_are_read() -> None:
    assert e164s("+44 20 7946 0123", None) == ["+442079460123"]
    assert e164s("020 7946 0123", None) == [None]


@pytest.mark.parametrize("raw", ["110", "112", "+49110", "Notruf 112", "23", "12345", "anonymous", "unbekannt"])
def test_short_and_withheld_numbers_are_nobodys(raw: str) -> None:
    assert stored_numbers(raw, "DE") == ()


def test_an_outside_line_prefix_is_taken_off_where_the_tenant_has_one() -> None:
    (number,) = stored_numbers("9 425 555 1234", "US", rules=NumberRules(outside_line="9"))
    assert number.e164 == "+14255551234"


def test_a_possible_number_is_kept_and_marked_as_not_valid() -> None:
    (number,) = stored_numbers("+44 7700 900123", "DE")
    assert (number.e164, number.valid) == ("+447700900123", False)


@pytest.mark.parametrize(
    ("raw", "written"),
    [("+49 30 23125123", True), ("0049 30 23125123", True), ("493023125123", True), ("030 23125123", False)],
)
def test_it_is_known_whether_the_country_was_written(raw: str, written: bool) -> None:
    assert stored_numbers(raw, "DE")[0].country_written is written


@pytest.mark.parametrize(
    ("number", "expected"), [("+493023125123", "3125123"), ("030 23125-123", "3125123"), ("123456", None), ("", None)]
)
def test_the_last_seven_digits_are_the_second_key(number: str, expected: str | None) -> None:
    assert last7(number) == expected


INTERNATIONAL = (
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.RFC3966,
)
EXAMPLES = {
    region: number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number(region)) is not None
}
#: National numbers as short as those of Ascension cannot be told from internal ones.
LONG = [region for region, number in EXAMPLES.items() if len(phonenumbers.national_significant_number(number)) > 5]


def spelled(region: str, spelling: int) -> str:
    return phonenumbers.format_number(EXAMPLES[region], spelling)


@given(st.sampled_from(list(EXAMPLES)), st.sampled_from(INTERNATIONAL))
def test_an_international_spelling_of_any_country_comes_back(region: str, spelling: int) -> None:
    assert spelled(region, phonenumbers.PhoneNumberFormat.E164) in e164s(spelled(region, spelling))


@given(st.sampled_from(LONG))
def test_a_national_spelling_comes_back_in_its_own_country(region: str) -> None:
    national = spelled(region, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert spelled(region, phonenumbers.PhoneNumberFormat.E164) in e164s(national, region)


@given(st.text(max_size=60), st.sampled_from(["DE", "GB", None]))
def test_no_text_raises(raw: str, region: str | None) -> None:
    for number in stored_numbers(raw, region):
        assert number.e164 is None or number.e164.startswith("+")


@given(st.text(alphabet="0123456789 /-()+.;,xoder", max_size=40))
def test_no_arrangement_of_digits_and_marks_raises(raw: str) -> None:
    stored_numbers(raw, "DE")
