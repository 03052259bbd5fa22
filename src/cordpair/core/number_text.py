"""Text that stands where a telephone number should be: tidied, split, its extension taken off.

Nothing here knows numbering plans; that is `numbers`. Letters never become digits: `06221/9119-0 Zentrale`
read as a keypad would be somebody else's number.
"""

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote

#: What networks say instead of a number, in lower case.
_WITHHELD_WORDS = frozenset(
    {"anonymous", "restricted", "unavailable", "unknown", "private", "withheld", "blocked", "no caller id"}
    | {"anonymous@anonymous.invalid", "anonym", "unbekannt", "privat", "unterdrückt"}
)

#: The same words typed on a keypad: some carriers send them as if they were numbers.
_WITHHELD_KEYPAD = frozenset({"+266696687", "+7378742833", "+86282452253", "+8656696", "+2562533"})

_LABEL = re.compile(
    r"^\s*(?:tel(?:efon|ephone)?|(?:tele)?fon|phone|mobile?|mobiltelefon|handy|cell|(?:tele)?fax|work|home|office|privat"
    r"|dienstlich|geschäftlich|büro|durchwahl|direct|direkt|zentrale|switchboard|[tmpfwh](?=\s*[.:]))\b\s*[.:]*\s*",
    re.IGNORECASE,
)
_EXTENSION = re.compile(
    r"[\s,;(]*(?:;ext=|\b(?:extension|extn?|durchwahl|dw|apparat|app|nst|klappe|kl)\b|(?<=\d)\s*x(?=\s*\d)|(?<=\s)x"
    r"(?=\s*\d)|#)\s*[.:]?\s*(?P<digits>\d{1,7})\s*\)?\s*$",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\s*(?:[;|\n\r]|\boder\b|\bor\b|\bund\b|\band\b|\bbzw\b\.?|,(?=\s*[+(]?\d[\d\s()/.-]{5}))\s*", re.IGNORECASE
)
#: `9119-23/24`: two extensions of one number, the second written short.
_SHORT_SECOND = re.compile(r"^(?P<first>.*\d)\s*/\s*(?P<second>\d{1,4})$")


class Piece(NamedTuple):
    """One number's worth of text and the extension that was written behind it."""

    text: str
    extension: str = ""


def tidy(raw: str) -> str:
    """NFKC (full-width and circled digits become plain), without marks of writing direction, trimmed."""
    if raw.isascii():  # most are; the rest costs ten times as much
        return raw.strip()
    plain = unicodedata.normalize("NFKC", raw)
    return "".join(mark for mark in plain if unicodedata.category(mark) != "Cf").strip()


def out_of_address(text: str) -> str:
    """The number inside a `sip:`, `sips:` or `tel:` address or a Teams `4:` id; other text as it is.

    A `tel:` address keeps its `;ext=`, all other parameters go.
    """
    scheme, colon, rest = text.partition(":")
    match scheme.lower():
        case "sip" | "sips" if colon:
            return unquote(rest.split("@")[0].split(";")[0])
        case "tel" if colon and re.match(r"\s*[+(]?\d", rest):
            number, *parameters = rest.split(";")
            extension = next((part for part in parameters if part.lower().startswith("ext=")), "")
            return f"{number};{extension}" if extension else number
        case "4" if rest.startswith("+"):
            return rest
        case _:
            return text


def is_withheld(raw: str) -> bool:
    """Whether a network says by this text that the caller hides the number."""
    text = tidy(raw).lower()
    inner = out_of_address(text).strip("\"'<>() ")
    return not inner or inner.lstrip("+") in _WITHHELD_WORDS or inner in _WITHHELD_KEYPAD


def has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))


def digits(text: str) -> str:
    """The digits of a text, in ASCII: Arabic-Indic and full-width digits count."""
    if text.isascii():
        return "".join(filter(str.isdigit, text))
    return "".join(str(unicodedata.digit(mark)) for mark in text if mark.isdigit())


def pieces(raw: str) -> list[Piece]:
    """Split a field of a CRM into the numbers it holds, without labels, with their extensions.

    A piece can still hold words; they are for the matcher, never for the parser.
    """
    text = out_of_address(tidy(raw))
    if text.lower().find(";ext=") > 0:
        return [_piece(text)]
    return [_piece(part) for part in _SEVERAL.split(text) if any(mark.isdigit() for mark in part)]


def alternatives(text: str) -> list[str]:
    """The readings of `23125/12`: as one number, and as 23125 and 23112 written short."""
    short = _SHORT_SECOND.match(text)
    if short is None or len(digits(short["first"])) < 7:
        return [text]
    first, second = short["first"], short["second"]
    return [text, first, first[: -len(second)] + second]


def _piece(part: str) -> Piece:
    text = _LABEL.sub("", part, count=1)
    extension = _EXTENSION.search(text)
    if extension is None or len(digits(text[: extension.start()])) < 5:
        return Piece(text.strip())
    return Piece(text[: extension.start()].strip(), extension["digits"])
