"""Salesforce's REST interface as a web application: SOSL, SOQL, upsert by an external id.

Written from its public reference. Strict where the real one is: a token tells no life, reserved characters in a search
must be escaped, an external id stands in the address and never in the body, errors are lists.
"""

import functools
import re
from collections.abc import Iterable
from datetime import datetime

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.emulator.crm_host import Clock, CrmHost, Entry, Person, Refused, Row, as_json, digits, form_of, only

_LONG_AGO = datetime.fromisoformat("2026-01-05T08:00:00+00:00")
_FIND = re.compile(
    r"FIND \{(?P<term>[^}]*)\} IN PHONE FIELDS RETURNING (?P<object>\w+)\((?P<fields>[\w.,]+) LIMIT \d+\)"
)
_RESERVED = re.compile(r"(?<!\\)[?&|!{}\[\]()^~*:\"'+-]")
_SELECT = re.compile(
    r"(?:SELECT) (?P<fields>[\w.,]+) FROM (?P<object>\w+) WHERE SystemModstamp >= (?P<since>[\dTZ:-]+) ORDER BY Id"
)
_EXTERNAL = "CordpairKey__c"
_CALLED = ("TaskSubtype", "CallType", "CallDurationInSeconds", "CallDisposition", "CallObject")
_RELATED = ("WhoId", "WhatId", "OwnerId")
_DATED = ("ActivityDate", "IsReminderSet", "ReminderDateTime")
_TASK = ("Subject", "Description", "Status", "Priority", *_CALLED, *_RELATED, *_DATED)
_FIELDS = {
    "Contact": ["Id", "Name", "Phone", "MobilePhone", "HomePhone", "Account.Name", "SystemModstamp"],
    "Lead": ["Id", "Name", "Phone", "MobilePhone", "Company", "SystemModstamp"],
    "Account": ["Id", "Name", "Phone", "SystemModstamp"],
}


def salesforce_app(people: Iterable[Person], clock: Clock) -> Starlette:
    """The application; `app.state.crm` is its state."""
    crm = CrmHost(clock, list(people))
    root = "/services/data/{version}"
    guarded = functools.partial(functools.partial, _guarded, crm)
    app = Starlette(
        routes=[
            Route("/services/oauth2/token", functools.partial(_token, crm), methods=["POST"]),
            Route(f"{root}/search", guarded(_search), methods=["GET"]),
            Route(f"{root}/query", guarded(_query), methods=["GET"]),
            Route(f"{root}/query/{{locator}}", guarded(_further), methods=["GET"]),
            Route(f"{root}/sobjects/Task/{_EXTERNAL}/{{key}}", guarded(_by_key), methods=["GET", "PATCH"]),
            Route(f"{root}/sobjects/Task/{{id}}", guarded(_update), methods=["PATCH"]),
        ]
    )
    app.state.crm = crm
    return app


async def _token(crm: CrmHost, request: Request) -> Response:
    form = await form_of(request)
    if form.get("grant_type") != "client_credentials":
        return as_json({"error": "unsupported_grant_type", "error_description": "grant type not supported"}, 400)
    if (form.get("client_id"), form.get("client_secret")) != crm.client:
        return as_json({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
    here = str(request.url).partition("/services/")[0]
    return as_json({"access_token": crm.new_token(), "instance_url": here, "token_type": "Bearer", "scope": "api"})


async def _guarded(crm: CrmHost, handler: object, request: Request) -> Response:
    unauthorized = as_json(_errors("INVALID_SESSION_ID", "Session expired or invalid"), 401)
    assert callable(handler)
    return await crm.answer(request, functools.partial(handler, crm), unauthorized=unauthorized)


async def _search(crm: CrmHost, request: Request) -> Response:
    asked = _FIND.fullmatch(request.query_params.get("q", ""))
    if asked is None or _RESERVED.search(asked["term"]) or len(asked["term"]) < 2:
        raise Refused(400, _errors("MALFORMED_SEARCH", "No such search: unexpected token"))
    fields, term = _known(asked["object"], asked["fields"]), asked["term"]
    found = [one for one in crm.of(asked["object"]) if any(digits(it).endswith(term) for it in one.phones.values())]
    return as_json({"searchRecords": [_row(one, fields) for one in found]})


async def _query(crm: CrmHost, request: Request) -> Response:
    asked = _SELECT.fullmatch(request.query_params.get("q", ""))
    if asked is None:
        raise Refused(400, _errors("MALFORMED_QUERY", "unexpected token"))
    return _page(crm, request, asked["object"], asked["fields"], asked["since"], 0)


async def _further(crm: CrmHost, request: Request) -> Response:
    kind, fields, since, offset = request.path_params["locator"].split("~")
    return _page(crm, request, kind, fields, since, int(offset))


def _page(crm: CrmHost, request: Request, kind: str, fields: str, since: str, offset: int) -> Response:
    names = _known(kind, fields)
    after = datetime.fromisoformat(since)
    found = [one for one in crm.of(kind) if (one.changed_at or _LONG_AGO) >= after]
    page, behind = found[offset : offset + crm.page_cap], offset + crm.page_cap
    version = request.path_params["version"]
    more: Row = {}
    if behind < len(found):
        path = f"/services/data/{version}/query/{kind}~{fields}~{since}~{behind}"
        more = {"nextRecordsUrl": f"{request.scope.get('root_path', '')}{path}"}
    records = [_row(one, names) for one in page]
    return as_json({"totalSize": len(found), "done": not more, "records": records, **more})


def _known(kind: str, fields: str) -> list[str]:
    if kind not in _FIELDS:
        raise Refused(400, _errors("INVALID_TYPE", f"sObject type '{kind}' is not supported."))
    names = fields.split(",")
    only(names, _FIELDS[kind], lambda name: Refused(400, _errors("INVALID_FIELD", f"No such column '{name}'")))
    return names


def _row(person: Person, fields: list[str]) -> Row:
    changed = (person.changed_at or _LONG_AGO).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    held: Row = {"Id": person.id, "Name": person.name, "SystemModstamp": changed, "Company": person.company or None}
    held |= person.phones
    held["Account"] = {"Name": person.company} if person.company else None
    return {"attributes": {"type": person.kind}} | {
        name.partition(".")[0]: held.get(name.partition(".")[0]) for name in fields
    }


async def _by_key(crm: CrmHost, request: Request) -> Response:
    key = request.path_params["key"]
    entry = crm.entry("Task", key=key)
    if request.method == "GET":
        if entry is None:
            raise Refused(404, _errors("NOT_FOUND", "The requested resource does not exist"))
        return as_json({"attributes": {"type": "Task"}, "Id": entry.id})
    columns = await _columns(crm, request)
    created = entry is None
    if entry is None:
        entry = Entry(f"00T7Q{len(crm.entries) + 1:010}AAA", "Task", {}, crm.clock.now(), key)
        crm.entries.append(entry)
    entry.columns |= columns
    return as_json({"id": entry.id, "success": True, "errors": [], "created": created}, 201 if created else 200)


async def _update(crm: CrmHost, request: Request) -> Response:
    entry = crm.entry("Task", number=request.path_params["id"])
    if entry is None:
        raise Refused(404, _errors("NOT_FOUND", "Provided external ID field does not exist or is not accessible"))
    entry.columns |= await _columns(crm, request)
    return Response(status_code=204)


async def _columns(crm: CrmHost, request: Request) -> Row:
    try:
        columns = msgspec.json.decode(await request.body(), type=dict[str, object])
    except msgspec.DecodeError as exc:
        raise Refused(400, _errors("JSON_PARSER_ERROR", "Unexpected character")) from exc
    if _EXTERNAL in columns or "Id" in columns:
        raise Refused(400, _errors("INVALID_FIELD", "The external ID should not be specified in the sobject data"))
    only(
        columns, _TASK, lambda name: Refused(400, _errors("INVALID_FIELD", f"No such column '{name}' on sobject Task"))
    )
    _check_relation(crm, columns.get("WhoId"), ("Contact", "Lead"))
    _check_relation(crm, columns.get("WhatId"), ("Account",))
    return columns


def _check_relation(crm: CrmHost, person: object, kinds: tuple[str, ...]) -> None:
    if person is not None and not any(one.id == person and one.kind in kinds for one in crm.people):
        raise Refused(400, _errors("MALFORMED_ID", "Name ID: id value of incorrect type"))


def _errors(code: str, message: str) -> list[Row]:
    return [{"message": message, "errorCode": code, "fields": []}]
