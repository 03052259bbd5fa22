"""A place-holder has come to its turn: an agent is asked to call back, as a call would be offered."""

from datetime import datetime, timedelta

from cordpair.core import agent as agents
from cordpair.core.agent import AgentMove, AgentState
from cordpair.core.callback import Callback, CallbackState, move
from cordpair.core.decision import reasons
from cordpair.core.effects import CallbackFace, ShowCallback
from cordpair.core.events import CallbackDue
from cordpair.core.floor import Floor
from cordpair.core.match import Match
from cordpair.core.tenant import queue_named


def offer_place(floor: Floor, match: Match, at: datetime) -> bool:
    """Ask the matched agent. False when the match is a call's."""
    callback = floor.callbacks.of_place(match.contact)
    if callback is None:
        return False
    agent = floor.agent(match.agent)
    why = reasons(floor, match, callback.place, agent, at)
    floor.stop_waiting(callback.place)
    floor.save_agent(agents.move(agent, AgentMove.RING, AgentState.RINGING, at, call=None, offered_at=at))
    offered = move(callback, CallbackState.OFFERED, at, agent=agent.id, number=callback.number + 1)
    floor.save_callback(offered)
    arm(floor, offered, at, queue_named(floor.queues, callback.queue).callbacks.offer_s)
    show(floor, offered, CallbackFace.OFFERED)
    floor.remember("CallbackOffered", at, call=callback.call, agent=agent.id, **why)
    return True


def arm(floor: Floor, callback: Callback, at: datetime, after_s: float) -> None:
    """Let it become due. One timer for each callback: what is due then depends on where it stands."""
    due = CallbackDue(at=at + timedelta(seconds=after_s), call=callback.call, number=callback.number)
    floor.timer(f"callback:{callback.call}", at, after_s, due)


def show(floor: Floor, callback: Callback, face: CallbackFace) -> None:
    """Bring the agent's card of it to a face."""
    assert callback.agent is not None
    floor.order(ShowCallback(call=callback.call, agent=callback.agent, face=face, number=callback.number))
