"""The fold: one event in, the floor changed or an IllegalEvent raised and nothing changed.

Pure: the same floor and the same event give the same changes, effects and timers.
"""

from datetime import datetime
from typing import assert_never

from cordpair.core import events as e
from cordpair.core import fold_callback, fold_outbound, fold_overdue, fold_pass, fold_released, fold_transfer
from cordpair.core.agent import AgentState
from cordpair.core.call import Call, Move
from cordpair.core.effects import HangUp
from cordpair.core.floor import Floor
from cordpair.core.fold_agents import presence, sign_out, wish
from cordpair.core.fold_calls import arrive, check, end, establish, refreshed, refuse
from cordpair.core.fold_closing import transfer_failed
from cordpair.core.fold_flow import prompt_ended, tone_heard
from cordpair.core.fold_flow_back import closing_time, wait_too_long
from cordpair.core.fold_move import move_call
from cordpair.core.fold_offers import available, seek
from cordpair.core.fold_party import identified, logged, lost, mistaken, picked
from cordpair.core.fold_rings import claim, decline, invite_completed, offer_failed, ring_unsure, time_out
from cordpair.core.fold_roster import roster
from cordpair.core.fold_speech import begun
from cordpair.core.fold_wrap_up import close, end_wrap_up, extend, save
from cordpair.core.missed import follow
from cordpair.errors import IllegalEvent


def apply(floor: Floor, event: e.AnyEvent) -> None:
    """Fold one event. Raises IllegalEvent (a short reason code) when the state cannot take it."""
    call_id = event.call if isinstance(event, e.CallFact) else None
    agent_id = event.agent if isinstance(event, e.AgentFact) else None
    before = _state(floor, event)
    _dispatch(floor, event)
    follow(floor, event, before)
    for left in floor.take_left():
        if left in floor.calls and floor.room_of(floor.calls[left]):
            seek(floor, floor.calls[left], event.at)
    floor.remember(
        type(event).__name__, event.at, call=call_id, agent=agent_id, before=before, after=_state(floor, event)
    )


def reopen(floor: Floor, at: datetime) -> None:
    """After a take-over: calls wait where they waited, everybody who can be rung becomes available."""
    for call in sorted(floor.calls.values(), key=lambda call: call.sequence):
        if floor.room_of(call):
            floor.wait(call, at)  # nobody is idle yet
    fold_callback.reopen_places(floor, at)
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
            if not fold_outbound.established(floor, event):
                establish(floor, event)
        case e.AnswerFailed():
            refuse(floor, event)
        case e.RosterSeen():
            _roster(floor, event)
        case e.CallEnded():
            _end(floor, event)
        case e.CallRefreshed():
            refreshed(floor, event)
            fold_transfer.refreshed(floor, event)
            fold_overdue.refreshed(floor, event)
            fold_outbound.refreshed(floor, event)
        case e.CallbackAsked():
            fold_callback.asked(floor, event)
        case e.CallbackTaken():
            fold_callback.taken(floor, event)
        case e.CallbackDeclined():
            fold_callback.declined(floor, event)
        case e.CallbackReported():
            fold_callback.reported(floor, event)
        case e.CallbackDue():
            fold_callback.due(floor, event)
        case e.CallbackExpired():
            fold_callback.expired(floor, event)
        case e.CallbackCancelled():
            fold_callback.cancelled(floor, event)
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
        case e.OutboundAsked():
            fold_outbound.asked(floor, event)
        case e.OutboundCreated():
            fold_outbound.created(floor, event)
        case e.OutboundRefused():
            fold_outbound.refused(floor, event)
        case e.OutboundTimedOut():
            fold_outbound.timed_out(floor, event)
        case e.TransferAsked():
            fold_transfer.asked(floor, event)
        case e.TransferUnanswered():
            if not (fold_outbound.unanswered(floor, event) or fold_overdue.unanswered(floor, event)):
                fold_transfer.unanswered(floor, event)
        case e.TransferTimedOut():
            if not fold_overdue.timed_out(floor, event):
                fold_transfer.timed_out(floor, event)
        case e.TransferCompleted():
            fold_transfer.completed(floor, event)
        case e.TransferCancelled():
            fold_transfer.cancelled(floor, event)
        case e.HoldRefused():
            fold_transfer.not_held(floor, event)
        case e.AgentHungUp():
            if not _gives_up(floor, event):
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
        case e.ActivityMissing():
            lost(floor, event)
        case e.CallerMistaken():
            mistaken(floor, event)
        case e.PartyPicked():
            picked(floor, event)
        case e.InviteCompleted():
            invite_completed(floor, event)
        case e.RingUnsure():
            ring_unsure(floor, event)
        case e.OfferFailed():
            offer_failed(floor, event)
        case e.OfferTimedOut():
            time_out(floor, event)
        case e.OfferDeclined():
            decline(floor, event)
        case e.CallClaimed():
            claim(floor, event)
        case e.WrapUpSaved():
            save(floor, event)
        case e.WrapUpExtended():
            extend(floor, event)
        case e.WrapUpEnded():
            end_wrap_up(floor, event)
        case e.WrapUpExpired():
            close(floor, floor.call(event.call), Move.EXPIRE_WRAP_UP, event.at)
        case e.WaitGrown():
            if not fold_callback.grown(floor, event):
                _wait_on(floor, floor.call(event.call), event.at)
        case e.ActivityLogged():
            logged(floor, event)
        case e.WentReady() | e.TookBreak():
            wish(floor, event)
        case e.SignedOut():
            sign_out(floor, event)
        case e.PresenceSeen():
            presence(floor, event)
        case e.PresenceAged():
            available(floor, floor.agent(event.agent), event.at)
        case _:
            assert_never(event)


def _roster(floor: Floor, event: e.RosterSeen) -> None:
    """Who stands in the call: of most calls that says who has accepted and who has left."""
    if fold_outbound.roster(floor, event):
        return
    if fold_outbound.party_left(floor, event):
        floor.order(HangUp(call=event.call, graph_id=event.graph_id))
        _end(floor, e.CallEnded(at=event.at, call=event.call, graph_id=event.graph_id, inferred=event.inferred))
    elif not (
        fold_transfer.roster(floor, event) or fold_pass.roster_beyond(floor, event) or fold_overdue.roster(floor, event)
    ):
        roster(floor, event)


def _gives_up(floor: Floor, event: e.AgentHungUp) -> bool:
    """Whether the agent hangs up before the party is there whom we call for them."""
    call = floor.call(event.call)
    return call.agent == event.agent and fold_outbound.hung_up(floor, call, event.at)


def _end(floor: Floor, event: e.CallEnded) -> None:
    """The call is gone, whoever talked in it."""
    known = floor.calls.get(event.call)
    if known is not None and fold_outbound.ended(floor, known, event.at, event.code):
        return
    if fold_pass.end_beyond(floor, event) or fold_released.is_out(floor, event):
        return
    fold_transfer.caller_left(floor, event)
    end(floor, event)
    fold_pass.settle_requeued(floor, event)


def _wait_on(floor: Floor, call: Call, at: datetime) -> None:
    """Look again who can take it. Once it rings at as many as may be rung, it will be asked when a ring is over."""
    if not floor.room_of(call):
        raise IllegalEvent("not_waiting")
    seek(floor, call, at)
