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
from tests.chaos.legs import legs
from tests.chaos.outcomes import notes, outcomes, sent_on_by

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


def _people(seen: Evidence) -> Iterator[str]:
    """By the emulated cloud's own roster."""
    stays: defaultdict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    passed_on = {row["call"] for row in transfers(seen).values()}
    graph_ids = {call["body"]["graph_id"]: call["call"] for call in seen.calls}
    for truth in seen.truth:
        mine = sorted(_stay(stay, truth) for stay in truth["stays"])
        for (_, until, one), (since, gone, other) in combinations(mine, 2):
            together_s = (min(until, gone) - since).total_seconds()
            may_meet = graph_ids.get(truth["graph_id"]) in passed_on  # a consultation, a conference
            if one != other and not may_meet and together_s > MEET_S + UNHEARD_S * seen.run["rate"]:
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
    sent_on = sent_on_by(seen)
    for note in notes(seen, "notification"):
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
        for note in notes(seen, "graph")
        if note["path"].endswith("/answer") and note["status"] == 202  # a 200 is a page that we made up
    )
    for truth in seen.truth:
        if answers[truth["graph_id"]] > 1:
            yield f"J4 call {truth['graph_id']} was answered {answers[truth['graph_id']]} times"


def _rings(seen: Evidence) -> Iterator[str]:
    """Every ring is one offer's, at the agent whom it was made to, once."""
    offers = {f"{row['call']}/{row['number']}": row for row in seen.offers} | transfers(seen)
    rung: Counter[str] = Counter()
    for note in notes(seen, "ring"):
        if note["purpose"] != "invite":
            continue
        rung[note["context"]] += 1
        offer = offers.get(note["context"])
        if offer is None or offer["agent"] != note["user"]:
            yield f"J4 a ring that nobody decided: {note['context']}"
    yield from (f"J3 offer {it} rang {count} times" for it, count in rung.items() if count > 1)
    live = Counter(row["call"] for row in seen.offers if row["state"] == "ringing")
    yield from (f"J3 call {it} is left with {count} ringing offers" for it, count in live.items())


def transfers(seen: Evidence) -> dict[str, Row]:
    """Everything by which callers were passed on to somebody who is rung: its name, and the user it was to."""
    told = [(row, json.loads(row["detail"])) for row in seen.history if row["what"] == "TransferRang"]
    return {f"{row['call']}/t{it['transfer']}": {"call": row["call"], "agent": it.get("to", "")} for row, it in told}


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


#: What is asked, in this order.
RULES = (
    _ended,
    _activities,
    outcomes,
    legs,
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
        "sent_on": len(sent_on_by(seen)),
        "inferred": sum(bool(call["body"].get("inferred")) for call in seen.calls),
        "notifications": dict(Counter(str(note["status"]) for note in notes(seen, "notification"))),
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
