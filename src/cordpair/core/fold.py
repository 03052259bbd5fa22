"""The fold: one event in, the floor changed or an IllegalEvent raised and nothing changed.

Pure: the same floor and the same event give the same changes, effects and timers.
"""

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from cordpair.core import agent as agents
from cordpair.core import events as e
from cordpair.core import fold_pass, fold_released, fold_transfer
from cordpair.core.agent import Agent, AgentMove, AgentState, Presence
from cordpair.core.call import Call, CallState, Move
from cordpair.core.caller import choosable
from cordpair.core.decision import CLAIMED
from cordpair.core.floor import Floor
from cordpair.core.fold_calls import arrive, check, end, establish, refreshed, refuse
from cordpair.core.fold_closing import transfer_failed
from cordpair.core.fold_flow import prompt_ended, tone_heard
from cordpair.core.fold_flow_back import closing_time, wait_too_long
from cordpair.core.fold_move import move_call
from cordpair.core.fold_offers import available, end_offer, live_offer, make_offer, seek
from cordpair.core.fold_party import identified, logged, mistaken, picked
from cordpair.core.fold_roster import roster
from cordpair.core.fold_speech import begun
from cordpair.core.fold_watch import order_refresh
from cordpair.core.fold_wrap_up import close
from cordpair.core.ids import CallId, OfferId
from cordpair.errors import IllegalEvent

#: A roster is expected this soon after Graph has said that the invite was accepted.
CONFIRM_S = 2.0


def apply(floor: Floor, event: e.AnyEvent) -> None:
    """Fold one event. Raises IllegalEvent (a short reason code) when the state cannot take it."""
    call_id = event.call if isinstance(event, e.CallFact) else None
    agent_id = event.agent if isinstance(event, e.AgentFact) else None
    before = _state(floor, event)
    _dispatch(floor, event)
    for left in floor.take_left():
        if floor.calls[left].state is CallState.QUEUED:
            seek(floor, floor.calls[left], event.at)
    floor.remember(
        type(event).__name__, event.at, call=call_id, agent=agent_id, before=before, after=_state(floor, event)
    )


def reopen(floor: Floor, at: datetime) -> None:
    """After a take-over: calls wait where they waited, everybody who can be rung becomes available."""
    for call in sorted(floor.calls.values(), key=lambda call: call.sequence):
        if call.state is CallState.QUEUED:
            floor.wait(call, at)  # nobody is idle yet
    for agent in sorted(floor.agents.values(), key=lambda agent: (agent.idle_since, agent.id)):
        if agent.state is AgentState.READY:
            available(floor, floor.agents[agent.id], at)


def _state(floor: Floor, event: e.AnyEvent) -> str:
    if isinstance(event, e.CallFact):
        call = floor.calls.get(event.call)
        return call.state if call else ""
    agent = floor.agents.get(event.agent)
    return agent.state if agent else ""


def _dispatch(floor: Floor, event: e.AnyEvent) -> None:
    match event:
        case e.Arrived():
            arrive(floor, event)
        case e.Established():
            establish(floor, event)
        case e.AnswerFailed():
            refuse(floor, event)
        case e.RosterSeen():
            if not (fold_transfer.roster(floor, event) or fold_pass.roster_beyond(floor, event)):
                roster(floor, event)
        case e.CallEnded():
            _end(floor, event)
        case e.CallRefreshed():
            refreshed(floor, event)
            fold_transfer.refreshed(floor, event)
        case e.CallMoved():
            move_call(floor, event)
        case e.WaitTooLong():
            wait_too_long(floor, event)
        case e.ClosingTime():
            closing_time(floor, event)
        case e.TransferFailed():
            if not fold_released.came_back(floor, event):
                transfer_failed(floor, event)
        case e.CallReleased():
            fold_released.released(floor, event)
        case e.ReleasedUnseen():
            fold_released.unseen(floor, event)
        case e.TransferAsked():
            fold_transfer.asked(floor, event)
        case e.TransferUnanswered():
            fold_transfer.unanswered(floor, event)
        case e.TransferTimedOut():
            fold_transfer.timed_out(floor, event)
        case e.TransferCompleted():
            fold_transfer.completed(floor, event)
        case e.TransferCancelled():
            fold_transfer.cancelled(floor, event)
        case e.HoldRefused():
            fold_transfer.not_held(floor, event)
        case e.AgentHungUp():
            fold_transfer.hung_up(floor, event)
        case e.ToneHeard():
            tone_heard(floor, event)
        case e.PromptBegun():
            begun(floor, event)
        case e.PromptEnded() | e.StepTimedOut():
            prompt_ended(floor, event)
        case e.CheckDue():
            check(floor, event)
        case e.Identified():
            identified(floor, event)
        case e.CallerMistaken():
            mistaken(floor, event)
        case e.PartyPicked():
            picked(floor, event)
        case e.InviteCompleted():
            _invite_completed(floor, event)
        case e.RingUnsure():
            call = _with_offer(floor, event.call, event.offer)
            floor.save_call(replace(call, offer=replace(live_offer(call), unsure=True)))
        case e.OfferFailed():
            call = _with_offer(floor, event.call, event.offer)
            seek(floor, end_offer(floor, call, event.why, event.at, rings=False), event.at)
        case e.OfferTimedOut():
            _time_out(floor, event)
        case e.OfferDeclined():
            _decline(floor, event)
        case e.CallClaimed():
            _claim(floor, event)
        case e.WrapUpSaved():
            _save_wrap_up(floor, event)
        case e.WrapUpExpired():
            close(floor, floor.call(event.call), Move.EXPIRE_WRAP_UP, event.at)
        case e.WaitGrown():
            _wait_on(floor, floor.call(event.call), event.at)
        case e.ActivityLogged():
            logged(floor, event)
        case e.WentReady():
            _wish(floor, floor.agent(event.agent), AgentMove.READY, event.at)
        case e.TookBreak():
            _wish(floor, floor.agent(event.agent), AgentMove.BREAK, event.at, event.reason)
        case e.SignedOut():
            _sign_out(floor, floor.agent(event.agent), event.at)
        case e.PresenceSeen():
            _presence(floor, event)
        case e.PresenceAged():
            available(floor, floor.agent(event.agent), event.at)
        case _:
            assert_never(event)


def _end(floor: Floor, event: e.CallEnded) -> None:
    """The call is gone, whoever talked in it."""
    if fold_pass.end_beyond(floor, event) or fold_released.is_out(floor, event):
        return
    fold_transfer.caller_left(floor, event)
    end(floor, event)
    fold_pass.settle_requeued(floor, event)


def _ring_lost(floor: Floor, call: Call, agent: Agent, at: datetime) -> None:
    """Whoever is being rung has gone away."""
    if not fold_transfer.ring_lost(floor, call, agent.id, at):
        seek(floor, end_offer(floor, call, e.OfferEnd.AGENT_LOST, at), at)


def _with_offer(floor: Floor, call_id: CallId, offer: OfferId) -> Call:
    """The call whose live offer this is. An older offer is over: the fence."""
    call = floor.call(call_id)
    if live_offer(call).id != offer:
        raise IllegalEvent("offer_over")
    return call


def _wait_on(floor: Floor, call: Call, at: datetime) -> None:
    """Look again who can take it; while it is offered, it will be asked when the offer is over."""
    if call.state is not CallState.QUEUED:
        raise IllegalEvent("not_waiting")
    seek(floor, call, at)


def _invite_completed(floor: Floor, event: e.InviteCompleted) -> None:
    call = _with_offer(floor, event.call, event.offer)
    floor.save_call(replace(call, offer=replace(live_offer(call), completed=call.checks + 1)))
    due = e.CheckDue(at=event.at + timedelta(seconds=CONFIRM_S), call=event.call)
    floor.timer(f"confirm:{event.offer}", event.at, CONFIRM_S, due)


def _time_out(floor: Floor, event: e.OfferTimedOut) -> None:
    """The ring has had its time. Before it is called missed the roster is read: the agent may stand in it unseen."""
    call = _with_offer(floor, event.call, event.offer)
    offer = replace(live_offer(call), expired=call.checks + 1)
    order_refresh(floor, floor.save_call(replace(call, offer=offer)))


def _decline(floor: Floor, event: e.OfferDeclined) -> None:
    """Not now. If Graph has said that they accepted, the roster is read first: whoever stands in it has the call."""
    call = _with_offer(floor, event.call, event.offer)
    if live_offer(call).agent != event.agent:
        raise IllegalEvent("not_your_call")
    if live_offer(call).completed is not None:
        order_refresh(floor, call)
        return
    seek(floor, end_offer(floor, call, e.OfferEnd.DECLINED, event.at, rings=True), event.at)


def _claim(floor: Floor, event: e.CallClaimed) -> None:
    """An agent takes a waiting call out of turn, also one they have declined."""
    call, agent = floor.call(event.call), floor.agent(event.agent)
    if call.state is not CallState.QUEUED:
        raise IllegalEvent("call_taken" if call.is_live else "call_over")
    if call.queue not in agent.queues:
        raise IllegalEvent("not_your_queue")
    if agent.state is not AgentState.READY:
        raise IllegalEvent("not_ready")
    floor.stop_waiting(call)
    floor.router.busy(agent.id)
    make_offer(floor, call.id, agent.id, event.at, CLAIMED)


def _save_wrap_up(floor: Floor, event: e.WrapUpSaved) -> None:
    call = floor.call(event.call)
    if call.agent != event.agent:
        raise IllegalEvent("not_your_call")
    allowed = {disposition.id for disposition in floor.queue_of(call).dispositions}
    if allowed and event.disposition not in allowed:
        raise IllegalEvent("unknown_disposition")
    if event.party is not None and event.party not in {candidate.party for candidate in choosable(call.candidates)}:
        raise IllegalEvent("unknown_party")
    written = {"disposition": event.disposition, "note": event.note, "party": event.party or call.party}
    close(floor, call, Move.SAVE_WRAP_UP, event.at, **written)


def _wish(floor: Floor, agent: Agent, wish: AgentMove, at: datetime, reason: str = "") -> None:
    available(floor, floor.save_agent(agents.wished(agent, wish, at, reason)), at)


def _sign_out(floor: Floor, agent: Agent, at: datetime) -> None:
    """Offline now, or after the wrap-up. A ring in progress goes to somebody else."""
    ringing = floor.calls.get(agent.call) if agent.state is AgentState.RINGING and agent.call else None
    floor.router.busy(agent.id)
    floor.save_agent(agents.wished(agent, AgentMove.SIGN_OUT, at))
    if ringing is not None:
        _ring_lost(floor, ringing, agent, at)


def _presence(floor: Floor, event: e.PresenceSeen) -> None:
    """A hint. It holds a ready agent back or lets them through; all it can end is a ring at somebody who is away."""
    agent = floor.agent(event.agent)
    if agent.presence is not None and 0 < event.sequence < agent.presence.sequence:
        raise IllegalEvent("stale_presence")
    seen = Presence(availability=event.availability, activity=event.activity, sequence=event.sequence, at=event.at)
    agent = floor.save_agent(replace(agent, presence=seen))
    floor.cancel(f"presence:{agent.id}")
    fold_released.presence(floor, agent, event)
    agent = floor.agents[agent.id]
    ringing = floor.calls.get(agent.call) if agent.state is AgentState.RINGING and agent.call else None
    if ringing is not None and event.availability == "Offline":
        _ring_lost(floor, ringing, agent, event.at)
    elif agent.state is AgentState.READY:
        available(floor, agent, event.at)
