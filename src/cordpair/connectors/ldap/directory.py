"""A directory as a source of parties: see `Crm` in the kit for what is promised. It keeps no activities."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec
import phonenumbers as lib

from cordpair.connectors.kit import Activity, PartyPage
from cordpair.connectors.ldap.settings import LdapSettings
from cordpair.connectors.ldap.wire import Entry, LdapWire, escaped
from cordpair.core.caller import Grade
from cordpair.core.ids import PartyRef
from cordpair.core.numbers import grade
from cordpair.core.party import PartyRecord, StoredPhone
from cordpair.errors import PermanentFailure

NAME = "ldap"
_OVERLAP = timedelta(minutes=5)
_SUFFIX = 6  # digits that are asked for; what is found is compared whole afterwards
_MOST = 100  # entries that a live look-up returns
_HEX = 32  # digits of a GUID that is bytes


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sync has come: changes since `since` (None: everybody) are read up to the entry `after`."""

    since: datetime | None = None
    started: datetime | None = None
    after: str = ""


class LdapDirectory:
    """One directory."""

    keeps_activities = False

    def __init__(self, settings: LdapSettings, wire: LdapWire, *, region: str, now: Callable[[], datetime]) -> None:
        self._settings, self._wire, self._region, self._now = settings, wire, region, now
        self._listed: tuple[datetime, list[str]] | None = None  #: ids of the sync that began then

    @property
    def name(self) -> str:
        return NAME

    async def find_by_phone(self, e164: str, region: str | None = None) -> Sequence[PartyRecord]:
        """Ask for the last digits with anything between them, and compare what is found.

        A directory's own comparison passes over spaces and hyphens, but not over slashes, dots or parentheses.
        """
        try:
            digits = lib.national_significant_number(lib.parse(e164, None))[-_SUFFIX:]
        except lib.NumberParseException:
            return ()
        pattern = "*" + "*".join(digits)
        numbers = "".join(f"({name}={pattern})" for name in self._settings.phones)
        found = await self._wire.search(f"(&{self._settings.filter}(|{numbers}))", self._settings.attributes, _MOST)
        parties = [party for party in map(self._party, found) if party is not None]
        return [party for party in parties if self._holds(party, e164, region)]

    async def changed_parties(self, bookmark: str | None) -> AsyncIterator[PartyPage]:
        """Pages in the order of ids. The ids are listed once a sync, small; each page then asks for its entries."""
        place = _read(bookmark)
        if place.started is None:
            place = Bookmark(since=place.since, started=self._now())
        complete = False
        while not complete:
            assert place.started is not None
            ids = [one for one in await self._ids(place.started, place.since) if one > place.after]
            page = ids[: self._settings.page_size]
            complete = len(ids) <= self._settings.page_size
            parties = await self._entries(page)
            place = (
                Bookmark(since=place.started)
                if complete
                else Bookmark(since=place.since, started=place.started, after=page[-1])
            )
            yield PartyPage(parties=parties, bookmark=msgspec.json.encode(place).decode(), complete=complete)

    async def log_activity(self, activity: Activity, *, key: str, repeat: bool) -> str:  # noqa: ARG002
        raise _keeps_none()

    async def update_activity(self, reference: str, activity: Activity, *, key: str) -> None:  # noqa: ARG002
        raise _keeps_none()

    async def find_activities(self, party: PartyRef, key: str) -> Sequence[str]:  # noqa: ARG002
        return ()

    @property
    def quarantine_s(self) -> float:
        return 0.0  # nothing is written

    def link(self, party: PartyRef) -> str:
        return self._settings.record_link.replace("{party_id}", quote(party.id, safe=""))

    async def close(self) -> None:
        """Every search lets go of its own connection."""

    async def _ids(self, started: datetime, since: datetime | None) -> list[str]:
        if self._listed is None or self._listed[0] != started:
            query = self._settings.filter
            if since is not None:
                changed = (since - _OVERLAP).astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
                query = f"(&{query}({self._settings.changed}>={changed}))"
            found = await self._wire.search(query, [self._settings.id])
            self._listed = started, sorted(filter(None, (self._first(one, self._settings.id) for one in found)))
        return self._listed[1]

    async def _entries(self, ids: Sequence[str]) -> tuple[PartyRecord, ...]:
        if not ids:
            return ()
        wanted = "".join(f"({self._settings.id}={_value(one)})" for one in ids)
        found = await self._wire.search(f"(&{self._settings.filter}(|{wanted}))", self._settings.attributes)
        return tuple(party for party in map(self._party, found) if party is not None)

    def _party(self, entry: Entry) -> PartyRecord | None:
        settings = self._settings
        own = self._first(entry, settings.id)
        if not own:
            return None
        country = self._first(entry, settings.country).upper()
        return PartyRecord(
            ref=PartyRef(NAME, own),
            name=self._first(entry, settings.name),
            company=self._first(entry, settings.company),
            phones=tuple(self._phones(entry)),
            region=country if len(country) == 2 else None,
            updated_at=_instant(self._first(entry, settings.changed)),
        )

    def _phones(self, entry: Entry) -> Iterator[StoredPhone]:
        for name in self._settings.phones:
            yield from (StoredPhone(raw=value, label=name) for value in _values(entry, name) if value.strip())

    def _first(self, entry: Entry, name: str) -> str:
        return next(iter(_values(entry, name)), "") if name else ""

    def _holds(self, party: PartyRecord, e164: str, region: str | None) -> bool:
        country = party.region or region or self._region
        return any(grade(e164, phone.raw, country)[0] is not Grade.NONE for phone in party.phones)


def _values(entry: Entry, name: str) -> tuple[str, ...]:
    """Names of attributes are compared case aside."""
    return next((values for held, values in entry.items() if held.lower() == name.lower()), ())


def _value(own: str) -> str:
    """An id inside a filter; one that is bytes is written byte by byte."""
    if len(own) == _HEX and all(mark in "0123456789abcdef" for mark in own):
        return "".join(f"\\{own[at : at + 2]}" for at in range(0, _HEX, 2))
    return escaped(own)


def _instant(text: str) -> datetime | None:
    """GeneralizedTime in UTC (20261123120000Z, with or without fractions)."""
    try:
        return datetime.strptime(text.partition(".")[0].rstrip("Z"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _keeps_none() -> PermanentFailure:
    return PermanentFailure("LDAP keeps no activities: a directory is only read")


def _read(bookmark: str | None) -> Bookmark:
    try:
        return Bookmark() if bookmark is None else msgspec.json.decode(bookmark, type=Bookmark)
    except msgspec.DecodeError as exc:
        raise PermanentFailure("the bookmark of the LDAP sync cannot be read; start it anew") from exc
