"""From stored rows to what the floor page shows. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from cordpair.connectors.registry import title
from cordpair.core.agent import Agent, AgentState
from cordpair.core.availability import is_on_another_call
from cordpair.core.call import Call, CallState, Outcome, pending_reason
from cordpair.core.caller import Candidate, Grade
from cordpair.core.estimate import reckoned
from cordpair.core.ids import QueueId
from cordpair.core.open_times import calendar_of
from cordpair.core.pace import Paces
from cordpair.core.quota import QuotaUse, redirects
from cordpair.core.tenant import Queue, TenantSetup
from cordpair.engine.cards import readable
from cordpair.store.calls import PendingCall, QueueCounts
from cordpair.store.flows import ParkedFlow
from cordpair.store.fold import FloorRows
from cordpair.store.inbox import ParkedItem
from cordpair.store.outbox import ParkedEffect
from cordpair.web.floor_view import (
    AgentRow,
    CallRow,
    CallSet,
    ClosedQueue,
    FactSource,
    FloorView,
    Numbers,
    ParkedRow,
    PendingRow,
    QueueTile,
    Quota,
)

ENDED = timedelta(minutes=30)
_MOST_ENDED = 20
NOTIFICATION, FLOW = "n", "f"  #: before the number of what is parked; an effect is a number alone
_WAITING = (CallState.RINGING, CallState.QUEUED, CallState.OFFERED)


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What one view is made from, read in one transaction."""

    setup: TenantSetup
    rows: FloorRows
    counts: list[QueueCounts]
    parked: list[ParkedEffect]
    unread: list[ParkedItem]  #: notifications and commands that could not be folded
    flows: list[ParkedFlow]
    pending: list[PendingCall]
    month: int


def view_of(stored: Stored, now: datetime) -> FloorView:
    """The floor at `now`."""
    setup, calls = stored.setup, stored.rows.calls
    names = Names(setup)
    live = [call for call in calls if call.state is not CallState.CLOSED and (call.queue or call.flow)]
    closed = sorted((call for call in calls if call.closed_at is not None), key=_closed_at, reverse=True)
    counts = {count.queue: _numbers(count) for count in stored.counts}
    return FloorView(
        tenant=setup.id,
        organisation=setup.name,
        as_of=now,
        time_zone=setup.time_zone,
        numbers=_sum(counts.values()),
        queues=tuple(_tile(queue, calls, stored.rows.agents, counts, now) for queue in setup.queues),
        calls=tuple(names.row(call) for call in live),
        agents=tuple(_agent(agent, names) for agent in sorted(stored.rows.agents, key=lambda one: one.name)),
        parked=(*map(_parked, stored.parked), *map(_unread, stored.unread), *map(_flow, stored.flows)),
        pending=tuple(_pending(item, names) for item in stored.pending),
        ended=tuple(names.row(call) for call in closed[:_MOST_ENDED]),
        quota=_quota(setup, QuotaUse(month=stored.month, concurrent=sum(call.is_live for call in live))),
    )


def midnight(setup: TenantSetup, now: datetime) -> datetime:
    """The beginning of the organisation's day."""
    return now.astimezone(ZoneInfo(setup.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def _quota(setup: TenantSetup, use: QuotaUse) -> Quota:
    policy = setup.registration.quota
    return Quota(
        calls_this_month=use.month,
        calls_per_month=policy.calls_per_month,
        concurrent=use.concurrent,
        concurrent_at_most=policy.concurrent_calls,
        is_redirecting=redirects(policy, use),
    )


def belongs(call: Call, of: CallSet, queues: Mapping[QueueId, Queue]) -> bool:
    """Whether a call is behind a number."""
    match of:
        case CallSet.OFFERED:
            return True
        case CallSet.WAITING:
            return call.outcome is None
        case CallSet.IN_TARGET:
            return call.outcome is Outcome.ANSWERED and _in_target(call, queues)
        case _:
            return call.outcome is not None and call.outcome.value == of.value


def _in_target(call: Call, queues: Mapping[QueueId, Queue]) -> bool:
    queue = queues.get(call.queue) if call.queue else None
    if queue is None or call.connected_at is None or call.arrived_at is None:
        return False
    return (call.connected_at - call.waits_since).total_seconds() <= queue.service_level_s


class Names:
    """What things are called for people in one organisation."""

    def __init__(self, setup: TenantSetup) -> None:
        self.queues = {queue.id: queue for queue in setup.queues}
        self._agents = {agent.id: agent.name for agent in setup.agents}
        self._flows = {flow.id: flow.name or str(flow.id) for flow in setup.flows}

    def _flow(self, call: Call) -> str:
        return self._flows.get(call.flow.flow, call.flow.flow) if call.flow else ""

    def queue(self, queue: QueueId | None) -> str:
        return self.queues[queue].name if queue in self.queues else (queue or "")

    def agent(self, call: Call) -> str:
        agent = call.offer.agent if call.offer else call.agent
        return self._agents.get(agent, "") if agent else ""

    def row(self, call: Call) -> CallRow:
        """One call as the page shows it."""
        best = _best(call)
        offered = call.offer.agent if call.offer else call.agent
        dispositions = self.queues[call.queue].dispositions if call.queue in self.queues else ()
        texts = {it.id: it.en for it in dispositions}
        return CallRow(
            call=call.id,
            queue=call.queue,
            queue_name=self.queue(call.queue) or self._flow(call),
            kind=call.caller.kind,
            number=readable(call.caller.e164) or call.caller.raw,
            name=best.name if best else call.caller.name or "",
            company=best.company if best else "",
            grade=best.grade if best else Grade.NONE,
            candidates=len(call.candidates),
            connector=title(best.party.connector) if best else "",
            record_link=best.link if best else "",
            state=call.state,
            since=_since(call),
            arrived_at=call.arrived_at or call.heard_at,
            queued_at=call.queued_at,
            connected_at=call.connected_at,
            ended_at=call.ended_at,
            agent=offered,
            agent_name=self.agent(call),
            source=FactSource.INFERRED if call.inferred else FactSource.GRAPH_LIVE,
            outcome=call.outcome,
            outcome_reason=call.outcome_reason,
            ended_by=call.ended_by,
            disposition=texts.get(call.disposition, call.disposition),
            activity=call.activity,
            pending_reason=pending_reason(call) if call.state is CallState.CLOSED and call.agent else None,
        )


def _best(call: Call) -> Candidate | None:
    chosen = next((it for it in call.candidates if it.party == call.party), None)
    return chosen or (call.candidates[0] if call.candidates else None)


def _since(call: Call) -> datetime:
    """When the call's state began, as far as we know."""
    begun = {
        CallState.OFFERED: call.offer.made_at if call.offer else None,
        CallState.IN_FLOW: call.established_at,
        CallState.QUEUED: call.queued_at or call.established_at,
        CallState.CONNECTED: call.connected_at,
        CallState.WRAP_UP: call.ended_at,
        CallState.CLOSED: call.closed_at,
    }
    return begun.get(call.state) or call.arrived_at or call.heard_at


def _closed_at(call: Call) -> datetime:
    return call.closed_at or call.heard_at


def _numbers(count: QueueCounts) -> Numbers:
    return Numbers(
        offered=count.offered,
        answered=count.answered,
        answered_in_target=count.in_target,
        abandoned=count.abandoned,
        abandoned_short=count.short,
        flowed_out=count.flowed_out,
        waiting=count.waiting,
        answer_wait_s=count.answer_wait_s,
    )


def _sum(all_numbers: Iterable[Numbers]) -> Numbers:
    """Numbers of all queues together: numerators and denominators are added, shares never averaged."""
    total = dict.fromkeys(Numbers.__struct_fields__, 0.0)
    for numbers in all_numbers:
        for name in total:
            total[name] += getattr(numbers, name)
    return msgspec.convert(total, Numbers, strict=False)


def _tile(
    queue: Queue, calls: list[Call], agents: list[Agent], counts: Mapping[QueueId, Numbers], now: datetime
) -> QueueTile:
    waiting = [call for call in calls if call.queue == queue.id and call.state in _WAITING]
    own = [agent.state for agent in agents if queue.id in agent.queues]
    return QueueTile(
        id=queue.id,
        name=queue.name,
        colour=queue.colour,
        waiting_since=min((call.waits_since for call in waiting), default=None),
        target_s=queue.service_level_s,
        target_share=queue.service_level_share,
        numbers=counts.get(queue.id, Numbers()),
        agents={state: own.count(state) for state in AgentState},
        closed=_closed(queue, now),
        wait=reckoned(len(waiting), own, Paces(call for call in calls if call.queue == queue.id).of(queue.id)),
    )


def _closed(queue: Queue, now: datetime) -> ClosedQueue | None:
    calendar = calendar_of(queue)
    why = calendar.why_closed(now) if calendar else None
    if calendar is None or why is None:
        return None
    names = {language: calendar.holiday(now, language) for language in ("en", "de")} if ":" in why else {}
    holiday = {language: name for language, name in names.items() if name}
    return ClosedQueue(reason=why.partition(":")[0], opens_at=calendar.next_edge(now), holiday=holiday)


def _agent(agent: Agent, names: Names) -> AgentRow:
    return AgentRow(
        id=agent.id,
        name=agent.name,
        state=agent.state,
        since=agent.since,
        reason=agent.reason,
        after=agent.after,
        queues=tuple(names.queue(queue) for queue in agent.queues),
        call=agent.call,
        presence="Elsewhere" if is_on_another_call(agent) else agent.presence.availability if agent.presence else "",
        presence_at=agent.presence.at if agent.presence else None,
    )


def _parked(effect: ParkedEffect) -> ParkedRow:
    return ParkedRow(
        id=str(effect.id),
        what=effect.kind,
        why=effect.reason,
        since=effect.since,
        attempts=effect.attempts,
        call=effect.call,
    )


def _unread(item: ParkedItem) -> ParkedRow:
    return ParkedRow(
        id=f"{NOTIFICATION}{item.id}",
        what=f"notification.{item.source}",
        why=item.error,
        since=item.received_at,
        attempts=item.attempts,
    )


def _flow(flow: ParkedFlow) -> ParkedRow:
    return ParkedRow(
        id=f"{FLOW}{flow.id}", what=f"flow.{flow.kind}", why=flow.reason, since=flow.since, attempts=flow.attempts
    )


def _pending(pending: PendingCall, names: Names) -> PendingRow:
    call = pending.call
    return PendingRow(
        call=call.id,
        reason=pending.item.reason,
        since=pending.item.since,
        queue_name=names.queue(call.queue),
        number=readable(call.caller.e164) or call.caller.raw,
        agent_name=names.agent(call),
        candidates=len(call.candidates),
    )
