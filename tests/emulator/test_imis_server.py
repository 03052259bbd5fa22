"""The emulated iMIS is as strict, and as badly behaved, as the real one is known to be. No product code takes part."""

import asyncio
import copy
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from cordpair.emulator.imis import Imis, imis_app
from cordpair.emulator.imis_faults import KINDS, Fault
from cordpair.emulator.members import Member, Phone

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BASE = "http://imis.example/imis/verband"
CORE = "Asi.Soa.Core.DataContracts."


class Clock:
    at = NOON

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def member(party_id: str, raw: str, last_name: str, where: str = "phones", updated_on: datetime = NOON) -> Member:
    phones = (Phone(raw, "Home", where),) if raw else ()
    return Member(party_id, "Ansgar", last_name, "", "", phones, (), "DE", "Berlin", "10115", updated_on)


PEOPLE = [
    member("101", "030 23125123", "Dachs", updated_on=NOON - timedelta(days=3)),
    member("102", "+49 30 23125124", "Fuchs", where="address", updated_on=NOON - timedelta(days=2)),
    member("103", "", "Wiesel", updated_on=NOON - timedelta(days=1)),
]


class Site:
    """The application and a signed-in client."""

    def __init__(self, http: httpx.AsyncClient, imis: Imis) -> None:
        self.http, self.imis = http, imis

    async def sign_in(self, **form: str) -> httpx.Response:
        form = form or {"grant_type": "password", "username": "cordpair", "password": "lamp&wick+1% ä"}
        answer = await self.http.post(f"{BASE}/token", data=form)
        if answer.status_code == 200:
            self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"{BASE}/{path}")

    async def ids(self, query: str, entity: str = "Party") -> list[str]:
        answer = await self.get(f"api/{entity}?{query}")
        assert answer.status_code == 200, answer.text
        return [one["PartyId"] for one in answer.json()["Items"]["$values"]]

    async def post(self, body: Any) -> httpx.Response:
        return await self.http.post(f"{BASE}/api/Activity", json=body)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    app = imis_app("verband", PEOPLE, Clock())
    transport = httpx.ASGITransport(Starlette(routes=[Mount("/imis/verband", app)]))
    async with httpx.AsyncClient(transport=transport) as http:
        ready = Site(http, app.state.imis)
        await ready.sign_in()
        yield ready


def entity(**columns: Any) -> dict[str, Any]:
    columns = {"PartyId": "101", "ACTIVITY_TYPE": "CALL"} | columns
    properties = [
        {"$type": f"{CORE}GenericPropertyData, Asi.Contracts", "Name": n, "Value": v} for n, v in columns.items()
    ]
    return {
        "$type": f"{CORE}GenericEntityData, Asi.Contracts",
        "EntityTypeName": "Activity",
        "PrimaryParentEntityTypeName": "Party",
        "Properties": {"$type": f"{CORE}GenericPropertyDataCollection, Asi.Contracts", "$values": properties},
    }


async def test_without_a_token_nothing_is_told(site: Site) -> None:
    del site.http.headers["Authorization"]
    assert (await site.get("api/Party")).status_code == 401


async def test_a_token_ends_by_the_clock(site: Site) -> None:
    site.imis.clock.at += timedelta(seconds=1200)  # type: ignore[attr-defined]
    assert (await site.get("api/Party")).status_code == 401


async def test_a_revoked_token_ends_at_once(site: Site) -> None:
    site.imis.tokens.revoke()
    assert (await site.get("api/Party")).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "cordpair", "password": "lamp"}, "invalid_grant"),
        ({"grant_type": "client_credentials", "client_id": "cordpair-app"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "client_id": "x", "refresh_token": "first-refresh/token+"}, "invalid_client"),
    ],
)
async def test_a_sign_in_that_is_refused_says_why(site: Site, form: dict[str, str], error: str) -> None:
    answer = await site.sign_in(**form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_password_that_is_not_form_encoded_is_a_wrong_one(site: Site) -> None:
    answer = await site.http.post(
        f"{BASE}/token",
        content="grant_type=password&username=cordpair&password=lamp&wick+1% ä".encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.json()["error"] == "invalid_grant"


async def test_a_refresh_token_is_good_once(site: Site) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": "cordpair-app",
        "client_secret": "s&cret+1",
        "refresh_token": "first-refresh/token+",
    }
    following = (await site.sign_in(**form)).json()["refresh_token"]
    assert (await site.sign_in(**form)).status_code == 400
    assert (await site.sign_in(**(form | {"refresh_token": following}))).status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Phone=030 23125123", ["101"]),
        ("phone=eq:030 23125123", ["101"]),
        ("Phone=%2B493023125123", []),
        ("Phone=+49 30 23125124", []),
        ("Phone=%2B49 30 23125124", ["102"]),
        ("Phone=contains:23125", ["101", "102"]),
        ("Phone=EndsWith:124", ["102"]),
        ("Phone=startswith:030", ["101"]),
        ("Phone=empty", ["103"]),
        ("Phone=IsEmpty:", ["103"]),
        ("Phone=!empty", ["101", "102"]),
        ("LastName=ne:dachs", ["102", "103"]),
        ("LastName=!=:Dachs", ["102", "103"]),
        ("LastName===:FUCHS", ["102"]),
        ("LastName=!contain:u", ["101", "103"]),
        ("LastName=NotContain:chs", ["103"]),
        ("LastName=gt:Fuchs", ["103"]),
        ("LastName=ge:Fuchs", ["102", "103"]),
        ("LastName=lt:Fuchs", ["101"]),
        ("LastName=le:Fuchs", ["101", "102"]),
        ("LastName=between:E,G", ["102"]),
        ("IsMarkedForDelete=IsTrue", []),
        ("IsMarkedForDelete=IsFalse", ["101", "102", "103"]),
        ("UpdatedOn=ge:2026-11-21T13:00:00", ["102", "103"]),
        ("UpdatedOn=ge:2026-11-21T13:00:01", ["103"]),
        ("LastName=contains:s&Phone=contains:030", ["101"]),
        ("OrderBy=UpdatedOn:Descending", ["103", "102", "101"]),
        ("OrderBy=lastname&limit=2&offset=1", ["102", "103"]),
    ],
)
async def test_every_operator_of_the_query_language(site: Site, query: str, expected: list[str]) -> None:
    query = query.replace("!=:", "!%3D:").replace("===:", "=%3D%3D:").replace("%2B49 ", "%2B49%20")
    assert sorted(await site.ids(query)) == sorted(expected)
    if "OrderBy" in query:
        assert await site.ids(query) == expected


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("PartyId=in:(101,102)", 500),
        ("Shoesize=42", 400),
        ("UpdatedOn=ge:yesterday", 400),
        ("UpdatedOn=ge:2026-11-21T12:00:00Z", 400),
        ("limit=many", 400),
        ("OrderBy=Shoesize", 400),
    ],
)
async def test_a_query_that_cannot_be_answered_is_refused(site: Site, query: str, status: int) -> None:
    assert (await site.get(f"api/Party?{query}")).status_code == status


async def test_a_page_is_capped_and_says_where_the_next_begins(site: Site) -> None:
    site.imis.page_cap = 2
    first = (await site.get("api/Party?limit=500")).json()
    assert {key: first[key] for key in ("Limit", "Count", "TotalCount", "HasNext", "NextOffset")} == {
        "Limit": 2,
        "Count": 2,
        "TotalCount": 3,
        "HasNext": True,
        "NextOffset": 2,
    }
    assert (await site.get("api/Party?limit=500&offset=2")).json()["HasNext"] is False


async def test_a_number_in_an_address_stands_in_the_address_only(site: Site) -> None:
    shape = (await site.get("api/Person/102")).json()
    assert shape["Phones"]["$values"] == []
    assert shape["Addresses"]["$values"][0]["Phone"] == "+49 30 23125124"


async def test_dates_are_local_and_have_no_offset(site: Site) -> None:
    shape = (await site.get("api/Party/101")).json()
    assert shape["UpdateInformation"]["UpdatedOn"] == "2026-11-20T13:00:00"


async def test_every_object_begins_with_its_type(site: Site) -> None:
    def check(node: Any) -> None:
        if isinstance(node, dict) and "$type" in node:
            assert next(iter(node)) == "$type"
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            check(child)

    check((await site.get("api/Party")).json())


async def test_bags_wrap_scalars_and_leave_out_the_value_of_null(site: Site) -> None:
    bag = (await site.get("api/Party/101")).json()["AdditionalAttributes"]["$values"]
    by_name = {entry["Name"]: entry for entry in bag}
    assert "Value" not in by_name["JoinDate"]
    assert by_name["IsStaff"]["Value"] == {"$type": "System.Boolean", "$value": False}


async def test_an_unknown_party_is_404(site: Site) -> None:
    assert (await site.get("api/Party/999")).status_code == 404


async def test_a_summary_is_small(site: Site) -> None:
    (shape, *_) = (await site.get("api/PartySummary?limit=1")).json()["Items"]["$values"]
    assert "Addresses" not in shape
    assert shape["Phone"] == "030 23125123"


async def test_an_activity_is_stored_under_a_number_of_its_own(site: Site) -> None:
    answer = await site.post(entity(UF_1="K7"))
    assert answer.status_code == 201
    number = answer.json()["Identity"]["IdentityElements"]["$values"][0]
    (found,) = (await site.get("api/Activity?PartyId=101&UF_1=K7")).json()["Items"]["$values"]
    assert found["Identity"]["IdentityElements"]["$values"] == [number]
    assert (await site.get("api/Activity?ID=102&UF_1=K7")).json()["Items"]["$values"] == []


async def test_a_blank_date_is_today_in_local_time(site: Site) -> None:
    await site.post(entity())
    assert site.imis.activities[0]["TRANSACTION_DATE"] == datetime(2026, 11, 23)


def last_key_first(body: dict[str, Any]) -> dict[str, Any]:
    return dict(reversed(body.items()))


def lower_properties(body: dict[str, Any]) -> dict[str, Any]:
    return {("properties" if name == "Properties" else name): value for name, value in body.items()}


async def test_the_key_of_the_properties_may_be_written_small(site: Site) -> None:
    assert (await site.post(lower_properties(entity()))).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (last_key_first(entity()), 500),
        (entity(UF_4=True), 500),
        (entity(UF_4=1.5), 500),
        (entity(UF_4={"$value": 1.5, "$type": "System.Decimal"}), 500),
        (entity(UF_4={"$type": "System.Boolean", "$value": True}), 500),
        (entity(OTHER_CODE="ELEVEN CHARS"), 500),
        (entity(DESCRIPTION="x" * 256), 500),
        (entity() | {"$type": f"{CORE}GenericEntityData, Asi.Soa.Core.Contracts"}, 500),
        (entity(PartyId="999"), 400),
        (entity(PartyId=""), 400),
        (entity(ACTIVITY_TYPE=""), 400),
        (entity(ACTIVITY_TYPE="GIFT"), 400),
        (entity(SHOESIZE="42"), 400),
        (entity(SEQN="1"), 400),
        (entity(TRANSACTION_DATE="2026-11-23T09:00:00Z"), 400),
        (entity(TRANSACTION_DATE="today"), 400),
        (entity() | {"EntityTypeName": "Event"}, 400),
        ([], 400),
    ],
)
async def test_an_activity_that_is_not_quite_right_is_not_stored(site: Site, body: Any, status: int) -> None:
    answer = await site.post(copy.deepcopy(body))
    assert (answer.status_code, site.imis.activities) == (status, [])


async def test_a_refusal_lists_its_messages(site: Site) -> None:
    errors = (await site.post(entity(PartyId="999"))).json()["Errors"]["$values"]
    assert [error["Message"] for error in errors] == ["The contact 999 does not exist."]


async def test_a_broken_body_is_an_error_that_says_nothing(site: Site) -> None:
    answer = await site.http.post(f"{BASE}/api/Activity", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.json()["Message"] == "An error occurred. Please contact the administrator."


async def test_the_older_generation_names_other_assemblies(site: Site) -> None:
    site.imis.old_assembly = True
    page = (await site.get("api/Party")).json()
    assert page["$type"].endswith(", Asi.Soa.Core.Contracts")
    assert page["Items"]["$values"][0]["$type"].endswith("PersonData, Asi.Soa.Membership.Contracts")
    assert (await site.post(entity())).status_code == 500


async def test_a_saved_query_answers_flat_rows_and_the_older_form_bags(site: Site) -> None:
    query = "QueryName=$/Cordpair/Contacts&parameter=23125&parameter="
    flat = (await site.get(f"api/query?{query}")).json()["Items"]["$values"]
    bags = (await site.get(f"api/IQA?{query}")).json()["Items"]["$values"]
    assert [row["ID"] for row in flat] == ["101", "102"]
    assert [bag["Properties"]["$values"][0]["Value"] for bag in bags] == ["101", "102"]


async def test_prompts_of_a_saved_query_are_positional(site: Site) -> None:
    rows = await site.get("api/query?queryname=$/cordpair/contacts&parameter=&parameter=2026-11-22T00:00:00")
    assert [row["ID"] for row in rows.json()["Items"]["$values"]] == ["103"]


async def test_metadata_is_not_offered_everywhere(site: Site) -> None:
    assert (await site.get("api/metadata/Activity")).status_code == 501
    site.imis.metadata_works = True
    told = (await site.get("api/metadata/Activity")).json()["Properties"]["$values"]
    (guard,) = [entry for entry in told if entry["Name"] == "UF_1"]
    assert (guard["PropertyTypeName"], guard["MaxLength"]) == ("String", 60)


async def test_the_list_of_business_objects_comes_in_pages_and_has_activity_on_none_of_the_first(site: Site) -> None:
    first = (await site.get("api/BoEntityDefinition?limit=100")).json()
    assert "Activity" not in {entry["EntityTypeName"] for entry in first["Items"]["$values"]}
    rest = (await site.get("api/BoEntityDefinition?limit=100&offset=100")).json()["Items"]["$values"]
    names = {one["EntityTypeName"]: {entry["Name"] for entry in one["Properties"]["$values"]} for one in rest}
    assert {"UF_1", "DESCRIPTION", "SEQN"} <= names["Activity"]
    assert {"Subject", "DueDate"} <= names["UD_FollowUps"]


async def test_an_installation_spells_its_columns_in_its_own_way(site: Site) -> None:
    site.imis.table.underscores = False
    assert (await site.post(entity(UF_1="K7"))).status_code == 400
    assert (await site.post(entity(UF1="K7") | {})).status_code == 400, "ACTIVITY_TYPE is spelled ACTIVITYTYPE too"
    assert (await site.get("api/Activity?UF_1=K7")).status_code == 400
    assert (await site.get("api/Activity?UF1=K7")).status_code == 200


async def test_a_column_that_is_not_there_is_refused_and_one_that_is_narrow_breaks(site: Site) -> None:
    site.imis.table.absent.add("UF_2")
    site.imis.table.widths["UF_1"] = 3
    assert (await site.post(entity(UF_2="x"))).status_code == 400
    assert (await site.post(entity(UF_1="K777"))).status_code == 500


async def test_saved_queries_of_the_older_generation_stand_at_another_address(site: Site) -> None:
    site.imis.old_assembly = True
    query = "QueryName=$/Cordpair/Contacts&parameter=&parameter="
    assert (await site.get(f"api/query?{query}")).status_code == 404
    assert (await site.get(f"api/IQA?{query}")).status_code == 200


IDS = "System.Collections.ObjectModel.Collection`1[[System.String, mscorlib]], mscorlib"


def row(party: str = "101", **columns: Any) -> dict[str, Any]:
    """A row of a panel table as it is posted."""
    parent = {
        "$type": f"{CORE}IdentityData, Asi.Contracts",
        "EntityTypeName": "Party",
        "IdentityElements": {"$type": IDS, "$values": [party]},
    }
    entries = [
        {"$type": f"{CORE}GenericPropertyData, Asi.Contracts", "Name": name, "Value": value}
        for name, value in {"ID": party, **columns}.items()
    ]
    return {
        "$type": f"{CORE}GenericEntityData, Asi.Contracts",
        "EntityTypeName": "UD_FollowUps",
        "PrimaryParentEntityTypeName": "Party",
        "PrimaryParentIdentity": parent,
        "Properties": {"$type": f"{CORE}GenericPropertyDataCollection, Asi.Contracts", "$values": entries},
    }


async def test_rows_of_a_panel_are_numbered_for_each_party(site: Site) -> None:
    answers = [await site.http.post(f"{BASE}/api/UD_FollowUps", json=row(party)) for party in ("101", "101", "102")]
    assert [answer.json()["Identity"]["IdentityElements"]["$values"] for answer in answers] == [
        ["101", "1"],
        ["101", "2"],
        ["102", "1"],
    ]
    assert (await site.get("api/UD_FollowUps?ID=101")).json()["TotalCount"] == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (row() | {"PrimaryParentIdentity": None}, 500),
        (row() | {"PrimaryParentIdentity": {**row()["PrimaryParentIdentity"], "IdentityElements": ["101"]}}, 500),
        (row() | {"PrimaryParentIdentity": row("102")["PrimaryParentIdentity"]}, 400),
        (row() | {"PrimaryParentEntityTypeName": ""}, 400),
        (row() | {"EntityTypeName": "Activity"}, 400),
        (row("999"), 400),
        (row(Shoesize="42"), 400),
        (row(Subject="x" * 61), 500),
        (row(Done=True), 500),
        (row(Done={"$type": "System.Int32", "$value": True}), 500),
        (row(DueDate="2026-11-30T00:00:00Z"), 400),
        (last_key_first(row()), 500),
    ],
)
async def test_a_row_of_a_panel_that_is_not_quite_right_is_not_stored(site: Site, body: Any, status: int) -> None:
    answer = await site.http.post(f"{BASE}/api/UD_FollowUps", json=copy.deepcopy(body))
    assert (answer.status_code, site.imis.panels["UD_FollowUps"].rows) == (status, [])


async def test_a_panel_takes_wrapped_values_and_local_dates(site: Site) -> None:
    done = {"$type": "System.Boolean", "$value": True}
    answer = await site.http.post(f"{BASE}/api/UD_FollowUps", json=row(Done=done, DueDate="2026-11-30T00:00:00"))
    assert answer.status_code == 201
    (stored,) = site.imis.panels["UD_FollowUps"].rows
    assert (stored["Done"], stored["DueDate"]) == (True, datetime(2026, 11, 30))


async def test_somebody_who_is_purged_is_found_no_more(site: Site) -> None:
    site.imis.store.remove("101")
    assert await site.ids("Phone=030 23125123") == []
    assert (await site.get("api/Party/101")).status_code == 404


async def test_a_fault_hits_as_often_and_as_late_as_it_was_told(site: Site) -> None:
    site.imis.faults.append(Fault("throttle", times=2, skip=1, retry_after="9"))
    answers = [await site.get("api/Party") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["retry-after"] == "9"


async def test_faults_can_be_set_over_http(site: Site) -> None:
    await site.http.post(f"{BASE}/_control/faults", json=[{"kind": "html"}])
    answer = await site.get("api/Party")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (503, "text/html")


async def test_an_unknown_fault_is_refused_with_those_there_are(site: Site) -> None:
    answer = await site.http.post(f"{BASE}/_control/faults", json=[{"kind": "gremlins"}])
    assert answer.status_code == 400
    assert KINDS[0] in answer.json()["error"]


async def test_stored_activities_can_be_read_over_http(site: Site) -> None:
    await site.post(entity(UF_1="K7"))
    (row,) = (await site.get("_control/activities")).json()
    assert (row["UF_1"], row["PartyId"]) == ("K7", "101")


@pytest.mark.parametrize(
    ("kind", "stored"), [("created_then_error", 1), ("error", 0), ("html", 0), ("refused", 0), ("unauthorized", 0)]
)
async def test_what_goes_wrong_with_an_activity_is_stored_or_not(site: Site, kind: Any, stored: int) -> None:
    site.imis.faults.append(Fault(kind))
    assert (await site.post(entity())).status_code >= 400
    assert len(site.imis.activities) == stored


async def test_a_late_commit_is_stored_after_its_connection_broke(site: Site) -> None:
    site.imis.faults.append(Fault("late_commit", delay_s=100))
    with pytest.raises((httpx.HTTPError, AssertionError)):
        await site.post(entity())
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(site.imis.activities) == 1


async def test_pulls_and_syncs_are_counted_but_not_questions_about_one_number(site: Site) -> None:
    await site.get("api/Party?offset=0")
    await site.get("api/Party?UpdatedOn=ge:2026-11-21T13:00:00&offset=100")
    await site.get("api/Party?Phone=030 23125123")
    assert len(site.imis.counters.sync_starts) == 1
    assert site.imis.counters.most_pulls_at_once == 1
    assert site.imis.counters.requests == 3
