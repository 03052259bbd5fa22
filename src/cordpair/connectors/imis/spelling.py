"""How people may have typed a number into iMIS, whose search compares text with text."""

import phonenumbers as lib

_MOST = 5  # point queries per look-up


def spellings(e164: str) -> tuple[str, ...]:
    """At most five spellings of a number, in the order in which they are worth asking for.

    Nothing for a text that is no number.
    """
    try:
        number = lib.parse(e164, None)
    except lib.NumberParseException:
        return ()
    national = lib.format_number(number, lib.PhoneNumberFormat.NATIONAL)
    return tuple(
        dict.fromkeys(
            (
                e164,
                "".join(mark for mark in national if mark.isdigit()),
                lib.format_number(number, lib.PhoneNumberFormat.INTERNATIONAL),
                national,
                _with_parentheses(national),
            )
        )
    )[:_MOST]


def _with_parentheses(national: str) -> str:
    """`(020) 7946 0123`: the area code, with its trunk zero, in parentheses."""
    area, _, rest = national.partition(" ")
    return f"({area}) {rest}" if rest and not area.startswith("(") else national
