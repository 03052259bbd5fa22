"""Says what must not be, from what is true in the world and what stands in the store. Shares no decision with it.

J1   every answered call of a settled party has exactly one CRM activity, at that party; no other call has one
J2   every call that arrived has one outcome, with a reason, and it is what really happened
J3   no agent in two calls, no call with two agents for long, no offer that rang twice, none left ringing
J4   what was acknowledged is stored once and folded; what was ordered is done once; every ring was decided by us
J11  no call overtakes an older one of its queue, but by claim or exclusion
T    no deadline is forgotten
W    a tenant has one writer at a time; what is decided and what is ordered for it become true together
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from cordpair.core.agent import AgentState
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.changes import HistoryEntry, OfferState
from cordpair.core.effects import InviteAgent, WithdrawInvite
from cordpair.core.floor import Floor
from cordpair.core.ids import GraphCallId, TenantId, call_id, offer_parts
from tests.sim.cloud import Cloud, CloudCall, Stay
from tests.sim.database import Database
from tests.sim.deliveries import Deliveries
from tests.sim.line import FarCrm

MEET_S = 15.0  #: two people may meet in a call for as long as it takes to see it and to take one out
RETRIED_S = 60.0  #: what failed is tried again this long after the trouble is over
CROSSED_S = 3.0  #: so long it takes until a call is looked at whose agent accepted as their ring was taken back
OVERDUE_S = 60.0  #: a deadline that nobody has looked at for so long is forgotten


class Evidence:
    """What a run has left behind."""

    def __init__(
        self,
        cloud: Cloud,
        crm: FarCrm,
        database: Database,
        deliveries: Deliveries,
        troubles: Sequence[tuple[float, float]],
    ) -> None:
        self.cloud, self.crm, self.deliveries, self.troubles = cloud, crm, deliveries, troubles
        self.tables, self.folds, self.born = database.tables, database.folds, database.born
        self.calls: dict[str, Call] = {call.id: call for call in self.tables["calls"].values()}
        self.tenants: dict[str, str] = {key[1]: key[0] for key in self.tables["calls"]}  # type: ignore[index]
        #: What each call was told of, by acknowledged notifications: its arrival (and when), and who stood in it.
        self.told_arrival: dict[str, float] = {}
        self.told_agents: defaultdict[str, set[str]] = defaultdict(set)
        #: Whose ring was ordered to be taken back, by call. They may have been rung anew since.
        self.taken_back: defaultdict[str, set[str]] = defaultdict(set)
        for order in self.tables["outbox"].values():
            if isinstance(order.effect, WithdrawInvite) and order.effect.agent is not None:
                self.taken_back[order.effect.call].add(order.effect.agent)
        newest: Counter[str] = Counter()
        for at_s, _, source, item in deliveries.acknowledged:
            if source == "graph":
                self._read(item, at_s, newest)

    def _read(self, item: dict[str, Any], at_s: float, newest: Counter[str]) -> None:
        parts = item["resourceUrl"].split("/")
        call = parts[3]
        if item["changeType"] == "created":
            self.told_arrival.setdefault(call, at_s)
        elif parts[4:] == ["participants"]:
            number = item["resourceData"][0]["rosterSequenceNumber"]
            if number >= newest[call]:
                newest[call] = number
                users = (person["info"]["identity"].get("user") for person in item["resourceData"])
                self.told_agents[call] |= {user["id"] for user in users if user}

    def stored(self, truth: CloudCall) -> Call | None:
        return self.calls.get(call_id(TenantId(truth.tenant), GraphCallId(truth.id)))


def violations(seen: Evidence) -> list[str]:
    """Everything that must not be when all has come to its end; empty when all is well."""
    rules = (_at_rest, _activities, _outcomes, _people, _acknowledged, _orders, _rings, _turns, _writers, _together)
    return [found for rule in rules for found in rule(seen)]


def _at_rest(seen: Evidence) -> Iterator[str]:
    for call in seen.calls.values():
        if call.state is not CallState.CLOSED:
            yield f"J2 call {call.graph_id} is left {call.state}"
    for agent in seen.tables["agents"].values():
        if agent.state in (AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP):
            yield f"J3 agent {agent.id} is left {agent.state}"
    for timer in seen.tables["timers"].values():
        if not timer.key.startswith("presence:"):
            yield f"T deadline {timer.key} is left"
    for offer in seen.tables["offers"].values():
        if offer.state is OfferState.RINGING:
            yield f"J3 offer {offer.id} is left ringing"
    for truth in seen.cloud.calls.values():
        if not truth.is_over:
            yield f"J2 call {truth.id} was never ended"


def _activities(seen: Evidence) -> Iterator[str]:
    by_call: defaultdict[str, list[Any]] = defaultdict(list)
    for one in seen.crm.logged:
        by_call[one.activity.call].append(one)
    pending = {item.call for item in seen.tables["pending"].values()}
    for call in seen.calls.values():
        logged = by_call.pop(call.id, [])
        wanted = call.outcome is Outcome.ANSWERED and call.party is not None
        if len(logged) != wanted:
            yield f"J1 call {call.graph_id} has {len(logged)} activities in the CRM, should have {int(wanted)}"
        elif wanted and (logged[0].activity.party != call.party or call.activity != logged[0].id):
            yield f"J1 call {call.graph_id} has its activity at another party, or does not know it"
        if (call.id in pending) != (call.outcome is Outcome.ANSWERED and call.party is None):
            yield f"J1 call {call.graph_id} waits for a person, or should"
    yield from (f"J1 an activity of call {call}, which is not stored" for call in by_call)


def _outcomes(seen: Evidence) -> Iterator[str]:
    known = dict(seen.calls)
    for truth in seen.cloud.calls.values():
        call = seen.stored(truth)
        if call is not None:
            known.pop(call.id)
            yield from _outcome(call, truth, seen)
        elif truth.id in seen.told_arrival or truth.was_established:
            yield f"J2 call {truth.id} is lost"
    yield from (f"J2 call {call.graph_id} never was" for call in known.values())


def _outcome(call: Call, truth: CloudCall, seen: Evidence) -> Iterator[str]:
    if call.outcome is Outcome.ABANDONED and all(
        _crossed(stay, seen.taken_back[call.id], truth) for stay in truth.stays
    ):
        return
    talked = [stay.agent for stay in truth.stays]
    told = [agent for agent in talked if agent in seen.told_agents[truth.id]]
    if call.outcome is None or (call.outcome is Outcome.FLOWED_OUT and not call.outcome_reason):
        yield f"J2 call {truth.id} has no outcome, or no reason for it"
        return
    # An agent who came and went again while nobody could tell us may be found by a re-read, or not.
    if talked and not told and call.outcome is Outcome.ABANDONED:
        return
    expected = Outcome.ANSWERED if talked else Outcome.ABANDONED
    reason = call.outcome_reason
    excused = expected is Outcome.ABANDONED and (
        (reason == "unseen" and seen.told_arrival.get(truth.id, 1e12) > (truth.ended or 0.0))
        or (reason.startswith("answer_failed") and not truth.was_established)
    )
    if call.outcome is not expected and not excused:
        yield f"J2 call {truth.id} is {call.outcome} ({reason}), really {expected}"
    elif call.outcome is Outcome.ANSWERED and call.agent not in talked:
        yield f"J2 call {truth.id} is said to have been answered by somebody who did not"


def _crossed(stay: Stay, taken_back: set[str], truth: CloudCall) -> bool:
    """Whether somebody accepted just as their ring was taken back, and was gone before that could be looked at, while
    the caller stayed. With whoever was there to the end the caller has talked."""
    until = stay.until or 0.0
    was_there_to_the_end = truth.ended is not None and until >= truth.ended
    return stay.agent in taken_back and not was_there_to_the_end and (stay.was_cut or until - stay.since < CROSSED_S)


def _people(seen: Evidence) -> Iterator[str]:
    stays: defaultdict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for truth in seen.cloud.calls.values():
        mine = sorted((stay.since, stay.until or 1e12, stay.agent) for stay in truth.stays)
        for (_, until, _), (since, end, _) in pairwise(mine):
            together_s = _calm_s(seen, since, min(until, end))
            if together_s > MEET_S:
                yield f"J3 call {truth.id} had two agents for {together_s:.1f} s of calm weather"
        for since, until, agent in mine:
            stays[agent].append((since, until, truth.id))
    for agent, of_agent in stays.items():
        for (_, until, one), (since, _, other) in pairwise(sorted(of_agent)):
            if one != other and until > since:
                yield f"J3 agent {agent} was in calls {one} and {other} at once"


def _calm_s(seen: Evidence, since: float, until: float) -> float:
    """How much of this time nothing was broken, nor had been so that tries to put it right still wait."""
    spoilt = sum(max(0.0, min(until, end + RETRIED_S) - max(since, begin)) for begin, end in seen.troubles)
    return until - since - spoilt


def _acknowledged(seen: Evidence) -> Iterator[str]:
    bodies = Counter((key[0], row.source, row.body) for key, row in seen.tables["inbox"].items())  # type: ignore[index]
    for (_, source, body), count in bodies.items():
        if source == "graph" and count > 1:
            yield f"J4 stored {count} times: {body[:80].decode()}"
    for _, tenant, source, item in seen.deliveries.acknowledged:
        if (tenant, source, json.dumps(item, separators=(",", ":")).encode()) not in bodies:
            yield f"J4 acknowledged and not stored: {item.get('resourceUrl', 'presence')}"
    for row in seen.tables["inbox"].values():
        if row.state != "folded":
            yield f"J4 a {row.source} item is {row.state}: {row.key} {row.error}"


def _orders(seen: Evidence) -> Iterator[str]:
    for row in seen.tables["outbox"].values():
        if row.state != "done":
            yield f"J4 {row.key} is {row.state} after {row.attempts} attempts: {row.reason}"
    for truth in seen.cloud.calls.values():
        if truth.answers > 1:
            yield f"J4 call {truth.id} was answered {truth.answers} times"


def _rings(seen: Evidence) -> Iterator[str]:
    offers = {offer.id: offer for offer in seen.tables["offers"].values()}
    rang = [ring for truth in seen.cloud.calls.values() for ring in truth.rang]
    for context, agent in rang:
        if context not in offers or offers[context].agent != agent:
            yield f"J4 a ring that nobody decided: {context}"
    counts = Counter(context for context, _ in rang)
    yield from (f"J3 offer {context} rang {count} times" for context, count in counts.items() if count > 1)


def _turns(seen: Evidence) -> Iterator[str]:
    """Replays the history: at every offer, no older call of the queue waits that this agent could have been given."""
    waiting: dict[str, bool] = {}
    refused: defaultdict[str, set[str]] = defaultdict(set)
    for _, entry in sorted(seen.tables["history"].items(), key=lambda it: it[0][1]):  # type: ignore[index]
        if entry.call is None:
            continue
        if entry.what == "Offered":
            waiting[entry.call] = False
            if entry.detail.get("rule") != "claimed":
                yield from _overtaken(entry, seen, [it for it, waits in waiting.items() if waits], refused)
        elif entry.what == "OfferEnded":
            if entry.detail.get("why") != "withdrawn":
                refused[entry.call].add(entry.agent or "")
        elif entry.after:
            waiting[entry.call] = entry.after == CallState.QUEUED
            if entry.what == "CheckDue" and entry.before == CallState.QUEUED:
                refused[entry.call].clear()


def _overtaken(entry: HistoryEntry, seen: Evidence, waiting: list[str], refused: dict[str, set[str]]) -> Iterator[str]:
    assert entry.call is not None
    mine = seen.calls[entry.call]
    for name in waiting:
        other = seen.calls[name]
        if (
            seen.tenants[name] == seen.tenants[mine.id]
            and other.queue == mine.queue
            and entry.agent not in refused[name]
            and _place(other) < _place(mine)
        ):
            yield f"J11 call {mine.graph_id} was offered before {other.graph_id}, which waited longer"


def _place(call: Call) -> tuple[Any, int]:
    return call.arrived_at, call.sequence


def _writers(seen: Evidence) -> Iterator[str]:
    newest: Counter[str] = Counter()
    for tenant, epoch in seen.folds:
        if epoch < newest[tenant]:
            yield f"W a former owner of {tenant} wrote in epoch {epoch}, when it was {newest[tenant]} already"
        newest[tenant] = max(newest[tenant], epoch)


def _together(seen: Evidence) -> Iterator[str]:
    for key, row in seen.tables["outbox"].items():
        if isinstance(row.effect, InviteAgent):
            offer = (key[0], *offer_parts(row.effect.offer))  # type: ignore[index]
            if seen.born.get(("outbox", key)) != seen.born.get(("offers", offer)):
                yield f"W {row.key} was ordered in another commit than it was decided"


def forgotten(database: Database, floor: Floor, tenant: str) -> Iterator[str]:
    """Where the memory of an owner, who is not at work, is not what the store holds."""
    for call in floor.calls.values():
        stored: Call | None = database.tables["calls"].get((tenant, call.id))
        if stored != call:
            yield f"W call {call.graph_id} is {call.state} in memory, {stored and stored.state} in the store"


def overlooked(database: Database, now: Any) -> Iterator[str]:
    """What must not be at any time while the product can work: forgotten deadlines, rings that nobody ends."""
    timers = database.tables["timers"]
    for timer in timers.values():
        if (now - timer.run_at).total_seconds() > OVERDUE_S:
            yield f"T deadline {timer.key} is overlooked"
    for key in database.indexes["calls.open"]:
        call: Call = database.tables["calls"][key]
        tenant = key[0]  # type: ignore[index]
        if call.offer is not None:
            offer = database.tables["offers"].get((tenant, call.id, call.offer.number))
            if offer is None or offer.state is not OfferState.RINGING:
                yield f"J3 call {call.graph_id} rings by an offer that does not live"
            if (
                (tenant, f"offer:{call.offer.id}") not in timers
                and call.offer.expired is None
                and call.offer.completed is None
            ):
                yield f"T nobody ends the ring of {call.offer.id}"
