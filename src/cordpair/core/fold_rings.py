"""What is said of a ring: by Graph, by its agent, by the clock. Whoever stands in the roster has the call all the same.

Everything here names an offer; one that does not ring any more is refused, whatever is said of it: the fence.
"""

from datetime import timedelta

from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import offers
from cordpair.core.agent import AgentState
from cordpair.core.decision import CLAIMED
from cordpair.core.floor import Floor
from cordpair.core.fold_offers import end_offer, make_offer, seek
from cordpair.core.fold_watch import order_refresh
from cordpair.errors import IllegalEvent

#: A roster is expected this soon after Graph has said that the invite was accepted.
CONFIRM_S = 2.0


def invite_completed(floor: Floor, event: e.InviteCompleted) -> None:
    """Accepted, says Graph: the next re-read must show it."""
    call = floor.call(event.call)
    offer = offers.named(call, event.offer)
    floor.save_call(offers.changed(call, replace(offer, completed=call.checks + 1)))
    due = e.CheckDue(at=event.at + timedelta(seconds=CONFIRM_S), call=event.call)
    floor.timer(f"confirm:{event.offer}", event.at, CONFIRM_S, due)


def ring_unsure(floor: Floor, event: e.RingUnsure) -> None:
    """Nobody will be blamed when its time is over."""
    call = floor.call(event.call)
    floor.save_call(offers.changed(call, replace(offers.named(call, event.offer), unsure=True)))


def offer_failed(floor: Floor, event: e.OfferFailed) -> None:
    """The ring came back without an agent: nothing rings any more."""
    call = floor.call(event.call)
    offer = offers.named(call, event.offer)
    seek(floor, end_offer(floor, call, offer, event.why, event.at, rings=False), event.at)


def time_out(floor: Floor, event: e.OfferTimedOut) -> None:
    """The ring has had its time. Before it is called missed the roster is read: the agent may stand in it unseen."""
    call = floor.call(event.call)
    offer = replace(offers.named(call, event.offer), expired=call.checks + 1)
    order_refresh(floor, floor.save_call(offers.changed(call, offer)))


def decline(floor: Floor, event: e.OfferDeclined) -> None:
    """Not now. If Graph has said that they accepted, the roster is read first: whoever stands in it has the call."""
    call = floor.call(event.call)
    offer = offers.named(call, event.offer)
    if offer.agent != event.agent:
        raise IllegalEvent("not_your_call")
    if offer.completed is not None:
        order_refresh(floor, call)
        return
    seek(floor, end_offer(floor, call, offer, e.OfferEnd.DECLINED, event.at, rings=True), event.at)


def claim(floor: Floor, event: e.CallClaimed) -> None:
    """An agent takes a waiting call out of turn, also one they have declined."""
    call, agent = floor.call(event.call), floor.agent(event.agent)
    if not floor.room_of(call):
        raise IllegalEvent("call_taken" if call.is_live else "call_over")
    if call.queue not in agent.queues:
        raise IllegalEvent("not_your_queue")
    if agent.state is not AgentState.READY:
        raise IllegalEvent("not_ready")
    floor.stop_seeking(call)
    floor.router.busy(agent.id)
    make_offer(floor, call.id, agent.id, event.at, CLAIMED)
    seek(floor, floor.calls[call.id], event.at)
