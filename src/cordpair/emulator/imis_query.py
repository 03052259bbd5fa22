"""The query language of iMIS list addresses: `?Property=operator:value`, all of them, order and pages.

Comparison of text is literal except for case: a number in another spelling is another text.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

Value = str | datetime | Decimal | int | bool
#: A record's searchable properties, names in lower case. Absent and empty are the same.
Properties = Mapping[str, Sequence[Value]]

Record = TypeVar("Record")

_ALIASES = {
    "between": "between",
    "contains": "contains",
    "endswith": "endswith",
    "equal": "equal",
    "eq": "equal",
    "==": "equal",
    "greaterthan": "greaterthan",
    "gt": "greaterthan",
    "greaterthanorequal": "greaterthanorequal",
    "ge": "greaterthanorequal",
    "in": "in",
    "isempty": "isempty",
    "empty": "isempty",
    "isfalse": "isfalse",
    "istrue": "istrue",
    "lessthan": "lessthan",
    "lt": "lessthan",
    "lessthanorequal": "lessthanorequal",
    "le": "lessthanorequal",
    "notcontain": "notcontain",
    "!contain": "notcontain",
    "notempty": "notempty",
    "!empty": "notempty",
    "notequal": "notequal",
    "ne": "notequal",
    "!=": "notequal",
    "startswith": "startswith",
}
_WITHOUT_VALUE = frozenset({"isempty", "isfalse", "istrue", "notempty"})
RESERVED = frozenset({"limit", "offset", "orderby"})
_DEFAULT_PAGE = 100

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "equal": lambda stored, wanted: bool(stored == wanted),
    "greaterthan": lambda stored, wanted: bool(stored > wanted),
    "greaterthanorequal": lambda stored, wanted: bool(stored >= wanted),
    "lessthan": lambda stored, wanted: bool(stored < wanted),
    "lessthanorequal": lambda stored, wanted: bool(stored <= wanted),
    "contains": lambda stored, wanted: str(wanted) in str(stored),
    "startswith": lambda stored, wanted: str(stored).startswith(str(wanted)),
    "endswith": lambda stored, wanted: str(stored).endswith(str(wanted)),
}


class BadQuery(Exception):
    """A query that is refused with a readable text (400)."""


class BrokenQuery(Exception):
    """A query on which the server falls over (500)."""


@dataclass(frozen=True)
class Filter:
    """One `Property=operator:value`."""

    name: str
    operator: str
    argument: str

    def holds(self, properties: Properties) -> bool:
        values = [value for value in properties.get(self.name, ()) if value != ""]
        match self.operator:
            case "isempty":
                return not values
            case "notempty":
                return bool(values)
            case "istrue" | "isfalse":
                return any(value is (self.operator == "istrue") for value in values)
            case "notequal":
                return not any(_compare("equal", value, self.argument) for value in values)
            case "notcontain":
                return not any(_compare("contains", value, self.argument) for value in values)
            case "between":
                low, _, high = self.argument.strip("()").partition(",")
                return any(
                    _compare("greaterthanorequal", v, low.strip()) and _compare("lessthanorequal", v, high.strip())
                    for v in values
                )
            case _:
                return any(_compare(self.operator, value, self.argument) for value in values)


@dataclass(frozen=True)
class Query:
    """A list request, read."""

    filters: tuple[Filter, ...]
    order_by: str
    descending: bool
    limit: int
    offset: int

    def equal_to(self, name: str) -> str | None:
        """The value that `name` must be equal to, if the query says so."""
        return next((f.argument for f in self.filters if f.name == name and f.operator == "equal"), None)


def read_query(parameters: Iterable[tuple[str, str]], known: frozenset[str]) -> Query:
    """Read a query string. Raises BadQuery for unknown properties, BrokenQuery for `in:`."""
    own: dict[str, str] = {}
    filters = []
    for name, text in parameters:
        if name.lower() in RESERVED:
            own[name.lower()] = text
        elif name.lower() in known:
            filters.append(_filter(name.lower(), text))
        else:
            raise BadQuery(f"The property '{name}' is not defined.")
    order, _, direction = own.get("orderby", "").partition(":")
    if order and order.lower() not in known:
        raise BadQuery(f"The property '{order}' is not defined.")
    return Query(
        filters=tuple(filters),
        order_by=order.lower(),
        descending=direction.lower().startswith("desc"),
        limit=_whole(own.get("limit"), _DEFAULT_PAGE),
        offset=_whole(own.get("offset"), 0),
    )


def select(records: Iterable[Record], query: Query, properties: Callable[[Record], Properties]) -> list[Record]:
    """The records that the query asks for, in its order, all pages of them."""
    found = [record for record in records if all(one.holds(properties(record)) for one in query.filters)]
    if query.order_by:
        found.sort(key=lambda record: _sort_key(properties(record).get(query.order_by)), reverse=query.descending)
    return found


def _filter(name: str, text: str) -> Filter:
    head, colon, rest = text.partition(":")
    operator = _ALIASES.get(head.lower())
    if operator is None or not (colon or operator in _WITHOUT_VALUE):
        return Filter(name, "equal", text)
    if operator == "in":
        raise BrokenQuery
    return Filter(name, operator, rest)


def _compare(operator: str, stored: Value, argument: str) -> bool:
    compare = _COMPARE[operator]
    if isinstance(stored, datetime):
        return compare(stored, _instant(argument))
    if isinstance(stored, Decimal | int) and not isinstance(stored, bool):
        return compare(Decimal(stored), _number(argument))
    return compare(str(stored).casefold(), argument.casefold())


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as exc:
        raise BadQuery(f"'{text}' is not a date.") from exc
    if instant.tzinfo is not None:
        raise BadQuery(f"'{text}' is not a local date.")
    return instant


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as exc:
        raise BadQuery(f"'{text}' is not a number.") from exc


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdigit():
        raise BadQuery(f"'{text}' is not a whole number.")
    return int(text)


def _sort_key(values: Sequence[Value] | None) -> tuple[int, Any]:
    value = next((value for value in values or () if value != ""), None)
    if value is None:
        return (0, 0)
    return (1, value.casefold() if isinstance(value, str) else value)
