"""What an emulated iMIS says of its own tables: definitions of business objects with their properties."""

from starlette.requests import Request
from starlette.responses import Response

from cordpair.emulator.imis_answers import json_answer
from cordpair.emulator.imis_instance import Imis
from cordpair.emulator.imis_panel import Panel
from cordpair.emulator.imis_query import read_query
from cordpair.emulator.imis_shapes import Json

_TYPES = {"String": "PropertyTypeStringData", "Date": "PropertyTypeDateTimeData", "Decimal": "PropertyTypeDecimalData"}
_TYPES |= {"Integer": "PropertyTypeIntegerData", "Boolean": "PropertyTypeBooleanData"}
#: Business objects that stand before Activity in the list, so that it is not on the first small page.
_OTHERS = tuple(f"CsOther{number:03}" for number in range(120))


def metadata(imis: Imis, entity: str) -> Response:
    """`GET /api/metadata/{entity}`: many installations answer 501."""
    found = next((it for it in _tables(imis) if str(it["EntityTypeName"]).lower() == entity.lower()), None)
    if not imis.metadata_works or found is None:
        return Response("", 501)
    return json_answer(found)


def definitions(imis: Imis, request: Request) -> Response:
    """`GET /api/BoEntityDefinition`: all business objects, in pages."""
    if not imis.definitions_work:
        return Response("", 501)
    query = read_query(request.query_params.multi_items(), frozenset())
    every = [*(_definition(imis, name, []) for name in _OTHERS), *_tables(imis)]
    limit = min(query.limit, max(imis.page_cap, 50))
    part = every[query.offset : query.offset + limit]
    item = imis.shapes.core("BOEntityDefinitionData")
    return json_answer(imis.shapes.page(part, offset=query.offset, limit=limit, total=len(every), item=item))


def _tables(imis: Imis) -> list[Json]:
    def described(panel: Panel) -> list[Json]:
        return [_described(imis, column, kind, width) for column, (kind, width) in panel.columns.items()]

    return [_activity(imis), *(_definition(imis, name, described(panel)) for name, panel in imis.panels.items())]


def _activity(imis: Imis) -> Json:
    columns = [column for column in sorted(imis.table.columns().values()) if column != "PartyId"]
    return _definition(imis, "Activity", [_property(imis, column) for column in columns])


def _definition(imis: Imis, name: str, properties: list[Json]) -> Json:
    return {
        "$type": imis.shapes.core("BOEntityDefinitionData"),
        "EntityTypeName": name,
        "ObjectTypeName": "MULTI",
        "PrimaryParentEntityTypeName": "Party",
        "Properties": {"$type": imis.shapes.core("PropertyTypeDataCollection"), "$values": properties},
    }


def _property(imis: Imis, column: str) -> Json:
    width = imis.table.widths.get(column, 10)
    return _described(imis, imis.table.spelled(column), imis.table.kind_of(column), width)


def _described(imis: Imis, name: str, kind: str, width: int) -> Json:
    shape: Json = {
        "$type": imis.shapes.core(_TYPES[kind]),
        "PropertyTypeName": kind,
        "Name": name,
        "Caption": name.title(),
    }
    return shape | {"MaxLength": width} if kind == "String" else shape
