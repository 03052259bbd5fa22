"""What the network says of a caller: numbers, withheld numbers, numbers that are nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.core.caller import CallerKind
from cordpair.core.number_rules import NumberRules
from cordpair.core.numbers import read_number


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "anonymous",
        "Anonymous",
        "+anonymous",
        "anonymous@anonymous.invalid",
        "sip:anonymous@anonymous.invalid",
        '"Anonymous"',
        "restricted",
        "Restricted",
        "unavailable",
        "unknown",
        "private",
        "unterdrückt",
        "+266696687",
        "+7378742833",
        "+86282452253",
        "+8656696",
        "+2562533",
    ],
)
def test_a_caller_who_hides_the_number_is_withheld(raw: str) -> None:
    caller = read_number(raw, "DE")
    assert (caller.kind, caller.e164) == (CallerKind.WITHHELD, None)


def test_no_number_at_all_is_withheld() -> None:
    assert read_number(None, "DE").kind is CallerKind.WITHHELD


@pytest.mark.parametrize(
    ("raw", "region"),
    [("110", "DE"), ("112", "DE"), ("999", "GB"), ("911", "US"), ("116117", "DE"), ("+49110", "DE"), ("115", "DE")],
)
def test_emergency_and_service_numbers_are_short(raw: str, region: str) -> None:
    caller = read_number(raw, region)
    assert (caller.kind, caller.e164) == (CallerKind.SHORT, None)


@pytest.mark.parametrize("raw", ["7", "23", "1234", "12345", "sip:1234@pbx.example"])
def test_an_internal_number_is_short(raw: str) -> None:
    assert read_number(raw, "DE").kind is CallerKind.SHORT


@pytest.mark.parametrize(
    ("raw", "region", "e164"),
    [
        ("+493023125123", "DE", "+493023125123"),
        ("03023125123", "DE", "+493023125123"),
        ("00493023125123", "DE", "+493023125123"),
        ("493023125123", "DE", "+493023125123"),
        ("442079460123", "DE", "+442079460123"),
        ("011 49 30 23125123", "US", "+493023125123"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("sip:+493023125123@sbc.example;user=phone", "DE", "+493023125123"),
        ("sips:%2B493023125123@sbc.example", "DE", "+493023125123"),
        ("tel:+49-30-23125123", "DE", "+493023125123"),
        ("4:+442079460123", "DE", "+442079460123"),
        ("+80012345678", "DE", "+80012345678"),
        ("+４９３０２３１２５１２３", "DE", "+493023125123"),
        ("\u202a+49 30 23125123\u202c", "DE", "+493023125123"),
    ],
)
def test_a_number_is_read_as_e164(raw: str, region: str, e164: str) -> None:
    caller = read_number(raw, region)
    assert (caller.kind, caller.e164) == (CallerKind.NUMBER, e164)


@pytest.mark.parametrize("raw", ["+000000000", "abcdef", "sip:anna@laternenbau.example", "+49FLOWERS", "8:orgid:x"])
def test_what_is_no_number_is_kept_without_e164(raw: str) -> None:
    caller = read_number(raw, "DE")
    assert (caller.kind, caller.e164, caller.raw) == (CallerKind.NUMBER, None, raw)


def test_an_outside_line_prefix_is_taken_off_where_the_tenant_has_one() -> None:
    assert read_number("9 425 555 1234", "US", rules=NumberRules(outside_line="9")).e164 == "+14255551234"


def test_an_outside_line_prefix_leaves_numbers_alone_that_only_begin_alike() -> None:
    assert read_number("+94255551234", "US", rules=NumberRules(outside_line="9")).e164 == "+94255551234"


@given(st.text(max_size=40), st.sampled_from(["DE", "GB", "US"]))
def test_no_text_raises_and_none_is_lost(raw: str, region: str) -> None:
    assert read_number(raw, region).raw == raw


@given(st.text(max_size=40))
def test_only_a_number_has_an_e164(raw: str) -> None:
    caller = read_number(raw, "DE")
    assert caller.e164 is None or (caller.kind is CallerKind.NUMBER and caller.e164.startswith("+"))
