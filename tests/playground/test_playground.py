"""A real client that nobody here wrote: the Agents Playground installs the bot and takes a call, as an agent does.

`PICTURES=docs/images` writes the picture of the card for the documentation there, `card.png`.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.browser import CHROMIUM, FLAGS
from tests.playground.client import Playground, playground
from tests.playground.pictures import Album
from tests.playground.stand import Desk, Stand, standing

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURES = os.environ.get("PICTURES", "")
_PATIENCE_MS = 15_000  #: on a machine that has other things to do


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand() -> AsyncIterator[Stand]:
    async with standing() as everything:
        yield everything


async def test_an_agent_refuses_a_call_takes_it_after_all_and_logs_it(
    stand: Stand, browser: Browser, tmp_path: Path
) -> None:
    desk, album = stand.desk("Alfie Thornbury"), Album()
    async with playground(desk, browser, tmp_path) as teams:
        await expect(teams.cards.last).to_contain_text("Hello!")
        await desk.sign_in()
        await teams.say("ready")
        await expect(teams.cards.last).to_contain_text("Ready")
        before = await teams.cards.count()

        member = desk.member()
        call = await desk.call_in(member.e164[0])
        await desk.until_it_rings()
        card = teams.card(member.name)
        await expect(card).to_contain_text("Incoming call")
        await expect(card).to_contain_text(member.company)
        await album.take(card)

        await card.get_by_role("button", name="Not now").click()
        await expect(card).to_contain_text("You said not now")
        await desk.until_it_rings(ringing=False)
        await card.get_by_role("button", name="Take it after all").click()
        await desk.until_it_rings()
        await expect(card).to_contain_text("Incoming call")

        await desk.do("accept")
        await expect(card).to_contain_text("In conversation")
        await desk.caller_hangs_up(call)
        await expect(card).to_contain_text("Wrap up the call")
        await card.get_by_role("combobox").click()
        await teams.page.get_by_role("option", name="Call back").click()
        await card.get_by_role("textbox", name="Note").fill("Wants the events calendar by post.")
        await album.take(card)
        await card.get_by_role("button", name="Save").click()
        await expect(card).to_contain_text("Done")
        await expect(card).to_contain_text("logged in iMIS")
        await album.take(card)

        (logged,) = await desk.logged()
        assert (logged["PartyId"], logged["UF_3"]) == (member.party_id, "Call back")
        assert logged["NOTE"] == "Wants the events calendar by post."
        assert await teams.cards.count() == before + 1
        assert len(posted(teams, member.name)) == 1, "one card, changed in place"
    if PICTURES:
        await album.write(browser, Path(PICTURES) / "card.png")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("hello", "Guten Tag!"),
        ("help", "Ich bringe Ihnen die Anrufe"),
        ("queues", "Veranstaltungen"),
        ("status", "Abgemeldet"),
        ("gibberish", "Das habe ich nicht verstanden"),
    ],
)
async def test_a_german_agent_is_answered_in_german(german: Playground, words: str, answer: str) -> None:
    before = await german.cards.count()
    await german.say(words)
    await expect(german.cards).to_have_count(before + 1)
    await expect(german.cards.last).to_contain_text(answer)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def german(stand: Stand, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Playground]:
    async with playground(stand.desk("Ada Lindgreen"), browser, tmp_path_factory.mktemp("german")) as teams:
        await expect(teams.cards.last).to_contain_text("Guten Tag!")
        yield teams


async def test_a_bot_added_without_a_language_speaks_the_one_that_was_set_up(stand: Stand) -> None:
    desk = stand.desk("Bruno Achterberg")
    bot = {"id": desk.tenant.registration.bot_id}
    await stand.post(desk.bot_endpoint, {**plain_activity(desk), "type": "conversationUpdate", "membersAdded": [bot]})
    assert (await desk.chat()).locale == "de-DE"


def plain_activity(desk: Desk) -> dict[str, Any]:
    """What a client says of itself in every activity; the language is not part of it."""
    return {
        "id": "activity-1",
        "serviceUrl": "http://127.0.0.1:9/_connector",
        "from": {"id": desk.agent.teams_id, "aadObjectId": desk.agent.id},
        "recipient": {"id": desk.tenant.registration.bot_id},
        "conversation": {"id": desk.agent.conversation, "conversationType": "personal"},
    }


def posted(teams: Playground, words: str) -> list[dict[str, Any]]:
    """Messages of the bot with these words that were posted anew, by what the Playground recorded."""
    from_bot = [entry for entry in teams.heard() if entry["direction"].startswith("User Application")]
    return [entry for entry in from_bot if entry["request"]["method"] == "POST" and words in str(entry["request"])]
