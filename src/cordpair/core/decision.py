"""Why an agent was offered a call: what the history keeps of a decision. Ids, counts and seconds; nothing of people."""

from datetime import datetime

from cordpair.core.agent import Agent
from cordpair.core.call import Call
from cordpair.core.floor import Floor, clock_of
from cordpair.core.match import Match
from cordpair.core.wait_plan import need_of

#: An agent who took the call out of turn.
CLAIMED = {"rule": "claimed", "candidates": "1"}


def reasons(floor: Floor, match: Match, call: Call, agent: Agent, at: datetime) -> dict[str, str]:
    """Of a match that was just made, before anything else happens on the floor.

    rule; candidates it was chosen among; step (from 1) and steps; tier; seconds that the call waited (`waited_s`) and
    the agent was idle (`idle_s`), age of the agent's presence (`presence_s`, where any was heard), number of agents
    that the call is not offered to again (`excluded`), and `next`: who would have been chosen instead.
    """
    queue = floor.queue_of(call)
    step = floor.step_of(call, at)
    told = {
        "rule": match.rule,
        "candidates": str(match.candidates),
        "step": str(step + 1),
        "steps": str(len(queue.plan)),
        "tier": str(match.key.tier),
        "waited_s": _seconds(at, call.arrived_at or call.heard_at),
        "idle_s": _seconds(at, match.idle_since),
        "excluded": str(len(call.excluded)),
    }
    if agent.presence is not None:
        told["presence_s"] = _seconds(at, agent.presence.at)
    other = floor.router.runner_up(match, need_of(queue, call, step), frozenset(call.excluded), clock_of(at))
    return told if other is None else {**told, "next": other}


def _seconds(at: datetime, since: datetime) -> str:
    return f"{max(0.0, (at - since).total_seconds()):.3f}"
