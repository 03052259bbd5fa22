"""What a flow may ask of a caller, answered from the call. Pure."""

from functools import lru_cache
from typing import assert_never

import phonenumbers

from cordpair.core.call import Call
from cordpair.core.caller import CallerKind
from cordpair.core.flow import Branch, Case, Fact

#: The first language of a country whose callers we are likely to greet in it; everybody else: `en`.
_LANGUAGES = {
    **dict.fromkeys(("DE", "AT", "CH", "LI"), "de"),
    **dict.fromkeys(("FR", "MC"), "fr"),
    **dict.fromkeys(("IT", "SM", "VA"), "it"),
    **dict.fromkeys(("ES", "MX", "AR", "CL", "CO", "PE"), "es"),
    **dict.fromkeys(("NL", "BE"), "nl"),
    **dict.fromkeys(("PT", "BR"), "pt"),
    "PL": "pl",
    "DK": "da",
    "SE": "sv",
    "NO": "no",
    "FI": "fi",
    "CZ": "cs",
    "HU": "hu",
    "TR": "tr",
    "GR": "el",
}


def way_of(step: Branch, call: Call) -> str:
    """The name of the way out that the call takes."""
    for number, case in enumerate(step.cases):
        if holds(case, call):
            return f"cases.{number}"
    return "otherwise"


def holds(case: Case, call: Call) -> bool:
    """Whether a case is true of the call. A number that is withheld or unread belongs to no country."""
    match case.fact:
        case Fact.KNOWN:
            return call.party is not None
        case Fact.SEVERAL:
            return call.party is None and len(call.candidates) > 1
        case Fact.WITHHELD:
            return call.caller.kind is CallerKind.WITHHELD
        case Fact.COUNTRY:
            return country_of(call.caller.e164) == case.value.upper()
        case Fact.LANGUAGE:
            country = country_of(call.caller.e164)
            return bool(country) and _LANGUAGES.get(country, "en") == case.value.lower()
        case Fact.COMPANY:
            return _company(call) == case.value if case.value else bool(_company(call))
        case _:
            assert_never(case.fact)


def _company(call: Call) -> str:
    return next((one.company for one in call.candidates if one.party == call.party), "") if call.party else ""


@lru_cache(maxsize=4096)
def country_of(e164: str | None) -> str:
    """The country (ISO) of a number; empty where it has none."""
    if not e164:
        return ""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or ""
    except phonenumbers.NumberParseException:
        return ""
