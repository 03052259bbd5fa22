"""The floor page in a real Chromium, served by a real uvicorn."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from msgspec.structs import replace
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from starlette.applications import Starlette

from cordpair.web.floor import floor_routes
from cordpair.web.floor_access import floor_link
from cordpair.web.floor_view import FloorView, Numbers
from tests.browser import CHROMIUM, FLAGS
from tests.web.floor_sample import NOON, TENANT, HeldFloor, awkward, empty, plausible

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

KEY = b"a key of thirty-two bytes or more"
AXE = Path(__file__).parents[2] / "pages" / "node_modules" / "axe-core" / "axe.min.js"


class Site:
    """A served floor and the faults that the browser saw on it."""

    def __init__(self, floor: HeldFloor, url: str, browser: Browser) -> None:
        self.floor = floor
        self.url = url
        self.browser = browser
        self.now_s = 0.0
        self.faults: list[str] = []
        self.contexts: list[BrowserContext] = []

    async def open(self, query: str = "", *, width: int = 1280, height: int = 900, **context: object) -> Page:
        """A page in a browser of its own, once it has its live connection."""
        self.contexts.append(
            await self.browser.new_context(viewport={"width": width, "height": height}, **context)  # type: ignore[arg-type]
        )
        page = await self.contexts[-1].new_page()
        page.on("console", lambda said: self.faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda sent: None if sent.url.startswith(self.url) else self.faults.append(sent.url))
        async with page.expect_response("**/floor/live*"):
            await page.goto(floor_link(KEY, TENANT, public_url=self.url, now=NOON, valid=timedelta(hours=1)) + query)
        return page

    def clock(self) -> datetime:
        return NOON + timedelta(seconds=self.now_s)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def site(browser: Browser) -> AsyncIterator[Site]:
    floor = HeldFloor(plausible())
    listening = socket.create_server(("127.0.0.1", 0))
    site = Site(floor, f"http://127.0.0.1:{listening.getsockname()[1]}", browser)
    app = Starlette(routes=floor_routes(floor, key=KEY, clock=site.clock, public_url=site.url))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield site
    for context in site.contexts:
        await context.close()
    server.should_exit = True
    await serving


async def test_a_change_appears_without_a_reload(site: Site) -> None:
    page = await site.open()
    await page.evaluate("window.sameDocument = true")
    await site.floor.show(replace(plausible(), numbers=Numbers(offered=4711)))
    await expect(page.locator("#n-offered-")).to_have_text("4,711")
    assert await page.evaluate("window.sameDocument") is True
    assert site.faults == []


async def test_the_focus_stays_where_it_is_when_the_page_changes(site: Site) -> None:
    page = await site.open()
    await page.focus("#n-answered-")
    await site.floor.show(replace(plausible(), numbers=Numbers(answered=77)))
    await expect(page.locator("#n-answered-")).to_have_text("77")
    assert await page.evaluate("document.activeElement.id") == "n-answered-"


async def test_times_tick_between_updates(site: Site) -> None:
    page = await site.open()
    wait = page.locator("#q-q0 .longest cp-elapsed")
    await expect(wait).to_have_text(re.compile(r"▲ 0:4\d"))
    shown = await wait.evaluate("(element) => element.shadowRoot.textContent")
    await expect(wait).not_to_have_text(shown)


async def test_a_wrong_clock_of_the_browser_does_not_show_wrong_times(site: Site) -> None:
    assert abs(datetime.now(UTC) - NOON) > timedelta(hours=1), "the sample's day is not today"
    page = await site.open()
    await expect(page.locator("#q-q0 .longest cp-elapsed")).to_have_text(re.compile(r"▲ 0:4\d"))
    await expect(page.locator("cp-clock")).to_contain_text("12:00:")


async def test_old_data_are_called_old(site: Site) -> None:
    site.now_s = 95.0
    page = await site.open()
    await expect(page.locator("#as-of")).to_contain_text("Out of date, data age 95 s")


async def test_a_number_opens_its_calls_and_gives_the_focus_back(site: Site) -> None:
    page = await site.open()
    await page.focus("#n-answered-")
    await page.keyboard.press("Enter")
    await expect(page.locator("#drill-title")).to_contain_text("Answered")
    await expect(page.locator("#drill")).to_contain_text("Klara Winter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert await page.evaluate("document.activeElement.id") == "n-answered-"
    assert site.faults == []


async def test_a_stuck_effect_is_tried_again_by_keyboard(site: Site) -> None:
    page = await site.open()
    await page.get_by_label("Try again: Log the call in the CRM").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#told")).to_have_text("One more try has been ordered.")
    assert site.floor.retried == ["activity:c77"]
    await site.floor.show(replace(plausible(), parked=()))
    await expect(page.locator("#attention")).not_to_contain_text("Stuck effects")
    assert site.faults == []


async def test_an_effect_with_an_odd_id_is_tried_again(site: Site) -> None:
    site.floor.view = awkward()
    page = await site.open()
    await page.locator("#attention fluent-button").click()
    await expect(page.locator("#told")).not_to_be_empty()
    assert site.floor.retried == ['a/b?c#"d']


@pytest.mark.parametrize("view", [plausible(), awkward(), empty()], ids=["plausible", "awkward", "empty"])
@pytest.mark.parametrize("width", [320, 768, 1280, 1920])
@pytest.mark.parametrize("language", ["en", "de"])
async def test_nothing_runs_out_of_the_page(site: Site, view: FloorView, width: int, language: str) -> None:
    site.floor.view = view
    page = await site.open(f"?lang={language}", width=width)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate(OVERFLOWING) == []
    assert await page.title() != "1", "a name was run as a script"
    assert site.faults == []


#: Texts that stick out of their card or cell.
OVERFLOWING = """() => [...document.querySelectorAll('.card, .state, td > div, .figures > li, .list li > div')]
    .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
async def test_axe_finds_nothing_serious(site: Site, theme: str) -> None:
    page = await site.open(f"?theme={theme}")
    # The policy of the page holds for axe too, so it comes in by the browser's own door.
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    await page.click("#n-answered-")
    await expect(page.get_by_role("dialog")).to_be_visible()
    in_drawer = await page.evaluate(FOUND)
    await page.keyboard.press("Escape")
    assert in_drawer + await page.evaluate(FOUND) == []


FOUND = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter((found) => ['serious', 'critical', 'moderate'].includes(found.impact))
    .map((found) => `${found.id}: ${found.nodes.map((node) => node.html).slice(0, 3).join(' ')}`)"""


@pytest.mark.parametrize(
    ("scheme", "query", "background"),
    [
        ("light", "", "rgb(245, 245, 245)"),
        ("dark", "", "rgb(31, 31, 31)"),
        ("light", "?theme=contrast", "rgb(0, 0, 0)"),
    ],
)
async def test_the_page_follows_the_theme(site: Site, scheme: str, query: str, background: str) -> None:
    page = await site.open(query, color_scheme=scheme)
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == background


async def test_a_lost_connection_is_said_in_words_and_comes_back(site: Site) -> None:
    page = await site.open()
    await site.contexts[-1].set_offline(True)
    await page.evaluate("document.getElementById('live')._htmx.sse.reader.cancel()")
    await expect(page.locator("#connection")).to_contain_text("The connection is lost.")
    await site.contexts[-1].set_offline(False)
    await expect(page.locator("#connection")).to_be_empty(timeout=15_000)
    await site.floor.show(replace(plausible(), numbers=Numbers(offered=12)))
    await expect(page.locator("#n-offered-")).to_have_text("12")


async def test_everything_that_can_be_used_has_a_name_for_a_screen_reader(site: Site) -> None:
    page = await site.open()
    await page.click("#n-answered-")
    await expect(page.get_by_role("dialog")).to_be_visible()
    inside = await names(page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    outside = await names(page)
    assert ("button", "Close") in inside
    assert {("button", "Try again: Log the call in the CRM"), ("progressbar", "Calls this month")} <= set(outside)
    assert [role for role, name in inside + outside if not name] == []


async def names(page: Page) -> list[tuple[str, str]]:
    """Role and name of what the browser tells a screen reader about controls (Fluent's own elements included)."""
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree["nodes"] if "role" in node]
    return [each for each in found if each[0] in {"button", "link", "progressbar", "dialog", "table", "columnheader"}]
