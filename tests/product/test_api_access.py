"""Who may speak to the API, and what each role may do with it. Whoever is refused costs no write."""

import uuid
from collections.abc import Awaitable, Callable

import httpx
import pytest

from cordpair.web.api_roles import OPERATIONS, PEOPLE, PREFIX, ROLES, Rule
from cordpair.web.sign_in import Role
from tests.product.api import EVERYBODY, Asking, person, program
from tests.product.house import House
from tests.product.signed import SOMEBODY, TOKENS, Case, asked, token

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEAMS = "1fec8e78-bce4-4aaf-ab1b-5451cc387264"
_ISSUER = "https://login.microsoftonline.com/{tid}/v2.0"

#: As for the Bot Framework, but that the answer to who is not known is 401.
SIGNED = {
    name: Case(200 if case.stored else 401, case.claims, case.times, case.signer) for name, case in TOKENS.items()
} | {
    "another organisation's issuer": Case(401, {"iss": _ISSUER.format(tid=SOMEBODY)}),
    "the issuer of the first version": Case(401, {"iss": f"https://sts.windows.net/{SOMEBODY}/", "ver": "1.0"}),
    "a token of the first version": Case(401, {"ver": "1.0"}),
    "an organisation that is not set up": Case(401, {"tid": SOMEBODY, "iss": _ISSUER.format(tid=SOMEBODY)}),
    "no organisation": Case(401, {"tid": None}),
    "an organisation in capitals": Case(401, {"tid": "A" * 8 + "-0000-4000-8000-000000000000"}),
    "nobody": Case(401, {"oid": None}),
    "another scope": Case(401, {"scp": "User.Read"}),
    "our scope among others": Case(200, {"scp": "User.Read access_as_user"}),
    "a scope that only begins like ours": Case(401, {"scp": "access_as_user_too"}),
    "roles and no scope, and no program": Case(401, {"scp": None}),
    "a program with a scope": Case(401, {"idtyp": "app"}),
    "a program": Case(200, {"idtyp": "app", "scp": None, "azp": SOMEBODY}),
    "a person through an unknown client": Case(401, {"azp": SOMEBODY}),
    "no role": Case(403, {"roles": None}),
    "roles of another application": Case(403, {"roles": ["Supervisor.All", "agent"]}),
    "roles that are no list": Case(403, {"roles": "Supervisor"}),
}


def claims_of(house: House) -> dict[str, object]:
    us = house.lanterns
    return {
        "aud": us.tenant.registration.client_id,
        "iss": _ISSUER.format(tid=us.id),
        "tid": us.id,
        "oid": us.agents[0].id,
        "azp": TEAMS,
        "roles": ["Supervisor"],
        "scp": "access_as_user",
        "ver": "2.0",
    }


async def costing_nothing(house: House, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The answer to something that writes nothing."""
    answer, is_stored = await asked(house, ask)
    assert not is_stored
    return answer


@pytest.mark.parametrize("name", SIGNED)
async def test_a_token(asleep: House, name: str) -> None:
    case = SIGNED[name]
    bearer = token(asleep.parts.cloud.entra_keys[asleep.lanterns.id], claims_of(asleep), case)
    asking = Asking(asleep.lanterns, bearer)
    answer = await costing_nothing(asleep, lambda: asking.ask("GET", "/queues"))
    assert answer.status_code == case.status


async def test_the_key_of_another_organisation_opens_nothing(asleep: House) -> None:
    bearer = token(asleep.parts.cloud.entra_keys[asleep.harbours.id], claims_of(asleep), Case(401))
    assert (await Asking(asleep.lanterns, bearer).ask("GET", "/queues")).status_code == 401


@pytest.mark.parametrize("sent", ["", "Basic YTpi", "Bearer", "Bearer a.b.c", "Bearer " + "x" * 20_000])
async def test_whoever_shows_no_token_is_told_what_is_needed(asleep: House, sent: str) -> None:
    answer = await asleep.http.get(f"{asleep.url}{PREFIX}/queues", headers={"Authorization": sent} if sent else {})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


# ---- roles

_MAY = {Rule.FLOOR: "Agent Supervisor Admin", Rule.LEAD: "Supervisor", Rule.AGENT: "Agent",
        Rule.LEAD_SELF: "Supervisor",
        Rule.OPERATIONS: "Supervisor Admin", Rule.EVIDENCE: "Supervisor Admin Auditor DataProtection"}  # fmt: skip


def test_the_groups_of_roles_are_as_written_down_here() -> None:
    assert {rule: frozenset(map(Role, names.split())) for rule, names in _MAY.items()} == dict(ROLES)


@pytest.mark.parametrize("is_program", [False, True], ids=["person", "program"])
@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_role(asleep: House, name: str, role: str, is_program: bool) -> None:
    """With ids that are none: whoever may do it is told so, and whoever may not learns nothing of it."""
    operation = OPERATIONS[name]
    who = program(asleep.lanterns, role) if is_program else person(asleep.lanterns.agents[0], role)
    path = operation.path.replace("{", "no").replace("}", "")
    answer = await costing_nothing(asleep, lambda: who.ask(operation.method, path, json={}))
    may = role in _MAY[operation.rule].split() and not (is_program and operation.rule in PEOPLE)
    assert (answer.status_code in (200, 404, 422)) is may, answer.text
    assert answer.status_code == 403 or may


async def test_a_role_that_entra_takes_away_is_gone_with_the_next_token(asleep: House) -> None:
    me = asleep.lanterns.agents[0]
    assert "move_call" in (await person(me, "Supervisor").get("/me"))["operations"]
    assert "move_call" not in (await person(me, "Agent").get("/me"))["operations"]


# ---- what is sent


async def test_what_is_no_operation_is_not_served(asleep: House) -> None:
    who = person(asleep.lanterns.agents[0], *EVERYBODY)
    assert (await who.ask("GET", "/nothing")).status_code == 404
    refused = await who.ask("DELETE", "/queues")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("extra", ["tenant", "role", "agent", "by", "reviewed_by"])
async def test_nobody_sets_what_is_not_theirs_to_set(asleep: House, extra: str) -> None:
    who, body = person(asleep.lanterns.agents[0], "Agent"), {"state": "ready", extra: SOMEBODY}
    answer = await costing_nothing(asleep, lambda: who.ask("PUT", "/me/state", json=body))
    assert answer.status_code == 422
    assert SOMEBODY not in answer.text


async def test_a_body_that_is_too_long_is_refused(asleep: House) -> None:
    who = person(asleep.lanterns.agents[0], "Agent")
    answer = await costing_nothing(asleep, lambda: who.ask("PUT", "/me/state", content=b"x" * 70_000))
    assert answer.status_code == 413


async def test_an_order_under_a_key_that_says_something_else_now_is_refused(asleep: House) -> None:
    who, key = person(asleep.lanterns.agents[0], "Agent"), str(uuid.uuid4())
    first = await who.ask("PUT", "/me/state", json={"state": "ready"}, key=key)
    other = await who.ask("PUT", "/me/state", json={"state": "offline"}, key=key)
    assert (first.status_code, other.status_code) == (202, 422)
    assert first.headers["location"] == f"{PREFIX}/orders/{key}"
    assert (await who.get(f"/orders/{key}"))["progress"] == "in_progress"


async def test_an_order_is_seen_by_whoever_gave_it_only(asleep: House) -> None:
    (ada, ben), key = asleep.lanterns.agents, str(uuid.uuid4())
    await person(ada, "Agent").ask("PUT", "/me/state", json={"state": "ready"}, key=key)
    assert (await person(ben, "Agent").ask("GET", f"/orders/{key}")).status_code == 404


async def test_the_description_is_there_for_everybody_and_complete(asleep: House) -> None:
    described = (await asleep.http.get(f"{asleep.url}{PREFIX}/openapi.json")).json()
    found = {one["operationId"] for path in described["paths"].values() for one in path.values()}
    assert found == set(OPERATIONS)
    assert described["servers"] == [{"url": PREFIX}]
