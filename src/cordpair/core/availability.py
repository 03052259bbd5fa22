"""For which queues an agent may be rung: their own state is the truth, Teams presence a hint with an age. Pure.

routing.md section 6, "Presence races".
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from cordpair.core.agent import Agent, AgentState, Presence
from cordpair.core.ids import QueueId
from cordpair.core.queue_rules import StalePolicy
from cordpair.core.tenant import Queue, queue_named

#: Presence that lets calls through (Graph availability values).
ALLOWED = frozenset({"Available", "AvailableIdle", "PresenceUnknown"})
#: What Teams says of somebody on the phone (Graph activity values).
IN_A_CALL = frozenset({"InACall", "InAConferenceCall"})
#: Presence comes at most this much late (Microsoft: 10 s on average).
LATE = timedelta(seconds=60)
_EDGE = timedelta(milliseconds=1)


def rung_for(agent: Agent, queues: Mapping[QueueId, Queue], at: datetime) -> frozenset[QueueId] | None:
    """Of their queues, those whose calls may ring at a ready agent at `at`; None: all of them.

    A presence that holds agents back does so until it is stale in the queue, and for good where stale ones block.
    """
    if agent.state is not AgentState.READY:
        return frozenset()
    seen = agent.presence
    if seen is None or not holds_back(agent, seen):
        return None
    age = at - seen.at
    stale = {queue: _stale_after(queues, queue) for queue in agent.queues}
    return frozenset(queue for queue, after in stale.items() if after is not None and age > after)


def may_be_rung(agent: Agent, queues: Mapping[QueueId, Queue], at: datetime) -> bool:
    """Whether a call of any of their queues may ring at the agent at `at`."""
    return rung_for(agent, queues, at) != frozenset()


def looks_again_at(agent: Agent, queues: Mapping[QueueId, Queue], at: datetime) -> datetime | None:
    """When a presence that holds a ready agent back becomes stale in one more queue; None: in none any more."""
    seen = agent.presence
    if seen is None or agent.state is not AgentState.READY or not holds_back(agent, seen):
        return None
    stale = (_stale_after(queues, queue) for queue in agent.queues)
    edges = (seen.at + after + _EDGE for after in stale if after is not None)
    return min((edge for edge in edges if edge > at), default=None)


def holds_back(agent: Agent, seen: Presence) -> bool:
    """Whether this presence speaks against a ring. Being in a call of ours does not, however late we are told."""
    return seen.availability not in ALLOWED and not _is_of_our_call(agent, seen)


def is_on_another_call(agent: Agent) -> bool:
    """Whether a ready agent talks in Teams without us, as far as presence tells."""
    seen = agent.presence
    return (
        agent.state is AgentState.READY
        and seen is not None
        and seen.activity in IN_A_CALL
        and not _is_of_our_call(agent, seen)
    )


def _is_of_our_call(agent: Agent, seen: Presence) -> bool:
    talk = agent.talk
    if talk is None or seen.was_rung or seen.activity not in IN_A_CALL:
        return False
    return talk.since <= seen.at and (talk.until is None or seen.at <= talk.until + LATE)


def _stale_after(queues: Mapping[QueueId, Queue], queue: QueueId) -> timedelta | None:
    """After how long a presence says nothing any more in this queue; None: never."""
    setup = queue_named(queues, queue)
    return timedelta(seconds=setup.stale_s) if setup.stale is StalePolicy.TRUST else None
