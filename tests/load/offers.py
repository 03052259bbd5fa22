"""How long an offer takes: from the moment a call waits and an agent is free to the invite at Graph.

The moment is the fact that made the offer possible. For a call that found somebody free it is `established` leaving the
emulated cloud; for a call that waited it is what freed the agent, when it reached a node; where a wrap-up ran out, the
instant at which it was over, not the one at which somebody noticed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from cordpair.core.ids import GraphCallId, TenantId, call_id

Row = Mapping[str, Any]
_AT_ONCE = timedelta(seconds=5)  # an offer that is made this soon after `established` was waited for by nobody
_NOTICED = timedelta(seconds=5)


class Offer(msgspec.Struct):
    call: str
    number: int
    agent: str
    made_at: datetime


class Change(msgspec.Struct):
    """An agent went from one state to another; `since` is when the one before began."""

    agent: str
    before: str
    after: str
    at: datetime
    since: datetime | None


class Measured(msgspec.Struct):
    offers: list[Offer]
    changes: list[Change]
    sessions: int


def offer_seconds(journal: Sequence[Row], measured: Measured, wrap_up: timedelta) -> list[float]:
    """Of each offer that reached a client of Teams. `wrap_up` is how long agents may write."""
    established = _established(journal)
    rings = {entry["context"]: datetime.fromisoformat(entry["at"]) for entry in journal if _is_ring(entry)}
    ran_out = {(row.agent, row.at): until for row in measured.changes if (until := _ran_out(row, wrap_up))}
    took = []
    for offer in measured.offers:
        rang_at = rings.get(f"{offer.call}/{offer.number}")
        if rang_at is not None:
            took.append((rang_at - _possible_since(offer, established, ran_out)).total_seconds())
    return took


def _possible_since(
    offer: Offer, established: Mapping[str, datetime], ran_out: Mapping[tuple[str, datetime], datetime]
) -> datetime:
    over_at, told_at = ran_out.get((offer.agent, offer.made_at)), established.get(offer.call)
    if over_at is not None:
        return over_at
    if offer.number == 1 and told_at is not None and timedelta() <= offer.made_at - told_at < _AT_ONCE:
        return told_at
    return offer.made_at


def _ran_out(change: Change, wrap_up: timedelta) -> datetime | None:
    """When a wrap-up that nobody ended was over. None for any other change."""
    if (change.before, change.after) != ("wrap_up", "ready") or change.since is None:
        return None
    until = change.since + wrap_up
    return until if timedelta() <= change.at - until < _NOTICED else None


def _established(journal: Sequence[Row]) -> dict[str, datetime]:
    """When each call was first told to be established, by our own name of it."""
    found: dict[str, datetime] = {}
    for entry in journal:
        if entry["kind"] == "notification" and _state(entry) == "established":
            sent_at = datetime.fromisoformat(entry["at"]) - timedelta(milliseconds=entry["took_ms"])
            found.setdefault(call_id(TenantId(entry["tenant"]), GraphCallId(entry["graph_id"])), sent_at)
    return found


def _state(entry: Row) -> str | None:
    data = entry["data"]
    return data.get("state") if isinstance(data, dict) else None


def _is_ring(entry: Row) -> bool:
    return bool(entry["kind"] == "ring" and entry["context"])
