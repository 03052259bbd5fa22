"""How a sync goes through a list that changes under its hands, and loses and repeats nobody.

iMIS pages by offset: whoever leaves the list while it is read moves everybody behind them one place forward, whoever
joins it one place back. So each page is asked for from a little before its beginning and must hold somebody of those
who were read last; if it does not, it is asked for from further back.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from cordpair.connectors.imis.answers import Json
from cordpair.connectors.imis.shapes import items, next_offset
from cordpair.errors import PermanentFailure, TemporaryFailure

#: The vendor's rule: nobody asks for changes more often.
POLL_EVERY = timedelta(hours=1)
_REMEMBERED = 8


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sync has come: changes since `since` (None: everything) are read up to `offset`.

    The sync began at `started`, which is the next sync's `since`. Instants are aware UTC. `last` are marks of those who
    were read last, the newest at the end; `size` is how many the last page held.
    """

    since: datetime | None = None
    started: datetime | None = None
    offset: int = 0
    last: tuple[str, ...] = ()
    size: int = 0


def read_bookmark(text: str | None) -> Bookmark:
    """Raises PermanentFailure for what is no bookmark."""
    try:
        return Bookmark() if text is None else msgspec.json.decode(text, type=Bookmark)
    except msgspec.DecodeError as exc:
        raise PermanentFailure("the bookmark of the iMIS sync cannot be read; start it anew") from exc


def write_bookmark(place: Bookmark) -> str:
    return msgspec.json.encode(place).decode()


def begun(place: Bookmark, now: datetime) -> Bookmark:
    """`place` in a sync that is under way. Raises TemporaryFailure when it is too early for a new one."""
    if place.started is not None:
        return place
    wait = timedelta(0) if place.since is None else place.since + POLL_EVERY - now
    if wait > timedelta(0):
        wait = min(wait, POLL_EVERY)  # a clock that was set back does not end the sync
        raise TemporaryFailure("iMIS is asked for changes once an hour", retry_after_s=wait.total_seconds())
    return Bookmark(since=place.since, started=now)


def mark(party: str) -> str:
    """Stands for a party in a bookmark, where no id of a person belongs."""
    return hashlib.blake2b(party.encode(), digest_size=8).hexdigest()


def asked_from(place: Bookmark) -> int:
    """The offset to ask for: so early that some are seen again, and so late that most of a page is new."""
    return max(0, place.offset - min(len(place.last), place.size // 2))


def read_before(place: Bookmark, parties: Sequence[str]) -> int | None:
    """How many of a page's parties were read before; None when the page does not follow what was read."""
    seen = [number for number, party in enumerate(parties) if mark(party) in place.last]
    if seen:
        return seen[-1] + 1
    return 0 if asked_from(place) in (0, place.offset) else None


def further_back(place: Bookmark, page: Json) -> Bookmark:
    """The place from which to look for somebody who was read, one page of the server's earlier."""
    step = max(1, len(items(page)) - 1)
    return msgspec.structs.replace(place, offset=max(0, place.offset - step))


def following(place: Bookmark, page: Json, parties: Sequence[str]) -> Bookmark:
    """The place behind a page that held these parties; a place for the next sync behind the last one."""
    offset = next_offset(page)
    if offset is None:
        return Bookmark(since=place.started)
    last = (*place.last, *(mark(party) for party in parties))[-_REMEMBERED:]
    return Bookmark(since=place.since, started=place.started, offset=offset, last=last, size=len(items(page)))
