"""Offers: made, ended, accepted. One rings per call, and none is made that could ring somebody twice."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import call as calls
from cordpair.core.agent import STALE_PRESENCE, Agent, AgentMove, AgentState, Presence, may_be_rung
from cordpair.core.call import Call, CallState, Move, Offer
from cordpair.core.changes import OfferRecord, OfferState
from cordpair.core.decision import reasons
from cordpair.core.effects import Face, InviteAgent, ReleaseCall, WithdrawInvite
from cordpair.core.events import OfferEnd, OfferTimedOut, PresenceAged
from cordpair.core.floor import Floor, clock_of
from cordpair.core.ids import AgentId, CallId
from cordpair.core.routing import Match
from cordpair.core.tenant import Topology
from cordpair.errors import IllegalEvent

#: A call that is handed over rings for as long as Teams lets it, and cannot be taken back.
RELEASED_RING_S = 75.0

#: After these Graph still rings the agent's client, so the ring has to be withdrawn.
_STILL_RINGS = frozenset({OfferEnd.MISSED, OfferEnd.AGENT_LOST, OfferEnd.WITHDRAWN, OfferEnd.UNSURE})

_CARD_AFTER = {
    OfferEnd.DECLINED: Face.DECLINED,
    OfferEnd.MISSED: Face.MISSED,
    OfferEnd.BUSY: Face.MISSED,
    OfferEnd.FAILED: Face.MISSED,
    OfferEnd.AGENT_LOST: Face.MISSED,
    OfferEnd.WITHDRAWN: Face.TAKEN,
    OfferEnd.UNSURE: Face.MISSED,
}


def seek(floor: Floor, call: Call, at: datetime) -> None:
    """Let a queued call wait, or offer it at once."""
    for match in floor.wait(call, at):
        _offer_match(floor, match, at)


def available(floor: Floor, agent: Agent, at: datetime) -> None:
    """Tell the router where the agent stands; a call that waited for them is offered at once."""
    floor.router.busy(agent.id)
    if agent.state is not AgentState.READY:
        return
    if may_be_rung(agent, at):
        match = floor.router.idle(agent.id, agent.idle_since, now=clock_of(at))
        if match is not None:
            _offer_match(floor, match, at)
    elif agent.presence is not None:
        stale_at = agent.presence.at + STALE_PRESENCE + timedelta(milliseconds=1)
        floor.timer(f"presence:{agent.id}", stale_at, 0, PresenceAged(at=stale_at, agent=agent.id))


def _offer_match(floor: Floor, match: Match, at: datetime) -> None:
    why = reasons(floor, match, floor.call(match.contact), floor.agent(match.agent), at)
    make_offer(floor, match.contact, match.agent, at, why)


def make_offer(floor: Floor, call_id: CallId, agent_id: AgentId, at: datetime, why: dict[str, str]) -> None:
    """Offer a call to an agent: show the card, ring the client, start the clock. `why` is for the history."""
    agent = floor.agent(agent_id)
    call = _to_be_rung(floor, calls.offered(floor.call(call_id), agent.id, at))
    offer = call.offer
    assert offer is not None
    floor.save_call(call)
    floor.stop_waiting(call)
    floor.save_agent(agents.move(agent, AgentMove.RING, AgentState.RINGING, at, call=call.id, offered_at=at))
    floor.save_offer(_record(call, offer, OfferState.RINGING))
    floor.show(call, agent.id, Face.RINGING)
    kind = ReleaseCall if call.releases else InviteAgent
    floor.order(kind(call=call.id, graph_id=call.graph_id, agent=agent.id, offer=offer.id))
    ring_s = RELEASED_RING_S if call.releases else floor.queue_of(call).ring_timeout_s
    timed_out = OfferTimedOut(at=at + timedelta(seconds=ring_s), call=call.id, offer=offer.id)
    floor.timer(f"offer:{offer.id}", at, ring_s, timed_out)
    floor.remember(
        "Offered",
        at,
        call=call.id,
        agent=agent.id,
        before=CallState.QUEUED,
        after=CallState.OFFERED,
        **why,
    )


def _to_be_rung(floor: Floor, call: Call) -> Call:
    """How the agent is rung: into the call, or instead of us, as long as nobody was ever invited (ADR 1)."""
    releases = floor.queue_of(call).topology is Topology.RELEASED and not call.is_group
    return replace(call, releases=releases, is_group=call.is_group or not releases)


def end_offer(floor: Floor, call: Call, why: OfferEnd, at: datetime, *, rings: bool | None = None) -> Call:
    """End the live offer of a call that goes on waiting; the caller of this looks for the next agent.

    `rings` says whether Graph may still be ringing the agent (None: as usual for `why`).
    """
    offer = live_offer(call)
    call = close_offer(floor, call, why, at)
    excluded = call.excluded if why is OfferEnd.WITHDRAWN else tuple({*call.excluded, offer.agent})
    call = floor.save_call(calls.move(call, Move.OFFER_END, CallState.QUEUED, offer=None, excluded=excluded))
    if why in _STILL_RINGS if rings is None else rings:
        call = floor.save_call(replace(call, withdrawn=tuple({*call.withdrawn, offer.agent})))
        floor.order(WithdrawInvite(call=call.id, graph_id=call.graph_id, offer=offer.id, agent=offer.agent))
    free_agent(floor, offer.agent, why, at)
    return call


def close_offer(floor: Floor, call: Call, why: OfferEnd, at: datetime, face: Face | None = None) -> Call:
    """Write down that the live offer is over, and let its card say so."""
    offer = live_offer(call)
    floor.cancel(f"offer:{offer.id}", f"confirm:{offer.id}")
    floor.save_offer(_record(call, offer, OfferState.ENDED, ended_at=at, why=why))
    floor.remember("OfferEnded", at, call=call.id, agent=offer.agent, why=why)
    return floor.show(call, offer.agent, face or _CARD_AFTER[why])


def accept_offer(floor: Floor, call: Call) -> None:
    """The agent of the live offer stands in the roster."""
    offer = live_offer(call)
    floor.cancel(f"offer:{offer.id}", f"confirm:{offer.id}")
    floor.save_offer(_record(call, offer, OfferState.ACCEPTED))


def free_agent(floor: Floor, agent_id: AgentId, why: OfferEnd, at: datetime) -> None:
    """Where an agent goes when their ring is over. Only a missed ring takes them away from the queues."""
    agent = floor.agents.get(agent_id)
    if agent is None or agent.state is not AgentState.RINGING:
        return
    if why in (OfferEnd.MISSED, OfferEnd.FAILED, OfferEnd.AGENT_LOST):
        agent = agents.move(agent, AgentMove.MISS, AgentState.NOT_RESPONDING, at, call=None, reason=why.value)
    else:
        target = agent.after if agent.after in (AgentState.READY, AgentState.BREAK) else AgentState.READY
        agent = agents.move(agent, AgentMove.RESTORE, target, at, call=None, after=AgentState.READY)
    if why is OfferEnd.BUSY:
        # The ring told us what presence will say in a moment: the agent is in a call of their own.
        sequence = agent.presence.sequence if agent.presence else 0
        agent = replace(agent, presence=Presence(availability="Busy", activity="InACall", sequence=sequence, at=at))
    floor.save_agent(agent)
    available(floor, agent, at)


def live_offer(call: Call) -> Offer:
    """The offer that rings. Raises IllegalEvent when none does."""
    if call.offer is None:
        raise IllegalEvent("offer_over")
    return call.offer


def _record(
    call: Call, offer: Offer, state: OfferState, *, ended_at: datetime | None = None, why: OfferEnd | None = None
) -> OfferRecord:
    return OfferRecord(
        id=offer.id,
        call=call.id,
        agent=offer.agent,
        number=offer.number,
        state=state,
        made_at=offer.made_at,
        ended_at=ended_at,
        why=why,
    )
