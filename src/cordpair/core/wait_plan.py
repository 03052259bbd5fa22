"""What a waiting call asks for by now, and when that changes next. Pure in the time waited.

routing.md section 6, "Ring expansion", "Contact order". Steps count from the arrival in the queue (the moment we
answered, or its flow brought it there), delays and credit from the arrival of the call, or from then on.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec

from cordpair.core.call import Call
from cordpair.core.ids import AgentId
from cordpair.core.need import Need
from cordpair.core.pool import ContactKey
from cordpair.core.tenant import Queue

#: A timer fires once: what is due by then is due, whatever floats make of the instant.
ROUNDING = timedelta(milliseconds=1)


def step_of(queue: Queue, call: Call, at: datetime, present: Callable[[Need], int]) -> int:
    """The number of the call's step at `at`. `present` counts the signed in agents who can serve a need."""
    plan, waited_s = queue.plan, ((at - _entered(call)) + ROUNDING).total_seconds()
    number = max(number for number, step in enumerate(plan) if step.after_s <= max(0.0, waited_s))
    while queue.skip_if_empty and number + 1 < len(plan) and not present(need_of(queue, call, number)):
        number += 1
    return number


def need_of(queue: Queue, call: Call, number: int) -> Need:
    """What the call asks for in a step of its queue: the skills that its flow asks for on top."""
    need = queue.plan[number].need(queue.id)
    return msgspec.structs.replace(need, skills=need.skills | call.skills) if call.skills else need


def key_of(queue: Queue, call: Call, at: datetime) -> ContactKey:
    """The call's place among all that wait."""
    arrived = call.queued_at or call.arrived_at or call.heard_at
    has_aged = queue.overtake_s is not None and at - arrived + ROUNDING >= timedelta(seconds=queue.overtake_s)
    credit_s = queue.credit_s + call.credit_s
    return ContactKey(0 if has_aged else queue.tier, arrived.timestamp() - credit_s, call.sequence)


def preferred_of(queue: Queue, call: Call, at: datetime, may_come: Callable[[AgentId, Queue], bool]) -> AgentId | None:
    """The agent who talked to the caller last, as long as the call waits for nobody else: its step before all others.

    None without one, when they are not at work, have been rung for this call, or when the time for it is over.
    """
    agent, met_at = call.last_agent, call.last_met_at
    if agent is None or met_at is None or at + ROUNDING >= _entered(call) + timedelta(seconds=queue.last_agent_s):
        return None
    is_recent = at - met_at <= timedelta(days=queue.last_agent_days)
    return agent if is_recent and agent not in call.excluded and may_come(agent, queue) else None


def may_grow(queue: Queue) -> bool:
    """Whether waiting changes anything of itself in this queue, delays of agents aside."""
    return len(queue.plan) > 1 or (queue.tier != 0 and queue.overtake_s is not None) or queue.last_agent_s > 0


def grows_at(queue: Queue, call: Call, at: datetime, delays: Iterable[float]) -> datetime | None:
    """The next instant after `at` at which step, tier or who sees the call changes; None: never again."""
    arrived = call.queued_at or call.arrived_at or call.heard_at
    edges = [_entered(call) + timedelta(seconds=step.after_s) for step in queue.plan]
    edges += [arrived + timedelta(seconds=delay_s - queue.credit_s - call.credit_s) for delay_s in delays]
    if call.last_agent is not None:
        edges.append(_entered(call) + timedelta(seconds=queue.last_agent_s))
    if queue.tier and queue.overtake_s is not None:
        edges.append(arrived + timedelta(seconds=queue.overtake_s))
    return min((edge for edge in edges if edge > at + ROUNDING), default=None)


def _entered(call: Call) -> datetime:
    return call.queued_at or call.established_at or call.arrived_at or call.heard_at
