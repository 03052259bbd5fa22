"""iMIS as a CRM: see `Crm` in the kit for what is promised."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from cordpair.connectors.imis.activity import activity_entity, guard, personal_texts
from cordpair.connectors.imis.answers import QUARANTINE_S, Json
from cordpair.connectors.imis.session import ImisSession, assembly_of
from cordpair.connectors.imis.settings import ImisSettings
from cordpair.connectors.imis.shapes import NAME, identity_of, items, local_text, next_offset, party_record
from cordpair.connectors.imis.spelling import spellings
from cordpair.connectors.kit import Activity, PartyPage
from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.errors import PermanentFailure, UnknownOutcome

#: Clocks differ, and a change can be committed after its own time stamp: each sync looks back a little.
_OVERLAP = timedelta(minutes=5)
_MOST_HOLDERS = 100  # parties with one number that a live look-up returns


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sync has come: changes since `since` (None: everything) are read up to `offset`.

    The sync began at `started`, which is the next sync's `since`. Instants are aware UTC.
    """

    since: datetime | None = None
    started: datetime | None = None
    offset: int = 0


class ImisCrm:
    """One iMIS. The HTTP client of the session is shared with others and stays open."""

    def __init__(self, settings: ImisSettings, session: ImisSession, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._session = session
        self._now = now

    @property
    def name(self) -> str:
        return NAME

    async def find_by_phone(self, e164: str, region: str | None = None) -> Sequence[PartyRecord]:  # noqa: ARG002
        """Ask for one spelling after the other until one is known: at most five small queries.

        iMIS compares text with text. Spellings that are not asked for are found by the sync's index.
        """
        for spelling in spellings(e164):
            query = {"Phone": spelling, "limit": str(_MOST_HOLDERS)}
            page = await self._session.get(f"api/{self._settings.search_entity}", query)
            if found := self._records(page):
                return found
        return ()

    async def changed_parties(self, bookmark: str | None) -> AsyncIterator[PartyPage]:
        """Read changed parties in pages, in the order of their ids: who changes meanwhile moves nobody else.

        How often this may be called is the vendor's rule (once an hour) and the caller's duty.
        """
        place = _read_bookmark(bookmark)
        if place.started is None:
            place = Bookmark(since=place.since, started=self._now(), offset=0)
        complete = False
        while not complete:
            page = await self._pull(place)
            following = next_offset(page)
            complete = following is None
            place = (
                Bookmark(since=place.started)
                if following is None
                else Bookmark(since=place.since, started=place.started, offset=following)
            )
            yield PartyPage(parties=self._records(page), bookmark=_write_bookmark(place), complete=complete)

    async def log_activity(self, activity: Activity, *, key: str, repeat: bool) -> str:
        """Write one activity. Before a repeat the party's activities are searched for the key.

        The first write of a process looks as well: the answer tells what this installation calls its types.
        """
        if repeat or self._session.assembly is None:
            known = await self._logged(activity.party, key)
            if known:
                return known
        body = activity_entity(activity, key, self._settings, assembly_of(self._session))
        answer = await self._session.post("api/Activity", body, personal_texts(activity))
        written = identity_of(answer)
        if not written:
            raise UnknownOutcome("iMIS took an activity but did not name it", retry_after_s=QUARANTINE_S)
        return written

    def link(self, party: PartyRef) -> str:
        return self._settings.record_link.replace("{party_id}", quote(party.id, safe=""))

    async def close(self) -> None:
        """The HTTP client is not ours to close."""

    async def _logged(self, party: PartyRef, key: str) -> str:
        query = {"PartyId": party.id, self._settings.guard_column: guard(key), "limit": "1"}
        found = items(await self._session.get("api/Activity", query))
        return identity_of(found[0]) if found else ""

    async def _pull(self, place: Bookmark) -> Json:
        query = {"OrderBy": "PartyId", "limit": str(self._settings.page_size), "offset": str(place.offset)}
        if place.since is not None:
            query["UpdatedOn"] = f"ge:{local_text(place.since - _OVERLAP, self._settings.time_zone)}"
        async with self._session.pull:
            return await self._session.get(f"api/{self._settings.search_entity}", query)

    def _records(self, page: Json) -> tuple[PartyRecord, ...]:
        records = (party_record(entity, self._settings.time_zone) for entity in items(page))
        return tuple(record for record in records if record is not None)


def _read_bookmark(text: str | None) -> Bookmark:
    try:
        return Bookmark() if text is None else msgspec.json.decode(text, type=Bookmark)
    except msgspec.DecodeError as exc:
        raise PermanentFailure("the bookmark of the iMIS sync cannot be read; start it anew") from exc


def _write_bookmark(place: Bookmark) -> str:
    return msgspec.json.encode(place).decode()
