"""Mapping files: what is wrong with one is said with file, line, place and cure before anybody is asked."""

import json
import tomllib
from datetime import date

import jsonschema
import pytest

from cordpair.connectors.kit import Task
from cordpair.connectors.rest import mapping_of, read_mapping, schema, shipped_names, shipped_text
from cordpair.connectors.rest.numbers import variants
from cordpair.connectors.rest.skeleton import read_document, skeleton
from cordpair.connectors.rest.templates import rendered, template
from cordpair.connectors.testkit import activity, pages_of
from cordpair.core.tenant import CrmSetup
from cordpair.emulator.crm_host import Person
from cordpair.errors import PermanentFailure, Rejected
from tests.connectors.crm_server import dataverse_stage, hubspot_stage, salesforce_stage

HUBSPOT = shipped_text("hubspot")


@pytest.mark.parametrize("name", shipped_names())
def test_a_mapping_that_comes_with_cordpair_fits_the_schema_by_an_independent_validator(name: str) -> None:
    jsonschema.Draft202012Validator(schema()).validate(tomllib.loads(shipped_text(name)))


@pytest.mark.parametrize(
    ("there", "instead", "said"),
    [
        ('once = "probe"', 'onc = "probe"', r"x\.toml:\d+: activity: there is no field onc here"),
        ("per_s = 4", 'per_s = "four"', r"x\.toml:\d+: limits\.per_s: expected `float`"),
        ("{{ activity.talk_ms }}", "{{ activty.talk_ms }}", r"x\.toml:\d+: .*there is no activty here; there are: act"),
        ('id = "body.id"', 'id = "body.["', r"x\.toml:\d+: activity\.id: `body\.\[` is no JMESPath"),
        ("{{ settings.version }}", "{{ settings.vrsion }}", r"settings\.vrsion is not declared under \[settings\]"),
        ("Bearer {{ secrets.token }}", "Bearer {{ secrets.tokn }}", r"secrets\.tokn is not declared"),
        ("{{ party.id }}", "{{ secrets.token }}", r"there is no secrets here"),
        ("version = 1", "version = 2", r"version: "),
        ("version = 1", "version = = 1", r"x\.toml: this is no TOML"),
        ('cordpair_key = "{{ key.guard }}"', 'cordpair_key = "always"', r"activity\.create: nothing in it names key"),
        ('value = "{{ since.ms }}"', 'value = "0"', r"does not name since"),
    ],
)
def test_a_mistake_is_named_by_its_line_and_its_cure(there: str, instead: str, said: str) -> None:
    assert there in HUBSPOT
    with pytest.raises(Rejected, match=said):
        read_mapping(HUBSPOT.replace(there, instead), "x.toml")


def test_a_line_of_a_mistake_is_the_line_where_it_stands() -> None:
    spoiled = HUBSPOT.replace("per_s = 4", 'per_s = "four"')
    line = next(number for number, text in enumerate(spoiled.splitlines(), 1) if '"four"' in text)
    with pytest.raises(Rejected, match=rf"x\.toml:{line}: "):
        read_mapping(spoiled, "x.toml")


def test_an_own_mapping_cannot_take_the_name_of_another_connector() -> None:
    with pytest.raises(Rejected, match="imis is another connector"):
        mapping_of(CrmSetup(connector="rest", settings={"mapping": HUBSPOT.replace('"hubspot"', '"imis"', 1)}))


def test_values_keep_their_type_and_what_is_null_is_left_out() -> None:
    body = {"a": "{{ n }}", "b": "x{{ n }}", "c": "{{ nothing }}", "d": ["{{ yes }}"]}
    assert rendered(body, {"n": 3, "yes": True}) == {"a": 3, "b": "x3", "d": [True]}


def test_a_value_in_a_path_cannot_leave_it() -> None:
    assert template("calls/{{ id }}").text({"id": "../users?x=1"}, in_path=True) == "calls/..%2Fusers%3Fx%3D1"


def test_a_text_inside_a_quoted_literal_cannot_leave_it() -> None:
    assert template("eq '{{ odata(a) }}'").text({"a": "O'Hara"}) == "eq 'O''Hara'"


def test_a_number_is_spelled_in_all_ways() -> None:
    spelled = variants("+496221911923")
    assert (spelled["significant"], spelled["national_digits"]) == ("6221911923", "06221911923")
    assert (spelled["zeros"], spelled["suffix"]) == ("00496221911923", "1911923")


async def test_hubspot_finds_a_number_whose_e164_it_does_not_know_and_a_hundred_calls_make_nobody_new() -> None:
    async with hubspot_stage() as stage:
        for _ in range(100):
            stage.clock.at += stage.clock.at.resolution * 10_000_000
            assert [one.ref for one in await stage.crm.find_by_phone(stage.known_phone)] == [stage.known]
        assert len(await stage.party_ids()) == 14


async def test_before_a_repeat_it_is_looked_for_and_nothing_is_sent() -> None:
    async with hubspot_stage() as stage:
        await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)
        stage.host.requests.clear()
        await stage.crm.log_activity(activity(stage.known), key="k1", repeat=True)
        assert [method for method, _ in stage.host.requests] == ["GET"]


async def test_all_kinds_of_parties_come_one_kind_after_the_other() -> None:
    async with salesforce_stage() as stage:
        stage.host.people += [
            Person("00Q000000000001AAA", "Cilla Dohle", "Lead", {"Phone": "030 1"}, company="Laternenhaus"),
            Person("001000000000001AAA", "Laternenhaus", "Account", {"Phone": "030 2"}),
        ]
        pages = await pages_of(stage.crm, None)
        found = [party for page in pages for party in page.parties if not party.ref.id.startswith("contact:")]
        assert [(one.ref.id, one.company) for one in found] == [
            ("lead:00Q000000000001AAA", "Laternenhaus"),
            ("account:001000000000001AAA", "Laternenhaus"),
        ]


async def test_salesforce_makes_one_task_of_a_creation_that_is_sent_twice() -> None:
    async with salesforce_stage() as stage:
        first = await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)
        assert await stage.another_crm().log_activity(activity(stage.known), key="k1", repeat=False) == first
        assert await stage.activity_ids() == [first]


async def test_dataverse_keeps_what_people_added_when_a_creation_is_sent_twice() -> None:
    async with dataverse_stage() as stage:
        await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)
        stage.host.entries[0].columns["subject"] = "changed by somebody"
        await stage.another_crm().log_activity(activity(stage.known), key="k1", repeat=True)
        assert stage.host.entries[0].columns["subject"] == "changed by somebody"


@pytest.mark.parametrize("stage_of", [hubspot_stage, salesforce_stage, dataverse_stage])
async def test_a_task_is_written_once(stage_of) -> None:  # type: ignore[no-untyped-def]
    async with stage_of() as stage:
        task = Task(party=stage.known, subject="Send the catalogue", due=date(2026, 12, 1))
        first = await stage.crm.add_task(task, key="t1", repeat=False)
        assert await stage.crm.add_task(task, key="t1", repeat=True) == first
        assert await stage.activity_ids() == [first]


async def test_the_crm_s_own_words_reach_the_one_who_reads_the_failure() -> None:
    async with hubspot_stage() as stage:
        stage.host.people = [one for one in stage.host.people if one.id != stage.known.id]
        with pytest.raises(PermanentFailure, match="No contact with the given ID exists"):
            await stage.crm.log_activity(activity(stage.known), key="k1", repeat=False)


DOCUMENT = {
    "openapi": "3.0.0",
    "info": {"title": "Lampen CRM"},
    "servers": [{"url": "https://crm.example.org/api"}],
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "schemas": {
            "Contact": {"properties": {name: {} for name in ("id", "first_name", "last_name", "phone", "updated_at")}},
            "Call": {"properties": {name: {} for name in ("subject", "body", "contact_id")}},
        },
    },
    "paths": {
        "/contacts/": {
            "get": {
                "parameters": [{"name": name, "in": "query"} for name in ("phone", "updated_since", "limit", "offset")],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "properties": {
                                        "results": {"type": "array", "items": {"$ref": "#/components/schemas/Contact"}}
                                    }
                                }
                            }
                        }
                    }
                },
            }
        },
        "/calls/": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Call"}}}}
            }
        },
    },
}


def test_a_skeleton_out_of_an_openapi_document_is_a_mapping_file() -> None:
    mapping = read_mapping(skeleton(read_document(json.dumps(DOCUMENT), "api.json"), "lampen"), "lampen.toml")
    party, entry = mapping.parties[0], mapping.activity
    assert party.find is not None
    assert party.find.request.query == {"phone": "{{ number.value }}"}
    assert party.record.name == "join(' ', [first_name || '', last_name || ''])"
    assert entry is not None
    assert entry.create.json["contact_id"] == "{{ party.id }}"


@pytest.mark.parametrize("text", ["{}", "[1]", "{", '{"paths": {}}'])
def test_what_is_no_openapi_document_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        skeleton(read_document(text, "api.json"), "lampen")
