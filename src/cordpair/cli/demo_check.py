"""Judges a played day: the product's calls against what really happened, and against what stands in iMIS."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from cordpair.cli.demo_stage import Demo
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.caller import CallerKind, Grade
from cordpair.core.ids import CallId, GraphCallId, QueueId, TenantId, call_id
from cordpair.core.open_times import calendar_of
from cordpair.core.tenant import Queue
from cordpair.store.calls import PendingCall
from cordpair.store.outbox import ParkedEffect

_SETTLE_S = 60.0  #: real seconds for the last wrap-ups and activities
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Kept(msgspec.Struct, kw_only=True):
    """What the product and the CRM of one organisation hold after the day."""

    tenant: TenantId
    calls: dict[CallId, Call]
    pending: list[PendingCall]
    parked: list[ParkedEffect]
    activities: list[dict[str, Any]]
    queues: dict[QueueId, Queue] = {}
    at_once: set[str]  #: Graph ids of calls whose first offer was made the moment they were established


async def judge(demo: Demo) -> dict[str, Any]:
    """The report of the day; `violations` is empty when every call came out right."""
    kept = await _settled(demo)
    truth = (await demo.control("truth"))["calls"]
    latency = await demo.control("latency")
    by_tenant = {one.tenant: one for one in kept}
    calls = [call for one in kept for call in one.calls.values()]
    activities = [activity for one in kept for activity in one.activities]
    violations = [found for told in truth for found in _against(told, by_tenant[TenantId(told["tenant"])])]
    violations += [found for one in kept for found in _books(one)]
    outcomes = Counter(call.outcome for call in calls)
    guards = Counter((one.tenant, activity.get("UF_1")) for one in kept for activity in one.activities)
    return {
        "calls": len(truth),
        "offered": sum(call.queue is not None for call in calls),
        "answered": outcomes[Outcome.ANSWERED],
        "abandoned": outcomes[Outcome.ABANDONED],
        "flowed_out": outcomes[Outcome.FLOWED_OUT],
        "identified": dict(sorted(Counter(_grade(call) for call in calls).items())),
        "offers": sum(call.offers for call in calls),
        "activities": len(activities),
        "pending_items": dict(sorted(Counter(it.item.reason for one in kept for it in one.pending).items())),
        "parked": dict(Counter(effect.kind for one in kept for effect in one.parked)),
        "duplicates": sum(count - 1 for count in guards.values()),
        "lost": sum("is lost" in found for found in violations),
        "notification_to_card_ms": _spread(_card_ms(latency, kept)),
        "notification_to_202_ms": _spread(latency["notifications_acknowledged_ms"]),
        "violations": violations,
    }


async def _settled(demo: Demo) -> list[Kept]:
    """What is kept, once everything has come to its end or the time for it is over."""
    deadline = asyncio.get_running_loop().time() + _SETTLE_S
    while True:
        kept = [await _kept(demo, tenant) for tenant in demo.world["tenants"]]
        if all(map(_is_quiet, kept)) or asyncio.get_running_loop().time() > deadline:
            return kept
        await asyncio.sleep(0.5)


def _is_quiet(one: Kept) -> bool:
    written = len(one.parked) + sum(bool(call.activity) for call in one.calls.values())
    wanted = sum(call.outcome is Outcome.ANSWERED and call.party is not None for call in one.calls.values())
    return written >= wanted and all(call.state is CallState.CLOSED for call in one.calls.values())


async def _kept(demo: Demo, tenant: dict[str, Any]) -> Kept:
    name = TenantId(tenant["id"])
    async with demo.product.store.open_tenant(name) as rows:
        calls = await rows.calls.arrived_since(_BEGINNING)
        queues = {queue.id: queue for queue in await rows.setups.queues()}
        pending, parked = await rows.calls.pending(), await rows.outbox.parked()
        firsts = {call.id: await rows.calls.offers_of(call.id) for call in calls if call.offers}
    return Kept(
        tenant=name,
        calls={call.id: call for call in calls},
        pending=pending,
        parked=parked,
        activities=await demo.activities(tenant),
        queues=queues,
        at_once={it.graph_id for it in calls if it.id in firsts and firsts[it.id][0].made_at == it.established_at},
    )


def _against(told: dict[str, Any], kept: Kept) -> Iterable[str]:
    """One call of the world against the product's: found, ended once, and as it really went."""
    name = f"call {told['graph_id']}"
    call = kept.calls.get(call_id(kept.tenant, GraphCallId(told["graph_id"])))
    if call is None:
        yield f"{name} is lost"
        return
    if call.state is not CallState.CLOSED or call.outcome is None:
        yield f"{name} has no outcome: {call.state}"
        return
    expected = _really(told)
    if call.outcome is not expected:
        yield f"{name} is {call.outcome} ({call.outcome_reason}), really {expected}"
    elif call.agent not in _who_may_have(call, told):
        yield f"{name} is booked to another agent"
    if call.party is not None and call.party.id not in told["parties"]:
        yield f"{name} is booked to a party who does not have that number"
    if (expected is Outcome.FLOWED_OUT) is not _came_when_closed(call, kept):
        yield f"{name} was {'sent away from an open' if expected is Outcome.FLOWED_OUT else 'let into a closed'} queue"


def _who_may_have(call: Call, told: dict[str, Any]) -> set[str | None]:
    """The agent by whom it must be booked; of a caller who was passed on, whoever talked to them."""
    return {stay["user"] for stay in told["stays"]} if call.transfers else {told["answered_by"]}


def _really(told: dict[str, Any]) -> Outcome:
    """What became of a call by what the world saw. Sent away: we ended it without ever having answered."""
    if told["answered_by"]:
        return Outcome.ANSWERED
    is_sent_away = told["ended_by"] == "bot" and told["established"] is None
    return Outcome.FLOWED_OUT if is_sent_away else Outcome.ABANDONED


def _came_when_closed(call: Call, kept: Kept) -> bool:
    queue = kept.queues.get(call.queue) if call.queue else None
    calendar = calendar_of(queue) if queue else None
    return calendar is not None and not calendar.is_open(call.arrived_at or call.heard_at)


def _books(kept: Kept) -> Iterable[str]:
    """Answered calls of one settled party have one activity; all other answered calls one pending item and none."""
    written = Counter(str(activity.get("SEQN")) for activity in kept.activities)
    parties = {str(activity.get("SEQN")): str(activity.get("PartyId")) for activity in kept.activities}
    waiting = Counter(item.item.call for item in kept.pending)
    used: Counter[str] = Counter()
    for call in kept.calls.values():
        name, settled = f"call {call.graph_id}", call.outcome is Outcome.ANSWERED and call.party is not None
        used[call.activity] += bool(call.activity)
        if settled and written[call.activity] != 1:
            yield f"{name} is lost: no activity in iMIS"
        elif settled and call.party is not None and parties[call.activity] != call.party.id:
            yield f"{name} has its activity at another party"
        if not settled and call.activity:
            yield f"{name} has an activity and no settled party"
        if waiting[call.id] != (call.outcome is Outcome.ANSWERED and call.party is None):
            yield f"{name} has {waiting[call.id]} pending items"
    yield from (f"activity {it} belongs to no call or to several" for it in written if used[it] != 1)


def _grade(call: Call) -> str:
    if call.caller.kind is CallerKind.WITHHELD:
        return "withheld"
    return str(call.candidates[0].grade if call.candidates else Grade.NONE)


def _card_ms(latency: dict[str, Any], kept: Sequence[Kept]) -> list[float]:
    """From the notification that made the first offer possible to its card; calls that had to wait are left out."""
    at_once = {call for one in kept for call in one.at_once}
    return [call["card_ms"] for name, call in latency["calls"].items() if "card_ms" in call and name in at_once]


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile, nearest rank; real milliseconds."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {
        "p50": round(ordered[(len(ordered) - 1) // 2], 1),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
    }
