"""Fanning floor views out to open pages."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import pytest
from msgspec.structs import replace

from cordpair.core.ids import TenantId
from cordpair.errors import TemporaryFailure
from cordpair.web.floor_live import FloorLive
from cordpair.web.floor_view import FloorView
from tests.web.floor_sample import TENANT, HeldFloor, plausible

Stream = AsyncGenerator[dict[str, str], None]


def draw(view: FloorView, language: str) -> Mapping[str, str]:
    """Two sections, of which one changes with the organisation's name."""
    return {"name": f"{language} {view.organisation}", "steady": language}


def named(name: str) -> FloorView:
    return replace(plausible(), organisation=name)


def live(floor: HeldFloor, *, gap_s: float = 0.0, heartbeat_s: float = 5.0) -> FloorLive:
    return FloorLive(floor, draw, gap_s=gap_s, heartbeat_s=heartbeat_s)


async def soon(stream: Stream) -> dict[str, str]:
    return await asyncio.wait_for(anext(stream), 2)


async def until_read(floor: HeldFloor) -> None:
    await asyncio.wait_for(floor.opened.wait(), 2)


async def test_a_page_gets_everything_first_and_then_only_what_changed() -> None:
    floor = HeldFloor(named("Nord"))
    page = live(floor).stream(TENANT, "en")
    assert await soon(page) == {"name": "en Nord", "steady": "en"}
    await until_read(floor)
    await floor.show(named("Ost"))
    assert await change(page) == {"name": "en Ost"}
    await page.aclose()


async def test_every_page_gets_a_change_in_its_language() -> None:
    floor = HeldFloor(named("Nord"))
    rooms = live(floor)
    pages = [rooms.stream(TENANT, language) for language in ("en", "de")]
    for page in pages:
        await soon(page)
    await until_read(floor)
    await floor.show(named("Ost"))
    assert [await change(page) for page in pages] == [{"name": "en Ost"}, {"name": "de Ost"}]
    for page in pages:
        await page.aclose()


async def change(page: Stream) -> dict[str, str]:
    """The next sections that changed (a drawing that changes nothing wakes pages too)."""
    while True:
        sections = await soon(page)
        if sections:
            return sections


async def test_a_page_that_reads_slowly_skips_to_the_newest() -> None:
    floor = HeldFloor(named("0"))
    rooms = live(floor)
    slow, fast = rooms.stream(TENANT, "en"), rooms.stream(TENANT, "en")
    await soon(slow)
    await soon(fast)
    await until_read(floor)
    for number in range(1, 20):
        await floor.show(named(str(number)))
        assert await change(fast) == {"name": f"en {number}"}
    assert await change(slow) == {"name": "en 19"}
    await slow.aclose()
    await fast.aclose()


async def test_changes_are_gathered_between_two_drawings() -> None:
    floor = HeldFloor(named("0"))
    drawn: list[str] = []

    def counting(view: FloorView, language: str) -> Mapping[str, str]:
        drawn.append(view.organisation)
        return draw(view, language)

    page = FloorLive(floor, counting, gap_s=0.2).stream(TENANT, "en")
    await soon(page)
    await until_read(floor)
    for number in range(1, 100):
        await floor.show(named(str(number)))
        await asyncio.sleep(0)
    while (await change(page))["name"] != "en 99":
        pass
    assert len(drawn) <= 4
    await page.aclose()


async def test_a_quiet_floor_still_gives_a_heartbeat() -> None:
    page = live(HeldFloor(named("Nord")), heartbeat_s=0.01).stream(TENANT, "en")
    await soon(page)
    assert await soon(page) == {}
    await page.aclose()


async def test_nobody_reads_the_source_once_the_last_page_is_closed() -> None:
    floor = HeldFloor(named("Nord"))
    rooms = live(floor)
    page = rooms.stream(TENANT, "en")
    await soon(page)
    await until_read(floor)
    await page.aclose()
    for _ in range(20):
        await asyncio.sleep(0)
    assert (rooms.open_pages, floor.readers) == (0, 0)


class Stumbling(HeldFloor):
    """A source whose first reading breaks."""

    broken = True

    async def changes(self, tenant: TenantId) -> AsyncIterator[FloorView]:
        if self.broken:
            self.broken = False
            raise TemporaryFailure("the database is away")
        async for view in super().changes(tenant):
            yield view


async def test_updates_go_on_after_the_source_was_away() -> None:
    floor = Stumbling(named("Nord"))
    page = live(floor).stream(TENANT, "en")
    await soon(page)
    await floor.show(named("Ost"))
    assert await change(page) == {"name": "en Ost"}
    await page.aclose()


async def test_a_source_without_a_view_refuses_a_page_and_keeps_nothing() -> None:
    class Starting(HeldFloor):
        def current(self, tenant: TenantId) -> FloorView:
            raise TemporaryFailure("not ready")

    rooms = live(Starting(plausible()))
    with pytest.raises(TemporaryFailure):
        await soon(rooms.stream(TENANT, "en"))
    assert rooms.open_pages == 0
