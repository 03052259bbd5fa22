"""What holds in every order of events in which callers are passed on, released and called, sensible or not."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.call import Call, CallState
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId, CallId, GraphCallId, QueueId, call_id, participant_id, transfer_id
from cordpair.core.outbound import party_name
from cordpair.core.tenant import Topology
from cordpair.core.transfer import Target, TargetKind, TransferEnd, TransferKind
from cordpair.core.transfer_people import rung_agent
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALLER, MEMBERS, NOON, QUEUE, TENANT, after, arrived, nth_offer, ready

IN, OUT = GraphCallId("graph-in"), GraphCallId("graph-out")
CALLED, PLACED = call_id(TENANT, OUT), CallId("22222222-2222-4222-8222-222222222222")
PARTY = participant_id(party_name(CALLED))
EVENTS = QueueId("events")
AGENTS = [ANA, BEN]
TARGETS = (
    *(Target(kind=TargetKind.AGENT, id=agent) for agent in AGENTS),
    Target(kind=TargetKind.QUEUE, id=EVENTS),
    Target(kind=TargetKind.NUMBER),
    Target(kind=TargetKind.USER, id="dora"),
)


def of_call(graph: GraphCallId) -> list[e.AnyEvent]:
    """Whatever may be told of a call and ordered in it."""
    call = call_id(TENANT, graph)
    events: list[e.AnyEvent] = [e.Established(at=NOON, call=call, graph_id=graph)] * 2
    events += [e.CallEnded(at=NOON, call=call, graph_id=graph), e.CallReleased(at=NOON, call=call)]
    events += [e.CallEnded(at=NOON, call=call, graph_id=graph, subcode=7015), e.ReleasedUnseen(at=NOON, call=call)]
    events += [e.CheckDue(at=NOON, call=call), e.TransferFailed(at=NOON, call=call), e.HoldRefused(at=NOON, call=call)]
    events += [e.CallRefreshed(at=NOON, call=call, number=n) for n in (1, 2, 3)]
    events += [e.WrapUpExpired(at=NOON, call=call), e.OutboundTimedOut(at=NOON, call=call)]
    events += [e.OfferTimedOut(at=NOON, call=call, offer=nth_offer(n, call)) for n in (1, 2)]
    for agent in AGENTS:
        events += [e.TransferCompleted(at=NOON, call=call, agent=agent), e.AgentHungUp(at=NOON, call=call, agent=agent)]
        events += [e.TransferCancelled(at=NOON, call=call, agent=agent)]
        events += [e.WrapUpSaved(at=NOON, call=call, agent=agent, disposition="solved")]
        events += [asked(call, agent, kind, target) for kind in TransferKind for target in TARGETS]
    for name in (party_name(call), transfer_id(call, 1), transfer_id(call, 2)):
        events += [e.TransferTimedOut(at=NOON, call=call, transfer=name)]
        events += [e.TransferUnanswered(at=NOON, call=call, transfer=name, why=TransferEnd.BUSY)]
    return events + rosters(call, graph)


def asked(call: CallId, agent: AgentId, kind: TransferKind, target: Target) -> e.TransferAsked:
    dialled = "+4930231250777" if target.kind is TargetKind.NUMBER else ""
    return e.TransferAsked(at=NOON, call=call, agent=agent, kind=kind, target=target, dialled=dialled, anyway=True)


def rosters(call: CallId, graph: GraphCallId) -> list[e.AnyEvent]:
    names = {n: participant_id(transfer_id(call, n)) for n in (0, 1, 2)}
    return [
        e.RosterSeen(at=NOON, call=call, graph_id=graph, sequence=n, users=users, participants=also)
        for n in (2, 3, 4, 5)
        for users in ((), (ANA,), (BEN,), (ANA, BEN), (ANA, AgentId("dora")))
        for also in ((names[0],), (names[0], names[1]), (names[1],), (names[0], names[2]), ())
    ]


def of_agents() -> list[e.AnyEvent]:
    events: list[e.AnyEvent] = []
    for agent in AGENTS:
        events += [e.WentReady(at=NOON, agent=agent), e.TookBreak(at=NOON, agent=agent)] * 2
        events += [e.SignedOut(at=NOON, agent=agent)]
        events += [e.OutboundAsked(at=NOON, call=PLACED, agent=agent, queue=MEMBERS, caller=CALLER)]
        for activity in ("InACall", "Available", "Offline"):
            events += [e.PresenceSeen(at=NOON, agent=agent, availability=activity, activity=activity)]
    events += [e.OutboundCreated(at=NOON, call=PLACED, graph_id=OUT, named=CALLED)] * 2
    events += [e.OutboundRefused(at=NOON, call=PLACED, why=TransferEnd.FORBIDDEN)]
    return [*events, e.OutboundTimedOut(at=NOON, call=PLACED)]


def talking(graph: GraphCallId) -> list[e.AnyEvent]:
    """What leads to a conversation, so that most of what follows finds one."""
    call = call_id(TENANT, graph)
    come: list[e.AnyEvent] = [arrived(graph=graph), e.Established(at=NOON, call=call, graph_id=graph)]
    return [*come, e.RosterSeen(at=NOON, call=call, graph_id=graph, sequence=1, users=(ANA,))]


INCOMING, OUTGOING = [*of_call(IN), *of_agents()], [*of_call(OUT), *of_agents()]
in_call = e.RosterSeen(at=NOON, call=CALLED, graph_id=OUT, sequence=1, users=(ANA,), participants=(PARTY,))
placing: list[e.AnyEvent] = [
    e.OutboundAsked(at=NOON, call=PLACED, agent=ANA, queue=MEMBERS, caller=CALLER),
    e.OutboundCreated(at=NOON, call=PLACED, graph_id=OUT, named=CALLED),
    e.Established(at=NOON, call=CALLED, graph_id=OUT),
    in_call,
]
handed_over: list[e.AnyEvent] = [*talking(IN)[:2], e.CallReleased(at=NOON, call=call_id(TENANT, IN))]
orders = st.one_of(
    st.lists(st.sampled_from(INCOMING), min_size=8, max_size=60).map(lambda rest: handed_over + rest),
    st.lists(st.sampled_from(INCOMING), min_size=8, max_size=60).map(lambda rest: talking(IN) + rest),
    st.lists(st.sampled_from(OUTGOING), min_size=8, max_size=60).map(lambda rest: placing + rest),
    st.lists(st.sampled_from(INCOMING + OUTGOING), min_size=8, max_size=80).map(lambda rest: placing[:2] + rest),
)
topologies = st.sampled_from(list(Topology))


def play(events: list[e.AnyEvent], topology: Topology) -> tuple[Floor, list[o.Effect]]:
    """Fold what can be folded, one event a second, and check each time that a refused one left no trace."""
    mine = replace(QUEUE, topology=topology)
    other = replace(mine, id=EVENTS, resource_account="account-events")
    floor, effects = Floor([mine, other], [ready(ANA, 30), ready(BEN, 20)]), []
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


def rung_by(call: Call) -> set[AgentId]:
    """Whom a call may ring now."""
    rung = {offer.agent for offer in call.rings}
    if call.transfer is not None and (agent := rung_agent(call.transfer)) is not None:
        rung.add(agent)
    if call.state in (CallState.PLACING, CallState.DIALLING) and call.agent is not None:
        rung.add(call.agent)
    return rung


def assert_sound(floor: Floor) -> None:
    """Who rings is rung by the call they ring for, who talks has a call that goes on, and every end has an outcome."""
    for agent in floor.agents.values():
        call = floor.calls[agent.call] if agent.call else None
        if agent.state is AgentState.RINGING:
            assert call is not None
            assert agent.id in rung_by(call)
        if agent.state is AgentState.TALKING:
            assert call is not None
            assert call.state in (CallState.CONNECTED, CallState.RELEASED, CallState.REACHING)
        if agent.state is AgentState.WRAP_UP:
            assert call is not None
            assert call.state is CallState.WRAP_UP
    for call in floor.calls.values():
        assert call.transfer is None or call.state is CallState.CONNECTED
        assert not call.is_beyond or call.state in (CallState.WRAP_UP, CallState.PASSED_ON)
        if call.state is CallState.CLOSED:
            assert call.outcome is not None or call.id == PLACED


@settings(max_examples=400, deadline=None)
@given(orders, topologies)
def test_no_order_of_events_breaks_the_floor_and_an_illegal_event_changes_nothing(
    events: list[e.AnyEvent], topology: Topology
) -> None:
    play(events, topology)


@settings(max_examples=300, deadline=None)
@given(orders, topologies)
def test_no_order_of_events_orders_the_same_effect_twice(events: list[e.AnyEvent], topology: Topology) -> None:
    _, effects = play(events, topology)
    keys = [effect.key for effect in effects]
    assert len(keys) == len(set(keys))
