"""Parties and activities in two dictionaries, with the troubles of a remote system on demand."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from cordpair.connectors.kit import Activity, PartyPage
from cordpair.core.caller import Grade
from cordpair.core.ids import PartyRef
from cordpair.core.numbers import grade
from cordpair.core.party import PartyRecord
from cordpair.errors import PermanentFailure, TemporaryFailure, UnknownOutcome


class Trouble(StrEnum):
    """What the next call of a method can meet."""

    AWAY = "away"  # nothing done, TemporaryFailure
    REFUSED = "refused"  # nothing done, PermanentFailure
    ANSWER_LOST = "answer_lost"  # carried out, UnknownOutcome


@dataclass
class Logged:
    """An activity and the key under which it was written."""

    id: str
    key: str
    activity: Activity


class _Bookmark(msgspec.Struct, frozen=True):
    """Changes are counted: a sync is through all changes up to `until`, or behind party `after` on the way there."""

    since: int
    until: int
    after: str = ""


@dataclass(kw_only=True)
class MemoryCrm:
    """See `Crm`. `troubles` meet the next calls, one each. `page_size` parties come on a page of a sync."""

    now: Callable[[], datetime]
    region: str = "DE"
    page_size: int = 100
    record_link: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    logged: list[Logged] = field(default_factory=list)
    parties: dict[str, PartyRecord] = field(default_factory=dict)
    _changes: dict[str, int] = field(default_factory=dict)
    _count: int = 0

    @property
    def keeps_activities(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return "memory"

    def put(self, records: Iterable[PartyRecord]) -> None:
        """Enter or change parties."""
        for record in records:
            self._count += 1
            self.parties[record.ref.id] = msgspec.structs.replace(record, updated_at=self.now())
            self._changes[record.ref.id] = self._count

    async def find_by_phone(self, e164: str, region: str | None = None) -> Sequence[PartyRecord]:
        self._meet_trouble()
        return [record for record in self.parties.values() if self._has(record, e164, region)]

    async def changed_parties(self, bookmark: str | None) -> AsyncIterator[PartyPage]:
        place = _read(bookmark) or _Bookmark(0, self._count)
        if not place.after:
            place = _Bookmark(place.since, self._count)
        complete = False
        while not complete:
            self._meet_trouble()
            page, place, complete = self._page(place)
            yield PartyPage(parties=page, bookmark=msgspec.json.encode(place).decode(), complete=complete)

    async def log_activity(self, activity: Activity, *, key: str, repeat: bool) -> str:
        trouble = self._meet_trouble()
        same = (one for one in self.logged if one.key == key and one.activity.party == activity.party)
        if repeat and (known := next(same, None)):
            return known.id
        if activity.party.id not in self.parties:
            raise PermanentFailure("Memory does not know the party", status=404)
        self.logged.append(Logged(str(len(self.logged) + 1), key, activity))
        if trouble is Trouble.ANSWER_LOST:
            raise UnknownOutcome("Memory did not answer")
        return self.logged[-1].id

    async def update_activity(self, reference: str, activity: Activity, *, key: str) -> None:
        trouble = self._meet_trouble()
        known = next((one for one in self.logged if (one.id, one.key) == (reference, key)), None)
        if known is None:
            raise PermanentFailure("Memory does not know the activity", status=404)
        known.activity = activity
        if trouble is Trouble.ANSWER_LOST:
            raise UnknownOutcome("Memory did not answer")

    async def find_activities(self, party: PartyRef, key: str) -> Sequence[str]:
        self._meet_trouble()
        return [one.id for one in self.logged if one.key == key and one.activity.party == party]

    @property
    def quarantine_s(self) -> float:
        return 0.0  # what is done is done at once

    def link(self, party: PartyRef) -> str:
        return self.record_link.replace("{party_id}", party.id)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _page(self, place: _Bookmark) -> tuple[tuple[PartyRecord, ...], _Bookmark, bool]:
        changed = sorted(party for party, change in self._changes.items() if change > place.since)
        rest = [party for party in changed if party > place.after]
        part = rest[: self.page_size]
        complete = len(rest) <= self.page_size
        following = _Bookmark(place.until, place.until) if complete else _Bookmark(place.since, place.until, part[-1])
        return tuple(self.parties[party] for party in part), following, complete

    def _has(self, record: PartyRecord, e164: str, region: str | None) -> bool:
        country = record.region or region or self.region
        return any(grade(e164, phone.raw, country)[0] is not Grade.NONE for phone in record.phones)

    def _meet_trouble(self) -> Trouble | None:
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is Trouble.AWAY:
            raise TemporaryFailure("Memory is away")
        if trouble is Trouble.REFUSED:
            raise PermanentFailure("Memory refused the request", status=400)
        return trouble


def _read(bookmark: str | None) -> _Bookmark | None:
    try:
        return None if bookmark is None else msgspec.json.decode(bookmark, type=_Bookmark)
    except msgspec.DecodeError as exc:
        raise PermanentFailure("Memory cannot read this bookmark") from exc
