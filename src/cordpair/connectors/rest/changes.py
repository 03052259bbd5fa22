"""A sync by a mapping: kind after kind, page after page, each with a bookmark from which another process can go on."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import httpx
import msgspec

from cordpair.connectors.kit import PartyPage
from cordpair.connectors.rest.answers import Answer
from cordpair.connectors.rest.client import Client
from cordpair.connectors.rest.mapping import Changes, PartyKind
from cordpair.connectors.rest.mapping import Mapping as MappingFile
from cordpair.connectors.rest.records import items_of, parties_of
from cordpair.connectors.rest.templates import as_text, expression
from cordpair.connectors.rest.values import instant_values
from cordpair.errors import PermanentFailure

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sync has come: changes since `since` (None: everybody) are read up to here. Instants are aware UTC.

    `kind` is the entity that is read, `cursor` the mark of its next page: a cursor, a last key, an address.
    """

    since: datetime | None = None
    started: datetime | None = None
    kind: int = 0
    number: int = 0
    offset: int = 0
    cursor: str | None = None


class Sync:
    """Reads the parties of one CRM."""

    def __init__(self, mapping: MappingFile, client: Client, now: Callable[[], datetime], zone: tzinfo) -> None:
        self._mapping, self._client, self._now, self._zone = mapping, client, now, zone
        self._kinds: Sequence[PartyKind] = [one for one in mapping.parties if one.changes is not None]

    async def pages(self, bookmark: str | None) -> AsyncIterator[PartyPage]:
        """All pages behind a bookmark. Raises TemporaryFailure and PermanentFailure."""
        place = _read(bookmark, self._mapping.title)
        if place.started is None:
            place = Bookmark(since=place.since, started=self._now())
        complete = not self._kinds
        while not complete:
            page, place, complete = await self._page(place)
            yield page

    async def _page(self, place: Bookmark) -> tuple[PartyPage, Bookmark, bool]:
        if place.kind >= len(self._kinds):
            raise PermanentFailure(f"the bookmark of the {self._mapping.title} sync is of another mapping")
        kind = self._kinds[place.kind]
        changes = kind.changes
        assert changes is not None
        answer = await self._ask(changes, place)
        items = items_of(expression(changes.items).read(answer.values))
        following = _following(changes, place, answer, items)
        complete = following is None and place.kind + 1 >= len(self._kinds)
        if following is None:
            following = (
                Bookmark(since=place.started)
                if complete
                else Bookmark(since=place.since, started=place.started, kind=place.kind + 1)
            )
        parties = parties_of(
            items,
            changes.record or kind.record,
            connector=self._mapping.name,
            kind=kind.kind,
            kinds=[one.kind for one in self._mapping.parties],
        )
        text = msgspec.json.encode(following).decode()
        return PartyPage(parties=tuple(parties), bookmark=text, complete=complete), following, complete

    async def _ask(self, changes: Changes, place: Bookmark) -> Answer:
        paging = changes.paging
        if place.cursor is not None and paging.kind in ("url", "link"):
            return await self._client.read_at(place.cursor, changes.request, {})
        since = _EVER if place.since is None else place.since - timedelta(seconds=changes.overlap_s)
        page = {
            "number": place.number + paging.first,
            "offset": place.offset,
            "size": paging.size,
            "cursor": place.cursor,
        }
        values = instant_values(since, self._zone) | {"first": place.since is None}
        return await self._client.read(changes.request, {"page": page, "since": values})


def _following(changes: Changes, place: Bookmark, answer: Answer, items: list[object]) -> Bookmark | None:
    """The place of the next page; None behind the last one."""
    paging = changes.paging
    more = bool(expression(paging.more).read(answer.values)) if paging.more else bool(items)
    cursor = place.cursor
    match paging.kind:
        case "none":
            return None
        case "cursor" | "url":
            cursor = _mark(expression(paging.next).read(answer.values))
            more = cursor is not None and (more or not paging.more)
        case "link":
            cursor = _next_link(answer.link)
            more = cursor is not None
        case "keyset":
            cursor = _mark(expression(paging.next).read(items[-1])) if items else None
            more = more and cursor is not None
    if not more or (cursor is not None and cursor == place.cursor):
        return None
    return msgspec.structs.replace(place, number=place.number + 1, offset=place.offset + len(items), cursor=cursor)


def _mark(value: object) -> str | None:
    text = as_text(value)
    return text or None


def _next_link(header: str) -> str | None:
    links = httpx.Response(200, headers={"link": header}).links if header else {}
    return links.get("next", {}).get("url")


def _read(bookmark: str | None, title: str) -> Bookmark:
    try:
        return Bookmark() if bookmark is None else msgspec.json.decode(bookmark, type=Bookmark)
    except msgspec.DecodeError as exc:
        raise PermanentFailure(f"the bookmark of the {title} sync cannot be read; start it anew") from exc
