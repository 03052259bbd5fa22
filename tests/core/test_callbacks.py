"""Callbacks: a place that is kept in the queue, asked for in turn, and closed in each of its ways."""

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.callback import Callback, CallbackEnd, CallbackRules, CallbackState, Reported
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.effects import CallbackFace, InviteAgent, PlaceCall, ShowCallback
from cordpair.core.floor import Floor
from cordpair.core.fold_callback import keep_place
from cordpair.core.hours import Hours
from cordpair.core.ids import AgentId, CallId, GraphCallId, QueueId
from cordpair.core.transfer import TransferEnd
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, GRAPH, QUEUE, after, arrived, floor_with, ready, tell

RULES = CallbackRules(offer_s=60, talk_s=600, tries=2, retry_s=300, keep_s=3600, missed_list=True, dials=False)
OTHER, OTHER_GRAPH = CallId("22222222-2222-5222-8222-222222222222"), GraphCallId("graph-2")


def floor(rules: CallbackRules = RULES) -> Floor:
    """Ana and Ben are there and not signed in."""
    made = floor_with(*(replace(ready(one), state=AgentState.OFFLINE) for one in (ANA, BEN)))
    made.queues[QUEUE.id] = replace(made.queues[QUEUE.id], callbacks=rules)
    return made


def came(*agents: AgentId, s: float = 8) -> list[e.AnyEvent]:
    """They go ready, one after the other."""
    return [e.WentReady(at=after(s + number), agent=agent) for number, agent in enumerate(agents)]


def established(s: float = 1, call: CallId = CALL, graph: GraphCallId = GRAPH) -> e.Established:
    return e.Established(at=after(s), call=call, graph_id=graph)


def ended(s: float, call: CallId = CALL, graph: GraphCallId = GRAPH) -> e.CallEnded:
    return e.CallEnded(at=after(s), call=call, graph_id=graph)


def another(s: float, **more: object) -> e.Arrived:
    return replace(arrived(s), call=OTHER, graph_id=OTHER_GRAPH, **more)


def kept(*agents: AgentId) -> Floor:
    """A caller has waited, keeps their place and has hung up; then these agents go ready."""
    made = tell(floor(), arrived(), established())
    keep_place(made, made.calls[CALL], after(5))
    return tell(made, ended(6), *came(*agents))


def the_callback(made: Floor) -> Callback:
    return made.callbacks.open(CALL)


def taken(s: float, agent: AgentId = ANA) -> e.CallbackTaken:
    return e.CallbackTaken(at=after(s), call=CALL, agent=agent)


def told(s: float, result: Reported, agent: AgentId = ANA) -> e.CallbackReported:
    return e.CallbackReported(at=after(s), call=CALL, agent=agent, result=result)


def due(made: Floor, s: float) -> e.CallbackDue:
    return e.CallbackDue(at=after(s), call=CALL, number=the_callback(made).number)


def faces(made: Floor, agent: AgentId = ANA) -> list[CallbackFace]:
    return [it.face for it in made.changes.effects if isinstance(it, ShowCallback) and it.agent == agent]


def ends(made: Floor) -> CallbackEnd | None:
    return made.changes.callbacks[CALL].outcome


# ---- the kept place


def test_a_caller_who_keeps_a_place_and_hangs_up_is_not_an_abandoned_call() -> None:
    call = kept().calls[CALL]
    assert (call.outcome, call.outcome_reason) == (Outcome.FLOWED_OUT, "callback")


def test_the_place_comes_to_its_turn_before_callers_who_came_later() -> None:
    made = tell(kept(), another(10, caller=Caller(kind=CallerKind.WITHHELD)), established(11, OTHER, OTHER_GRAPH))
    tell(made, e.WentReady(at=after(20), agent=ANA))
    assert (the_callback(made).state, the_callback(made).agent) == (CallbackState.OFFERED, ANA)
    assert made.calls[OTHER].state is CallState.QUEUED
    assert faces(made) == [CallbackFace.OFFERED]


def test_a_caller_who_came_before_goes_before_the_place() -> None:
    made = floor()
    tell(made, another(-30, caller=Caller(kind=CallerKind.WITHHELD)), established(-29, OTHER, OTHER_GRAPH))
    tell(made, arrived(), established())
    keep_place(made, made.calls[CALL], after(5))
    tell(made, ended(6), e.WentReady(at=after(20), agent=ANA))
    assert made.calls[OTHER].state is CallState.OFFERED
    assert the_callback(made).state is CallbackState.WAITING


def test_an_agent_who_is_asked_gets_no_call_meanwhile() -> None:
    made = tell(kept(ANA), another(10, caller=Caller(kind=CallerKind.WITHHELD)))
    tell(made, established(11, OTHER, OTHER_GRAPH))
    assert made.agents[ANA].state is AgentState.RINGING
    assert not [it for it in made.changes.effects if isinstance(it, InviteAgent) and it.call == OTHER]


def test_who_takes_it_and_reaches_the_caller_is_ready_again() -> None:
    made = tell(kept(ANA), taken(20))
    assert made.agents[ANA].state is AgentState.TALKING
    tell(made, told(200, Reported.REACHED))
    assert (ends(made), made.agents[ANA].state, made.agents[ANA].idle_since) == (
        CallbackEnd.REACHED,
        AgentState.READY,
        after(200),
    )
    assert faces(made) == [CallbackFace.OFFERED, CallbackFace.TAKEN, CallbackFace.DONE]


def test_who_declines_stays_ready_and_another_is_asked() -> None:
    made = kept(ANA, BEN)
    tell(made, e.CallbackDeclined(at=after(12), call=CALL, agent=ANA))
    assert (the_callback(made).agent, made.agents[ANA].state) == (BEN, AgentState.READY)


def test_who_does_not_answer_is_not_responding_and_is_asked_again_when_nobody_else_would() -> None:
    made = kept(ANA)
    tell(made, due(made, 66))
    assert (the_callback(made).state, made.agents[ANA].state) == (CallbackState.WAITING, AgentState.NOT_RESPONDING)
    tell(made, e.WentReady(at=after(70), agent=ANA))
    assert the_callback(made).state is CallbackState.WAITING
    tell(made, due(made, 190))
    assert the_callback(made).state is CallbackState.OFFERED


def test_nobody_there_is_tried_again_after_a_while_and_given_up_in_the_end() -> None:
    made = tell(kept(ANA), taken(20), told(60, Reported.NO_ANSWER))
    assert (the_callback(made).state, the_callback(made).tries) == (CallbackState.WAITING, 1)
    assert made.changes.timers[f"callback:{CALL}"].run_at == after(360)  # type: ignore[union-attr]
    tell(made, due(made, 360))
    assert the_callback(made).state is CallbackState.OFFERED
    tell(made, taken(365), told(400, Reported.NO_ANSWER))
    assert ends(made) is CallbackEnd.NOT_REACHED


def test_between_two_tries_nobody_is_asked() -> None:
    made = tell(kept(ANA), taken(20), told(60, Reported.NO_ANSWER))
    tell(made, e.WentReady(at=after(100), agent=BEN))
    assert the_callback(made).state is CallbackState.WAITING


def test_who_gives_it_back_is_not_asked_again_at_once() -> None:
    made = tell(kept(ANA, BEN), taken(20), told(30, Reported.GIVEN_BACK))
    assert (the_callback(made).agent, the_callback(made).tries) == (BEN, 0)


def test_who_never_says_what_came_of_it_is_free_again_and_somebody_else_is_asked() -> None:
    made = tell(kept(ANA, BEN), taken(20))
    tell(made, due(made, 620))
    assert (made.agents[ANA].state, the_callback(made).agent) == (AgentState.READY, BEN)


def test_it_is_taken_once() -> None:
    made = tell(kept(ANA, BEN), taken(20))
    with pytest.raises(IllegalEvent, match="callback_taken"):
        fold.apply(made, taken(21, BEN))


def test_a_timer_of_an_earlier_offer_does_nothing() -> None:
    made = kept(ANA)
    old = due(made, 66)
    tell(made, taken(20))
    with pytest.raises(IllegalEvent, match="callback_taken"):
        fold.apply(made, old)


def test_a_supervisor_takes_it_off() -> None:
    made = tell(kept(ANA), e.CallbackCancelled(at=after(30), call=CALL))
    assert (ends(made), made.agents[ANA].state) == (CallbackEnd.CANCELLED, AgentState.READY)


def test_nobody_is_called_back_when_it_is_too_late() -> None:
    made = tell(kept(), e.CallbackExpired(at=after(3605), call=CALL))
    assert ends(made) is CallbackEnd.EXPIRED
    tell(made, e.WentReady(at=after(3700), agent=ANA))
    assert made.agents[ANA].state is AgentState.READY


def test_who_calls_again_comes_to_the_place_that_was_kept() -> None:
    made = tell(kept(), another(100))
    assert ends(made) is CallbackEnd.CALLED_IN
    assert made.calls[OTHER].credit_s == 100


def test_a_withheld_caller_cannot_be_called_back() -> None:
    made = tell(floor(), replace(arrived(), caller=Caller(kind=CallerKind.WITHHELD)), established())
    with pytest.raises(IllegalEvent, match="no_number"):
        keep_place(made, made.calls[CALL], after(5))


def test_the_head_start_of_a_call_goes_with_its_place() -> None:
    made = tell(floor(), arrived(), established())
    made.save_call(replace(made.calls[CALL], credit_s=90.0))
    assert keep_place(made, made.calls[CALL], after(5)).place.credit_s == 90.0


def test_when_everybody_has_said_not_now_they_are_asked_again_after_a_while() -> None:
    made = tell(kept(ANA), e.CallbackDeclined(at=after(12), call=CALL, agent=ANA))
    timer = made.changes.timers[f"callback:{CALL}"]
    assert timer is not None
    assert timer.run_at == after(132)
    tell(made, due(made, 132))
    assert the_callback(made).agent == ANA


def test_a_missed_call_becomes_a_kept_place_when_somebody_wants_that() -> None:
    made = tell(missed(), e.CallbackAsked(at=after(70), call=CALL), *came(ANA, s=71))
    assert (the_callback(made).state, the_callback(made).agent) == (CallbackState.OFFERED, ANA)


def test_a_place_in_a_queue_that_there_is_not_changes_nothing() -> None:
    made = missed()
    made.take_changes()
    with pytest.raises(IllegalEvent, match="unknown_queue"):
        fold.apply(made, e.CallbackAsked(at=after(70), call=CALL, queue=QueueId("nowhere")))
    assert made.take_changes().callbacks == {}


def test_a_caller_keeps_one_place_in_a_queue() -> None:
    made = kept()
    with pytest.raises(IllegalEvent, match="callback_kept"):
        keep_place(made, made.calls[CALL], after(7))


def test_after_a_take_over_the_place_is_where_it_was() -> None:
    before = kept()
    anew = Floor(
        [before.queues[QUEUE.id]], before.agents.values(), before.calls.values(), callbacks=[the_callback(before)]
    )
    fold.reopen(anew, after(50))
    tell(anew, e.WentReady(at=after(60), agent=ANA))
    assert anew.callbacks.open(CALL).agent == ANA


def test_nobody_is_asked_while_the_queue_is_closed() -> None:
    made = kept()
    hours = Hours(time_zone="UTC", week=("tue 08:00-12:30",))
    made.queues[QUEUE.id] = replace(made.queues[QUEUE.id], hours=hours)
    tell(made, due(made, 1800), *came(ANA, s=1801))
    assert the_callback(made).state is CallbackState.WAITING
    timer = made.changes.timers[f"callback:{CALL}"]
    assert timer is not None
    assert timer.run_at > after(86_400)


# ---- dialled by us


def dialled() -> Floor:
    """Ana has taken the callback, and we place the call for her."""
    made = tell(floor(replace(RULES, dials=True)), arrived(), established())
    keep_place(made, made.calls[CALL], after(5))
    return tell(made, ended(6), *came(ANA), taken(20))


def the_dialled(made: Floor) -> CallId:
    return next(it.call for it in made.changes.effects if isinstance(it, PlaceCall))


def test_who_takes_it_is_rung_for_the_call_that_we_place() -> None:
    made = dialled()
    placed = made.calls[the_dialled(made)]
    assert (placed.state, placed.agent, placed.caller) == (CallState.PLACING, ANA, made.calls[CALL].caller)
    assert made.agents[ANA].call == placed.id


def test_a_call_that_is_not_placed_leaves_the_caller_their_place() -> None:
    made = dialled()
    tell(made, e.OutboundRefused(at=after(21), call=the_dialled(made), why=TransferEnd.FORBIDDEN))
    assert (the_callback(made).state, the_callback(made).tries) == (CallbackState.WAITING, 0)
    assert made.agents[ANA].state is AgentState.READY


def test_two_calls_are_not_placed_for_one_callback() -> None:
    made = dialled()
    with pytest.raises(IllegalEvent, match="callback_taken"):
        fold.apply(made, taken(21))
    assert len([it for it in made.changes.effects if isinstance(it, PlaceCall)]) == 1


# ---- missed calls


def missed() -> Floor:
    return tell(floor(), arrived(), established(), ended(60))


def test_who_gives_up_is_listed() -> None:
    made = missed()
    assert (the_callback(made).state, made.calls[CALL].outcome) == (CallbackState.LISTED, Outcome.ABANDONED)


def test_a_queue_that_wants_no_list_has_none() -> None:
    made = tell(floor(CallbackRules()), arrived(), established(), ended(60))
    assert made.callbacks.get(CALL) is None


def test_whoever_tries_twice_is_listed_once() -> None:
    made = tell(missed(), another(100), established(101, OTHER, OTHER_GRAPH), ended(110, OTHER, OTHER_GRAPH))
    assert (the_callback(made).times, made.callbacks.get(OTHER)) == (2, None)


def test_one_agent_takes_a_missed_call_and_gives_it_back() -> None:
    made = tell(missed(), e.WentReady(at=after(70), agent=ANA), e.WentReady(at=after(71), agent=BEN), taken(80))
    with pytest.raises(IllegalEvent, match="callback_taken"):
        fold.apply(made, taken(81, BEN))
    tell(made, told(90, Reported.GIVEN_BACK))
    assert (the_callback(made).state, made.agents[ANA].state) == (CallbackState.LISTED, AgentState.READY)


def test_who_is_not_ready_takes_no_missed_call() -> None:
    with pytest.raises(IllegalEvent, match="not_ready"):
        fold.apply(missed(), taken(80))


def test_who_reaches_an_agent_later_is_missed_no_more() -> None:
    made = tell(missed(), e.WentReady(at=after(70), agent=ANA), another(100), established(101, OTHER, OTHER_GRAPH))
    there = e.RosterSeen(at=after(110), call=OTHER, graph_id=OTHER_GRAPH, sequence=2, users=(ANA,))
    tell(made, there)
    assert ends(made) is CallbackEnd.CALLED_IN


def test_who_was_there_after_all_is_missed_no_more() -> None:
    made = missed()
    tell(made, e.RosterSeen(at=after(61), call=CALL, graph_id=GRAPH, sequence=2, users=(ANA,)))
    assert ends(made) is CallbackEnd.CALLED_IN
    assert made.calls[CALL].outcome is Outcome.ANSWERED
