"""Generic entities as iMIS takes them: type tags first, text bare, everything else wrapped with its type."""

from collections.abc import Iterable

from cordpair.connectors.imis.answers import Json

Value = str | int | float
_IDS = "System.Collections.ObjectModel.Collection`1[[System.String, mscorlib]], mscorlib"


def entity(
    name: str, columns: Iterable[tuple[str, Value]], assembly: str, *, party: str = "", number: str = ""
) -> Json:
    """The body of `POST /api/{name}`; with `party` it says whose row it is, as panel tables want it.

    With its `number` it is the body of a PUT.
    """
    own = {"Identity": _identity(name, number, assembly)} if number else {}
    parent = {"PrimaryParentIdentity": _identity("Party", party, assembly)} if party else {}
    return {
        "$type": _type("GenericEntityData", assembly),
        "EntityTypeName": name,
        "PrimaryParentEntityTypeName": "Party",
        **own,
        **parent,
        "Properties": {
            "$type": _type("GenericPropertyDataCollection", assembly),
            "$values": [_property(column, value, assembly) for column, value in columns],
        },
    }


def _identity(name: str, element: str, assembly: str) -> Json:
    return {
        "$type": _type("IdentityData", assembly),
        "EntityTypeName": name,
        "IdentityElements": {"$type": _IDS, "$values": [element]},
    }


def _property(name: str, value: Value, assembly: str) -> Json:
    return {"$type": _type("GenericPropertyData", assembly), "Name": name, "Value": _wrapped(value)}


def _wrapped(value: Value) -> object:
    match value:
        case str():
            return value
        case bool():  # a bool is an int to Python, and no number to iMIS
            return {"$type": "System.Boolean", "$value": value}
        case int():
            return {"$type": "System.Int32", "$value": value}
        case float():
            return {"$type": "System.Decimal", "$value": value}


def _type(name: str, assembly: str) -> str:
    return f"Asi.Soa.Core.DataContracts.{name}, {assembly}"
