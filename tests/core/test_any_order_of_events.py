"""What holds in every order of events, sensible or not."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.call import CallState
from cordpair.core.floor import Floor
from cordpair.core.ids import GraphCallId, call_id, participant_id, transfer_id
from cordpair.core.queue_rules import AtTimeout, StalePolicy, WrapUpMode
from cordpair.core.tenant import Queue
from cordpair.core.transfer import TransferEnd
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, NOON, QUEUE, TENANT, after, arrived, nth_offer, ready

GRAPHS = [GraphCallId("graph-1"), GraphCallId("graph-2"), GraphCallId("graph-3")]
AGENTS = [ANA, BEN]


def samples(graphs: list[GraphCallId]) -> list[e.AnyEvent]:
    """Every kind of event, for these calls, two agents and the first offers of each call."""
    events: list[e.AnyEvent] = []
    for graph in graphs:
        call = call_id(TENANT, graph)
        events += [arrived(graph=graph), e.Established(at=NOON, call=call, graph_id=graph)]
        events += [e.CallEnded(at=NOON, call=call, graph_id=graph), e.CheckDue(at=NOON, call=call)]
        events += [e.ClosingTime(at=NOON, call=call), e.TransferFailed(at=NOON, call=call)]
        events += [e.WaitTooLong(at=NOON, call=call), e.WaitGrown(at=NOON, call=call)]
        events += [e.CallRefreshed(at=NOON, call=call, number=n) for n in (1, 2, 3)]
        events += [e.WrapUpExpired(at=NOON, call=call), e.AnswerFailed(at=NOON, call=call, why="x")]
        for users in ((), (ANA,), (BEN,), (ANA, BEN)):
            events += [e.RosterSeen(at=NOON, call=call, graph_id=graph, sequence=n, users=users) for n in (1, 2, 3, 4)]
        for agent in AGENTS:
            events += [e.CallClaimed(at=NOON, call=call, agent=agent)]
            events += [e.WrapUpExtended(at=NOON, call=call, agent=agent)]
            events += [e.WrapUpEnded(at=NOON, call=call, by=agent, is_supervisor=it) for it in (True, False)]
            events += [e.WrapUpSaved(at=NOON, call=call, agent=agent, disposition="solved")]
        for ring in (transfer_id(call, n) for n in (1, 2)):
            why = TransferEnd.NO_ANSWER
            events += [e.TransferUnanswered(at=NOON, call=call, transfer=ring, why=why)]
            events += [e.TransferTimedOut(at=NOON, call=call, transfer=ring)]
            told: dict[str, Any] = {"sequence": 4, "users": (), "participants": (participant_id(ring),)}
            events += [e.RosterSeen(at=NOON, call=call, graph_id=graph, **told)]
        for offer in (nth_offer(n, call) for n in (1, 2, 3)):
            events += [e.OfferTimedOut(at=NOON, call=call, offer=offer)]
            events += [e.InviteCompleted(at=NOON, call=call, offer=offer)]
            events += [e.RingUnsure(at=NOON, call=call, offer=offer)]
            events += [e.OfferFailed(at=NOON, call=call, offer=offer, why=why) for why in e.OfferEnd]
            events += [e.OfferDeclined(at=NOON, call=call, offer=offer, agent=agent) for agent in AGENTS]
    for agent in AGENTS:
        events += [e.WentReady(at=NOON, agent=agent), e.TookBreak(at=NOON, agent=agent)]
        events += [e.SignedOut(at=NOON, agent=agent), e.PresenceAged(at=NOON, agent=agent)]
        for n, seen in enumerate(("Available", "Busy", "Offline", "Available")):
            events += [e.PresenceSeen(at=NOON, agent=agent, availability=seen, activity=seen, sequence=n)]
    return events


opening = [arrived(graph=GRAPHS[0]), e.Established(at=NOON, call=call_id(TENANT, GRAPHS[0]), graph_id=GRAPHS[0])]
orders = st.one_of(
    st.lists(st.sampled_from(samples(GRAPHS)), min_size=20, max_size=120),
    st.lists(st.sampled_from(samples(GRAPHS[:1])), min_size=20, max_size=60).map(lambda rest: opening + rest),
)


#: What a queue may be set to: the usual, two rung at once, a fixed time after each call, none at all.
setups = st.sampled_from(
    [
        QUEUE,
        replace(QUEUE, parallel_offers=2, wrap_up=WrapUpMode.OPTIONAL, misses=2),
        replace(QUEUE, wrap_up=WrapUpMode.FIXED, extensions=1, declines=1),
        replace(QUEUE, claim_first=True),
        replace(QUEUE, parallel_offers=2, max_wait_s=60.0, overflow_user="stand-in"),
        replace(QUEUE, max_wait_s=60.0, overflow_user="stand-in", at_timeout=AtTimeout.CUT),
        replace(QUEUE, parallel_offers=3, wrap_up=WrapUpMode.NONE, stale=StalePolicy.BLOCK),
    ]
)


def play(events: list[e.AnyEvent], queue: Queue) -> tuple[Floor, list[o.Effect]]:
    """Fold what can be folded, one event a second, and check each time that a refused one left no trace."""
    floor, effects = Floor([queue], [ready(ANA, 30), ready(BEN, 20)]), []
    fold.reopen(floor, NOON)
    for second, event in enumerate(events):
        before = (dict(floor.calls), dict(floor.agents), floor.sequence)
        try:
            fold.apply(floor, replace(event, at=after(second)))
        except IllegalEvent:
            assert (dict(floor.calls), dict(floor.agents), floor.sequence) == before
        assert_sound(floor)
        effects += floor.take_changes().effects
    return floor, effects


def assert_sound(floor: Floor) -> None:
    """No agent rings for two calls, no call rings at nobody, and nobody idles while somebody waits for them."""
    ringing = {call.id for call in floor.calls.values() if call.rings}
    assert {call.id for call in floor.calls.values() if call.state is CallState.OFFERED} == ringing
    rung = [offer.agent for call in floor.calls.values() for offer in call.rings]
    assert len(rung) == len(set(rung))
    assert set(rung) == {agent.id for agent in floor.agents.values() if agent.state is AgentState.RINGING}
    for call in floor.calls.values():
        if call.state is CallState.CLOSED:
            assert call.outcome is not None
        if floor.queues[QUEUE.id].claim_first:
            assert not call.announced or call.state is CallState.QUEUED
        else:
            assert (floor.room_of(call) > 0) == (call.id in floor.router._contacts)


@settings(max_examples=600, deadline=None)
@given(orders, setups)
def test_no_order_of_events_breaks_the_floor_and_an_illegal_event_changes_nothing(
    events: list[e.AnyEvent], queue: Queue
) -> None:
    play(events, queue)


@settings(max_examples=300, deadline=None)
@given(orders, setups)
def test_no_order_of_events_orders_the_same_effect_twice(events: list[e.AnyEvent], queue: Queue) -> None:
    _, effects = play(events, queue)
    keys = [effect.key for effect in effects]
    assert len(keys) == len(set(keys))


@settings(max_examples=200, deadline=None)
@given(orders, setups)
def test_the_same_events_give_the_same_floor(events: list[e.AnyEvent], queue: Queue) -> None:
    (one, effects), (two, again) = play(events, queue), play(events, queue)
    assert (one.calls, one.agents, effects) == (two.calls, two.agents, again)
