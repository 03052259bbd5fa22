"""The Agents Playground in Chromium: Microsoft's own bot client, in which an agent of the demo world works."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Browser, Locator, Page, Route

from tests.playground.stand import Desk
from tools.install_playground import PROGRAM, is_installed, node

_STARTS_IN_S = 40.0
_CARD = ".ac-adaptiveCard"


class Playground:
    """What an agent sees and does in the chat with the bot."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self._folder = folder

    @property
    def cards(self) -> Locator:
        """All cards of the chat, oldest first."""
        return self.page.locator(_CARD)

    def card(self, words: str) -> Locator:
        """The cards that show these words."""
        return self.cards.filter(has_text=words)

    async def say(self, words: str) -> None:
        """Write to the bot."""
        # The log panel has an editable field of its own, further down.
        await self.page.locator("[contenteditable=true]").first.click()
        await self.page.keyboard.type(words)
        await self.page.get_by_role("button", name="Send Message").click()

    def heard(self) -> list[dict[str, Any]]:
        """What the Playground recorded: every activity in and out, with the answers."""
        parts = "".join(file.read_text() for file in sorted(self._folder.glob("devTools/events_recording_*.log")))
        return [json.loads(part) for part in parts.split("---") if part.strip()]


@contextlib.asynccontextmanager
async def playground(desk: Desk, browser: Browser, folder: Path) -> AsyncIterator[Playground]:
    """The Playground, open, signed in as the agent of this desk. It keeps its files in `folder`."""
    assert is_installed(), "run: .venv/bin/python -m tools.install_playground"
    port = _free_port()
    async with _process(desk, folder, port) as url:
        context = await browser.new_context(viewport={"width": 1280, "height": 900}, device_scale_factor=2)
        await context.route(lambda address: urlsplit(address).hostname != "127.0.0.1", _nowhere)
        page = await context.new_page()
        await page.goto(url)
        yield Playground(page, folder)
        await context.close()


@contextlib.asynccontextmanager
async def _process(desk: Desk, folder: Path, port: int) -> AsyncIterator[str]:
    """The Playground's server; gives its address."""
    url, configuration = f"http://127.0.0.1:{port}", folder / "playground.yml"
    configuration.write_text(json.dumps(_configuration(desk)))  # JSON is YAML
    arguments = ["--app-endpoint", desk.bot_endpoint, "--channel-id", "msteams", "--port", str(port)]
    arguments += ["--service-url", f"{url}/_connector", "--enable-events-recording", "--disable-telemetry"]
    with (folder / "playground.out").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(str(node()), str(PROGRAM), "start", *arguments),
            cwd=folder,
            stdout=output,
            stderr=output,
            env={
                "PATH": os.defpath,
                "HOME": str(folder),
                "TEAMSAPPTESTER_BROWSER": "none",
                "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(configuration),
            },
        )
        try:
            await _until_up(process, url, folder)
            yield url
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _until_up(process: asyncio.subprocess.Process, url: str, folder: Path) -> None:
    async with httpx.AsyncClient(timeout=5) as http, asyncio.timeout(_STARTS_IN_S):
        while True:
            if process.returncode is not None:
                raise AssertionError(f"the Playground ended, and said why: {_said(folder)}")
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"{url}/_internal/v1/config")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


def _said(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.glob("devTools/m365agentsplayground.log"))[-2000:]


async def _nowhere(route: Route) -> None:
    """Fonts and an animation that the page fetches elsewhere; it does without them."""
    await route.abort()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _configuration(desk: Desk) -> dict[str, Any]:
    """The Playground's own file: who signs in, with which bot they chat. It wants five colleagues and two channels."""
    tenant, registration = desk.tenant, desk.tenant.registration
    stranger = {
        "userPrincipleName": "nobody@example.com",
        "email": "nobody@example.com",
        "givenName": "",
        "surname": "",
    }
    colleagues = [
        {**stranger, "id": f"29:{number}", "name": f"Colleague {number}", "aadObjectId": f"{number:032x}"}
        for number in range(1, 6)
    ]
    return {
        "version": "0.1.1",
        "tenantId": tenant.id,
        "bot": {"id": registration.bot_id, "name": registration.bot_name},
        "currentUser": _person(desk),
        "users": colleagues,
        "personalChat": {"id": desk.agent.conversation},
        "groupChat": {"id": "group", "name": "Group"},
        "team": {
            "id": "team",
            "name": "Team",
            "aadGroupId": f"{9:032x}",
            "channels": [{"id": "channel", "name": "Announcements"}],
        },
    }


def _person(desk: Desk) -> dict[str, str]:
    agent = desk.agent
    given, _, surname = agent.name.partition(" ")
    return {
        "id": agent.teams_id,
        "name": agent.name,
        "userPrincipleName": agent.upn,
        "aadObjectId": agent.id,
        "givenName": given,
        "surname": surname,
        "email": agent.upn,
    }
