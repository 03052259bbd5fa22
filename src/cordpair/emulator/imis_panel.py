"""Panel tables of an emulated iMIS: the organisation's own rows of a party, numbered one by one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from cordpair.emulator.imis_activity import Invalid, Unreadable, check_types_come_first, date, properties, unwrapped
from cordpair.emulator.imis_query import Properties, Query, Value, select
from cordpair.emulator.imis_shapes import Json, Shapes

#: A row: column to value; `ID` is its party, `Ordinal` its number among that party's rows.
Row = dict[str, Value | None]
_IDS = "System.Collections.ObjectModel.Collection`1[[System.String, mscorlib]], mscorlib"


@dataclass
class Panel:
    """One table: its own columns (kind, width), -1 without limit, and its rows."""

    columns: dict[str, tuple[str, int]] = field(
        default_factory=lambda: {
            "Subject": ("String", 60),
            "Notes": ("String", -1),
            "DueDate": ("Date", 0),
            "ExternalKey": ("String", 20),
            "Done": ("Boolean", 0),
        }
    )
    rows: list[Row] = field(default_factory=list)

    def searchable(self) -> frozenset[str]:
        return frozenset({"id", "ordinal", *(name.lower() for name in self.columns)})

    def find(self, query: Query) -> list[Row]:
        return select(self.rows, query, _properties)

    def write(self, columns: Row) -> Row:
        """Store a row under its party's next number."""
        number = 1 + sum(row["ID"] == columns["ID"] for row in self.rows)
        self.rows.append({**columns, "Ordinal": number})
        return self.rows[-1]


def read_row(body: object, name: str, panel: Panel, shapes: Shapes, party_exists: Callable[[str], bool]) -> Row:
    """Read a posted row: whose it is stands in its parent's identity and in `ID`. Raises Invalid, Unreadable."""
    if not isinstance(body, dict):
        raise Invalid("The request body is not an entity.")
    check_types_come_first(body)
    if body.get("$type") != shapes.core("GenericEntityData"):
        raise Unreadable
    if body.get("EntityTypeName") != name or body.get("PrimaryParentEntityTypeName") != "Party":
        raise Invalid("The entity type does not match the address.")
    row = dict(_columns(body, panel, shapes))
    if row.get("ID") != _parent(body, shapes):
        raise Invalid("The row does not say whose it is.")
    if not party_exists(str(row["ID"])):
        raise Invalid(f"The contact {row['ID']} does not exist.")
    return row


def row_shape(name: str, shapes: Shapes, row: Row) -> Json:
    return {
        "$type": shapes.core("GenericEntityData"),
        "EntityTypeName": name,
        "PrimaryParentEntityTypeName": "Party",
        "Identity": shapes.identity(name, str(row["ID"]), str(row["Ordinal"])),
        "PrimaryParentIdentity": shapes.identity("Party", str(row["ID"])),
        "Properties": shapes.bag(row.items()),
    }


def _parent(body: Mapping[str, object], shapes: Shapes) -> object:
    parent = body.get("PrimaryParentIdentity")
    elements = parent.get("IdentityElements") if isinstance(parent, dict) else None
    if not isinstance(parent, dict) or parent.get("$type") != shapes.core("IdentityData"):
        raise Unreadable
    if parent.get("EntityTypeName") != "Party" or not isinstance(elements, dict) or elements.get("$type") != _IDS:
        raise Unreadable
    found = elements.get("$values")
    return found[0] if isinstance(found, list) and len(found) == 1 else None


def _columns(body: Mapping[str, object], panel: Panel, shapes: Shapes) -> Iterator[tuple[str, Value | None]]:
    spelled = {column.lower(): column for column in panel.columns}
    for name, value in properties(body, shapes):
        if name == "PartyId":  # `ID` is the same here
            yield "ID", str(value)
        elif name.lower() not in spelled:
            raise Invalid(f"The property '{name}' is not defined.")
        else:
            column = spelled[name.lower()]
            yield column, _value(column, panel, unwrapped(value))


def _value(column: str, panel: Panel, plain: object) -> Value | None:
    kind, width = panel.columns[column]
    if plain in (None, ""):
        return None
    if kind == "Date":
        return date(column, plain)
    if kind == "Boolean":
        if not isinstance(plain, bool):
            raise Unreadable
        return plain
    if not isinstance(plain, str) or (width >= 0 and len(plain) > width):
        raise Unreadable
    return plain


def _properties(row: Row) -> Properties:
    return {name.lower(): [value] for name, value in row.items() if value is not None}
