"""The day of one agent: one table of legal moves.

Our own state is the truth. Teams presence is a hint with an age: it can hold an agent back, it never frees one.
"""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.need import Ability, Membership, Value
from cordpair.errors import IllegalEvent

#: The reason of a break that follows from too many calls declined in a row.
DECLINES = "declines"


class AgentState(StrEnum):
    OFFLINE = "offline"
    READY = "ready"
    BREAK = "break"
    RINGING = "ringing"  # one offer rings
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    NOT_RESPONDING = "not_responding"  # missed an offer: away until somebody says otherwise


class AgentMove(StrEnum):
    READY = "ready"
    BREAK = "break"
    SIGN_OUT = "sign_out"
    RING = "ring"
    RESTORE = "restore"  # the ring was taken back or declined: back as if it had not been
    MISS = "miss"
    JOIN = "join"
    OVER = "over"  # the conversation ended
    FINISH = "finish"  # the wrap-up is done


_S = AgentState
_FREE = (_S.OFFLINE, _S.READY, _S.BREAK, _S.NOT_RESPONDING)
_BOUND = (_S.RINGING, _S.TALKING, _S.WRAP_UP)

#: Every legal move. A wish (ready, break, sign out) during a call waits for the end of its wrap-up.
MOVES: dict[tuple[AgentState, AgentMove], frozenset[AgentState]] = {
    **{(state, AgentMove.READY): frozenset({_S.READY}) for state in _FREE},
    **{(state, AgentMove.BREAK): frozenset({_S.BREAK}) for state in _FREE},
    **{(state, AgentMove.SIGN_OUT): frozenset({_S.OFFLINE}) for state in _FREE},
    **{(state, wish): frozenset({state}) for state in _BOUND for wish in (AgentMove.READY, AgentMove.BREAK)},
    **{(state, AgentMove.SIGN_OUT): frozenset({state}) for state in (_S.TALKING, _S.WRAP_UP)},
    (_S.RINGING, AgentMove.SIGN_OUT): frozenset({_S.OFFLINE}),
    (_S.READY, AgentMove.RING): frozenset({_S.RINGING}),
    (_S.BREAK, AgentMove.RING): frozenset({_S.RINGING}),  # for a call that the agent places
    (_S.RINGING, AgentMove.RESTORE): frozenset({_S.READY, _S.BREAK}),
    (_S.RINGING, AgentMove.MISS): frozenset({_S.NOT_RESPONDING}),
    # Whoever stands in the roster talks, whatever we believed before.
    **{(state, AgentMove.JOIN): frozenset({_S.TALKING}) for state in (*_FREE, _S.RINGING)},
    (_S.TALKING, AgentMove.OVER): frozenset({_S.WRAP_UP}),
    **{(state, AgentMove.OVER): frozenset({_S.WRAP_UP}) for state in (_S.READY, _S.NOT_RESPONDING)},
    (_S.WRAP_UP, AgentMove.FINISH): frozenset({_S.READY, _S.BREAK, _S.OFFLINE}),
}


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """Teams presence as last heard. `at` is when we heard it, UTC."""

    availability: str
    activity: str
    sequence: int
    at: datetime
    was_rung: bool = False  #: a ring told us, not Teams: the agent's client was in another call


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's last conversation: from its ring, and until when; None while it lasts. Aware UTC."""

    since: datetime
    until: datetime | None = None


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """All we know of one agent. `idle_since` is the instant at which the agent last became able to take a call."""

    id: AgentId
    name: str = ""
    queues: tuple[QueueId, ...] = ()
    skills: frozenset[str] = frozenset()
    state: AgentState = AgentState.OFFLINE
    since: datetime
    idle_since: datetime
    reason: str = ""  #: of a break
    after: AgentState = AgentState.READY  #: where the next wrap-up ends
    call: CallId | None = None  #: ringing, talking or wrapping up
    presence: Presence | None = None
    memberships: tuple[Membership, ...] = ()  #: of some queues: see AgentSetup
    attributes: dict[str, Value] = msgspec.field(default_factory=dict)
    offered_at: datetime | None = None  #: the last call
    missed: int = 0  #: rings in a row
    declined: int = 0  #: calls in a row
    talk: Talk | None = None
    told: int = 0  #: how often they were told that their state was set

    @property
    def ability(self) -> Ability:
        """What the router knows them by."""
        told = {membership.queue: membership for membership in self.memberships}
        return Ability.of([told.get(queue, queue) for queue in self.queues], self.skills, self.attributes)


def is_engaged(agent: Agent) -> bool:
    """Whether a call takes the agent's time, its wrap-up included."""
    return agent.state in (AgentState.TALKING, AgentState.WRAP_UP)


def allows(agent: Agent, step: AgentMove) -> bool:
    """Whether the table has this step in the agent's state."""
    return (agent.state, step) in MOVES


def move(agent: Agent, step: AgentMove, to: AgentState, at: datetime, **changes: object) -> Agent:
    """Take one legal step at `at`. Raises IllegalEvent when the table has no such move."""
    if to not in MOVES.get((agent.state, step), frozenset()):
        raise IllegalEvent(f"{step} in state {agent.state} to {to}")
    since = agent.since if to is agent.state else at
    talk = agent.talk
    if step is AgentMove.OVER and talk is not None:
        talk = replace(talk, until=at)
    return replace(agent, **{"state": to, "since": since, "talk": talk, **changes})


def wished(agent: Agent, wish: AgentMove, at: datetime, reason: str = "") -> Agent:
    """Go ready, on a break or offline: at once when free, else after the wrap-up. Raises IllegalEvent."""
    target = {AgentMove.READY: _S.READY, AgentMove.BREAK: _S.BREAK, AgentMove.SIGN_OUT: _S.OFFLINE}[wish]
    if (agent.state in _BOUND and target in MOVES.get((agent.state, wish), frozenset())) or agent.state in _FREE:
        idle = at if target is _S.READY and agent.state is not _S.READY else agent.idle_since
        again = {} if target is not _S.READY else {"missed": 0, "declined": 0}
        return move(agent, wish, target, at, reason=reason, after=_S.READY, idle_since=idle, call=None, **again)
    return move(agent, wish, agent.state, at, after=target, reason=reason)
