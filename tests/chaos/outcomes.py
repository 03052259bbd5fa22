"""J2: every call that arrived has one outcome, with a reason, and it is what really happened."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from tests.chaos.evidence import Evidence, Row


def outcomes(seen: Evidence) -> Iterator[str]:
    known = {(call["tenant"], call["body"]["graph_id"]): call for call in seen.calls}
    arrivals, shown, sent_on = _arrivals(seen), _shown(seen), sent_on_by(seen)
    read, rings = _read_at(seen), _rings_of(seen)
    moved = {row["call"] for row in seen.history if row["what"] in ("TransferOver", "Requeued", "Moved")}
    for truth in seen.truth:
        call = known.pop((truth["tenant"], truth["graph_id"]), None)
        if call is not None:
            talked = [stay["user"] for stay in truth["stays"]]
            crossed = _crossed(truth, shown, rings[call["call"]], read.get(truth["graph_id"], []))
            told = [user for user in talked if (truth["graph_id"], user) in shown and user not in crossed]
            was_told, is_moved = truth["graph_id"] in arrivals - sent_on, call["call"] in moved
            yield from _outcome_of(call, truth, talked, told, was_told=was_told, is_moved=is_moved)
        elif truth["graph_id"] in arrivals - sent_on or truth["established"]:
            yield f"J2 call {truth['graph_id']} is lost"
    yield from (f"J2 call {call['call']} never was" for call in known.values())


def _read_at(seen: Evidence) -> dict[str, list[str]]:
    """When we have read the roster of each call, where what we read could be stored."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in seen.inbox:
        if row["source"] == "result" and row["body"].get("type") == "RosterSeen":
            found[row["body"]["graph_id"]].append(datetime.fromisoformat(row["body"]["at"]).isoformat())
    return found


def _rings_of(seen: Evidence) -> defaultdict[str, list[Row]]:
    """The offers of each call, by when they were made."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for offer in sorted(seen.offers, key=lambda it: it["made_at"]):
        found[offer["call"]].append(offer)
    return found


def _crossed(truth: Row, shown: dict[tuple[str, str], str], rings: list[Row], read: list[str]) -> set[str]:
    """Of whom we were told when their ring had been taken back already, and who was gone before we could read again,
    while the caller stayed. With whoever was there to the end of the call the caller has talked.
    """
    found: set[str] = set()
    for stay in truth["stays"]:
        since, until = stay["since"], stay["until"] or "~"
        if until >= (truth["ended_at"] or "~"):
            continue
        told = shown.get((truth["graph_id"], stay["user"]))
        ended = _ended_before(rings, stay["user"], datetime.fromisoformat(since))
        if ended and told and ended <= datetime.fromisoformat(told):
            found |= set() if any(since < at < until for at in read) else {stay["user"]}
    return found


def _ended_before(rings: list[Row], user: str, since: datetime) -> datetime | None:
    """When the ring ended that somebody accepted at `since`. They may have been rung anew later."""
    mine = [ring["ended_at"] for ring in rings if ring["agent"] == user and ring["made_at"] <= since]
    return mine[-1] if mine else None


def _arrivals(seen: Evidence) -> set[str]:
    """Calls whose arrival we have acknowledged before their end: later it is no call to be taken."""
    found: set[str] = set()
    over: set[str] = set()
    for note in notes(seen, "notification"):
        if note["status"] != 202 or not isinstance(note["data"], dict):
            continue
        if note["change"].lower() == "created" and note["graph_id"] not in over:
            found.add(note["graph_id"])
        elif str(note["data"].get("state", "")).lower() == "terminated":
            over.add(note["graph_id"])
    return found


def sent_on_by(seen: Evidence) -> set[str]:
    """Calls that we have refused or redirected: so it goes with those that ring while nothing can be stored."""
    return {
        note["path"].split("/")[3]
        for note in notes(seen, "graph")
        if note["path"].endswith(("/reject", "/redirect")) and note["status"] in (200, 202, 204)
    }


def _shown(seen: Evidence) -> dict[tuple[str, str], str]:
    """Who was shown to us in which call, by rosters that we have acknowledged, and when first.

    One that comes after a newer one is stale: it says nothing for sure any more. So it is with somebody who had left
    already when we read the roster ourselves, before we were told.
    """
    found: dict[tuple[str, str], str] = {}
    newest: Counter[str] = Counter()
    read_at: dict[str, str] = {}
    left_at = {(it["graph_id"], stay["user"]): stay["until"] or "~" for it in seen.truth for stay in it["stays"]}
    for note in seen.journal:
        if note["kind"] == "graph" and note["path"].endswith("/participants") and note["status"] == 200:
            read_at[note["path"].split("/")[3]] = note["at"]
        if note["kind"] != "notification" or note["status"] != 202 or not isinstance(note["data"], list):
            continue
        number, call = max((it.get("rosterSequenceNumber", 0) for it in note["data"]), default=0), note["graph_id"]
        if number >= newest[call]:
            newest[call] = number
            users = [it["info"]["identity"]["user"]["id"] for it in note["data"] if it["info"]["identity"].get("user")]
            for user in users:
                if read_at.get(call, "") <= left_at.get((call, user), "~"):
                    found.setdefault((call, user), note["at"])
    return found


def _outcome_of(
    call: Row, truth: Row, talked: list[str], told: list[str], *, was_told: bool, is_moved: bool
) -> Iterator[str]:
    """`talked` are all who stood in the call, `told` those of them whom we were told of. `is_moved`: passed on."""
    name, reason = f"call {call['call']}", call["body"].get("outcome_reason", "")
    if call["state"] != "closed" or call["outcome"] not in ("answered", "abandoned", "flowed_out"):
        yield f"J2 {name} has no outcome: it is {call['state']}"
        return
    if call["outcome"] == "flowed_out" and not reason:
        yield f"J2 {name} flowed out for no reason"
    # An agent who came and went again while nobody could tell us may be found by a re-read, or not.
    if talked and not told and call["outcome"] == "abandoned":
        return
    expected = "answered" if talked else "abandoned"
    # Its arrival never reached us and it is gone before we ask for it; or Graph refused our answer for good.
    excused = expected == "abandoned" and (
        (reason == "unseen" and not was_told) or (reason.startswith("answer_failed") and not truth["established"])
    )
    if call["outcome"] != expected and not excused:
        yield f"J2 {name} is {call['outcome']} ({reason}), really {expected}"
    elif call["outcome"] == "answered" and call["agent"] not in (
        talked if is_moved or talked[0] not in told else told[:1]
    ):
        yield f"J2 {name} is booked to another agent"
    if call["queue"] is not None and call["queue"] != truth["queue"] and not is_moved:
        yield f"J2 {name} stands in another queue than was dialled"


def notes(seen: Evidence, kind: str) -> Iterator[Row]:
    return (note for note in seen.journal if note["kind"] == kind)
