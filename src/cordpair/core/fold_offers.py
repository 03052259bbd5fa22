"""Offers: made, ended, accepted. None is made that could ring somebody twice, and no more than the queue's number."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import offers
from cordpair.core.agent import DECLINES, Agent, AgentMove, AgentState, Presence
from cordpair.core.availability import looks_again_at, rung_for
from cordpair.core.call import Call, Offer
from cordpair.core.callback_offer import offer_place
from cordpair.core.changes import OfferRecord, OfferState
from cordpair.core.decision import reasons
from cordpair.core.effects import Face, InviteAgent, ReleaseCall, WithdrawInvite
from cordpair.core.events import OfferEnd, OfferTimedOut, PresenceAged
from cordpair.core.floor import Floor, clock_of
from cordpair.core.fold_claim_first import announce, announce_to, take_down
from cordpair.core.fold_stand_in import ring_stand_in
from cordpair.core.ids import AgentId, CallId
from cordpair.core.routing import Match
from cordpair.core.tenant import Queue, Topology

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
    """Let a call wait for as many agents as may still be rung for it; those who can take it are, at once.

    Who has waited too long while it rang is rung for no further agent.
    """
    if call.overdue:
        if call.rings or ring_stand_in(floor, call, at):
            return
        call = floor.save_call(replace(call, overdue=False))
    for match in floor.wait(call, at):
        _offer_match(floor, match, at)
    announce(floor, floor.calls[call.id], at)


def available(floor: Floor, agent: Agent, at: datetime) -> None:
    """Tell the router where the agent stands; a call that waited for them is offered at once."""
    floor.router.busy(agent.id)
    if agent.state is not AgentState.READY:
        return
    queues = rung_for(agent, floor.queues, at)
    again_at = looks_again_at(agent, floor.queues, at)
    if again_at is not None:
        floor.timer(f"presence:{agent.id}", again_at, 0, PresenceAged(at=again_at, agent=agent.id))
    if queues is None or queues:
        match = floor.router.idle(agent.id, agent.idle_since, queues=queues, now=clock_of(at))
        if match is not None:
            _offer_match(floor, match, at)
        else:
            announce_to(floor, agent, at)


def _offer_match(floor: Floor, match: Match, at: datetime) -> None:
    if offer_place(floor, match, at):
        return
    why = reasons(floor, match, floor.call(match.contact), floor.agent(match.agent), at)
    make_offer(floor, match.contact, match.agent, at, why)


def make_offer(floor: Floor, call_id: CallId, agent_id: AgentId, at: datetime, why: dict[str, str]) -> None:
    """Offer a call to an agent: show the card, ring the client, start the clock. `why` is for the history."""
    agent, before = floor.agent(agent_id), take_down(floor, floor.call(call_id), Face.TAKEN)
    call, offer = offers.offered(before, agent.id, at)
    call = _to_be_rung(floor, call)
    floor.save_call(call)
    floor.stop_watching(call)
    if not floor.room_of(call):
        floor.stop_seeking(call)
    floor.save_agent(agents.move(agent, AgentMove.RING, AgentState.RINGING, at, call=call.id, offered_at=at))
    floor.save_offer(_record(call, offer, OfferState.RINGING))
    floor.show(call, agent.id, Face.RINGING)
    kind = ReleaseCall if call.releases else InviteAgent
    floor.order(kind(call=call.id, graph_id=call.graph_id, agent=agent.id, offer=offer.id))
    ring_s = RELEASED_RING_S if call.releases else floor.queue_of(call).ring_timeout_s
    timed_out = OfferTimedOut(at=at + timedelta(seconds=ring_s), call=call.id, offer=offer.id)
    floor.timer(f"offer:{offer.id}", at, ring_s, timed_out)
    floor.remember("Offered", at, call=call.id, agent=agent.id, before=before.state, after=call.state, **why)


def _to_be_rung(floor: Floor, call: Call) -> Call:
    """How the agent is rung: into the call, or instead of us, as long as nobody was ever invited (ADR 1)."""
    releases = floor.queue_of(call).topology is Topology.RELEASED and not call.is_group
    return replace(call, releases=releases, is_group=call.is_group or not releases)


def end_offer(
    floor: Floor, call: Call, offer: Offer, why: OfferEnd, at: datetime, *, rings: bool | None = None
) -> Call:
    """End a live offer of a call that goes on waiting, or rings at others; the caller of this seeks the next agent.

    `rings` says whether Graph may still be ringing the agent (None: as usual for `why`).
    """
    call = close_offer(floor, call, offer, why, at)
    excluded = call.excluded if why is OfferEnd.WITHDRAWN else tuple({*call.excluded, offer.agent})
    call = floor.save_call(replace(offers.ended(call, offer), excluded=excluded))
    if why in _STILL_RINGS if rings is None else rings:
        call = floor.save_call(replace(call, withdrawn=tuple({*call.withdrawn, offer.agent})))
        floor.order(WithdrawInvite(call=call.id, graph_id=call.graph_id, offer=offer.id, agent=offer.agent))
    free_agent(floor, call, offer.agent, why, at)
    return call


def close_offer(floor: Floor, call: Call, offer: Offer, why: OfferEnd, at: datetime, face: Face | None = None) -> Call:
    """Write down that a live offer is over, and let its card say so."""
    floor.cancel(f"offer:{offer.id}", f"confirm:{offer.id}")
    floor.save_offer(_record(call, offer, OfferState.ENDED, ended_at=at, why=why))
    floor.remember("OfferEnded", at, call=call.id, agent=offer.agent, why=why)
    return floor.show(call, offer.agent, face or _CARD_AFTER[why])


def accept_offer(floor: Floor, call: Call, offer: Offer) -> None:
    """The agent of a live offer stands in the roster."""
    floor.cancel(f"offer:{offer.id}", f"confirm:{offer.id}")
    floor.save_offer(_record(call, offer, OfferState.ACCEPTED))


def free_agent(floor: Floor, call: Call, agent_id: AgentId, why: OfferEnd, at: datetime) -> None:
    """Where an agent goes when their ring is over. Their turn is not lost, nor does a missed ring improve it."""
    agent = floor.agents.get(agent_id)
    if agent is None or agent.state is not AgentState.RINGING:
        return
    agent = floor.save_agent(_after_ring(agent, floor.queue_of(call), why, at))
    if agent.state is AgentState.BREAK and agent.reason == DECLINES:
        floor.remember("DeclinedTooOften", at, call=call.id, agent=agent.id, after=agent.state)
        floor.tell(agent.id)
    available(floor, agent, at)


def _after_ring(agent: Agent, queue: Queue, why: OfferEnd, at: datetime) -> Agent:
    """Only who cannot be reached is taken away from the queues: who was busy elsewhere is to blame for nothing."""
    missed = agent.missed + (why is OfferEnd.MISSED)
    declined = agent.declined + (why is OfferEnd.DECLINED)
    if why in (OfferEnd.FAILED, OfferEnd.AGENT_LOST) or (why is OfferEnd.MISSED and missed >= queue.misses):
        away = {"call": None, "reason": why.value, "missed": missed}
        return agents.move(agent, AgentMove.MISS, AgentState.NOT_RESPONDING, at, **away)
    target = agent.after if agent.after in (AgentState.READY, AgentState.BREAK) else AgentState.READY
    reason = agent.reason
    if why is OfferEnd.DECLINED and 0 < queue.declines <= declined and target is AgentState.READY:
        target, reason, declined = AgentState.BREAK, DECLINES, 0
    counted = {"missed": missed, "declined": declined, "reason": reason}
    agent = agents.move(agent, AgentMove.RESTORE, target, at, call=None, after=AgentState.READY, **counted)
    if why is not OfferEnd.BUSY:
        return agent
    # The ring told us what presence will say in a moment: the agent is in a call of their own.
    sequence = agent.presence.sequence if agent.presence else 0
    busy = Presence(availability="Busy", activity="InACall", sequence=sequence, at=at, was_rung=True)
    return replace(agent, presence=busy)


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
