"""Live updates of floor pages: each change is rendered once per language and fanned out to every open page.

A page that reads slowly never holds the others up and never lags behind: it skips to the newest rendering of each
section. Section names are the ids of the page's elements.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress

import structlog

from cordpair.core.ids import TenantId
from cordpair.errors import CordpairError
from cordpair.web.floor_view import FloorSource, FloorView

log = structlog.get_logger(__name__)

#: Renders all sections of a view in one language: element id -> HTML.
Render = Callable[[FloorView, str], Mapping[str, str]]


class _Room:
    """All open pages of one tenant. `sections` holds the newest HTML of each section and the round that changed it."""

    def __init__(self) -> None:
        self.pages: dict[asyncio.Event, str] = {}
        self.round = 0
        self.sections: dict[str, dict[str, tuple[int, str]]] = {}
        self.newest: FloorView | None = None
        self.changed = asyncio.Event()
        self.work: asyncio.Task[None] | None = None


class FloorLive:
    """Fans views out. At most one rendering per `gap_s` seconds; a heartbeat after `heartbeat_s` without any."""

    def __init__(self, source: FloorSource, render: Render, *, gap_s: float = 0.2, heartbeat_s: float = 5.0) -> None:
        self._source = source
        self._render = render
        self._gap_s = gap_s
        self._heartbeat_s = heartbeat_s
        self._rooms: dict[TenantId, _Room] = {}

    @property
    def open_pages(self) -> int:
        """How many pages are open now."""
        return sum(len(room.pages) for room in self._rooms.values())

    async def stream(self, tenant: TenantId, language: str) -> AsyncGenerator[dict[str, str], None]:
        """Sections that changed, again and again; an empty mapping is the heartbeat. Ends when it is closed."""
        room, wake = self._enter(tenant, language)
        sent = -1
        try:
            while True:
                news = room.sections.get(language, {})
                changed = {name: html for name, (changed_in, html) in news.items() if changed_in > sent}
                sent = room.round
                wake.clear()
                yield changed
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), self._heartbeat_s)
        finally:
            self._leave(tenant, room, wake)

    def _enter(self, tenant: TenantId, language: str) -> tuple[_Room, asyncio.Event]:
        room = self._rooms.get(tenant) or _Room()
        if language not in room.sections:
            self._draw(room, language, self._source.current(tenant))
        self._rooms[tenant] = room
        wake = asyncio.Event()
        room.pages[wake] = language
        if room.work is None:
            room.work = asyncio.create_task(self._keep_current(tenant, room))
        return room, wake

    def _leave(self, tenant: TenantId, room: _Room, wake: asyncio.Event) -> None:
        del room.pages[wake]
        if not room.pages and room.work is not None:
            room.work.cancel()
            self._rooms.pop(tenant, None)

    async def _keep_current(self, tenant: TenantId, room: _Room) -> None:
        """Read the source and draw what it says, for as long as anybody looks."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read(tenant, room))
            tasks.create_task(self._draw_on_change(tenant, room))

    async def _read(self, tenant: TenantId, room: _Room) -> None:
        while True:
            try:
                async for view in self._source.changes(tenant):
                    room.newest = view
                    room.changed.set()
            except CordpairError as failed:
                log.warning("floor view not available", tenant_id=tenant, error=type(failed).__name__)
            except Exception:  # outermost loop: meanwhile the pages show the age of their data
                log.exception("floor view failed", tenant_id=tenant)
            await asyncio.sleep(1.0)

    async def _draw_on_change(self, tenant: TenantId, room: _Room) -> None:
        while True:
            await room.changed.wait()
            room.changed.clear()
            try:
                self._draw_all(room)
            except Exception:  # outermost loop, as above
                log.exception("floor view not drawn", tenant_id=tenant)
            await asyncio.sleep(self._gap_s)

    def _draw_all(self, room: _Room) -> None:
        view = room.newest
        if view is None:
            return
        room.round += 1
        wanted = set(room.pages.values())
        for gone in set(room.sections) - wanted:
            del room.sections[gone]
        for language in wanted:
            self._draw(room, language, view)
        for wake in room.pages:
            wake.set()

    def _draw(self, room: _Room, language: str, view: FloorView) -> None:
        before = room.sections.get(language, {})
        after = {}
        for name, html in self._render(view, language).items():
            known = before.get(name)
            after[name] = known if known is not None and known[1] == html else (room.round, html)
        room.sections[language] = after
