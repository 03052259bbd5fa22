"""iMIS as a CRM: see `Crm` in the kit for what is promised."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from cordpair.connectors.imis import paging
from cordpair.connectors.imis.activity import activity_entity, personal_texts
from cordpair.connectors.imis.answers import QUARANTINE_S, Json
from cordpair.connectors.imis.columns import ColumnBook, Columns
from cordpair.connectors.imis.contacts import contacts_of
from cordpair.connectors.imis.guards import guard, guard_column
from cordpair.connectors.imis.paging import Bookmark
from cordpair.connectors.imis.session import ImisSession, assembly_of
from cordpair.connectors.imis.settings import ImisSettings
from cordpair.connectors.imis.shapes import NAME, identity_of, items
from cordpair.connectors.imis.spelling import spellings
from cordpair.connectors.imis.tasks import ImisTasks
from cordpair.connectors.kit import Activity, PartyPage, Task
from cordpair.core.ids import PartyRef
from cordpair.core.party import PartyRecord
from cordpair.errors import PermanentFailure, UnknownOutcome

#: Clocks differ, and a change can be committed after its own time stamp: each sync looks back a little.
_OVERLAP = timedelta(minutes=5)
_MOST_DOUBLES = 10  # activities of one call at one party that a look finds
_MOST_HOLDERS = 100  # parties with one number that a live look-up returns


class ImisCrm:
    """One iMIS. The HTTP client of the session is shared with others and stays open."""

    keeps_activities = True

    def __init__(self, settings: ImisSettings, session: ImisSession, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._session = session
        self._contacts = contacts_of(settings, session)
        self._now = now
        self._book = ColumnBook(session, now)
        self._tasks = ImisTasks(settings, session, self._book, now)

    @property
    def name(self) -> str:
        return NAME

    async def find_by_phone(self, e164: str, region: str | None = None) -> Sequence[PartyRecord]:  # noqa: ARG002
        """Ask for one spelling after the other until one is known: at most five small queries.

        iMIS compares text with text. Spellings that are not asked for are found by the sync's index.
        """
        for spelling in spellings(e164):
            page = await self._contacts.with_number(spelling, _MOST_HOLDERS)
            if found := self._contacts.records(page):
                return found
        return ()

    async def changed_parties(self, bookmark: str | None) -> AsyncIterator[PartyPage]:
        """Read changed parties in pages, in the order of their ids.

        Raises TemporaryFailure when less than an hour has passed since the last sync began: the vendor's rule.
        """
        place, complete = paging.begun(paging.read_bookmark(bookmark), self._now()), False
        while not complete:
            place, page, fresh = await self._next_page(place)
            place = paging.following(place, page, [party.ref.id for party in fresh])
            complete = place.started is None
            yield PartyPage(parties=tuple(fresh), bookmark=paging.write_bookmark(place), complete=complete)

    async def log_activity(self, activity: Activity, *, key: str, repeat: bool) -> str:
        """Write one activity. Before a repeat the party's activities are searched for the key.

        The first write of a process looks as well: the answer tells what this installation calls its types.
        """
        columns = await self._book.of("Activity")
        if repeat or self._session.assembly is None:
            known = await self._logged(activity.party, key, columns, limit=1)
            if known:
                return known[0]
        body = activity_entity(activity, key, self._settings, columns, assembly_of(self._session))
        try:
            answer = await self._session.post("api/Activity", body, personal_texts(activity))
        except PermanentFailure:
            self._book.forget("Activity")
            raise
        written = identity_of(answer)
        if not written:
            raise UnknownOutcome("iMIS took an activity but did not name it", quarantine_s=QUARANTINE_S)
        return written

    async def update_activity(self, reference: str, activity: Activity, *, key: str) -> None:
        """Write the activity anew under its number. iMIS wants the whole object, and matches by the number alone."""
        columns = await self._book.of("Activity")
        body = activity_entity(activity, key, self._settings, columns, assembly_of(self._session), number=reference)
        try:
            await self._session.put(f"api/Activity/{quote(reference, safe='')}", body, personal_texts(activity))
        except PermanentFailure:
            self._book.forget("Activity")
            raise

    async def find_activities(self, party: PartyRef, key: str) -> Sequence[str]:
        return await self._logged(party, key, await self._book.of("Activity"), limit=_MOST_DOUBLES)

    @property
    def quarantine_s(self) -> float:
        return QUARANTINE_S

    async def add_task(self, task: Task, *, key: str, repeat: bool) -> str:
        """Write one follow-up where the organisation keeps them; `key` and `repeat` as for an activity."""
        return await self._tasks.add(task, key=key, repeat=repeat)

    def link(self, party: PartyRef) -> str:
        return self._settings.record_link.replace("{party_id}", quote(party.id, safe=""))

    async def close(self) -> None:
        """The HTTP client is not ours to close."""

    async def _logged(self, party: PartyRef, key: str, columns: Columns, *, limit: int) -> list[str]:
        column = guard_column(self._settings.guard_column, columns, "guard_column")
        query = {"PartyId": party.id, column: guard(key), "limit": str(limit)}
        found = items(await self._session.get("api/Activity", query))
        return [identity_of(one) for one in found]

    async def _next_page(self, place: Bookmark) -> tuple[Bookmark, Json, list[PartyRecord]]:
        """The page behind `place`, without those who were read before; from where it was found at last."""
        while True:
            page = await self._pull(place)
            parties = self._contacts.records(page)
            known = paging.read_before(place, [party.ref.id for party in parties])
            if known is not None:
                return place, page, parties[known:]
            place = paging.further_back(place, page)

    async def _pull(self, place: Bookmark) -> Json:
        since = None if place.since is None else place.since - _OVERLAP
        async with self._session.pull:
            return await self._contacts.changed(since, self._settings.page_size, paging.asked_from(place))
