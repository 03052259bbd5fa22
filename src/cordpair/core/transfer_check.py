"""Whether a transfer can be: looked at before anything rings, so that no caller is passed on to nobody."""

from cordpair.core.agent import AgentState
from cordpair.core.availability import may_be_rung
from cordpair.core.events import TransferAsked
from cordpair.core.floor import Floor
from cordpair.core.fold_entry import why_closed
from cordpair.core.ids import AgentId, QueueId
from cordpair.core.transfer import TargetKind, TransferKind
from cordpair.errors import IllegalEvent

#: What an agent may do anyway, once they have been told.
MAY_BE_DONE_ANYWAY = frozenset({"queue_closed", "nobody_there", "agent_away"})

_SHORTEST = 8  #: characters of an E.164 number that is nobody's short or emergency number, its plus included
_IN_A_CALL = frozenset({AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})


def check_target(floor: Floor, event: TransferAsked) -> None:
    """Raises IllegalEvent with the reason why the caller cannot be passed on so; see MAY_BE_DONE_ANYWAY."""
    match event.target.kind:
        case TargetKind.QUEUE:
            _queue(floor, event)
        case TargetKind.AGENT:
            _agent(floor, event)
        case TargetKind.NUMBER if not is_dialable(event.dialled):
            raise IllegalEvent("number_not_allowed")
        case TargetKind.USER if not event.target.id or event.target.id in floor.agents:
            raise IllegalEvent("unknown_target")
        case _:
            pass


def is_dialable(number: str) -> bool:
    """Whether it is a whole number in E.164: never a short, emergency or withheld one."""
    return number.startswith("+") and number[1:].isdecimal() and _SHORTEST <= len(number) <= 16


def _queue(floor: Floor, event: TransferAsked) -> None:
    queue = floor.queues.get(QueueId(event.target.id))
    if queue is None or event.kind is not TransferKind.BLIND:
        raise IllegalEvent("unknown_target")
    if event.anyway:
        return
    if why_closed(queue, event.at) is not None:
        raise IllegalEvent("queue_closed")
    if not any(floor.router.present(step.need(queue.id)) for step in queue.plan):
        raise IllegalEvent("nobody_there")


def _agent(floor: Floor, event: TransferAsked) -> None:
    agent = floor.agents.get(AgentId(event.target.id))
    if agent is None or agent.id == event.agent:
        raise IllegalEvent("unknown_target")
    if agent.state in _IN_A_CALL:
        raise IllegalEvent("agent_busy")
    if not may_be_rung(agent, floor.queues, event.at) and not event.anyway:
        raise IllegalEvent("agent_away")
