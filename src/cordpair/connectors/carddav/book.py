"""An address book as a source of parties: see `Crm` in the kit for what is promised. It keeps no activities."""

from collections.abc import AsyncIterator, Iterator, Sequence
from urllib.parse import quote

import msgspec
import vobject

from cordpair.connectors.carddav.dav import Dav, StaleToken
from cordpair.connectors.kit import Activity, PartyPage
from cordpair.core.caller import Grade
from cordpair.core.ids import PartyRef
from cordpair.core.number_text import digits
from cordpair.core.numbers import grade
from cordpair.core.party import PartyRecord, StoredPhone
from cordpair.errors import PermanentFailure

NAME = "carddav"
_PART = 4  # digits that are asked for: servers compare text with text, and people group the others
_MOST = 500  # cards that a live look-up reads


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sync has come: changes since the token `since` are read up to the card `after`.

    `until` is the token of when the sync began; None: none is under way.
    """

    since: str = ""
    until: str | None = None
    after: str = ""


class AddressBook:
    """One address book."""

    keeps_activities = False

    def __init__(self, dav: Dav, *, region: str) -> None:
        self._dav, self._region = dav, region

    @property
    def name(self) -> str:
        return NAME

    async def find_by_phone(self, e164: str, region: str | None = None) -> Sequence[PartyRecord]:
        """Ask for the last digits as they stand together, and compare what is found."""
        part = digits(e164)[-_PART:]
        found = [_party(card) for card in await self._dav.with_number(part, _MOST)] if part else []
        return [party for party in found if party is not None and self._holds(party, e164, region)]

    async def changed_parties(self, bookmark: str | None) -> AsyncIterator[PartyPage]:
        """Pages in the order of paths; what changes meanwhile comes in the next sync, since its token is older."""
        place, complete = _read(bookmark), False
        while not complete:
            listing, place = await self._listing(place)
            paths = [path for path in listing if path > place.after]
            page = paths[: self._dav.settings.page_size]
            complete = len(paths) <= len(page)
            cards = await self._dav.cards(page)
            place = (
                Bookmark(since=place.until or "")
                if complete
                else Bookmark(since=place.since, until=place.until, after=page[-1])
            )
            parties = tuple(party for party in map(_party, cards) if party is not None)
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
        return self._dav.settings.record_link.replace("{party_id}", quote(party.id, safe=""))

    async def close(self) -> None:
        """The HTTP client is not ours to close."""

    async def _listing(self, place: Bookmark) -> tuple[Sequence[str], Bookmark]:
        try:
            listing = await self._dav.changed(place.since)
        except StaleToken:
            place = Bookmark()
            listing = await self._dav.changed("")
        if place.until is None:
            place = msgspec.structs.replace(place, until=listing.token)
        return listing.paths, place

    def _holds(self, party: PartyRecord, e164: str, region: str | None) -> bool:
        country = party.region or region or self._region
        return any(grade(e164, phone.raw, country)[0] is not Grade.NONE for phone in party.phones)


def _party(card: str) -> PartyRecord | None:
    """A party from a vCard; None for one that cannot be read or names nobody."""
    try:
        read = vobject.readOne(card)
    except (vobject.base.ParseError, StopIteration, ValueError):
        return None
    own = _text(getattr(read, "uid", None))
    if not own:
        return None
    organization = getattr(getattr(read, "org", None), "value", [])
    return PartyRecord(
        ref=PartyRef(NAME, own),
        name=_text(getattr(read, "fn", None)),
        company=str(organization[0]).strip() if organization else "",
        phones=tuple(_phones(read)),
        is_organization=_text(getattr(read, "kind", None)).lower() == "org",
    )


def _phones(card: "vobject.base.Component") -> Iterator[StoredPhone]:
    for one in getattr(card, "tel_list", []):
        raw = str(one.value).removeprefix("tel:").strip()
        if raw:
            yield StoredPhone(raw=raw, label=", ".join(one.params.get("TYPE", [])))


def _text(line: object) -> str:
    return " ".join(str(getattr(line, "value", "")).split())


def _keeps_none() -> PermanentFailure:
    return PermanentFailure("CardDAV keeps no activities: an address book is only read")


def _read(bookmark: str | None) -> Bookmark:
    try:
        return Bookmark() if bookmark is None else msgspec.json.decode(bookmark, type=Bookmark)
    except msgspec.DecodeError as exc:
        raise PermanentFailure("the bookmark of the CardDAV sync cannot be read; start it anew") from exc
