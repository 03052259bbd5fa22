"""What iMIS takes as an activity, and what it refuses: the legacy Activity table behind a generic entity."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from cordpair.emulator.imis_query import Value
from cordpair.emulator.imis_shapes import Shapes

_TEXT_WIDTH = {
    "ACTIVITY_TYPE": 10,
    "DESCRIPTION": 255,
    "NOTE": -1,
    "NOTE_2": -1,
    "PRODUCT_CODE": 31,
    "CATEGORY": 15,
    "SOURCE_SYSTEM": 10,
    "SOURCE_CODE": 40,
    "STATUS_CODE": 5,
    "ACTION_CODES": 255,
    "OTHER_CODE": 10,
    "OTHER_ID": 10,
    "CO_ID": 10,
    "CAMPAIGN_CODE": 10,
    "SOLICITOR_ID": 15,
    "MEMBER_TYPE": 5,
    "UF_1": 60,
    "UF_2": 60,
    "UF_3": 60,
}
_DATES = frozenset({"TRANSACTION_DATE", "EFFECTIVE_DATE", "THRU_DATE", "TICKLER_DATE", "UF_6", "UF_7"})
_NUMBERS = frozenset({"UNITS", "QUANTITY", "AMOUNT", "UF_4", "UF_5"})
_SYSTEM_TYPES = frozenset({"ORDER", "SALES", "GIFT", "PLEDGE", "DUES", "MEETING", "SUBS"})
_WRAPPERS: dict[str, tuple[type, ...]] = {
    "System.Boolean": (bool,),
    "System.Int32": (int,),
    "System.Decimal": (int, float),
    "System.DateTime": (str,),
    "System.Guid": (str,),
    "System.Byte": (int,),
}

COLUMNS = frozenset({"PartyId", "SEQN", *_TEXT_WIDTH, *_DATES, *_NUMBERS})


@dataclass
class Table:
    """The Activity table of one installation: they differ in widths, in spelling and in what there is.

    `widths` of text columns, -1 without limit; `underscores` off spells UF_1 as UF1; `absent` columns do not exist.
    """

    widths: dict[str, int] = field(default_factory=lambda: dict(_TEXT_WIDTH))
    underscores: bool = True
    absent: set[str] = field(default_factory=set)

    def spelled(self, column: str) -> str:
        return column if self.underscores else column.replace("_", "")

    def columns(self) -> dict[str, str]:
        """The columns that exist: how they are spelled here, in lower case, to how we name them."""
        return {self.spelled(column).lower(): column for column in COLUMNS if column not in self.absent}

    def fits(self, column: str, text: str) -> bool:
        width = self.widths.get(column, 10)
        return width < 0 or len(text) <= width

    def kind_of(self, column: str) -> str:
        """The word of iMIS for what a column holds."""
        return "Date" if column in _DATES else "Decimal" if column in _NUMBERS else "String"


class Invalid(Exception):
    """Refused with ValidationResults; the text is the message."""


class Unreadable(Exception):
    """The server falls over it and says nothing useful (500)."""


def read_activity(
    body: object, shapes: Shapes, table: Table, party_exists: Callable[[str], bool], now: datetime
) -> dict[str, Value | None]:
    """Read a posted GenericEntityData. `now` is local, for a blank TRANSACTION_DATE. Raises Invalid, Unreadable."""
    if not isinstance(body, dict):
        raise Invalid("The request body is not an entity.")
    check_types_come_first(body)
    if body.get("$type") != shapes.core("GenericEntityData"):
        raise Unreadable
    if body.get("EntityTypeName") != "Activity":
        raise Invalid("The entity type does not match the address.")
    columns: dict[str, Value | None] = {}
    for name, value in properties(body, shapes):
        column = table.columns().get(name.lower())
        if column is None or column == "SEQN":
            raise Invalid(f"The property '{name}' is not defined on Activity.")
        columns[column] = _column(table, column, value)
    _check_required(columns, party_exists)
    columns.setdefault("TRANSACTION_DATE", now.replace(hour=0, minute=0, second=0, microsecond=0))
    return columns


def identity_in(body: object, shapes: Shapes) -> str:
    """The one element of the Identity that an entity names itself by; empty without one. Raises Unreadable."""
    identity = body.get("Identity") if isinstance(body, dict) else None
    if not isinstance(identity, dict):
        return ""
    elements = identity.get("IdentityElements")
    if identity.get("$type") != shapes.core("IdentityData") or not isinstance(elements, dict):
        raise Unreadable
    found = elements.get("$values")
    return str(found[0]) if isinstance(found, list) and len(found) == 1 else ""


def _check_required(columns: Mapping[str, Value | None], party_exists: Callable[[str], bool]) -> None:
    if not columns.get("PartyId"):
        raise Invalid("PartyId is required.")
    if not party_exists(str(columns["PartyId"])):
        raise Invalid(f"The contact {columns['PartyId']} does not exist.")
    if not columns.get("ACTIVITY_TYPE"):
        raise Invalid("ACTIVITY_TYPE is required.")
    if columns["ACTIVITY_TYPE"] in _SYSTEM_TYPES:
        raise Invalid("Activities of a system type cannot be written.")


def check_types_come_first(node: object) -> None:
    if isinstance(node, dict):
        if "$type" in node and next(iter(node)) != "$type":
            raise Unreadable
        for child in node.values():
            check_types_come_first(child)
    elif isinstance(node, list):
        for child in node:
            check_types_come_first(child)


def properties(body: Mapping[str, object], shapes: Shapes) -> Iterator[tuple[str, object]]:
    bag = body.get("Properties", body.get("properties"))
    if not isinstance(bag, dict) or bag.get("$type") != shapes.core("GenericPropertyDataCollection"):
        raise Unreadable
    entries = bag.get("$values")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("$type") != shapes.core("GenericPropertyData"):
            raise Unreadable
        name = str(entry.get("Name", ""))
        yield ("PartyId" if name.lower() in ("partyid", "id") else name), entry.get("Value")


def _column(table: Table, name: str, value: object) -> Value | None:
    plain = unwrapped(value)
    if plain in (None, ""):
        return None
    if name in _DATES:
        return date(name, plain)
    if name in _NUMBERS:
        if isinstance(plain, bool) or not isinstance(plain, int | float):
            raise Unreadable
        return Decimal(str(plain))
    if not isinstance(plain, str) or not table.fits(name, plain):
        raise Unreadable
    return plain


def unwrapped(value: object) -> object:
    """A scalar. Booleans and decimals must come wrapped with their type."""
    if isinstance(value, dict):
        kind = _WRAPPERS.get(str(value.get("$type")))
        plain = value.get("$value")
        if kind is None or not isinstance(plain, kind) or (isinstance(plain, bool) and bool not in kind):
            raise Unreadable
        return plain
    if isinstance(value, bool | float):
        raise Unreadable
    return value


def date(name: str, value: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise Invalid(f"{name} is not a date.") from exc
    if found.tzinfo is not None:
        raise Invalid(f"{name} must be a local date.")
    return found
