"""The Graph client: what it sends is what Graph takes, and what it makes of every answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from cordpair.connectors.teams.answers import MAX_RETRY_AFTER_S, Answer, judge, retry_after_s
from cordpair.connectors.teams.calls import GraphCalls
from cordpair.connectors.teams.presence import GraphPresence
from cordpair.connectors.teams.subscriptions import GraphSubscriptions, presence_resource
from cordpair.connectors.teams.users import GraphUsers, Person
from cordpair.core.events import Arrived, CallEnded, Established, PresenceSeen, RosterSeen
from cordpair.core.ids import AgentId, call_id
from cordpair.errors import PermanentFailure, TemporaryFailure, Throttled, UnknownOutcome
from tests.connectors.graph_slice import faults_of
from tests.connectors.teams_world import (
    ANA,
    CALL,
    CLIENT,
    NOON,
    TENANT,
    FixedTokens,
    Recorded,
    Recorder,
    serving,
)

OFFER = f"{call_id(TENANT, CALL)}/1"
PARTICIPANT = "99999999-0000-4000-8000-000000000009"


@dataclass
class Graph:
    calls: GraphCalls
    presence: GraphPresence
    subscriptions: GraphSubscriptions
    users: GraphUsers
    server: Recorder
    url: str

    def answers(self, *answers: Response | Callable[[], Any]) -> None:
        self.server.answers[:] = answers


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    server = Recorder()
    async with serving(server.app()) as address, httpx.AsyncClient() as http:
        tokens, url = FixedTokens(), f"{address}/v1.0"
        yield Graph(calls(http, tokens, url), *rest_of(http, tokens, url), server=server, url=url)


def calls(http: httpx.AsyncClient, tokens: FixedTokens, url: str) -> GraphCalls:
    return GraphCalls(
        http,
        tokens,
        tenant=TENANT,
        region="DE",
        graph_url=url,
        callback_uri="https://cc.example.org/graph/reg-1/calls",
        media_uri=lambda prompt: f"https://cc.example.org/media/{prompt}",
        now=lambda: NOON,
        prompts=("greeting", "waiting"),
    )


def rest_of(
    http: httpx.AsyncClient, tokens: FixedTokens, url: str
) -> tuple[GraphPresence, GraphSubscriptions, GraphUsers]:
    return (
        GraphPresence(http, tokens, graph_url=url, client_id=CLIENT),
        GraphSubscriptions(http, tokens, graph_url=url, notification_url="https://cc.example.org/graph/reg-1/changes"),
        GraphUsers(http, tokens, graph_url=url),
    )


Act = Callable[[Graph], Awaitable[object]]

POSTS: dict[str, Act] = {
    "answer": lambda graph: graph.calls.answer(CALL),
    "reject": lambda graph: graph.calls.reject(CALL, "busy"),
    "redirect": lambda graph: graph.calls.redirect(CALL, ANA),
    "play": lambda graph: graph.calls.play(CALL, "greeting", "c/1"),
    "invite": lambda graph: graph.calls.invite(CALL, ANA, PARTICIPANT, OFFER),
    "transfer": lambda graph: graph.calls.transfer(CALL, ANA),
}
REPEATABLE: dict[str, Act] = {
    "remove": lambda graph: graph.calls.remove(CALL, PARTICIPANT),
    "keep alive": lambda graph: graph.calls.keep_alive(CALL),
    "hang up": lambda graph: graph.calls.hang_up(CALL),
    "read": lambda graph: graph.calls.read(CALL),
    "presence": lambda graph: graph.presence.read([ANA], at=NOON),
    "set presence": lambda graph: graph.presence.set(ANA, "Busy", "InACall", timedelta(hours=1)),
    "delete subscription": lambda graph: graph.subscriptions.delete("s1"),
    "get user": lambda graph: graph.users.get(ANA),
    "list users": lambda graph: everybody(graph),
}
SUBSCRIBING: dict[str, Act] = {
    "subscribe": lambda graph: graph.subscriptions.create(presence_resource([ANA]), secret="s", expires_at=NOON),
    "renew": lambda graph: graph.subscriptions.renew("s1", NOON),
}
ALL = POSTS | REPEATABLE | SUBSCRIBING


async def everybody(graph: Graph) -> list[Person]:
    return [person async for person in graph.users.all()]


@pytest.mark.parametrize("name", ALL)
async def test_every_request_is_one_that_graph_describes(graph: Graph, name: str) -> None:
    graph.answers(JSONResponse({"id": "x", "value": [], "expirationDateTime": "2026-11-02T13:00:00Z"}))
    await ALL[name](graph)
    assert [fault for request in graph.server.seen for fault in faults_of(request)] == []


def test_the_check_of_requests_finds_faults() -> None:
    bad = Recorded("POST", f"/v1.0/communications/calls/{CALL}/answer", {}, {}, {"callbackUri": 5, "extra": 1})
    assert faults_of(bad)
    assert faults_of(Recorded("POST", f"/v1.0/communications/calls/{CALL}/record", {}, {}, {}))


async def test_the_answer_takes_audio_and_names_the_prompts(graph: Graph) -> None:
    await graph.calls.answer(CALL)
    body = graph.server.seen[0].body
    assert body["acceptedModalities"] == ["audio"]
    assert [media["uri"].rpartition("/")[2] for media in body["mediaConfig"]["preFetchMedia"]] == [
        "greeting",
        "waiting",
    ]


async def test_a_prompt_is_played_by_the_id_that_was_fetched_with_the_answer(graph: Graph) -> None:
    await graph.calls.answer(CALL)
    await graph.calls.play(CALL, "waiting", "x")
    fetched = graph.server.seen[0].body["mediaConfig"]["preFetchMedia"][1]["resourceId"]
    assert graph.server.seen[1].body["prompts"][0]["mediaInfo"]["resourceId"] == fetched


async def test_an_invite_names_agent_participant_and_offer(graph: Graph) -> None:
    await graph.calls.invite(CALL, ANA, PARTICIPANT, OFFER)
    body = graph.server.seen[0].body
    invited = body["participants"][0]
    assert (invited["identity"]["user"]["id"], invited["participantId"], body["clientContext"]) == (
        ANA,
        PARTICIPANT,
        OFFER,
    )


async def test_a_refused_token_is_replaced_once(graph: Graph) -> None:
    graph.answers(error(401, "InvalidAuthenticationToken"), JSONResponse({}))
    await graph.calls.keep_alive(CALL)
    assert [request.headers["authorization"] for request in graph.server.seen] == ["Bearer t1", "Bearer t2"]


async def test_a_token_refused_twice_is_final(graph: Graph) -> None:
    graph.answers(error(401, "InvalidAuthenticationToken"))
    assert await status_of(graph, "invite") == 401
    assert len(graph.server.seen) == 2


@pytest.mark.parametrize("name", ["remove", "hang up", "delete subscription"])
async def test_what_is_gone_already_need_not_be_deleted(graph: Graph, name: str) -> None:
    graph.answers(error(404, "8522"))
    await ALL[name](graph)


@pytest.mark.parametrize("name", ["answer", "reject", "invite", "play", "keep alive"])
async def test_a_call_that_is_gone_is_a_final_404(graph: Graph, name: str) -> None:
    graph.answers(error(404, "8522"))
    assert await status_of(graph, name) == 404


async def test_a_refusal_carries_graphs_codes_and_no_message(graph: Graph) -> None:
    graph.answers(error(403, "7503", "Ana Beck may not. DiagCode: 403#10151.@"))
    with pytest.raises(PermanentFailure) as failure:
        await graph.calls.invite(CALL, ANA, PARTICIPANT, OFFER)
    assert str(failure.value) == "Graph answers 403 7503 403#10151"


#: (status, Retry-After) -> what it means for a request that may be repeated, and for one that may not.
MEANINGS: dict[tuple[int, str | None], tuple[type[Exception], type[Exception]]] = {
    (429, None): (Throttled, Throttled),
    (429, "7"): (Throttled, Throttled),
    (503, "7"): (Throttled, UnknownOutcome),
    (503, "0"): (Throttled, UnknownOutcome),
    (503, None): (TemporaryFailure, UnknownOutcome),
    (503, "soon"): (TemporaryFailure, UnknownOutcome),
    (408, None): (TemporaryFailure, UnknownOutcome),
    (500, None): (TemporaryFailure, UnknownOutcome),
    (500, "7"): (TemporaryFailure, UnknownOutcome),
    (502, None): (TemporaryFailure, UnknownOutcome),
    (504, None): (TemporaryFailure, UnknownOutcome),
    (599, None): (TemporaryFailure, UnknownOutcome),
    (400, None): (PermanentFailure, PermanentFailure),
    (403, None): (PermanentFailure, PermanentFailure),
    (409, None): (PermanentFailure, PermanentFailure),
}


@pytest.mark.parametrize("repeatable", [True, False], ids=["repeatable", "once only"])
@pytest.mark.parametrize("answer", MEANINGS, ids=lambda it: f"{it[0]} and {it[1]}")
def test_an_answer_means_what_the_table_says(answer: tuple[int, str | None], repeatable: bool) -> None:
    status, retry_after = answer
    headers = {"content-type": "application/json"} | ({"retry-after": retry_after} if retry_after else {})
    with pytest.raises((TemporaryFailure, PermanentFailure)) as failure:
        judge(Answer(status, headers, b'{"error": {"code": "x"}}'), "Graph", repeatable=repeatable)
    assert failure.type is MEANINGS[answer][0 if repeatable else 1]


async def test_a_throttled_request_says_when_to_come_back(graph: Graph) -> None:
    graph.answers(JSONResponse({"error": {"code": "x"}}, status_code=429, headers={"Retry-After": "7"}))
    with pytest.raises(TemporaryFailure) as failure:
        await graph.calls.invite(CALL, ANA, PARTICIPANT, OFFER)
    assert failure.value.retry_after_s == 7


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("name", POSTS)
async def test_what_is_not_repeatable_may_have_happened(graph: Graph, name: str, status: int) -> None:
    graph.answers(error(status, "InternalServerError"))
    with pytest.raises(UnknownOutcome):
        await ALL[name](graph)


@pytest.mark.parametrize("name", REPEATABLE)
async def test_after_an_internal_error_what_is_repeatable_is_repeated(graph: Graph, name: str) -> None:
    graph.answers(error(500, "InternalServerError"))
    with pytest.raises(TemporaryFailure) as failure:
        await ALL[name](graph)
    assert not isinstance(failure.value, UnknownOutcome)


async def test_an_invite_that_is_answered_by_a_page_may_have_rung(graph: Graph) -> None:
    graph.answers(PAGES["a login page"])
    with pytest.raises(UnknownOutcome):
        await graph.calls.invite(CALL, ANA, PARTICIPANT, OFFER)


PAGES = {
    "a login page": Response("<html>sign in</html>", media_type="text/html"),
    "a proxy's not found": Response("<html>no</html>", status_code=404, media_type="text/html"),
    "a redirect": Response(status_code=302, headers={"location": "/login"}),
    "half of an answer": PlainTextResponse('{"id": "x', media_type="application/json"),
    "a list": JSONResponse([1]),
}


@pytest.mark.parametrize("page", PAGES)
async def test_what_is_not_graphs_own_answer_is_temporary(graph: Graph, page: str) -> None:
    graph.answers(PAGES[page])
    with pytest.raises(TemporaryFailure):
        await graph.calls.read(CALL)


async def test_a_proxys_not_found_does_not_end_a_call(graph: Graph) -> None:
    graph.answers(PAGES["a proxy's not found"])
    with pytest.raises(TemporaryFailure):
        await graph.calls.hang_up(CALL)


async def test_a_graph_that_cannot_be_reached_is_temporary(graph: Graph) -> None:
    async with httpx.AsyncClient() as http:
        gone = calls(http, FixedTokens(), "http://127.0.0.1:9/v1.0")
        with pytest.raises(TemporaryFailure) as failure:
            await gone.invite(CALL, ANA, PARTICIPANT, OFFER)
    assert not isinstance(failure.value, UnknownOutcome)


async def test_an_invite_whose_answer_is_cut_off_has_an_unknown_outcome(graph: Graph) -> None:
    async with cut_off() as address, httpx.AsyncClient() as http:
        with pytest.raises(UnknownOutcome):
            await calls(http, FixedTokens(), address).invite(CALL, ANA, PARTICIPANT, OFFER)


async def test_a_read_that_is_cut_off_is_repeated(graph: Graph) -> None:
    async with cut_off() as address, httpx.AsyncClient() as http:
        with pytest.raises(TemporaryFailure) as failure:
            await calls(http, FixedTokens(), address).read(CALL)
    assert not isinstance(failure.value, UnknownOutcome)


def cut_off() -> Any:
    """A server that takes a request and hangs up."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    class Server:
        async def __aenter__(self) -> str:
            self.server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
            return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

        async def __aexit__(self, *_: object) -> None:
            self.server.close()

    return Server()


def test_the_pause_is_counted_from_the_services_own_clock() -> None:
    headers = {"retry-after": "Mon, 02 Nov 2026 12:00:09 GMT", "date": "Mon, 02 Nov 2026 12:00:00 GMT"}
    assert retry_after_s(headers) == 9
    assert retry_after_s({"retry-after": headers["retry-after"]}) is None
    assert retry_after_s({"retry-after": "31536000"}) == MAX_RETRY_AFTER_S


ROSTER = {
    "value": [
        {"id": "p1", "info": {"identity": {"user": {"id": ANA.upper()}}}, "rosterSequenceNumber": 4},
        {"id": "p2", "info": {"identity": {"phone": {"id": "+4930123456"}}}, "rosterSequenceNumber": 4},
    ]
}
ANSWERED = {
    "id": CALL,
    "state": "established",
    "direction": "incoming",
    "source": {"identity": {"phone": {"id": "+4930123456"}}},
    "targets": [{"identity": {"applicationInstance": {"id": "RA-1"}}}],
}


async def test_a_re_read_tells_arrival_answer_and_roster_as_inferred(graph: Graph) -> None:
    graph.answers(JSONResponse(ANSWERED), JSONResponse(ROSTER))
    arrived, established, roster = await graph.calls.read(CALL)
    assert isinstance(arrived, Arrived)
    assert arrived.inferred
    assert arrived.dialled == "ra-1"
    assert established == Established(at=NOON, call=call_id(TENANT, CALL), graph_id=CALL, inferred=True)
    assert roster == RosterSeen(
        at=NOON,
        call=call_id(TENANT, CALL),
        graph_id=CALL,
        sequence=4,
        users=(ANA,),
        participants=("p1", "p2"),
        inferred=True,
    )


async def test_a_call_that_graph_does_not_know_has_ended(graph: Graph) -> None:
    graph.answers(error(404, "8522"))
    assert await graph.calls.read(CALL) == [
        CallEnded(at=NOON, call=call_id(TENANT, CALL), graph_id=CALL, inferred=True)
    ]


async def test_a_call_that_ends_between_the_two_reads_has_ended(graph: Graph) -> None:
    graph.answers(JSONResponse(ANSWERED), error(404, "8522"))
    (ended,) = await graph.calls.read(CALL)
    assert isinstance(ended, CallEnded)


async def test_presence_is_asked_for_in_portions_that_graph_takes(graph: Graph) -> None:
    graph.answers(JSONResponse({"value": [{"id": ANA.upper(), "availability": "Busy", "activity": "InACall"}]}))
    seen = await graph.presence.read([AgentId(f"a{number}") for number in range(651)], at=NOON)
    assert [len(request.body["ids"]) for request in graph.server.seen] == [650, 1]
    assert seen[0] == PresenceSeen(at=NOON, agent=ANA, availability="Busy", activity="InACall", is_read=True)


async def test_users_are_listed_over_all_pages(graph: Graph) -> None:
    first = {"value": [{"id": "U1", "displayName": "Ana Beck"}], "@odata.nextLink": f"{graph.url}/users?$skiptoken=2"}
    graph.answers(JSONResponse(first), JSONResponse({"value": [{"id": "u2", "accountEnabled": False}]}))
    assert [(person.id, person.enabled) for person in await everybody(graph)] == [("u1", True), ("u2", False)]


async def test_a_next_page_elsewhere_gets_no_token(graph: Graph) -> None:
    elsewhere = graph.url.removesuffix("/v1.0") + "/elsewhere"
    graph.answers(JSONResponse({"value": [], "@odata.nextLink": elsewhere}), JSONResponse({"value": []}))
    with pytest.raises(TemporaryFailure):
        await everybody(graph)
    assert [request.path for request in graph.server.seen] == ["/v1.0/users"]


async def test_a_user_that_is_not_there_is_nobody(graph: Graph) -> None:
    graph.answers(error(404, "Request_ResourceNotFound"))
    assert await graph.users.get(ANA) is None


def test_a_presence_subscription_takes_no_more_than_650_people() -> None:
    with pytest.raises(PermanentFailure):
        presence_resource([ANA] * 651)


def error(status: int, code: str, message: str = "no") -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


async def status_of(graph: Graph, name: str) -> int | None:
    with pytest.raises(PermanentFailure) as failure:
        await ALL[name](graph)
    return failure.value.status
