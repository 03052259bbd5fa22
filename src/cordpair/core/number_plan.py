"""Reading telephone numbers: the caller's as the network sends it, a party's as a CRM has stored it.

Pure. Numbering plans come from libphonenumber (`phonenumberslite`). Free text never goes into its parser:
words are read as keypad letters there, so text with words goes through its matcher.
"""

from collections.abc import Iterator

import msgspec
import phonenumbers as lib

from cordpair.core.caller import Caller, CallerKind
from cordpair.core.number_rules import NO_RULES, NumberRules
from cordpair.core.number_text import (
    Piece,
    alternatives,
    digits,
    has_letters,
    is_withheld,
    out_of_address,
    pieces,
    tidy,
)

_SUFFIX_LENGTH = 7
_INTERNAL_LENGTH = 5  # digits of the longest extension of a private exchange


class StoredNumber(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a CRM's text. A text can have several; the caller's number decides between them.

    `e164` is None where the digits make no number in `region`. `extension` is what stood behind the number.
    `country_written` is false when the country was assumed. `valid` is libphonenumber's word.
    `digits` are the national digits, for matching by the last seven.
    """

    raw: str
    e164: str | None
    extension: str = ""
    valid: bool = False
    country_written: bool = False
    region: str | None = None
    digits: str = ""


def read_number(raw: str | None, region: str, *, rules: NumberRules = NO_RULES) -> Caller:
    """Read what the network says of the caller. `region` (ISO country) is where national numbers belong.

    `rules` are those of the organisation's private exchange. Never raises: what cannot be read is a NUMBER without
    `e164`. Ids of Teams users are not for here.
    """
    raw = raw or ""
    if is_withheld(raw):
        return Caller(kind=CallerKind.WITHHELD, raw=raw)
    text = out_of_address(tidy(raw))
    if has_letters(text):
        return Caller(kind=CallerKind.NUMBER, raw=raw)
    if text.startswith("+") and (number := _parse(text, None)) is not None and lib.is_valid_number(number):
        return Caller(kind=CallerKind.NUMBER, raw=raw, e164=_e164(number))  # how networks send it: one reading only
    if rules.is_internal(digits(text), is_international=text.startswith("+")) or _is_short(text, region):
        return Caller(kind=CallerKind.SHORT, raw=raw)
    number = _best_caller_reading(text, region, rules)
    return Caller(kind=CallerKind.NUMBER, raw=raw, e164=None if number is None else _e164(number))


def stored_numbers(raw: str, region: str | None, *, rules: NumberRules = NO_RULES) -> tuple[StoredNumber, ...]:
    """All readings of a CRM field: several numbers in one field, and several readings of one number.

    `region` is the contact's country, else the tenant's; `rules` those of the organisation's private exchange.
    Withheld words, short codes and internal numbers give nothing. Valid readings come first.
    """
    if is_withheld(raw):
        return ()
    found: dict[str, StoredNumber] = {}
    for piece in pieces(raw):
        for reading in _readings(piece, region, rules):
            found.setdefault(reading.e164 or reading.digits, reading)
    return tuple(sorted(found.values(), key=lambda number: not number.valid))


def last7(number: str) -> str | None:
    """The last seven digits, the key of the second look-up; None when there are fewer."""
    plain = digits(number)
    return plain[-_SUFFIX_LENGTH:] if len(plain) >= _SUFFIX_LENGTH else None


def _readings(piece: Piece, region: str | None, rules: NumberRules) -> Iterator[StoredNumber]:
    plain = digits(piece.text)
    if len(plain) <= _INTERNAL_LENGTH or rules.is_internal(plain, is_international=piece.text.startswith("+")):
        return
    numbers = [] if has_letters(piece.text) else _all_parsed(piece.text, region, rules)
    if numbers:
        yield from _kept(piece, numbers, region)
    elif (matches := _matches(piece.text, region)) and matches[0].raw_string != piece.text:
        for match in matches:
            yield from _readings(Piece(match.raw_string, piece.extension), region, rules)
    elif not has_letters(piece.text) and len(plain) >= _SUFFIX_LENGTH:
        yield StoredNumber(raw=piece.text, e164=None, extension=piece.extension, digits=plain)


def _kept(piece: Piece, numbers: list[lib.PhoneNumber], region: str | None) -> Iterator[StoredNumber]:
    """All valid readings, or the first one that is at least possible; short codes are nobody's number."""
    valid = [number for number in numbers if lib.is_valid_number(number)]
    if not valid and _is_short(piece.text, region or ""):
        return
    for number in valid or numbers[:1]:
        yield _stored(piece, number, region, valid=bool(valid))


def _matches(text: str, region: str | None) -> list[lib.PhoneNumberMatch]:
    for leniency in (lib.Leniency.VALID, lib.Leniency.POSSIBLE):
        if found := list(lib.PhoneNumberMatcher(text, region, leniency=leniency)):
            return found
    return []


def _all_parsed(text: str, region: str | None, rules: NumberRules) -> list[lib.PhoneNumber]:
    return [number for reading in alternatives(text) for number in _parsed(reading, region, rules)]


def _parsed(text: str, region: str | None, rules: NumberRules) -> list[lib.PhoneNumber]:
    """Possible readings of one number: by the exchange's rules, in its region, then as if only the `+` were missing."""
    plain = digits(text)
    for dialled in rules.dialled(plain) if not text.startswith("+") else ():
        inner = _parse(dialled, region)
        if inner is not None and lib.is_valid_number(inner):
            return [inner]
    numbers = [_parse(text, region)]
    if not text.startswith("+"):
        numbers += [_parse("+" + rest, None) for rest in _without_prefix(plain)]
    return [number for number in numbers if number is not None and lib.is_possible_number(number)]


def _without_prefix(plain: str) -> list[str]:
    """Digits that may begin with a country code: after `00` or `011`, or as they are when long enough."""
    for prefix in ("00", "011"):
        if plain.startswith(prefix):
            return [plain.removeprefix(prefix)]
    return [plain] if len(plain) >= 10 and not plain.startswith("0") else []


def _parse(text: str, region: str | None) -> lib.PhoneNumber | None:
    try:
        return lib.parse(text, region, keep_raw_input=True)
    except lib.NumberParseException:
        return None


def _stored(piece: Piece, number: lib.PhoneNumber, region: str | None, *, valid: bool) -> StoredNumber:
    assumed = number.country_code_source == lib.CountryCodeSource.FROM_DEFAULT_COUNTRY
    return StoredNumber(
        raw=piece.text,
        e164=_e164(number),
        extension=piece.extension or number.extension or "",
        valid=valid,
        country_written=not assumed,
        region=lib.region_code_for_number(number) or region,
        digits=lib.national_significant_number(number),
    )


def _best_caller_reading(text: str, region: str, rules: NumberRules) -> lib.PhoneNumber | None:
    numbers = _parsed(text, region, rules)
    valid = [number for number in numbers if lib.is_valid_number(number)]
    # Exchanges that leave the `+` out send the country code; the later reading is the one that has it.
    return valid[-1] if valid else numbers[0] if numbers else None


def _is_short(text: str, region: str) -> bool:
    """Emergency, service and internal numbers: never looked up, never stored as somebody's."""
    if text.startswith("+"):
        number = _parse(text, None)
        return number is not None and not lib.is_valid_number(number) and lib.is_valid_short_number(number)
    plain, number = digits(text), _parse(text, region)
    if len(plain) <= _INTERNAL_LENGTH:
        return True
    if number is None or lib.is_valid_number(number):
        # Full numbers can begin with the digits of an emergency number, as those of Lithuania do.
        return False
    return lib.connects_to_emergency_number(plain, region) or lib.is_valid_short_number_for_region(number, region)


def _e164(number: lib.PhoneNumber) -> str:
    return str(lib.format_number(number, lib.PhoneNumberFormat.E164))
