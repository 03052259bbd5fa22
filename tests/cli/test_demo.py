"""The demonstration as a newcomer meets it: the check, and the floor page in a browser."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from playwright.async_api import ConsoleMessage, async_playwright

from cordpair.cli.demo import playing
from tests.browser import CHROMIUM, FLAGS


async def test_a_checked_day_ends_with_a_report_and_no_violation() -> None:
    arguments = ["demo", "--check", "--calls", "12", "--seed", "3", "--members", "100", "--rate", "12"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cordpair", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, err.decode()
    report = json.loads(out)
    assert (report["calls"], report["lost"], report["duplicates"], report["violations"]) == (12, 0, 0, [])
    assert report["activities"] + sum(report["pending_items"].values()) == report["answered"]
    assert report["notification_to_card_ms"]["p50"] > 0


@pytest.mark.browser
async def test_the_floor_of_a_played_day_is_alive_in_a_browser() -> None:
    """With PICTURES=folder the page's picture is kept there: the README shows it."""
    async with playing(7, 6.0, 0, 300) as demo, async_playwright() as play:
        await demo.control("play", {"calls": 500, "per_second": 0.16, "wait": False})
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 1000})
        complaints: list[str] = []

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error":
                complaints.append(message.text)

        page.on("console", heard)
        setup, link = (await demo.links())[0]
        await page.goto(link)
        await page.get_by_text(setup.name).first.wait_for()
        answered = page.locator("#ended .state, .ended .state").first
        await answered.wait_for(timeout=45_000)
        if folder := os.environ.get("PICTURES"):
            await asyncio.sleep(12)
            await page.screenshot(path=Path(folder) / "floor.png")
        assert complaints == []
        await browser.close()
