"""A private exchange writes numbers in its own way."""

from typing import Any

import pytest

from cordpair.core.caller import CallerKind
from cordpair.core.number_plan import read_number, stored_numbers
from cordpair.core.number_rules import NumberRules

RULES = NumberRules(outside_line="9", internal_digits=6, area_code="6221")


def test_an_extension_of_our_own_is_never_somebody_outside() -> None:
    assert read_number("471123", "DE", rules=RULES).kind is CallerKind.SHORT
    assert stored_numbers("471123", "DE", rules=RULES) == ()


def test_a_local_number_is_of_the_place() -> None:
    assert read_number("9119230", "DE", rules=NumberRules(area_code="6221")).e164 == "+4962219119230"


def test_numbers_that_say_their_area_or_country_are_left_alone() -> None:
    assert read_number("030 23125123", "DE", rules=RULES).e164 == "+493023125123"
    assert read_number("+442079460123", "DE", rules=RULES).e164 == "+442079460123"


def test_the_outside_line_is_taken_off_first() -> None:
    assert read_number("9 030 23125123", "DE", rules=RULES).e164 == "+493023125123"


@pytest.mark.parametrize("wrong", [{"outside_line": "9w"}, {"area_code": "+49"}, {"internal_digits": 9}])
def test_rules_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="number_rules"):
        NumberRules(**wrong)


def test_without_rules_nothing_changes() -> None:
    assert read_number("471123", "DE").e164 == read_number("471123", "DE", rules=NumberRules()).e164
