"""Dataverse's Web API as a web application: contacts, accounts, phone calls and tasks.

Written from its public reference. Strict where the real one is: ids are GUIDs that a client may choose, and
`If-None-Match: *` refuses a second creation, text is compared with text, undeclared properties and wrong bindings are
refused.
"""

import functools
import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlencode

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.emulator.crm_host import Clock, CrmHost, Entry, Person, Refused, Row, as_json, form_of, only

TENANT = "6f0e9a52-6c1c-4c69-9d0d-1f3a5b7c9d11"
_LONG_AGO = datetime.fromisoformat("2026-01-05T08:00:00+00:00")
_ENTITIES = {
    "contacts": ("contactid", ("contactid", "fullname", "telephone1", "telephone2", "mobilephone", "modifiedon")),
    "accounts": ("accountid", ("accountid", "name", "telephone1", "telephone2", "modifiedon")),
}
_COMMON = ("subject", "description", "statecode", "statuscode")
_WRITABLE = {
    "phonecalls": (
        *_COMMON,
        *("directioncode", "phonenumber", "actualstart", "actualend", "actualdurationminutes"),
        "regardingobjectid_contact_phonecall@odata.bind",
        "regardingobjectid_account_phonecall@odata.bind",
    ),
    "tasks": (
        *_COMMON,
        *("scheduledend", "prioritycode"),
        "regardingobjectid_contact_task@odata.bind",
        "regardingobjectid_account_task@odata.bind",
    ),
}
_ENDS_WITH = re.compile(r"endswith\((?P<column>\w+),'(?P<text>(?:[^']|'')*)'\)")
_SINCE = re.compile(r"modifiedon ge (?P<since>[\dTZ:-]+)")
_PAGE = re.compile(r"odata\.maxpagesize=(?P<size>\d+)")


def dataverse_app(people: Iterable[Person], clock: Clock) -> Starlette:
    """The application; `app.state.crm` is its state."""
    crm = CrmHost(clock, list(people))
    guarded = functools.partial(functools.partial, _guarded, crm)
    app = Starlette(
        routes=[
            Route(f"/{TENANT}/oauth2/v2.0/token", functools.partial(_token, crm), methods=["POST"]),
            Route("/api/data/v9.2/{entity:str}({id:str})", guarded(_one), methods=["GET", "PATCH"]),
            Route("/api/data/v9.2/{entity:str}", guarded(_list), methods=["GET"]),
        ]
    )
    app.state.crm = crm
    return app


async def _token(crm: CrmHost, request: Request) -> Response:
    form = await form_of(request)
    if (form.get("client_id"), form.get("client_secret")) != crm.client:
        said = f"AADSTS7000215: Invalid client secret provided for {form.get('client_id')}."
        return as_json({"error": "invalid_client", "error_description": said}, 401)
    if not str(form.get("scope", "")).endswith("/.default"):
        return as_json({"error": "invalid_scope", "error_description": "AADSTS1002012"}, 400)
    return as_json({"token_type": "Bearer", "expires_in": int(crm.token_life_s), "access_token": crm.new_token()})


async def _guarded(crm: CrmHost, handler: object, request: Request) -> Response:
    unauthorized = Response("", 401, {"WWW-Authenticate": 'Bearer authorization_uri="https://login.example/"'})
    assert callable(handler)
    return await crm.answer(request, functools.partial(handler, crm), unauthorized=unauthorized)


async def _list(crm: CrmHost, request: Request) -> Response:
    entity, query = request.path_params["entity"], request.query_params
    if entity not in _ENTITIES:
        raise _refused(404, "0x80060888", f"Resource not found for the segment '{entity}'.")
    id_column, columns = _ENTITIES[entity]
    names = query.get("$select", "").split(",")
    only(names, columns, lambda name: _refused(400, "0x80060888", f"Could not find a property named '{name}'"))
    found = [one for one in crm.of(entity) if _fits(one, columns, query.get("$filter", ""))]
    asked = _PAGE.search(request.headers.get("prefer", ""))
    size = min(crm.page_cap, int(asked["size"]) if asked else 5000)
    skip = int(query.get("$skiptoken", "0"))
    rows = [_row(one, id_column, names, expanded="$expand" in query) for one in found[skip : skip + size]]
    more: Row = {}
    if skip + size < len(found):
        rest = [(name, value) for name, value in query.multi_items() if name != "$skiptoken"]
        here = str(request.url).partition("?")[0]
        more = {"@odata.nextLink": f"{here}?{urlencode([*rest, ('$skiptoken', str(skip + size))])}"}
    return as_json({"value": rows, **more})


def _fits(person: Person, columns: tuple[str, ...], asked: str) -> bool:
    if since := _SINCE.fullmatch(asked):
        return (person.changed_at or _LONG_AGO) >= datetime.fromisoformat(since["since"])
    parts = [_ENDS_WITH.fullmatch(part) for part in asked.split(" or ")]
    if not asked or None in parts:
        raise _refused(400, "0x80060888", "Syntax error in the filter")
    named = [(part["column"], part["text"].replace("''", "'")) for part in parts if part is not None]
    only(
        (column for column, _ in named),
        columns,
        lambda name: _refused(400, "0x80060888", f"Could not find a property named '{name}'"),
    )
    return any(person.phones.get(column, "").endswith(text) for column, text in named)


def _row(person: Person, id_column: str, names: list[str], *, expanded: bool) -> Row:
    changed = (person.changed_at or _LONG_AGO).strftime("%Y-%m-%dT%H:%M:%SZ")
    held: Row = {id_column: person.id, "fullname": person.name, "name": person.name, "modifiedon": changed}
    row = {"@odata.etag": 'W/"1"'} | {name: (held | person.phones).get(name) for name in names}
    if expanded:
        row["parentcustomerid_account"] = {"name": person.company} if person.company else None
    return row


async def _one(crm: CrmHost, request: Request) -> Response:
    entity, name = request.path_params["entity"], request.path_params["id"]
    if entity not in _WRITABLE:
        raise _refused(404, "0x80060888", f"Resource not found for the segment '{entity}'.")
    try:
        guid = str(uuid.UUID(name))
    except ValueError as exc:
        raise _refused(400, "0x80060888", "Error in query syntax.") from exc
    entry = crm.entry(entity, number=guid)
    if request.method == "GET":
        if entry is None:
            raise _does_not_exist(entity, guid)
        return as_json({"@odata.etag": 'W/"1"', "activityid": entry.id})
    return await _patch(crm, request, entity, guid, entry)


async def _patch(crm: CrmHost, request: Request, entity: str, guid: str, entry: Entry | None) -> Response:
    if entry is not None and request.headers.get("if-none-match") == "*":
        raise _refused(412, "0x80060892", "A record with matching key values already exists.")
    if entry is None and request.headers.get("if-match") == "*":
        raise _does_not_exist(entity, guid)
    columns = await _columns(crm, request, entity)
    if entry is None:
        entry = Entry(guid, entity, {}, crm.clock.now(), guid)
        crm.entries.append(entry)
    entry.columns |= columns
    here = str(request.url).partition("?")[0]
    return Response(status_code=204, headers={"OData-EntityId": here, "OData-Version": "4.0"})


async def _columns(crm: CrmHost, request: Request, entity: str) -> Row:
    try:
        columns = msgspec.json.decode(await request.body(), type=dict[str, object])
    except msgspec.DecodeError as exc:
        raise _refused(400, "0x80048d19", "Error identified in Payload provided by the user") from exc
    said = "An undeclared property '{}' was found in the payload"
    only(columns, _WRITABLE[entity], lambda name: _refused(400, "0x80048d19", said.format(name)))
    if not isinstance(columns.get("directioncode", True), bool):
        raise _refused(400, "0x80048d19", "Cannot convert the literal to the expected type 'Edm.Boolean'.")
    for name, value in columns.items():
        if name.endswith("@odata.bind"):
            _check_binding(crm, name, str(value))
    return columns


def _check_binding(crm: CrmHost, name: str, value: str) -> None:
    wanted = "contacts" if "_contact_" in name else "accounts"
    bound = re.fullmatch(rf"/{wanted}\((?P<id>[^)]+)\)", value)
    if bound is None:
        raise _refused(400, "0x80048d19", f"The URI '{value}' is not valid for this property")
    if not any(one.id == bound["id"] and one.kind == wanted for one in crm.people):
        raise _does_not_exist(wanted, bound["id"])


def _does_not_exist(entity: str, guid: str) -> Refused:
    return _refused(404, "0x80040217", f"Entity '{entity}' With Id = {guid} Does Not Exist")


def _refused(status: int, code: str, message: str) -> Refused:
    return Refused(status, {"error": {"code": code, "message": message}})
