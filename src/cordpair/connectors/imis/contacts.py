"""Where parties are read from: the Party entity and its kin, or a saved query that an administrator has made.

A saved query (IQA) spares iMIS the large objects. Newer installations answer flat rows at `api/query`, older ones bags
of properties at `api/IQA`; prompts are filled by their position.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from cordpair.connectors.imis.answers import Json, NoSuchPage
from cordpair.connectors.imis.session import ImisSession
from cordpair.connectors.imis.settings import ImisSettings
from cordpair.connectors.imis.shapes import (
    NAME,
    instant,
    items,
    local_text,
    party_record,
    region_of,
    scalar,
    text,
    values,
)
from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord, StoredPhone
from cordpair.errors import PermanentFailure

_NOT_FOUND = (404, 405, 501)
_NUMBERS = ("phone", "mobile", "telephone")


class Contacts(Protocol):
    """Parties of one iMIS, in pages."""

    async def with_number(self, spelling: str, limit: int) -> Json:
        """A page of those who hold a number that is spelled so."""

    async def changed(self, since: datetime | None, limit: int, offset: int) -> Json:
        """A page of those who have changed since an aware instant (None: of all), in the order of their ids."""

    def records(self, page: Json) -> list[PartyRecord]:
        """The parties of a page."""


def contacts_of(settings: ImisSettings, session: ImisSession) -> Contacts:
    return SavedQuery(settings, session) if settings.contacts_query else Entities(settings, session)


class Entities:
    """Party, Person or PartySummary: `Property=operator:value`."""

    def __init__(self, settings: ImisSettings, session: ImisSession) -> None:
        self._settings, self._session = settings, session
        self._path = f"api/{settings.search_entity}"

    async def with_number(self, spelling: str, limit: int) -> Json:
        return await self._session.get(self._path, {"Phone": spelling, "limit": str(limit)})

    async def changed(self, since: datetime | None, limit: int, offset: int) -> Json:
        query = {"OrderBy": "PartyId", "limit": str(limit), "offset": str(offset)}
        if since is not None:
            query["UpdatedOn"] = f"ge:{local_text(since, self._settings.time_zone)}"
        return await self._session.get(self._path, query)

    def records(self, page: Json) -> list[PartyRecord]:
        found = (party_record(entity, self._settings.time_zone) for entity in items(page))
        return [record for record in found if record is not None]


class SavedQuery:
    """A query with two prompts: a part of the number, changed since. One row for each contact, in the order of ID."""

    def __init__(self, settings: ImisSettings, session: ImisSession) -> None:
        self._settings, self._session = settings, session
        self._path = "api/query"

    async def with_number(self, spelling: str, limit: int) -> Json:
        return await self._ask((spelling, ""), limit, 0)

    async def changed(self, since: datetime | None, limit: int, offset: int) -> Json:
        text = "" if since is None else local_text(since, self._settings.time_zone)
        return await self._ask(("", text), limit, offset)

    def records(self, page: Json) -> list[PartyRecord]:
        found = (row_record(row_values(row), self._settings) for row in items(page))
        return [record for record in found if record is not None]

    async def _ask(self, prompts: tuple[str, str], limit: int, offset: int) -> Json:
        pages = [("limit", str(limit)), ("offset", str(offset))]
        query = [("QueryName", self._settings.contacts_query), *(("parameter", it) for it in prompts), *pages]
        try:
            return await self._session.get(self._path, query)
        except (PermanentFailure, NoSuchPage) as refused:
            if self._path == "api/IQA" or (isinstance(refused, PermanentFailure) and refused.status not in _NOT_FOUND):
                raise
        answer = await self._session.get("api/IQA", query)
        self._path = "api/IQA"  # as iMIS 2017 has it; from now on it is asked first
        return answer


def row_values(row: Json) -> dict[str, object]:
    """A row by column, names in lower case: flat, or a bag of properties."""
    if "Properties" in row:
        return {text(it.get("Name")).lower(): scalar(it.get("Value")) for it in values(row["Properties"])}
    return {name.lower(): scalar(value) for name, value in row.items() if name != "$type"}


def row_record(row: dict[str, object], settings: ImisSettings) -> PartyRecord | None:
    """A party from a row with ID, FullName, Company, Country, UpdatedOn and columns that are called after phones."""
    party_id = text(row.get("id")) or text(row.get("partyid"))
    if not party_id:
        return None
    return PartyRecord(
        ref=PartyRef(NAME, party_id),
        name=text(row.get("fullname")) or text(row.get("name")),
        company=text(row.get("company")),
        phones=tuple(_phones(row)),
        region=region_of(text(row.get("country")) or text(row.get("countrycode"))),
        updated_at=instant(row.get("updatedon"), settings.time_zone),
    )


def _phones(row: dict[str, object]) -> Iterator[StoredPhone]:
    seen = set()
    for name, value in row.items():
        raw = text(value)
        if raw and raw not in seen and any(word in name for word in _NUMBERS):
            seen.add(raw)
            yield StoredPhone(raw=raw, label=name)
