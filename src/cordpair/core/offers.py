"""The offers of one call: which of them ring, and what becomes of them. Pure steps of the call's table.

Most queues ring one agent at a time. Where a queue rings several at once, each of them has an offer of their own, with
its own number; whoever stands in the roster first has the call.
"""

from datetime import datetime

from msgspec.structs import replace

from cordpair.core import call as calls
from cordpair.core.call import Call, CallState, Move, Offer
from cordpair.core.ids import AgentId, OfferId, offer_id
from cordpair.errors import IllegalEvent


def offered(call: Call, agent: AgentId, at: datetime) -> tuple[Call, Offer]:
    """The next offer of a call that waits or rings elsewhere."""
    number = call.offers + 1
    offer = Offer(id=offer_id(call.id, number), number=number, agent=agent, made_at=at)
    withdrawn = tuple(one for one in call.withdrawn if one != agent)  # they are rung anew
    call = calls.move(call, Move.OFFER, CallState.OFFERED, offers=number, withdrawn=withdrawn)
    return _ringing(call, (*call.rings, offer)), offer


def ended(call: Call, offer: Offer) -> Call:
    """The call without this offer: it waits, or rings at others still."""
    rest = tuple(one for one in call.rings if one.id != offer.id)
    return _ringing(calls.move(call, Move.OFFER_END, CallState.OFFERED if rest else CallState.QUEUED), rest)


def changed(call: Call, offer: Offer) -> Call:
    """The call with something new about one of its live offers."""
    return _ringing(call, tuple(offer if one.id == offer.id else one for one in call.rings))


def named(call: Call, offer: OfferId) -> Offer:
    """The live offer of this name. Raises IllegalEvent for one that is over: the fence."""
    found = next((one for one in call.rings if one.id == offer), None)
    if found is None:
        raise IllegalEvent("offer_over")
    return found


def at_agent(call: Call, agent: AgentId) -> Offer | None:
    """The offer that rings at this agent."""
    return next((one for one in call.rings if one.agent == agent), None)


def _ringing(call: Call, rings: tuple[Offer, ...]) -> Call:
    return replace(call, offer=rings[0] if rings else None, beside=rings[1:])
