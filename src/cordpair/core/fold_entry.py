"""Who comes in: a call that rings at a closed queue, or above Microsoft's limits, is sent on before it is answered."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from cordpair.core.call import Call, Outcome
from cordpair.core.changes import Leg
from cordpair.core.effects import RedirectCall, RejectCall
from cordpair.core.estimate import expected_wait
from cordpair.core.floor import Floor
from cordpair.core.open_times import calendar_of
from cordpair.core.tenant import Queue


class Barred(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call does not come in, or does not stay.

    `reason` is closed | holiday | quota | full | nobody | long_wait | max_wait, or how its flow ends (see
    flow_leaving). `why` says the same as exactly as we know.

    `target` (Entra object id) is who gets the call; empty: nobody.
    """

    reason: str
    why: str
    target: str


def barred(floor: Floor, call: Call, queue: Queue | None, at: datetime) -> Barred | None:
    """Why this new call, which rang at `at`, may not come in; None when it may. Without `queue` a flow takes it.

    In this order (routing.md 6, "Overflow"): closed, Microsoft's limits, too many wait, nobody there, it would take too
    long.
    """
    if queue is not None and (closed := barred_by_hours(floor, queue, at)) is not None:
        return closed
    if floor.is_full_for(call):
        target = sends_to(queue, floor.gate.fallback_user, at) if queue else floor.gate.fallback_user
        return Barred(reason="quota", why="quota", target=target)
    return None if queue is None else barred_by_load(floor, queue, at)


def barred_by_hours(floor: Floor, queue: Queue, at: datetime) -> Barred | None:
    """Why nobody comes in now: it is closed; None when it is open."""
    why = why_closed(queue, at)
    target = sends_to(queue, floor.gate.fallback_user, at)
    return None if why is None else Barred(reason=reason_of(why), why=why, target=target)


def barred_by_load(floor: Floor, queue: Queue, at: datetime) -> Barred | None:
    """Why nobody comes in now: too many wait, nobody is there, or it would take too long; None when there is room."""
    reason = _overflows(floor, queue, at)
    return overflowed(floor, queue, reason) if reason else None


def _overflows(floor: Floor, queue: Queue, at: datetime) -> str:
    """Why the queue takes no further call: full | nobody | long_wait; empty: it takes it."""
    if queue.max_waiting is not None and floor.waiting_in(queue.id) >= queue.max_waiting:
        return "full"
    if not (queue.waits_for_agents or any(floor.router.present(step.need(queue.id)) for step in queue.plan)):
        return "nobody"
    if queue.max_ewt_s is None:
        return ""
    wait = expected_wait(floor, queue.id, floor.waiting_in(queue.id), at)
    return "long_wait" if wait is not None and wait.mean_s > queue.max_ewt_s else ""


def overflowed(floor: Floor, queue: Queue, reason: str) -> Barred:
    """Where a call goes for which the queue has no room."""
    target = queue.overflow_user or queue.fallback_user or floor.gate.fallback_user
    return Barred(reason=reason, why=reason, target=target)


def reason_of(why: str) -> str:
    """The reason of an outcome for what `why_closed` says: closed | holiday."""
    return "holiday" if why.startswith("holiday:") else "closed"


def why_closed(queue: Queue, at: datetime) -> str | None:
    """As Calendar.why_closed; None for a queue that is open."""
    calendar = calendar_of(queue)
    return calendar.why_closed(at) if calendar else None


def sends_to(queue: Queue, fallback: str, at: datetime) -> str:
    """Who gets a call that this queue does not take at `at`; `fallback` is the organisation's user. Empty: nobody."""
    closed_user = queue.closed_user if why_closed(queue, at) is not None else ""
    return closed_user or queue.fallback_user or fallback


def send_on(floor: Floor, call: Call, barred: Barred, at: datetime) -> None:
    """The caller goes to whoever gets such calls, or hears that we are busy: Graph lets nobody ring in vain."""
    floor.sequence += 1
    leave(floor, call, barred, at)
    if barred.target:
        floor.order(RedirectCall(call=call.id, graph_id=call.graph_id, target=barred.target))
    else:
        floor.order(RejectCall(call=call.id, graph_id=call.graph_id, reason="busy"))


def leave(floor: Floor, call: Call, why: Barred, at: datetime) -> None:
    """Write down that a call, closed by its last move, has left us for somebody else."""
    closed = {"closed_at": at, "ended_at": at, "outcome": Outcome.FLOWED_OUT, "outcome_reason": why.reason}
    call = floor.save_call(replace(call, **closed))
    floor.cancel(f"check:{call.id}")
    floor.save_leg(Leg(call=call.id, number=0, agent=None, joined_at=call.arrived_at or at, left_at=at))
    floor.remember("SentOn", at, call=call.id, why=why.why)
