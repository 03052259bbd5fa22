"""Every way to page and to sign in that a mapping file can name, against a small service over real HTTP."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cordpair.connectors.rest import RestCrm, connect
from cordpair.connectors.testkit import UNKNOWN_NUMBER, failure_of, ids_of, pages_of
from cordpair.core.tenant import CrmSetup
from cordpair.errors import PermanentFailure, Throttled
from tests.connectors.crm_server import mounted
from tests.connectors.imis_server import StillClock

PEOPLE = [{"id": number, "name": f"Berta Dachs {number}", "phone": f"030 66969{number:03}"} for number in range(1, 11)]
PAGE = 4

MAPPING = """
version = 1
name = "kontor"
title = "Kontor"
base_url = "{{ settings.base_url }}"
[settings.base_url]
en = "address"
de = "Adresse"
[secrets.password]
en = "password"
de = "Kennwort"
%(limits)s
%(auth)s
[[parties]]
kind = "contact"
record = { id = "id", name = "name", phones = { phone = "phone" } }
[parties.find]
numbers = ["e164"]
items = "body.items"
request = { path = "people", query = { phone = "{{ number.value }}" } }
[parties.changes]
items = "body.items"
paging = %(paging)s
request = { path = "people", query = { since = "{{ since.iso }}", size = "{{ page.size }}"%(query)s } }
"""

BASIC = """[auth]
kind = "basic"
username = "ada"
password = "{{ secrets.password }}"
"""
_OAUTH = """[auth]
kind = "oauth2"
token_url = "{{ settings.base_url }}/token"
grant = "%s"
client_id = "cordpair"
%s
"""
PASSWORD_GRANT = _OAUTH % ("password", 'username = "ada"\npassword = "{{ secrets.password }}"')
REFRESH = _OAUTH % ("refresh_token", 'refresh_token = "{{ secrets.password }}"')
CLIENT_BASIC = _OAUTH % ("client_credentials", 'client_secret = "{{ secrets.password }}"\ncredentials = "basic"')
QUERY_KEY = """[auth]
kind = "headers"
query.api_key = "{{ secrets.password }}"
"""


@dataclass
class Kontor:
    """The service. `elsewhere` is where it says that the next page is; tokens are good for an hour."""

    clock: StillClock
    tokens: dict[str, float] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    elsewhere: str = ""
    url: str = ""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/people", self._people), Route("/token", self._token, methods=["POST"])])

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.forms.append(form | {"authorization": request.headers.get("authorization", "")})
        token = f"token-{len(self.forms)}"
        self.tokens[token] = self.clock.now().timestamp() + 3600
        return JSONResponse({"access_token": token, "expires_in": 3600, "refresh_token": f"next-{len(self.forms)}"})

    def _lets_in(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        basic = "Basic " + base64.b64encode(b"ada:lamp&wick").decode()
        until = self.tokens.get(given.removeprefix("Bearer "), 0.0)
        by_key = request.query_params.get("api_key") == "lamp&wick"
        return given == basic or by_key or self.clock.now().timestamp() < until

    async def _people(self, request: Request) -> Response:
        self.seen.append(request)
        if not self._lets_in(request):
            return Response(status_code=401)
        query = request.query_params
        if "phone" in query:
            return JSONResponse({"items": []})
        start = (int(query.get("page", 1)) - 1) * PAGE + int(query.get("offset", 0)) + int(query.get("cursor", 0))
        page = PEOPLE[start : start + PAGE]
        behind = start + PAGE
        answer: dict[str, object] = {"items": page}
        headers: dict[str, str] = {}
        if behind < len(PEOPLE):
            following = f"{self.elsewhere or self.url}/people?cursor={behind}"
            answer |= {"cursor": behind, "next": following, "more": True}
            headers = {"Link": f'<{following}>; rel="next", <{self.url}/people>; rel="first"'}
        return JSONResponse(answer, headers=headers)


def opened(kontor: Kontor, http: httpx.AsyncClient, **parts: str) -> RestCrm:
    text = MAPPING % ({"auth": BASIC, "paging": '{ kind = "none" }', "query": "", "limits": ""} | parts)
    setup = CrmSetup(
        connector="rest", settings={"mapping": text, "base_url": kontor.url}, secrets={"password": "lamp&wick"}
    )
    return connect(setup, region="DE", time_zone="Europe/Berlin", http=http, now=kontor.clock.now)


@pytest.mark.parametrize(
    ("paging", "query"),
    [
        ('{ kind = "page", size = 4 }', ', page = "{{ page.number }}"'),
        ('{ kind = "page", size = 4, more = "body.more" }', ', page = "{{ page.number }}"'),
        ('{ kind = "offset", size = 4 }', ', offset = "{{ page.offset }}"'),
        ('{ kind = "cursor", size = 4, next = "body.cursor" }', ', cursor = "{{ page.cursor }}"'),
        ('{ kind = "keyset", size = 4, next = "id" }', ', cursor = "{{ page.cursor }}"'),
        ('{ kind = "url", size = 4, next = "body.next" }', ""),
        ('{ kind = "link", size = 4 }', ""),
    ],
)
async def test_every_way_to_page_brings_everybody_once(paging: str, query: str) -> None:
    kontor = Kontor(StillClock())
    async with httpx.AsyncClient() as http:
        with mounted(kontor.app()) as kontor.url:
            pages = await pages_of(opened(kontor, http, paging=paging, query=query), None)
    assert ids_of(pages) == [str(one["id"]) for one in PEOPLE]
    assert len(pages) >= 3


@pytest.mark.parametrize("kind", ["url", "link"])
async def test_a_next_page_at_another_host_is_not_asked_for(kind: str) -> None:
    kontor = Kontor(StillClock(), elsewhere="https://elsewhere.example")
    async with httpx.AsyncClient() as http:
        with mounted(kontor.app()) as kontor.url:
            crm = opened(kontor, http, paging=f'{{ kind = "{kind}", next = "body.next" }}')
            failure = await failure_of(pages_of(crm, None))
    assert isinstance(failure, PermanentFailure)
    assert "elsewhere.example is not among the hosts" in str(failure)


def _form(*wanted: tuple[str, str]) -> Callable[[Kontor], bool]:
    return lambda kontor: all(kontor.forms[0].get(name) == value for name, value in wanted)


@pytest.mark.parametrize(
    ("auth", "holds"),
    [
        (BASIC, lambda kontor: kontor.forms == []),
        (QUERY_KEY, lambda kontor: kontor.forms == []),
        (PASSWORD_GRANT, _form(("grant_type", "password"), ("username", "ada"), ("password", "lamp&wick"))),
        (REFRESH, _form(("grant_type", "refresh_token"), ("refresh_token", "lamp&wick"), ("client_id", "cordpair"))),
        (
            CLIENT_BASIC,
            _form(("authorization", "Basic " + base64.b64encode(b"cordpair:lamp&wick").decode())),
        ),
    ],
)
async def test_every_way_to_sign_in_lets_us_in(auth: str, holds: Callable[[Kontor], bool]) -> None:
    kontor = Kontor(StillClock())
    async with httpx.AsyncClient() as http:
        with mounted(kontor.app()) as kontor.url:
            assert list(await opened(kontor, http, auth=auth).find_by_phone(UNKNOWN_NUMBER)) == []
    assert holds(kontor)


async def test_a_token_is_used_until_shortly_before_its_end_and_then_replaced_by_the_newest_refresh_token() -> None:
    kontor = Kontor(StillClock())
    async with httpx.AsyncClient() as http:
        with mounted(kontor.app()) as kontor.url:
            crm = opened(kontor, http, auth=REFRESH)
            for minutes in (0, 30, 28, 2):
                kontor.clock.at += timedelta(minutes=minutes)
                await crm.find_by_phone(UNKNOWN_NUMBER)
    assert [one["refresh_token"] for one in kontor.forms] == ["lamp&wick", "next-1"]


async def test_more_requests_than_the_crm_bears_are_not_sent() -> None:
    kontor = Kontor(StillClock())
    async with httpx.AsyncClient() as http:
        with mounted(kontor.app()) as kontor.url:
            crm = opened(kontor, http, limits="[limits]\nper_s = 2\nburst = 3")
            for _ in range(3):
                await crm.find_by_phone(UNKNOWN_NUMBER)
            failure = await failure_of(crm.find_by_phone(UNKNOWN_NUMBER))
            assert isinstance(failure, Throttled)
            assert failure.retry_after_s == 0.5
            assert len(kontor.seen) == 3
            kontor.clock.at += timedelta(seconds=0.5)
            await crm.find_by_phone(UNKNOWN_NUMBER)
    assert len(kontor.seen) == 4
