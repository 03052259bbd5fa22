"""The auditor: says what must not be, from what a run has left behind. Shares no decision with the product.

`python -m tests.chaos.auditor FOLDER` prints JSON and exits with 1 when something is wrong. What it holds to be true:

J1   every answered call of a settled party has exactly one CRM activity, at that party; no other call has one
J2   every call that arrived has one outcome, with a reason, and it is what really happened
J3   no agent in two calls, no call with two agents, no offer that rang twice
J4   what was acknowledged is stored and folded, or was a call that we sent on at once; what was ordered is done; every
     ring was decided by us
J7   the audit trails are whole, and hold every privileged action, once
J11  no call overtakes an older one of its queue, but by claim or exclusion
J12  the floor page's numbers of the day are those of the raw history
J13  memory, descriptors, sessions and transactions are back to what they were before the storm
"""

import asyncio
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from tests.chaos import numbers, trail
from tests.chaos.evidence import Evidence, Row, gathered, rows_of

#: By what factor and by how much a node may have grown: caches fill, pools keep a few connections.
MAY_GROW = {"bytes": (1.5, 40_000_000), "descriptors": (1.0, 60), "threads": (1.0, 16)}
#: Emulated seconds: two people may meet in a call for as long as it takes to see it and to take one out.
MEET_S = 15.0
#: Real seconds more, in which nobody could see it: the owner was killed, and its lease has to run out.
UNHEARD_S = 10.0


def violations(seen: Evidence) -> list[str]:
    """Everything that must not be; empty when all is well."""
    return [found for rule in RULES for found in rule(seen)]


def _ended(seen: Evidence) -> Iterator[str]:
    """Everything comes to its end, and no node gives up by itself."""
    if seen.run["healed_s"] is None:
        yield "J2 not everything has come to its end in the time for it"
    for agent in seen.agents:
        if agent["state"] in ("ringing", "talking", "wrap_up"):
            yield f"J3 agent {agent['agent']} is left {agent['state']}"
    for exit_ in seen.run["exits"]:
        if not exit_["was_ours"]:
            yield f"node {exit_['node']} ended by itself with {exit_['status']} after {exit_['after_s']} s"


def _activities(seen: Evidence) -> Iterator[str]:
    for tenant, written in seen.activities.items():
        calls = [call for call in seen.calls if call["tenant"] == tenant]
        by_number = {str(one["SEQN"]): one for one in written}
        guards = Counter(one.get("UF_1") for one in written)
        yield from (f"J1 {count} activities of one call in the CRM: {it}" for it, count in guards.items() if count > 1)
        used = Counter(call["personal"]["activity"] for call in calls if call["personal"].get("activity"))
        yield from (f"J1 activity {it} belongs to {used[it]} calls" for it in by_number if used[it] != 1)
        for call in calls:
            yield from _activity_of(call, by_number, seen)


def _activity_of(call: Row, by_number: dict[str, Row], seen: Evidence) -> Iterator[str]:
    party, reference = call["personal"].get("party"), call["personal"].get("activity", "")
    waiting = sum(it["call"] == call["call"] for it in seen.pending)
    answered = call["outcome"] == "answered"
    name = f"call {call['call']}"
    if answered and party is not None and reference not in by_number:
        yield f"J1 {name} has no activity"
    elif answered and party is not None and str(by_number[reference]["PartyId"]) != party["id"]:
        yield f"J1 {name} has its activity at another party"
    elif reference and not (answered and party):
        yield f"J1 {name} has an activity and should have none"
    if waiting != (answered and party is None):
        yield f"J1 {name} waits {waiting} times for a person to say who it was"


def _outcomes(seen: Evidence) -> Iterator[str]:
    known = {(call["tenant"], call["body"]["graph_id"]): call for call in seen.calls}
    arrivals, shown, sent_on = _arrivals(seen), _shown(seen), _sent_on(seen)
    read, ended = _read_at(seen), _ended_at(seen)
    for truth in seen.truth:
        call = known.pop((truth["tenant"], truth["graph_id"]), None)
        if call is not None:
            talked = [stay["user"] for stay in truth["stays"]]
            crossed = _crossed(truth, shown, ended.get(call["call"], {}), read.get(truth["graph_id"], []))
            told = [user for user in talked if (truth["graph_id"], user) in shown and user not in crossed]
            yield from _outcome_of(call, truth, talked, told, was_told=truth["graph_id"] in arrivals - sent_on)
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


def _ended_at(seen: Evidence) -> dict[str, dict[str, datetime]]:
    """When the offers of each call ended, by agent."""
    found: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    for offer in seen.offers:
        if offer["ended_at"]:
            found[offer["call"]][offer["agent"]] = offer["ended_at"]
    return found


def _crossed(truth: Row, shown: dict[tuple[str, str], str], ended: dict[str, datetime], read: list[str]) -> set[str]:
    """Of whom we were told when their ring had been taken back already, and who was gone before we could read again."""
    found: set[str] = set()
    for stay in truth["stays"]:
        since, until = stay["since"], stay["until"] or "~"
        told = shown.get((truth["graph_id"], stay["user"]))
        if stay["user"] in ended and told and ended[stay["user"]] <= datetime.fromisoformat(told):
            found |= set() if any(since < at < until for at in read) else {stay["user"]}
    return found


def _arrivals(seen: Evidence) -> set[str]:
    """Calls whose arrival we have acknowledged before their end: later it is no call to be taken."""
    found: set[str] = set()
    over: set[str] = set()
    for note in _notes(seen, "notification"):
        if note["status"] != 202 or not isinstance(note["data"], dict):
            continue
        if note["change"].lower() == "created" and note["graph_id"] not in over:
            found.add(note["graph_id"])
        elif str(note["data"].get("state", "")).lower() == "terminated":
            over.add(note["graph_id"])
    return found


def _sent_on(seen: Evidence) -> set[str]:
    """Calls that we have refused or redirected: so it goes with those that ring while nothing can be stored."""
    return {
        note["path"].split("/")[3]
        for note in _notes(seen, "graph")
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


def _outcome_of(call: Row, truth: Row, talked: list[str], told: list[str], *, was_told: bool) -> Iterator[str]:
    """`talked` are all who stood in the call, `told` those of them whom we were told of."""
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
    elif call["outcome"] == "answered" and call["agent"] not in (talked if talked[0] not in told else told[:1]):
        yield f"J2 {name} is booked to another agent"
    if call["queue"] is not None and call["queue"] != truth["queue"]:
        yield f"J2 {name} stands in another queue than was dialled"


def _people(seen: Evidence) -> Iterator[str]:
    """By the emulated cloud's own roster."""
    stays: defaultdict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for truth in seen.truth:
        mine = sorted(_stay(stay, truth) for stay in truth["stays"])
        for (_, until, one), (since, gone, other) in combinations(mine, 2):
            together_s = (min(until, gone) - since).total_seconds()
            if one != other and together_s > MEET_S + UNHEARD_S * seen.run["rate"]:
                yield f"J3 call {truth['graph_id']} had two agents for {together_s:.1f} s"
        for since, until, user in mine:
            stays[user].append((since, until, truth["graph_id"]))
    for user, of_user in stays.items():
        for (_, until, one), (since, _, other) in pairwise(sorted(of_user)):
            if one != other and until > since:
                yield f"J3 agent {user} was in calls {one} and {other} at once"


def _stay(stay: Row, truth: Row) -> tuple[datetime, datetime, str]:
    since = datetime.fromisoformat(stay["since"])
    until = stay["until"] or truth["ended_at"]
    return since, datetime.fromisoformat(until) if until else datetime.max.replace(tzinfo=since.tzinfo), stay["user"]


def _acknowledged(seen: Evidence) -> Iterator[str]:
    stored = {
        (row["tenant"], _content(row["body"]["changeType"], row["body"]["resourceUrl"], row["body"]["resourceData"]))
        for row in seen.inbox
        if row["source"] == "graph"
    }
    sent_on = _sent_on(seen)
    for note in _notes(seen, "notification"):
        content = _content(note["change"], note["resource"], note["data"])
        excused = note["graph_id"] in sent_on and note["change"].lower() == "created"
        if note["status"] == 202 and (note["tenant"], content) not in stored and not excused:
            yield f"J4 acknowledged and not stored: {note['change']} of {note['graph_id']}"
    for row in seen.inbox:
        if row["state"] != "folded":
            yield f"J4 a {row['source']} item is {row['state']}: {row['error']}"


def _content(change: str, resource: str, data: Any) -> str:
    return json.dumps([change, resource, data], sort_keys=True)


def _done(seen: Evidence) -> Iterator[str]:
    for row in seen.outbox:
        if row["state"] != "done":
            yield f"J4 {row['key']} is {row['state']} after {row['attempts']} attempts: {row['reason']}"
    answers = Counter(
        note["path"].split("/")[3]
        for note in _notes(seen, "graph")
        if note["path"].endswith("/answer") and note["status"] == 202  # a 200 is a page that we made up
    )
    for truth in seen.truth:
        if answers[truth["graph_id"]] > 1:
            yield f"J4 call {truth['graph_id']} was answered {answers[truth['graph_id']]} times"


def _rings(seen: Evidence) -> Iterator[str]:
    """Every ring is one offer's, at the agent whom it was made to, once."""
    offers = {f"{row['call']}/{row['number']}": row for row in seen.offers}
    rung: Counter[str] = Counter()
    for note in _notes(seen, "ring"):
        if note["purpose"] != "invite":
            continue
        rung[note["context"]] += 1
        offer = offers.get(note["context"])
        if offer is None or offer["agent"] != note["user"]:
            yield f"J4 a ring that nobody decided: {note['context']}"
    yield from (f"J3 offer {it} rang {count} times" for it, count in rung.items() if count > 1)
    live = Counter(row["call"] for row in seen.offers if row["state"] == "ringing")
    yield from (f"J3 call {it} is left with {count} ringing offers" for it, count in live.items())


def _turns(seen: Evidence) -> Iterator[str]:
    """Replays the history: at every offer, no older call of the queue waits that this agent could have been given."""
    calls = {call["call"]: call for call in seen.calls}
    waiting: dict[str, bool] = {}
    refused: defaultdict[str, set[str]] = defaultdict(set)
    for row in seen.history:
        call, detail = row["call"], json.loads(row["detail"])
        if row["what"] == "Offered":
            waiting[call] = False
            if detail.get("rule") != "claimed":
                yield from _overtaken(
                    call, row["agent"], calls, (it for it, waits in waiting.items() if waits), refused
                )
        elif row["what"] == "OfferEnded" and detail.get("why") != "withdrawn":
            refused[call].add(row["agent"])
        elif call is not None and row["after"]:
            waiting[call] = row["after"] == "queued"


def _overtaken(
    call: str, agent: str, calls: dict[str, Row], waiting: Iterable[str], refused: dict[str, set[str]]
) -> Iterator[str]:
    mine = calls[call]
    for name in waiting:
        other = calls[name]
        same = (other["tenant"], other["queue"]) == (mine["tenant"], mine["queue"])
        if same and agent not in refused[name] and _place(other) < _place(mine):
            yield f"J11 call {call} was offered before {name}, which waited longer"


def _place(call: Row) -> tuple[datetime, int]:
    return call["arrived_at"], call["sequence"]


def _trails(seen: Evidence) -> Iterator[str]:
    yield from trail.faults_of(
        seen.audit_records, seen.audit_chain, seen.audit_heads, seen.audit_checkpoints, seen.signer
    )
    yield from trail.uncovered(seen.run["deeds"], seen.audit_records)


def _numbers(seen: Evidence) -> Iterator[str]:
    yield from numbers.differences(seen.run["floor"], seen.run["targets"], seen.calls, seen.history)


def _weights(seen: Evidence) -> Iterator[str]:
    """`weights` are bytes and counts of each node, when it had just come up the first time and at the end."""
    before, after = seen.run["weights"]["before"], seen.run["weights"]["after"]
    for name, (share, more) in MAY_GROW.items():
        base = max((node[name] for node in before), default=0)
        for node in after:
            if node[name] > base * share + more:
                yield f"J13 a node has {node[name]} {name} after the storm, {base} before it"
    for name in ("old_transactions", "prepared", "slots"):
        if seen.database[name]:
            yield f"J13 the database is left with {seen.database[name]} {name}"
    if seen.database["sessions"] > seen.run["weights"]["sessions_at_most"]:
        yield f"J13 the database is left with {seen.database['sessions']} sessions"


def _logs(seen: Evidence) -> Iterator[str]:
    numbers = {truth["number"] for truth in seen.truth if truth["number"]}
    for name, text in seen.logs.items():
        yield from (f"a caller's number stands in {Path(name).name}" for it in numbers if it in text or it[1:] in text)


def _notes(seen: Evidence, kind: str) -> Iterator[Row]:
    return (note for note in seen.journal if note["kind"] == kind)


#: What is asked, in this order.
RULES = (
    _ended,
    _activities,
    _outcomes,
    _people,
    _acknowledged,
    _done,
    _rings,
    _turns,
    _trails,
    _numbers,
    _weights,
    _logs,
)


def summary(seen: Evidence) -> dict[str, Any]:
    """What was seen, in figures."""
    answered = sum(call["outcome"] == "answered" for call in seen.calls)
    return {
        "calls": len(seen.truth),
        "answered": answered,
        "activities": sum(map(len, seen.activities.values())),
        "sent_on": len(_sent_on(seen)),
        "inferred": sum(bool(call["body"].get("inferred")) for call in seen.calls),
        "notifications": dict(Counter(str(note["status"]) for note in _notes(seen, "notification"))),
        "violations": violations(seen),
    }


def main() -> int:
    folder = Path(sys.argv[1])
    seen = asyncio.run(gathered(folder))
    (folder / "rows.json").write_text(json.dumps(rows_of(seen), default=str, indent=1))
    found = summary(seen)
    sys.stdout.write(json.dumps(found))
    return 1 if found["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
