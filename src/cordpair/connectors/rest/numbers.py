"""How one number may be spelled in a CRM: the variants that a mapping file names."""

from collections.abc import Mapping

import phonenumbers as lib

from cordpair.connectors.rest.mapping import Variant
from cordpair.core.number_text import digits


def variants(e164: str, suffix_digits: int = 7) -> Mapping[Variant, str]:
    """All spellings by name. Nothing for a text that is no number.

    +49 6221 9119-23: e164 +496221911923, digits 496221911923, zeros 00496221911923, international +49 6221 911923,
    national 06221 911923, national_digits 06221911923, significant 6221911923, parentheses (06221) 911923, suffix
    1911923.
    """
    try:
        number = lib.parse(e164, None)
    except lib.NumberParseException:
        return {}
    national = lib.format_number(number, lib.PhoneNumberFormat.NATIONAL)
    significant = lib.national_significant_number(number)
    area, _, rest = national.partition(" ")
    return {
        "e164": e164,
        "digits": digits(e164),
        "zeros": f"00{digits(e164)}",
        "international": lib.format_number(number, lib.PhoneNumberFormat.INTERNATIONAL),
        "national": national,
        "national_digits": digits(national),
        "significant": significant,
        "parentheses": f"({area}) {rest}" if rest and not area.startswith("(") else national,
        "suffix": significant[-suffix_digits:],
    }
