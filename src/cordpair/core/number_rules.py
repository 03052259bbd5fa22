"""How numbers of an organisation's private exchange are read: what stands before them, and what is missing."""

from collections.abc import Iterator

import msgspec

_LONGEST_LOCAL = 8  # digits of a number without its area code


class NumberRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`outside_line`: digits that the exchange puts before numbers of outside (`9`).

    `internal_digits`: numbers of at most so many digits are extensions of the organisation's own, never looked up.
    `area_code`: of the place (`6221`, without the leading 0), for local numbers that are written without one.
    """

    outside_line: str = ""
    internal_digits: int = 0
    area_code: str = ""

    def __post_init__(self) -> None:
        if not f"0{self.outside_line}{self.area_code}".isdecimal() or not 0 <= self.internal_digits <= _LONGEST_LOCAL:
            raise ValueError("number_rules: outside_line and area_code are digits, internal_digits 0 to 8")

    def is_internal(self, digits: str, *, is_international: bool) -> bool:
        """Whether these are the digits of an extension of our own."""
        return not is_international and 0 < len(digits) <= self.internal_digits

    def dialled(self, digits: str) -> Iterator[str]:
        """What these digits of a national number may stand for, by the rules; the likeliest first."""
        if self.outside_line and digits.startswith(self.outside_line):
            yield digits.removeprefix(self.outside_line)
        if self.area_code and not digits.startswith("0") and len(digits) <= _LONGEST_LOCAL:
            yield self.area_code + digits


NO_RULES = NumberRules()
