"""HubSpot's CRM objects as a web application: contacts, calls and tasks.

Written from its public reference. Strict where the real one is: searchable numbers are national, a search ends at
10,000 results and lags behind what was written, unknown properties are refused, a unique property can be taken once.
"""

import functools
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import phonenumbers
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordpair.emulator.crm_host import Clock, CrmHost, Entry, Person, Refused, Row, as_json, digits, only

SEARCH_CAP = 10_000
_UNIQUE = "cordpair_key"
_CALL = (
    f"{_UNIQUE} hs_timestamp hs_call_title hs_call_body hs_call_direction hs_call_duration hs_call_status "
    "hs_call_from_number hs_call_to_number hs_call_disposition hubspot_owner_id"
).split()
_TASK = (
    f"{_UNIQUE} hs_timestamp hs_task_subject hs_task_body hs_task_status hs_task_priority hs_task_type hubspot_owner_id"
).split()
_PROPERTIES = {"calls": _CALL, "tasks": _TASK}
_ASSOCIATIONS = {"calls": 194, "tasks": 204}
_SEARCH = ("filterGroups", "properties", "limit", "after", "sorts", "query")


class HubSpot(CrmHost):
    """An account. What was changed within `lag_s` is not in the search index yet."""

    lag_s: float = 0.0


def hubspot_app(people: Iterable[Person], clock: Clock) -> Starlette:
    """The application; `app.state.crm` is its HubSpot. The token is `app.state.token`."""
    crm = HubSpot(clock, list(people), token_life_s=10**9)
    root = "/crm/{version}/objects"
    app = Starlette(
        routes=[
            Route(f"{root}/contacts/search", functools.partial(_guarded, crm, _search), methods=["POST"]),
            Route(f"{root}/{{kind}}", functools.partial(_guarded, crm, _create), methods=["POST"]),
            Route(f"{root}/{{kind}}/{{id}}", functools.partial(_guarded, crm, _one), methods=["GET", "PATCH"]),
        ]
    )
    app.state.crm, app.state.token = crm, crm.new_token()
    return app


async def _guarded(crm: HubSpot, handler: object, request: Request) -> Response:
    unauthorized = as_json(_error("Authentication credentials not found.", "INVALID_AUTHENTICATION"), 401)
    assert callable(handler)
    return await crm.answer(request, functools.partial(handler, crm), unauthorized=unauthorized)


async def _search(crm: HubSpot, request: Request) -> Response:
    asked = await _body(request)
    only(asked, _SEARCH, lambda name: _invalid(f"Invalid input JSON: unknown field {name}"))
    groups = asked.get("filterGroups", [])
    assert isinstance(groups, list)
    if len(groups) > 5 or any(len(group["filters"]) > 6 for group in groups):
        raise _invalid("too many filters")
    limit, after = int(str(asked.get("limit", 10))), int(str(asked.get("after", 0)))
    if limit > 200 or after + limit > SEARCH_CAP:
        raise _invalid(f"paging beyond {SEARCH_CAP} results is not supported")
    seen = crm.clock.now() - timedelta(seconds=crm.lag_s)
    indexed = [one for one in crm.of("contacts") if one.changed_at is None or one.changed_at <= seen]
    found = [one for one in indexed if any(_fits(one, group["filters"]) for group in groups)]
    if asked.get("sorts"):
        found.sort(key=lambda one: int(one.id))
    page = found[after : after + min(limit, crm.page_cap)]
    more = {"paging": {"next": {"after": str(after + len(page))}}} if after + len(page) < len(found) else {}
    return as_json({"total": len(found), "results": [_contact(one) for one in page], **more})


def _fits(person: Person, filters: list[dict[str, str]]) -> bool:
    columns = _columns(person)
    for one in filters:
        if one["propertyName"] not in columns:
            raise _invalid(f"There was a problem with the request: property {one['propertyName']} does not exist")
        held, wanted = columns[one["propertyName"]], str(one["value"])
        match one["operator"]:
            case "EQ":
                fits = held == wanted
            case "GT":
                fits = int(held) > int(wanted)
            case "GTE":
                fits = int(held) >= int(wanted)
            case other:
                raise _invalid(f"{other} is not one of the operators")
        if not fits:
            return False
    return True


def _columns(person: Person) -> dict[str, str]:
    changed = person.changed_at or datetime.fromisoformat("2026-01-05T08:00:00+00:00")
    return {
        "hs_object_id": person.id,
        "lastmodifieddate": str(int(changed.timestamp() * 1000)),
        "hs_searchable_calculated_phone_number": searchable(person.phones.get("phone", "")),
        "hs_searchable_calculated_mobile_number": searchable(person.phones.get("mobilephone", "")),
    }


def searchable(raw: str) -> str:
    """The national number without its country code where it can be read, else its plain digits."""
    try:
        number = phonenumbers.parse(raw, "DE")
    except phonenumbers.NumberParseException:
        return digits(raw)
    return phonenumbers.national_significant_number(number) if phonenumbers.is_valid_number(number) else digits(raw)


def _contact(person: Person) -> Row:
    changed = person.changed_at or datetime.fromisoformat("2026-01-05T08:00:00+00:00")
    return {
        "id": person.id,
        "properties": {
            "firstname": person.first_name,
            "lastname": person.last_name,
            "company": person.company or None,
            **{"phone": None, "mobilephone": None},
            **person.phones,
            "lastmodifieddate": changed.isoformat(),
        },
        "archived": False,
    }


async def _create(crm: HubSpot, request: Request) -> Response:
    kind, asked = request.path_params["kind"], await _body(request)
    only(asked, ("properties", "associations"), lambda name: _invalid(f"Invalid input JSON: unknown field {name}"))
    columns = _checked(kind, asked.get("properties"))
    if "hs_timestamp" not in columns:
        raise _invalid("Error creating: required properties were not set: hs_timestamp")
    _check_associations(crm, kind, asked.get("associations", []))
    key = str(columns.get(_UNIQUE, ""))
    if key and crm.entry(kind, key=key):
        raise _invalid(f"Property values were not valid: {_UNIQUE} CONFLICTING_UNIQUE_VALUE")
    entry = Entry(str(70_000_000_001 + len(crm.entries)), kind, columns, crm.clock.now(), key)
    crm.entries.append(entry)
    return as_json(_shown(entry), 201)


async def _one(crm: HubSpot, request: Request) -> Response:
    kind, name = request.path_params["kind"], request.path_params["id"]
    by_key = request.query_params.get("idProperty") == _UNIQUE
    entry = crm.entry(kind, key=name) if by_key else crm.entry(kind, number=name)
    if entry is None:
        raise Refused(404, _error("resource not found", "OBJECT_NOT_FOUND"))
    if request.method == "PATCH":
        entry.columns |= _checked(kind, (await _body(request)).get("properties"))
    return as_json(_shown(entry))


def _checked(kind: str, properties: object) -> Row:
    if kind not in _PROPERTIES or not isinstance(properties, dict):
        raise _invalid("Invalid input JSON")
    only(properties, _PROPERTIES[kind], lambda name: _invalid(f'Property "{name}" does not exist'))
    if properties.get("hs_call_direction", "INBOUND") not in ("INBOUND", "OUTBOUND"):
        raise _invalid("hs_call_direction was not one of the allowed options")
    return dict(properties)


def _check_associations(crm: HubSpot, kind: str, associations: object) -> None:
    assert isinstance(associations, list)
    for one in associations:
        if not any(person.id == str(one["to"]["id"]) for person in crm.people):
            raise Refused(404, _error("No contact with the given ID exists", "OBJECT_NOT_FOUND"))
        if [it["associationTypeId"] for it in one["types"]] != [_ASSOCIATIONS[kind]]:
            raise _invalid("the association type is not valid between these objects")


def _shown(entry: Entry) -> Row:
    return {"id": entry.id, "properties": entry.columns, "archived": False}


async def _body(request: Request) -> dict[str, object]:
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError as exc:
        raise _invalid("Invalid input JSON") from exc
    if not isinstance(body, dict):
        raise _invalid("Invalid input JSON")
    return body


def _invalid(message: str) -> Refused:
    return Refused(400, _error(message, "VALIDATION_ERROR"))


def _error(message: str, category: str) -> Row:
    return {"status": "error", "message": message, "correlationId": "0b8f4a52", "category": category}
