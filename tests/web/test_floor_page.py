"""The floor page over HTTP: who may see it, what it says, what it refuses."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from msgspec.structs import replace
from starlette.applications import Starlette

from cordpair.core.agent import AgentState
from cordpair.core.ids import TenantId
from cordpair.web import floor_words
from cordpair.web.floor import floor_routes
from cordpair.web.floor_access import floor_link, link_id
from cordpair.web.floor_render import FloorPages
from cordpair.web.floor_view import CallSet, ClosedQueue, Numbers
from cordpair.web.floor_words import COVERED, TEXTS, Words, duration
from cordpair.web.pages import best_language
from tests.web.floor_sample import HOSTILE, NOON, OTHER, TENANT, HeldFloor, awkward, empty, plausible

KEY = b"a key of thirty-two bytes or more"
SITE = "https://floor.example"
HOUR = timedelta(hours=1)


def link(tenant: TenantId = TENANT, *, key: bytes = KEY, valid: timedelta = HOUR) -> str:
    return floor_link(key, tenant, public_url=SITE, now=NOON, valid=valid)


def client(floor: HeldFloor) -> httpx.AsyncClient:
    app = Starlette(routes=floor_routes(floor, key=KEY, clock=lambda: NOON, public_url=SITE))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE)


@pytest.fixture
def floor() -> HeldFloor:
    return HeldFloor(plausible())


@pytest.fixture
async def visitor(floor: HeldFloor) -> AsyncIterator[httpx.AsyncClient]:
    async with client(floor) as visitor:
        yield visitor


@pytest.fixture
async def supervisor(visitor: httpx.AsyncClient) -> httpx.AsyncClient:
    await visitor.get(link())
    return visitor


# Who may see it


async def test_a_signed_link_opens_the_page(visitor: httpx.AsyncClient) -> None:
    entered = await visitor.get(link() + "?lang=de")
    assert (entered.status_code, entered.headers["location"]) == (303, "/floor?lang=de")
    page = await visitor.get("/floor")
    assert page.status_code == 200
    assert "Nordlicht e. V." in page.text


async def test_the_session_is_a_host_cookie_that_no_script_reads(visitor: httpx.AsyncClient) -> None:
    cookie = (await visitor.get(link())).headers["set-cookie"]
    assert cookie.startswith("__Host-cordpair-floor=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize("path", ["/floor", "/floor/live", "/floor/calls?of=answered"])
async def test_nothing_is_shown_without_a_session(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 403
    assert "cordpair floor-link" in answer.text


@pytest.mark.parametrize(
    "bad",
    [
        link(valid=timedelta(seconds=-1)),
        link(key=b"another key of thirty-two bytes !!"),
        f"{SITE}/floor/nonsense",
        f"{SITE}/floor/" + jwt.encode({"aud": "floor", "tid": TENANT}, KEY, algorithm="HS256"),
        f"{SITE}/floor/" + jwt.encode({"aud": "other", "tid": TENANT, "exp": 9e9}, KEY, algorithm="HS256"),
    ],
    ids=["expired", "another key", "no token", "without expiry", "another audience"],
)
async def test_a_link_that_is_not_valid_opens_nothing(visitor: httpx.AsyncClient, bad: str) -> None:
    assert (await visitor.get(bad)).status_code == 403
    assert (await visitor.get("/floor")).status_code == 403


async def test_the_token_of_a_link_is_no_session(visitor: httpx.AsyncClient) -> None:
    visitor.cookies.set("__Host-cordpair-floor", link().rpartition("/")[2], domain="floor.example")
    assert (await visitor.get("/floor")).status_code == 403


async def test_another_tenant_sees_nothing(visitor: httpx.AsyncClient) -> None:
    await visitor.get(link(OTHER))
    for path in ("/floor", "/floor/live", "/floor/calls?of=answered"):
        answer = await visitor.get(path)
        assert answer.status_code == 404
        assert "Nordlicht" not in answer.text


@pytest.mark.parametrize("path", ["/floor", "/floor/nonsense", "/floor/calls?of=nonsense"])
async def test_every_answer_carries_the_security_headers(supervisor: httpx.AsyncClient, path: str) -> None:
    headers = (await supervisor.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"]


async def test_a_short_key_is_refused_at_the_start(floor: HeldFloor) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        floor_routes(floor, key=b"short", clock=lambda: NOON, public_url=SITE)


async def test_a_part_of_an_open_page_is_told_that_the_session_ended(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/floor/calls?of=answered", headers={"hx-request": "true"})
    assert answer.status_code == 403
    assert "Your session has ended." in answer.text
    assert "<html" not in answer.text


# What it refuses to do


async def test_a_retry_is_ordered(supervisor: httpx.AsyncClient, floor: HeldFloor) -> None:
    answer = await supervisor.post("/floor/parked/activity%3Ac77/retry", headers={"origin": SITE, "hx-request": "true"})
    assert floor.retried == ["activity:c77"]
    assert "One more try has been ordered" in answer.text


async def test_opening_a_link_is_written_down_by_the_links_id(visitor: httpx.AsyncClient, floor: HeldFloor) -> None:
    await visitor.get(link())
    await visitor.get("/floor")
    assert floor.links == [link_id(link())]


async def test_a_link_that_opens_nothing_is_not_written_down(visitor: httpx.AsyncClient, floor: HeldFloor) -> None:
    await visitor.get(link(key=b"another key of thirty-two bytes or more"))
    assert floor.links == []


async def test_who_orders_a_retry_is_the_link_that_opened_the_session(
    supervisor: httpx.AsyncClient, floor: HeldFloor
) -> None:
    await supervisor.post("/floor/parked/activity%3Ac77/retry", headers={"origin": SITE})
    assert floor.actors == [f"link:{link_id(link())}"]


async def test_a_retry_of_something_no_longer_stuck_says_so(supervisor: httpx.AsyncClient) -> None:
    answer = await supervisor.post("/floor/parked/a%2Fb/retry", headers={"origin": SITE, "hx-request": "true"})
    assert "no longer stuck" in answer.text


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"origin": "null"}])
async def test_a_change_from_another_page_is_refused(
    supervisor: httpx.AsyncClient, floor: HeldFloor, headers: dict[str, str]
) -> None:
    assert (await supervisor.post("/floor/parked/activity%3Ac77/retry", headers=headers)).status_code == 403
    assert floor.retried == []


# What it says


async def test_the_calls_behind_a_number_are_a_part_for_the_page_and_a_page_for_a_link(
    supervisor: httpx.AsyncClient,
) -> None:
    part = await supervisor.get("/floor/calls?of=answered", headers={"hx-request": "true"})
    page = await supervisor.get("/floor/calls?of=answered")
    assert "Klara Winter" in part.text
    assert "<html" not in part.text
    assert "Klara Winter" in page.text
    assert "Back to the floor" in page.text


async def test_the_page_speaks_the_language_of_the_browser(supervisor: httpx.AsyncClient) -> None:
    page = await supervisor.get("/floor", headers={"accept-language": "de-CH,de;q=0.9,en;q=0.5"})
    assert '<html lang="de"' in page.text
    assert "Längste Wartezeit" in page.text
    assert "7.312 von 10.000" in page.text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("fr, en-GB;q=0.8, de;q=0.3", "en"),
        ("fr", "en"),
        ("", "en"),
        ("de;q=x, *", "en"),
        ("de;q=0", "en"),
    ],
)
def test_the_best_language_of_a_header(header: str, language: str) -> None:
    assert best_language(header) == language


def test_names_are_text_and_never_markup() -> None:
    html = "".join(FloorPages(lambda: NOON).sections(awkward(), "en").values())
    assert "<img src=x" not in html
    assert "javascript:" not in html.replace(HOSTILE, "")
    assert "&lt;img src=x" in html


def test_an_empty_floor_says_so_in_words() -> None:
    html = "".join(FloorPages(lambda: NOON).sections(empty(), "en").values())
    for words in ("No queue has been set up yet.", "No call at the moment.", "Nothing needs a person."):
        assert words in html


def test_equal_views_are_drawn_equally_at_any_time() -> None:
    early, late = FloorPages(lambda: NOON), FloorPages(lambda: NOON + HOUR)
    assert early.sections(plausible(), "en") == late.sections(replace(plausible(), as_of=NOON + HOUR), "en")


# A queue outside of its hours

CHRISTMAS = {"en": "Christmas Day", "de": "Erster Weihnachtstag"}


def shown(closed: ClosedQueue, language: str) -> str:
    """What the tile of a closed queue says, without its markup."""
    view = replace(plausible(), queues=(replace(plausible().queues[0], closed=closed),))
    html = FloorPages(lambda: NOON).sections(view, language)["queues"]
    text = re.sub(r"<[^>]+>", "", html.split('<p class="closed">')[1].split("</p>")[0])
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("closed", "english", "german"),
    [
        (ClosedQueue(reason="closed", opens_at=NOON + HOUR), "closed · opens 13:00", "geschlossen · öffnet 13:00"),
        (
            ClosedQueue(reason="holiday", opens_at=NOON + 20 * HOUR, holiday=CHRISTMAS),
            "closed Christmas Day · opens Tue 24 Nov 08:00",
            "geschlossen Erster Weihnachtstag · öffnet Di 24.11. 08:00",
        ),
        (ClosedQueue(reason="holiday"), "closed public holiday", "geschlossen Feiertag"),
        (ClosedQueue(reason="exception"), "closed by exception", "geschlossen ausnahmsweise"),
    ],
    ids=["today", "holiday", "a nameless holiday", "for good"],
)
def test_a_closed_queue_says_so_and_when_it_opens(closed: ClosedQueue, english: str, german: str) -> None:
    assert (shown(closed, "en"), shown(closed, "de")) == (english, german)


def test_an_open_queue_is_not_called_closed() -> None:
    assert 'class="closed"' not in FloorPages(lambda: NOON).sections(plausible(), "en")["queues"]


def test_the_service_level_leaves_out_short_abandons_and_calls_that_wait() -> None:
    numbers = Numbers(offered=10, answered=5, answered_in_target=4, abandoned=3, abandoned_short=1, waiting=1)
    assert numbers.service_level == 0.5


def test_there_is_no_service_level_before_the_first_call() -> None:
    assert Numbers(offered=1, waiting=1).service_level is None


# Its words


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_state_has_a_word(language: str) -> None:
    words = Words(language)
    assert all(words(f"{prefix}.{member.value}") for prefix, members in COVERED.items() for member in members)


def test_every_text_has_both_languages() -> None:
    assert [key for key, texts in TEXTS.items() if set(texts) != {"en", "de"}] == []


#: Families of texts of which the last part comes from a value.
FAMILIES = {"away", *COVERED, "availability", "effect", "reason", "why", "theme", "as_of", "weekday"}


def test_every_text_is_used() -> None:
    web = Path(floor_words.__file__).parent
    sources = "".join(path.read_text(encoding="utf-8") for path in web.rglob("*") if path.suffix in {".py", ".html"})
    singles = [key for key in TEXTS if key.split(".")[0] not in FAMILIES and key not in set(CallSet)]
    assert [key for key in singles if f'"{key}"' not in sources and f"'{key}'" not in sources] == []


def test_a_value_that_is_new_at_microsoft_is_shown_as_it_came() -> None:
    assert Words("de").known("availability", "Levitating") == "Levitating"


def test_hours_are_written_only_where_there_are_any() -> None:
    assert [duration(s) for s in (None, 0, 59.6, 3599, 3600, 360_000)] == [
        "–",
        "0:00",
        "1:00",
        "59:59",
        "1:00:00",
        "100:00:00",
    ]


def test_an_agent_state_is_shown_by_sign_and_word() -> None:
    html = FloorPages(lambda: NOON).sections(plausible(), "en")["agents"]
    assert html.count('<svg class="icon"') == len(plausible().agents)
    assert Words("en")(f"agent.{AgentState.NOT_RESPONDING.value}") in html
