"""What holds of calls in flows in every order of events, sensible or not."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.call import CallState
from cordpair.core.floor import Floor
from cordpair.core.flow import Say, Treatment
from cordpair.core.ids import GraphCallId, call_id
from cordpair.errors import IllegalEvent
from tests.core.flow_world import ACCOUNT, flow
from tests.core.people import ANA, BEN, MEMBERS, NOON, QUEUE, TENANT, after, arrived, nth_offer, ready

GRAPHS = [GraphCallId("graph-1"), GraphCallId("graph-2")]
SAY = [{"prompt": "hello"}]
STEPS: dict[str, dict[str, Any]] = {
    "hello": {"do": "play", "say": SAY, "next": "menu"},
    "menu": {"do": "menu", "say": SAY, "choices": {"1": "wait", "2": "menu"}, "no_input": "operator", "retries": 1},
    "wait": {"do": "queue", "queue": MEMBERS, "instead": "menu"},
    "operator": {"do": "to_user", "user": "the-operator", "say": SAY},
}
TREATED = replace(QUEUE, treatment=Treatment(music=(Say(prompt="harp"),), position=True), max_wait_s=60)


def samples(graph: GraphCallId) -> list[e.AnyEvent]:
    """Every kind of event that finds a call in its flow or out of it."""
    call = call_id(TENANT, graph)
    events: list[e.AnyEvent] = [replace(arrived(graph=graph), dialled=ACCOUNT)]
    events += [e.Established(at=NOON, call=call, graph_id=graph), e.CallEnded(at=NOON, call=call, graph_id=graph)]
    events += [e.CheckDue(at=NOON, call=call), e.WaitTooLong(at=NOON, call=call), e.TransferFailed(at=NOON, call=call)]
    events += [e.ClosingTime(at=NOON, call=call), e.WrapUpExpired(at=NOON, call=call)]
    events += [e.ToneHeard(at=NOON, call=call, key=key, sequence=n) for n in range(8) for key in "123"]
    for number in range(1, 8):
        events += [e.PromptEnded(at=NOON, call=call, number=number), e.StepTimedOut(at=NOON, call=call, number=number)]
        events += [e.PromptBegun(at=NOON, call=call, number=number, seconds=4)]
    for users in ((), (ANA,), (BEN,)):
        events += [e.RosterSeen(at=NOON, call=call, graph_id=graph, sequence=n, users=users) for n in (1, 2, 3)]
    for offer in (nth_offer(n, call) for n in (1, 2)):
        events += [e.OfferTimedOut(at=NOON, call=call, offer=offer)]
        events += [e.OfferFailed(at=NOON, call=call, offer=offer, why=why) for why in e.OfferEnd]
    events += [e.CallRefreshed(at=NOON, call=call, number=n) for n in (1, 2)]
    return events


def opened(graph: GraphCallId) -> list[e.AnyEvent]:
    """A call that comes to its menu."""
    call = call_id(TENANT, graph)
    answered = e.Established(at=NOON, call=call, graph_id=graph)
    return [replace(arrived(graph=graph), dialled=ACCOUNT), answered, e.PromptEnded(at=NOON, call=call, number=1)]


of_agents: list[e.AnyEvent] = [fact for agent in (ANA, BEN) for fact in (
    e.WentReady(at=NOON, agent=agent), e.SignedOut(at=NOON, agent=agent), e.TookBreak(at=NOON, agent=agent),
)]  # fmt: skip
everything = [event for graph in GRAPHS for event in samples(graph)] + of_agents
orders = st.lists(st.sampled_from(everything), min_size=10, max_size=100).map(lambda rest: opened(GRAPHS[0]) + rest)


def play(events: list[e.AnyEvent]) -> tuple[Floor, list[o.Effect]]:
    """Fold what can be folded, one event a second; what is refused leaves no trace."""
    floor, effects = Floor([TREATED], [ready(ANA, 30), ready(BEN, 20)], flows=[flow("hello", **STEPS)]), []
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
    """Whoever hears us hears or waits for something that ends; whoever does not is told nothing."""
    for call in floor.calls.values():
        if call.state in (CallState.IN_FLOW, CallState.QUEUED, CallState.OFFERED):
            assert call.saying is not None
        else:
            assert call.saying is None
        if call.state is CallState.CLOSED:
            assert call.outcome is not None


@settings(max_examples=500, deadline=None)
@given(orders)
def test_no_order_of_events_leaves_a_caller_where_nothing_ends(events: list[e.AnyEvent]) -> None:
    play(events)


@settings(max_examples=300, deadline=None)
@given(orders)
def test_no_order_of_events_orders_the_same_effect_twice(events: list[e.AnyEvent]) -> None:
    _, effects = play(events)
    keys = [effect.key for effect in effects]
    assert len(keys) == len(set(keys))


@settings(max_examples=100, deadline=None)
@given(orders)
def test_the_same_events_give_the_same_floor(events: list[e.AnyEvent]) -> None:
    (one, effects), (two, again) = play(events), play(events)
    assert (one.calls, one.agents, effects) == (two.calls, two.agents, again)


@settings(max_examples=100, deadline=None)
@given(orders)
def test_a_floor_built_anew_goes_on_where_it_was(events: list[e.AnyEvent]) -> None:
    floor, _ = play(events)
    again = Floor(floor.queues.values(), floor.agents.values(), floor.calls.values(), flows=floor.flows.values())
    fold.reopen(again, after(len(events)))

    assert {call: known.saying for call, known in again.calls.items()} == {
        call: known.saying for call, known in floor.calls.items()
    }
