"""What stands in the inbox becomes facts: notifications are translated, arriving callers identified."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
import structlog

from cordpair.connectors.teams.translate import graph_call_id
from cordpair.core import events as e
from cordpair.core.caller import CallerKind, Candidate
from cordpair.core.ids import CallId, PartyRef, TenantId, call_id
from cordpair.errors import Rejected
from cordpair.store.inbox import InboxRow

log = structlog.get_logger(__name__)

#: Turns one stored body into facts; an empty list says that there is nothing in it for us. Raises Rejected.
Translate = Callable[[bytes, datetime], Sequence[e.AnyEvent]]


class Told(msgspec.Struct):
    """One inbox row and its facts, or the reason why it cannot be read."""

    row: InboxRow
    events: list[e.AnyEvent] = msgspec.field(default_factory=list)
    error: str = ""


class LinkOf(Protocol):
    """Where a party's record is opened."""

    def __call__(self, party: PartyRef) -> str: ...


class LookUp(Protocol):
    """Finds candidates for numbers (E.164), each with the account or queue that it called."""

    async def __call__(self, asked: Mapping[str, str]) -> Mapping[str, tuple[Candidate, ...]]: ...


def read(rows: Sequence[InboxRow], translators: Mapping[str, Translate]) -> list[Told]:
    """The facts of each row, in order. A row that cannot be read carries its reason; it stops no other."""
    return [_read_one(row, translators) for row in rows]


def _read_one(row: InboxRow, translators: Mapping[str, Translate]) -> Told:
    translate = translators.get(row.source)
    if translate is None:
        return Told(row=row, error=f"unknown source {row.source}")
    try:
        return Told(row=row, events=list(translate(row.body, row.received_at)))
    except (Rejected, msgspec.ValidationError, msgspec.DecodeError) as exc:
        log.warning("inbox row cannot be read", source=row.source, inbox=row.id, error=type(exc).__name__)
        return Told(row=row, error=str(exc) if isinstance(exc, Rejected) else "not of the expected shape")


async def identify(told: Sequence[Told], look_up: LookUp) -> None:
    """Put candidates beside every arriving caller with a number: one look-up for the whole batch.

    Withheld, short and internal callers are never looked up.
    """
    arrivals = [event for one in told for event in one.events if isinstance(event, e.Arrived | e.OutboundAsked)]
    numbers = {event.caller.e164 for event in arrivals if event.caller.kind is CallerKind.NUMBER and event.caller.e164}
    if not numbers:
        return
    dialled = {event.caller.e164: _dialled(event) for event in arrivals if event.caller.e164 in numbers}
    found = await look_up({number: dialled[number] for number in sorted(numbers)})
    for one in told:
        one.events = [_identified(event, found) for event in one.events]


def _dialled(event: e.AnyEvent) -> str:
    """The account or the queue that a call is about."""
    return str(getattr(event, "dialled", "") or getattr(event, "queue", ""))


def _identified(event: e.AnyEvent, found: Mapping[str, tuple[Candidate, ...]]) -> e.AnyEvent:
    if not isinstance(event, e.Arrived | e.OutboundAsked) or event.caller.e164 is None:
        return event
    return msgspec.structs.replace(event, candidates=found.get(event.caller.e164, ()))


def about(row: InboxRow, tenant: TenantId) -> CallId | None:
    """The call that a row is about, as far as that can be told of a row that could not be folded."""
    try:
        if row.source != "graph":
            event = e.decode(row.body)
            return event.call if isinstance(event, e.CallFact) else None
        item = msgspec.json.decode(row.body)
        found = graph_call_id(item) if isinstance(item, dict) else None
        return None if found is None else call_id(tenant, found)
    except (msgspec.DecodeError, RecursionError):
        return None
