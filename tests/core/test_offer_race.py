"""Several agents, several calls, two devices, a late post and a take-over at any moment: each offer goes to one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.availability import rung_for
from cordpair.core.call import Call, CallState
from cordpair.core.changes import OfferState
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId, CallId, GraphCallId, OfferId, QueueId, call_id
from cordpair.core.need import Step
from cordpair.core.queue_rules import StalePolicy, WrapUpMode
from cordpair.core.tenant import Queue
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALLER, CLEO, MEMBERS, NOON, QUEUE, SURE, TENANT, nth_offer
from tests.core.ring_world import Leg, Letter, RingWorld

DORA = AgentId("dora")
EVENTS = Queue(
    id=QueueId("events"),
    name="Events",
    resource_account="account-events",
    steps=(Step(skills=frozenset({"french"})), Step(after_s=30)),
    wrap_up=WrapUpMode.FIXED,
    wrap_up_s=20,
    extensions=1,
    declines=2,
)
#: Rings three at once; nobody is away for one missed ring, and what Teams says is believed however old.
HOTLINE = Queue(
    id=QueueId("hotline"),
    name="Hotline",
    resource_account="account-hotline",
    parallel_offers=3,
    wrap_up=WrapUpMode.OPTIONAL,
    misses=2,
    stale=StalePolicy.BLOCK,
)
DESK = Queue(id=QueueId("desk"), name="Desk", resource_account="account-desk", wrap_up=WrapUpMode.NONE)
QUEUES = [QUEUE, EVENTS, HOTLINE, DESK]
SERVES = {
    ANA: (MEMBERS, HOTLINE.id, DESK.id),
    BEN: (MEMBERS, EVENTS.id, HOTLINE.id),
    CLEO: (MEMBERS, EVENTS.id, HOTLINE.id, DESK.id),
    DORA: (EVENTS.id, HOTLINE.id),
}
SPEAKS = {ANA: frozenset[str](), BEN: frozenset[str](), CLEO: frozenset({"french"}), DORA: frozenset({"french"})}
AGENTS = sorted(SERVES)
MOST_CALLS = 6
#: The states in which an agent is bound to one call, and the state in which that call must be.
BOUND = {
    AgentState.RINGING: CallState.OFFERED,
    AgentState.TALKING: CallState.CONNECTED,
    AgentState.WRAP_UP: CallState.WRAP_UP,
}
NOW = (CallState.OFFERED, CallState.CONNECTED)
NOW_AT = (AgentState.RINGING, AgentState.TALKING)
agents = st.sampled_from(AGENTS)
chance = st.integers(0, 1000)


def _agent(agent: AgentId, idle_s: float) -> Agent:
    since = NOON - timedelta(seconds=idle_s)
    return Agent(
        id=agent, queues=SERVES[agent], skills=SPEAKS[agent], state=AgentState.READY, since=since, idle_since=since
    )


class OfferRace(RuleBasedStateMachine):
    """The floor beside the world it rings in. Each event is folded, and committed, alone."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = Floor(QUEUES, [_agent(agent, 60 + 10 * n) for n, agent in enumerate(AGENTS)])
        fold.reopen(self.floor, NOON)
        self.world = RingWorld(NOON, lambda call: self.floor.calls.get(call))
        self.accepted: dict[CallId, set[OfferId]] = {}
        self.sequence = 0

    # Folding

    def tell(self, *facts: e.AnyEvent) -> None:
        for fact in facts:
            self.fold(replace(fact, at=self.world.now))

    def fold(self, event: e.AnyEvent) -> bool:
        """Whether it was legal. An illegal event leaves no trace."""
        before = dict(self.floor.agents)
        seen = picture(self.floor)
        try:
            fold.apply(self.floor, event)
        except IllegalEvent:
            assert picture(self.floor) == seen
            return False
        for agent in self.floor.agents.values():
            was, has_talked = before[agent.id], agent.talk != before[agent.id].talk
            if was.state is AgentState.RINGING and agent.state in (AgentState.READY, AgentState.RINGING):
                assert has_talked or agent.idle_since == was.idle_since, "a ring that was taken back cost the turn"
        self.commit()
        return True

    def commit(self) -> None:
        changes = self.floor.take_changes()
        for offer in changes.offers.values():
            if offer.state is OfferState.ACCEPTED:
                self.accepted.setdefault(offer.call, set()).add(offer.id)
            else:
                assert offer.id not in self.accepted.get(offer.call, ()), "an accepted offer became another"
        self.world.take(changes.effects, changes.timers)

    # Callers

    @initialize(queues=st.lists(st.sampled_from(QUEUES), min_size=1, max_size=5))
    def the_day_begins(self, queues: list[Queue]) -> None:
        """Some calls are answered and ring at agents."""
        for queue in queues:
            self.a_caller_rings(queue)
        self.settle()

    @precondition(lambda self: len(self.world.legs) < MOST_CALLS)
    @rule(queue=st.sampled_from(QUEUES))
    def a_caller_rings(self, queue: Queue) -> None:
        graph = GraphCallId(f"graph-{len(self.world.legs)}")
        call = call_id(TENANT, graph)
        arrival = e.Arrived(
            at=self.world.now,
            call=call,
            graph_id=graph,
            dialled=queue.resource_account,
            caller=CALLER,
            candidates=(SURE,),
        )
        self.world.legs[call] = Leg(call, graph, arrival)
        self.world.post.append(Letter((arrival,)))

    @precondition(lambda self: self.world.legs)
    @rule(n=chance)
    def a_caller_hangs_up(self, n: int) -> None:
        self.world.hang_up(self.leg(n))

    # Agents

    @precondition(lambda self: self.rings())
    @rule(n=chance, how=st.sampled_from(["accepts", "accepts", "accepts", "declines", "declines on the card, twice"]))
    def an_agent_answers(self, n: int, how: str) -> None:
        leg, offer = self.rings()[n % len(self.rings())]
        if how == "declines":
            self.world.press_decline(leg, offer)
        elif how != "accepts":
            self.world.press_not_now(leg, offer)
            self.world.press_not_now(leg, offer)
        elif leg.rings[offer] not in self.world.standing():
            self.world.press_accept(leg, offer)

    @precondition(lambda self: self.world.standing())
    @rule(n=chance)
    def an_agent_hangs_up(self, n: int) -> None:
        stands = [(leg, agent) for leg in self.world.legs.values() for agent in leg.stands]
        self.world.step_out(*stands[n % len(stands)])

    @precondition(lambda self: self.waiting())
    @rule(n=chance, first=agents, second=agents)
    def two_devices_claim_at_once(self, n: int, first: AgentId, second: AgentId) -> None:
        """Of one agent or of two; the first that may have the call is rung, and nobody else."""
        call = self.waiting()[n % len(self.waiting())]
        room = self.floor.room_of(call)
        got = [self.fold(e.CallClaimed(at=self.world.now, call=call.id, agent=agent)) for agent in (first, second)]
        assert sum(got) <= room

    @rule(agent=agents, wish=st.sampled_from([e.WentReady, e.WentReady, e.WentReady, e.TookBreak, e.SignedOut]))
    def an_agent_wishes(self, agent: AgentId, wish: type[e.WentReady] | type[e.TookBreak] | type[e.SignedOut]) -> None:
        self.tell(wish(at=self.world.now, agent=agent))

    @rule(agent=agents, seen=st.sampled_from(["Available", "Busy", "Offline", "DoNotDisturb"]), late=st.integers(0, 3))
    def presence_is_seen(self, agent: AgentId, seen: str, late: int) -> None:
        self.sequence += 1
        number = max(1, self.sequence - late)
        self.tell(e.PresenceSeen(at=self.world.now, agent=agent, availability=seen, activity=seen, sequence=number))

    @rule(n=chance, agent=agents)
    def a_wrap_up_is_saved(self, n: int, agent: AgentId) -> None:
        calls = [call for call in self.floor.calls.values() if call.state is CallState.WRAP_UP]
        if calls:
            call = calls[n % len(calls)]
            disposition = {MEMBERS: "solved"}.get(call.queue or MEMBERS, "any")
            self.tell(e.WrapUpSaved(at=self.world.now, call=call.id, agent=agent, disposition=disposition))

    @precondition(lambda self: any(call.state is CallState.WRAP_UP for call in self.floor.calls.values()))
    @rule(n=chance, agent=agents, how=st.sampled_from(["more time", "done", "ended by a supervisor"]))
    def a_wrap_up_takes_another_time(self, n: int, agent: AgentId, how: str) -> None:
        calls = [call.id for call in self.floor.calls.values() if call.state is CallState.WRAP_UP]
        call, at = calls[n % len(calls)], self.world.now
        if how == "more time":
            self.tell(e.WrapUpExtended(at=at, call=call, agent=agent))
        else:
            self.tell(e.WrapUpEnded(at=at, call=call, by=agent, is_supervisor=how != "done"))

    # The post, the outbox, the clock

    @precondition(lambda self: self.world.post)
    @rule(n=chance, fate=st.sampled_from(["comes", "comes", "comes", "comes", "comes and comes again", "is lost"]))
    def a_letter(self, n: int, fate: str) -> None:
        letter = self.world.post.pop(n % len(self.world.post))
        if letter.is_notification and fate == "is lost":
            return
        if letter.is_notification and fate == "comes and comes again":
            self.world.post.append(letter)
        self.tell(*letter.facts)

    @precondition(lambda self: any(leg.orders for leg in self.world.legs.values()))
    @rule(n=chance, invite=st.sampled_from(["rings", "rings", "rings", "rings", "busy", "failed", "unsure"]))
    def an_order_is_carried_out(self, n: int, invite: str) -> None:
        legs = [leg for leg in self.world.legs.values() if leg.orders]
        self.world.perform(legs[n % len(legs)], invite)

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        """What is under way happens, in order."""
        self.settle()

    @precondition(lambda self: self.world.timers)
    @rule(n=chance)
    def a_timer_fires(self, n: int) -> None:
        """Never early, but late as it may be: another one may come first."""
        self.fire(sorted(self.world.timers)[n % len(self.world.timers)])

    @precondition(lambda self: any(key.startswith("offer:") for key in self.world.timers))
    @rule(n=chance)
    def a_ring_runs_out(self, n: int) -> None:
        """Its time, the re-read that it causes and what that tells. The client rings until the withdrawal comes."""
        keys = sorted(key for key in self.world.timers if key.startswith("offer:"))
        key = keys[n % len(keys)]
        leg = self.world.legs[call_of(self.world.timers[key].event)]
        self.fire(key)
        for _ in range(len(leg.orders)):
            self.world.perform(leg, "rings")
        while self.world.post and not self.world.post[-1].is_notification:
            self.tell(*self.world.post.pop().facts)

    @rule(seconds=st.sampled_from([0.1, 1, 5, 19, 40, 100]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule()
    def another_node_takes_over(self) -> None:
        """What was committed is all that is left: the floor is built anew from calls and agents."""
        floor = self.floor
        self.floor = Floor(QUEUES, floor.agents.values(), floor.calls.values(), sequence=floor.sequence)
        fold.reopen(self.floor, self.world.now)
        self.commit()

    @precondition(lambda self: any(call.offers for call in self.floor.calls.values()))
    @rule(n=chance, number=chance, agent=agents)
    def an_offer_that_is_over_is_heard_of(self, n: int, number: int, agent: AgentId) -> None:
        """The fence: whatever is said of an offer that does not ring is refused."""
        rung = [call for call in self.floor.calls.values() if call.offers]
        call = rung[n % len(rung)]
        offer = nth_offer(1 + number % (call.offers + 1), call.id)
        if offer not in {one.id for one in call.rings}:
            assert [event for event in said_of(call.id, offer, agent, self.world.now) if self.fold(event)] == []

    # What always holds

    @invariant()
    def of_all_offers_of_a_call_one_is_accepted(self) -> None:
        assert {call: offers for call, offers in self.accepted.items() if len(offers) > 1} == {}

    @invariant()
    def an_agent_is_bound_to_one_call_and_a_call_talks_to_one_agent_and_rings_at_no_more_than_its_queue_allows(
        self,
    ) -> None:
        """A wrap-up may come late, for a call whose agent is at the next one: it binds nobody."""
        for agent in self.floor.agents.values():
            if agent.state in BOUND:
                call = self.floor.calls[agent.call or CallId("")]
                assert call.state is BOUND[agent.state]
                assert agent.id in bound_by(call)
        held = [agent for call in self.floor.calls.values() if call.state in NOW for agent in bound_by(call)]
        assert sorted(map(str, held)) == sorted(
            agent.id for agent in self.floor.agents.values() if agent.state in NOW_AT
        )
        for call in self.floor.calls.values():
            assert len(call.rings) <= self.floor.queue_of(call).parallel_offers if call.queue else not call.rings

    @invariant()
    def no_call_is_forgotten(self) -> None:
        for call in self.floor.calls.values():
            assert (call.state is CallState.OFFERED) == (call.offer is not None)
            assert (self.floor.room_of(call) > 0) == (call.id in self.floor.router._contacts)
            assert call.state is CallState.CLOSED or self.will_be_looked_at(call)

    @invariant()
    def nobody_idles_beside_a_call_they_may_take(self) -> None:
        for agent in self.floor.agents.values():
            open_to = rung_for(agent, self.floor.queues, self.world.now)
            if open_to != frozenset() and f"presence:{agent.id}" not in self.world.timers:
                assert [call.id for call in self.waiting() if self.may_take(agent, call, open_to)] == []

    def teardown(self) -> None:
        """The storm is over: everybody hangs up, all that is under way happens, and nobody is left behind."""
        for leg in self.world.legs.values():
            leg.state = "terminated" if leg.state == "incoming" else leg.state
            self.world.hang_up(leg)
        self.world.post = [letter for letter in self.world.post if not letter.is_notification]
        for _ in range(200):
            self.settle()
            if not self.world.timers:
                break
            self.fire(min(self.world.timers, key=lambda key: self.world.timers[key].run_at))
        assert [call.id for call in self.floor.calls.values() if call.state is not CallState.CLOSED] == []
        assert [agent.id for agent in self.floor.agents.values() if agent.state in BOUND] == []
        for call in self.floor.calls.values():
            assert (call.agent is not None) <= bool(self.world.legs[call.id].talked)

    # Little helps

    def settle(self) -> None:
        while self.world.post or any(leg.orders for leg in self.world.legs.values()):
            for leg in self.world.legs.values():
                while leg.orders:
                    self.world.perform(leg, "rings")
            while self.world.post:
                self.tell(*self.world.post.pop(0).facts)

    def fire(self, key: str) -> None:
        timer = self.world.timers.pop(key)
        self.world.now = max(self.world.now, timer.run_at)
        self.tell(timer.event)

    def leg(self, n: int) -> Leg:
        return list(self.world.legs.values())[n % len(self.world.legs)]

    def rings(self) -> Sequence[tuple[Leg, OfferId]]:
        return [(leg, offer) for leg in self.world.legs.values() for offer in leg.rings]

    def waiting(self) -> list[Call]:
        """Calls that may ring at somebody else yet."""
        return [call for call in self.floor.calls.values() if self.floor.room_of(call)]

    def may_take(self, agent: Agent, call: Call, open_to: frozenset[QueueId] | None) -> bool:
        """Whether the agent can serve what the call asks for in its step. A step that is due begins with its timer."""
        queue, grows = self.floor.queue_of(call), self.world.timers.get(f"wait:{call.id}")
        if grows is not None and grows.run_at <= self.world.now:
            return False
        asked = queue.plan[self.floor.step_of(call, self.world.now)].skills
        may_be_rung = queue.id in agent.queues and (open_to is None or queue.id in open_to)
        return may_be_rung and asked <= agent.skills and agent.id not in call.excluded

    def will_be_looked_at(self, call: Call) -> bool:
        """A timer of the call runs: whatever else is lost, it will be read anew or closed."""
        return f"check:{call.id}" in self.world.timers or f"wrap:{call.id}" in self.world.timers


def said_of(call: CallId, offer: OfferId, agent: AgentId, at: datetime) -> list[e.CallEvent]:
    """Everything that can be said of one offer."""
    return [
        *(e.OfferFailed(at=at, call=call, offer=offer, why=why) for why in e.OfferEnd),
        e.OfferTimedOut(at=at, call=call, offer=offer),
        e.InviteCompleted(at=at, call=call, offer=offer),
        e.RingUnsure(at=at, call=call, offer=offer),
        e.OfferDeclined(at=at, call=call, offer=offer, agent=agent),
    ]


def call_of(event: e.AnyEvent) -> CallId:
    assert isinstance(event, e.CallFact)
    return event.call


def bound_by(call: Call) -> list[AgentId]:
    """Whom the call rings at, or who has it."""
    return [offer.agent for offer in call.rings] or ([call.agent] if call.agent is not None else [])


def picture(floor: Floor) -> tuple[object, ...]:
    """All that an illegal event could have changed, down to who waits and who idles."""
    router = floor.router
    waiting = {call: (contact.key, contact.excluded, contact.room) for call, contact in router._contacts.items()}
    idle = {agent: known.stamp for agent, known in router._agents.items()}
    return dict(floor.calls), dict(floor.agents), floor.sequence, structs.asdict(floor.changes), waiting, idle


OfferRace.TestCase.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)
TestOfferRace = OfferRace.TestCase
