"""In every order of events the router chooses as a scan of everybody would, and leaves nobody idle in vain."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from benchmarks.naive_router import NaiveRouter, Pair
from cordpair.core import pool
from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.need import Ability, AgentOrder, AllOf, AnyOf, Channel, Compare, Comparison, Membership, Need
from cordpair.core.routing import ContactKey, Match, Router

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUEUES = (QueueId("events"), QueueId("service"))
SKILLS = ("english", "german", "tax")
AGENTS = tuple(AgentId(name) for name in ("ana", "ben", "cara", "dan", "eva", "finn"))
CALLS = tuple(CallId(f"call-{number}") for number in range(10))

SLACK = pool._SLACK

agents = st.sampled_from(AGENTS)
calls = st.sampled_from(CALLS)
skill_sets = st.frozensets(st.sampled_from(SKILLS), max_size=2)
exclusions = st.just(frozenset[AgentId]()) | st.frozensets(agents, max_size=3)
instants = st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes))
channel_sets = st.none() | st.frozensets(st.sampled_from((Channel.VOICE, Channel.TASK)), min_size=1)
memberships = st.builds(
    Membership,
    queue=st.sampled_from(QUEUES),
    priority=st.sampled_from((1, 1, 1, 2)),
    delay_s=st.sampled_from((0.0, 0.0, 0.0, 2.0)),
)
abilities = st.builds(
    Ability.of,
    st.lists(memberships, min_size=1, max_size=2, unique_by=lambda membership: membership.queue),
    skill_sets,
    st.dictionaries(st.sampled_from(SKILLS), st.sampled_from((2.0, 3.0)), max_size=1),
)
tests = st.builds(Compare, st.sampled_from(SKILLS), st.just(Comparison.AT_LEAST), st.sampled_from((1.0, 2.0)))
requirements = st.none() | tests | st.builds(AnyOf, st.tuples(tests, tests)) | st.builds(AllOf, st.tuples(tests))
needs = st.builds(
    Need,
    st.sampled_from(QUEUES),
    skill_sets,
    st.none() | requirements,
    st.sampled_from((AgentOrder.LONGEST_IDLE, *AgentOrder)),
    st.sampled_from((Channel.VOICE, Channel.VOICE, Channel.TASK)),
)


class RouterBesideScan(RuleBasedStateMachine):
    """Both are told the same. Few agents, calls and instants, so that they collide.

    `now` only grows, and keys lie a few seconds around it, so that delays hide some contacts from some agents.
    """

    def __init__(self) -> None:
        super().__init__()
        pool._SLACK = 2  # dead entries are cleared within the few steps of an example
        self.router = Router()
        self.scan = NaiveRouter()
        self.now = NOON + timedelta(minutes=5)
        self.present: set[AgentId] = set()
        self.seen: dict[CallId, float] = {}  # when each waiting contact was last looked at

    def teardown(self) -> None:
        pool._SLACK = SLACK

    @property
    def clock(self) -> float:
        return self.now.timestamp()

    def agree(self, ours: object, theirs: object) -> None:
        assert _pairs(ours) == _pairs(theirs)

    @rule(agent=agents, ability=abilities)
    def put_agent(self, agent: AgentId, ability: Ability) -> None:
        self.agree(
            self.router.put_agent(agent, ability, self.clock),
            self.scan.put_agent(agent, ability, self.clock),
        )

    @rule(agent=agents)
    def remove_agent(self, agent: AgentId) -> None:
        self.router.remove_agent(agent)
        self.scan.remove_agent(agent)
        self.present.discard(agent)

    @precondition(lambda self: self.scan.agents)
    @rule(data=st.data(), is_present=st.booleans())
    def sign_in(self, data: st.DataObject, is_present: bool) -> None:
        """Who signs out leaves some contacts without anybody: they are named."""
        agent = data.draw(st.sampled_from(sorted(self.scan.agents)))
        was_present = agent in self.present
        (self.present.add if is_present else self.present.discard)(agent)
        left = self.router.sign_in(agent, is_present)
        able = self.present & self.scan.agents.keys()
        alone = {
            contact
            for contact, waits in self.scan.contacts.items()
            if self.scan.is_able(agent, waits.need) and not any(self.scan.is_able(one, waits.need) for one in able)
        }
        assert set(left) == (alone if was_present and not is_present else set())

    @precondition(lambda self: self.scan.agents)
    @rule(
        data=st.data(),
        old=st.none() | instants,
        load=st.sampled_from((0.0, 0.0, 0.5)),
        channels=channel_sets,
    )
    def idle(self, data: st.DataObject, old: datetime | None, load: float, channels: frozenset[Channel] | None) -> None:
        """Mostly idle from now on; sometimes back with an older time."""
        self.now += timedelta(seconds=1)
        agent = data.draw(st.sampled_from(sorted(self.scan.agents)))
        since, now = old or self.now, self.clock
        self.agree(
            self.router.idle(agent, since, load=load, channels=channels, now=now),
            self.scan.idle(agent, since, load=load, channels=channels, now=now),
        )

    @rule(agent=agents)
    def busy(self, agent: AgentId) -> None:
        self.router.busy(agent)
        self.scan.busy(agent)

    @rule(
        contact=calls,
        need=needs,
        tier=st.integers(0, 1),
        age=st.integers(-1, 3),
        excluded=exclusions,
        preferred=st.just(()) | st.lists(agents, max_size=2, unique=True).map(tuple),
        room=st.sampled_from((1, 1, 1, 3)),
    )
    def wait(
        self,
        contact: CallId,
        need: Need,
        tier: int,
        age: int,
        excluded: frozenset[AgentId],
        preferred: tuple[AgentId, ...],
        room: int,
    ) -> None:
        key = ContactKey(tier, self.clock - age, CALLS.index(contact))
        self.both_wait(contact, need, key, excluded, preferred, room)

    @precondition(lambda self: self.scan.contacts)
    @rule(data=st.data(), later=st.integers(0, 3))
    def look_again(self, data: st.DataObject, later: int) -> None:
        """Time has passed: a contact may be seen by those who had to wait for it."""
        self.now += timedelta(seconds=later)
        contact = data.draw(st.sampled_from(sorted(self.scan.contacts)))
        self.both_wait(contact, *self.scan.contacts[contact])

    def both_wait(
        self,
        contact: CallId,
        need: Need,
        key: ContactKey,
        excluded: frozenset[AgentId],
        preferred: tuple[AgentId, ...],
        room: int,
    ) -> None:
        self.seen[contact] = self.clock
        self.agree(
            self.router.wait(contact, need, key, excluded, preferred=preferred, room=room, now=self.clock),
            self.scan.wait(contact, need, key, excluded, preferred=preferred, room=room, now=self.clock),
        )

    @rule(contact=calls)
    def gone(self, contact: CallId) -> None:
        self.router.gone(contact)
        self.scan.gone(contact)

    @invariant()
    def no_agent_is_idle_beside_a_contact_they_could_serve_when_it_was_last_looked_at(self) -> None:
        for agent, idle in self.scan.idle_agents.items():
            for contact, waits in self.scan.contacts.items():
                assert not self.scan.may_serve(agent, idle, waits, self.seen[contact])

    @invariant()
    def the_same_contacts_wait(self) -> None:
        assert self.router._contacts.keys() == self.scan.contacts.keys()

    @invariant()
    def the_signed_in_who_can_serve_are_counted(self) -> None:
        for need, known in self.router._pools.items():
            able = (agent for agent in self.present & self.scan.agents.keys() if self.scan.is_able(agent, need))
            assert known.present == len(list(able))

    @invariant()
    def the_index_counts_the_living(self) -> None:
        for known in self.router._pools.values():
            assert known.waiting == sum(line.waiting for line in known.lines)
            for order in known.orders:
                entries = [*order.in_turn, *order.heap]
                assert order.living == sum(entry[5].stamp == entry[4] for entry in entries)


def _pairs(answer: object) -> list[tuple[CallId, AgentId]]:
    """Answers are nothing, a pair, or a tuple of pairs."""
    pairs = answer if type(answer) is tuple else [answer]
    return [(pair.contact, pair.agent) for pair in pairs if isinstance(pair, Match | Pair)]


TestRouterBesideScan = RouterBesideScan.TestCase
TestRouterBesideScan.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
