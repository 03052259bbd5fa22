"""What stands under `/api` of an emulated iMIS: parties, activities, saved queries, metadata."""

import functools
import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from cordpair.emulator.bad_answers import Cut
from cordpair.emulator.imis_activity import COLUMNS, Invalid, Unreadable, identity_in, read_activity
from cordpair.emulator.imis_answers import broken, json_answer
from cordpair.emulator.imis_faults import Fault
from cordpair.emulator.imis_instance import Imis
from cordpair.emulator.imis_metadata import definitions, metadata
from cordpair.emulator.imis_panel import Row, read_row, row_shape
from cordpair.emulator.imis_query import RESERVED, BadQuery, Query, read_query
from cordpair.emulator.imis_shapes import Json
from cordpair.emulator.imis_store import ORGANIZATION, PARTY_PROPERTIES, PERSON, Activity, Party

CONTACTS_QUERY = "$/Cordpair/Contacts"
_KINDS = {"party": None, "partysummary": None, "person": PERSON, "organization": ORGANIZATION}
_ACTIVITY_PROPERTIES = frozenset({name.lower() for name in COLUMNS} | {"id"})
_NOBODY_NAMED = frozenset({"updatedon", "ismarkedfordelete"})


async def dispatch(imis: Imis, request: Request, fault: Fault | None) -> Response:
    entity = request.path_params["entity"].lower()
    if entity == "activity" and request.method == "POST":
        return await _post_activity(imis, request, fault)
    if panel := next((name for name in imis.panels if name.lower() == entity), None):
        return await _panel(imis, panel, request, fault)
    if request.method == "POST":
        missing = {"Message": "No HTTP resource was found that matches the request URI."}
        return Response("", 405) if entity in _KINDS else json_answer(missing, 404)
    if entity in _KINDS:
        return _list_parties(imis, entity, request)
    if entity == "activity":
        return _list_activities(imis, request)
    if entity in ("query", "iqa"):
        if entity == "query" and imis.old_assembly:
            return Response("", 404)
        return _saved_query(imis, request, flat=entity == "query")
    if entity == "boentitydefinition":
        return definitions(imis, request)
    return Response("", 404)


async def one(imis: Imis, request: Request, fault: Fault | None) -> Response:
    entity, name = request.path_params["entity"].lower(), request.path_params["id"]
    if request.method == "PUT":
        return await _put_activity(imis, name, request, fault) if entity == "activity" else Response("", 405)
    if entity == "metadata":
        return metadata(imis, name)
    party = imis.store.party(name) if entity in _KINDS else None
    if party is None or _KINDS[entity] not in (None, party.kind):
        return json_answer({"Message": "The resource was not found."}, 404)
    return json_answer(_party_shape(imis, entity, party))


def _list_parties(imis: Imis, entity: str, request: Request) -> Response:
    query = read_query(request.query_params.multi_items(), PARTY_PROPERTIES)
    found = imis.store.parties(_KINDS[entity], query)
    item = imis.shapes.membership(entity.capitalize() + "Data")
    return _page(imis, found, query, lambda party: _party_shape(imis, entity, party), item)


def _list_activities(imis: Imis, request: Request) -> Response:
    columns = imis.table.columns() | {"id": "ID"}
    asked = [(name.lower(), value) for name, value in request.query_params.multi_items()]
    if unknown := next((name for name, _ in asked if name not in {*columns, *RESERVED}), None):
        raise BadQuery(f"The property '{unknown}' is not defined.")
    query = read_query([(columns.get(name, name), value) for name, value in asked], _ACTIVITY_PROPERTIES)
    item = imis.shapes.core("GenericEntityData")
    shape = functools.partial(imis.shapes.activity, spelled=imis.table.spelled)
    return _page(imis, imis.store.find_activities(query), query, shape, item)


async def _panel(imis: Imis, name: str, request: Request, fault: Fault | None) -> Response:
    panel, shapes = imis.panels[name], imis.shapes
    shape = functools.partial(row_shape, name, shapes)
    if request.method == "GET":
        query = read_query(request.query_params.multi_items(), panel.searchable())
        return _page(imis, panel.find(query), query, shape, shapes.core("GenericEntityData"))
    body = await _json_of(request)
    if body is None:
        return Response("", 415)
    row = read_row(body, name, panel, shapes, lambda party: imis.store.party(party) is not None)
    return _written(imis, fault, lambda: shape(panel.write(row)))


def _written(imis: Imis, fault: Fault | None, write: Callable[[], Json], status: int = 201) -> Response:
    """Carry a write out, and answer it, as far as the fault lets us."""
    if fault and fault.kind == "late_commit":
        imis.commit_later(write, fault.delay_s)
        return Cut()
    shape = write()
    match fault.kind if fault else None:
        case "created_then_error":
            return broken()
        case "created_then_cut":
            return Cut()
        case "created_then_malformed":
            return Response('{"$type": "Asi.Soa', status, media_type="application/json")
        case _:
            return json_answer(shape, status)


async def _json_of(request: Request) -> object:
    """What was posted; None when it does not come as JSON. Raises Unreadable."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        return json.loads(await request.body())
    except ValueError as exc:
        raise Unreadable from exc


async def _post_activity(imis: Imis, request: Request, fault: Fault | None) -> Response:
    body = await _json_of(request)
    if body is None:
        return Response("", 415)
    now = imis.store.local(imis.clock.now())
    columns = read_activity(body, imis.shapes, imis.table, lambda party: imis.store.party(party) is not None, now)
    return _written(imis, fault, lambda: imis.shapes.activity(imis.store.write(columns), imis.table.spelled))


async def _put_activity(imis: Imis, number: str, request: Request, fault: Fault | None) -> Response:
    """The whole object in place of the former one. It must name itself; the number alone says which row is meant."""
    body = await _json_of(request)
    if body is None:
        return Response("", 415)
    known = imis.store.activity(number)
    if known is None:
        return json_answer({"Message": "The resource was not found."}, 404)
    if identity_in(body, imis.shapes) != number:
        raise Invalid("The entity does not name itself as the address does.")
    now = imis.store.local(imis.clock.now())
    columns = read_activity(body, imis.shapes, imis.table, lambda party: imis.store.party(party) is not None, now)
    return _written(
        imis, fault, lambda: imis.shapes.activity(imis.store.rewrite(known, columns), imis.table.spelled), 200
    )


def _saved_query(imis: Imis, request: Request, *, flat: bool) -> Response:
    """The one saved query there is; prompts, by position: a part of the number, changed since."""
    own = {name.lower(): value for name, value in request.query_params.items()}
    if own.get("queryname", "").lower() != CONTACTS_QUERY.lower():
        raise BadQuery("The query was not found.")
    prompts = [v for name, v in request.query_params.multi_items() if name.lower() == "parameter"]
    filters = [
        (name, text if ":" in text.split("T")[0] else f"{operator}:{text}")
        for name, operator, text in zip(("Phone", "UpdatedOn"), ("contains", "ge"), prompts, strict=False)
        if text
    ]
    pages = [(name, own[name]) for name in ("limit", "offset") if name in own]
    query = read_query([*filters, ("OrderBy", "PartyId"), *pages], PARTY_PROPERTIES)
    shape = _flat_row if flat else lambda party: imis.shapes.row(_flat_row(party).items())  # type: ignore[arg-type]
    item = "System.Object, mscorlib" if flat else imis.shapes.core("GenericEntityData")
    return _page(imis, imis.store.parties(None, query), query, shape, item)


def _flat_row(party: Party) -> Json:
    return {
        "ID": party.id,
        "FullName": party.name,
        "Company": party.company,
        "Phone": party.phones[0].raw if party.phones else "",
        "Phone2": party.phones[1].raw if len(party.phones) > 1 else "",
        "Email": party.email,
        "Country": party.region if party.city else "",
        "UpdatedOn": party.updated_on.isoformat(timespec="seconds"),
    }


def _page(
    imis: Imis, found: list[Party] | list[Activity] | list[Row], query: Query, shape: Callable[..., Json], item: str
) -> Response:
    limit = min(query.limit, imis.page_cap)
    part = found[query.offset : query.offset + limit]
    shapes = [shape(one) for one in part]
    return json_answer(imis.shapes.page(shapes, offset=query.offset, limit=limit, total=len(found), item=item))


def _party_shape(imis: Imis, entity: str, party: Party) -> Json:
    return imis.shapes.summary(party) if entity == "partysummary" else imis.shapes.party(party)


def is_pull(request: Request) -> bool:
    """Whether a request asks for everybody, or for all who changed."""
    entity = request.path_params["entity"].lower()
    if entity in ("query", "iqa"):
        return not next((value for name, value in request.query_params.multi_items() if name == "parameter"), "")
    names = {name.lower() for name in request.query_params} - {"limit", "offset", "orderby"}
    return entity in _KINDS and "id" not in request.path_params and names <= _NOBODY_NAMED
