"""What the card of a conversation says of passing the caller on: names, choices, how the last try went."""

from collections.abc import Mapping

from msgspec.structs import replace

from cordpair.connectors.teams.facts import CardFacts
from cordpair.connectors.teams.pass_on import Choice, Passing
from cordpair.connectors.teams.texts import text
from cordpair.core.agent import Agent, AgentState
from cordpair.core.call import Call, CallState
from cordpair.core.effects import Face
from cordpair.core.ids import AgentId, QueueId
from cordpair.core.tenant import Queue
from cordpair.core.transfer import Stage, Target, TargetKind
from cordpair.store.doors import TenantRows


def needs_passing(face: Face, call: Call) -> bool:
    """Whether the card says anything of it: the usual ring does not, and is not held up by looking names up."""
    is_passed_on = call.transfer is not None or call.former is not None
    return face is Face.STRIP or (face is Face.RINGING and is_passed_on)


async def with_passing(rows: TenantRows, facts: CardFacts, call: Call, agent: AgentId) -> CardFacts:
    """The facts of a card, with what it says of passing the caller on."""
    agents = await rows.agents.of_floor()
    queues = {queue.id: queue for queue in await rows.setups.queues()}
    return replace(facts, passing=passing_of(call, agent, agents, queues, facts.locale))


def passing_of(
    call: Call, viewer: AgentId, agents: list[Agent], queues: Mapping[QueueId, Queue], locale: str
) -> Passing:
    """What `viewer` is told. Pure."""
    names = {agent.id: agent.name for agent in agents}

    def named(target: Target) -> str:
        if target.kind is TargetKind.QUEUE:
            return queues[QueueId(target.id)].name if target.id in queues else target.id
        return names.get(AgentId(target.id), "") or text(locale, "pass_somebody")

    transfer, failure = call.transfer, call.failure
    if call.state is CallState.RELEASED:
        return Passing(is_released=True)
    if transfer is not None and transfer.target.id == viewer:
        return Passing(by=names.get(transfer.agent, "") or "-", is_asked=True)
    return Passing(
        choices=_choices(viewer, agents, queues) if transfer is None else (),
        to=named(transfer.target) if transfer else "",
        kind=transfer.kind if transfer else Passing().kind,
        is_there=transfer is not None and transfer.stage is Stage.TALKING,
        held=transfer is not None and transfer.held,
        failed_to=named(failure.target) if failure else "",
        why=failure.why if failure else None,
        by=names.get(call.former, "") if call.former and call.former != viewer else "",
    )


def _choices(viewer: AgentId, agents: list[Agent], queues: Mapping[QueueId, Queue]) -> tuple[Choice, ...]:
    """Colleagues who are ready first, then queues, then the other colleagues who are signed in."""
    others = sorted((it for it in agents if it.id != viewer), key=lambda it: it.name)
    ready = [it for it in others if it.state is AgentState.READY]
    signed_in = [it for it in others if it.state not in (AgentState.READY, AgentState.OFFLINE)]
    return (
        *(Choice(f"agent:{it.id}", it.name) for it in ready),
        *(Choice(f"queue:{it.id}", it.name) for it in queues.values()),
        *(Choice(f"agent:{it.id}", it.name) for it in signed_in),
    )
