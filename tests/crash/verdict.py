"""What a life has left behind, and what of it must not be. Judged by the emulated cloud's journal and the CRM."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import Call, CallState, Outcome

_IN_TIME_S = 9.0  #: emulated: a product that is back this soon after the arrival answers within Graph's 15 s


class Left(msgspec.Struct, kw_only=True):
    """What a life has left behind: `call` is the product's, `truth` the emulated cloud's."""

    truth: dict[str, Any]
    journal: list[dict[str, Any]]
    activities: list[dict[str, Any]]
    call: Call | None
    agents: list[Agent]
    offers: Counter[str]
    parked: list[str]
    unfinished: list[str]
    cards: Counter[str]
    steps: list[tuple[str, int]]
    killed_at: datetime | None


def wrong(left: Left) -> Iterable[str]:
    """Everything that must not be, after a life; nothing when all is well."""
    yield from _rings(left)
    yield from (f"left behind: {it}" for it in left.unfinished)
    yield from (f"parked: {it}" for it in left.parked)
    yield from _outcome(left)
    yield from _patience(left)
    yield from _activities(left)
    for agent in left.agents:
        if agent.state not in (AgentState.READY, AgentState.NOT_RESPONDING):
            yield f"an agent is left {agent.state}"
        if agent.state is AgentState.NOT_RESPONDING and agent.id not in _rung(left):
            yield "an agent who was never rung is taken for one who does not respond"
    for name, count in left.cards.items():
        if count > (2 if left.killed_at else 1):
            yield f"{name} has {count} cards of one call"


def _rings(left: Left) -> Iterable[str]:
    rings = Counter(note["context"] for note in _notes(left, "ring"))
    yield from (f"offer {offer} rang {count} times" for offer, count in rings.items() if count > 1)
    at_once: set[str] = set()
    for note in left.journal:
        if note["kind"] == "ring":
            if note["user"] in at_once:
                yield "an agent was rung while they were rung already"
            at_once.add(note["user"])
        elif note["kind"] in ("ring over", "joined"):
            at_once.discard(note["user"])


def _outcome(left: Left) -> Iterable[str]:
    truth, call = left.truth, left.call
    arrival = [note for note in _notes(left, "notification") if note["change"] == "created"]
    was_told = any(note["status"] == 202 for note in arrival)
    if call is None:
        if was_told or truth["answered_by"]:
            yield "the call is lost"
        return
    if call.state is not CallState.CLOSED or call.outcome is None:
        yield f"the call has no outcome: {call.state}"
        return
    expected = Outcome.ANSWERED if truth["answered_by"] else Outcome.ABANDONED
    # A call whose arrival never reached us and that is gone before we ask for it: nobody can tell its queue.
    unseen = not was_told and call.outcome_reason == "unseen"
    if call.outcome is not expected and not (expected is Outcome.ABANDONED and unseen):
        yield f"the call is {call.outcome} ({call.outcome_reason}), really {expected}"
    elif call.agent != truth["answered_by"]:
        yield "the call is booked to another agent"
    if left.offers["ringing"]:
        yield "an offer is left ringing"


def _patience(left: Left) -> Iterable[str]:
    """A caller of whom we knew is answered, when we are back in time for it."""
    told = _notes(left, "notification")
    if left.truth["established"] or not any(note["status"] == 202 and note["change"] == "created" for note in told):
        return
    requests = [datetime.fromisoformat(note["at"]) for note in _notes(left, "graph")]
    back_at = min((at for at in requests if left.killed_at and at > left.killed_at), default=None)
    if left.killed_at is None or (back_at and (back_at - left.truth["arrived"]).total_seconds() < _IN_TIME_S):
        yield "a caller was left ringing"


def _rung(left: Left) -> set[str]:
    return {note["user"] for note in _notes(left, "ring")}


def _notes(left: Left, kind: str) -> list[dict[str, Any]]:
    return [note for note in left.journal if note["kind"] == kind]


def _activities(left: Left) -> Iterable[str]:
    call, written = left.call, len(left.activities)
    wanted = call is not None and call.outcome is Outcome.ANSWERED and call.party is not None
    if written != wanted:
        yield f"{written} activities in iMIS, should be {int(wanted)}"
    if call is not None and call.outcome is Outcome.ANSWERED and call.party is None:
        yield "the caller was not identified"
    if call is not None and wanted and call.party is not None and not call.activity:
        yield "the product does not know of its activity"
    for activity in left.activities:
        if call is None or call.party is None or str(activity.get("PartyId")) != call.party.id:
            yield "the activity stands at another party"
