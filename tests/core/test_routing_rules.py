"""In every order of events the router chooses as a scan of everybody would, and leaves nobody idle in vain."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from benchmarks.naive_router import NaiveRouter, Pair
from cordpair.core import pool
from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.routing import ContactKey, Match, Need, Router

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUEUES = (QueueId("events"), QueueId("service"))
SKILLS = ("english", "german", "tax")
AGENTS = tuple(AgentId(name) for name in ("ana", "ben", "cara", "dan", "eva", "finn"))
CALLS = tuple(CallId(f"call-{number}") for number in range(10))

SLACK = pool._SLACK

agents = st.sampled_from(AGENTS)
calls = st.sampled_from(CALLS)
skill_sets = st.frozensets(st.sampled_from(SKILLS), max_size=2)
exclusions = st.frozensets(agents, max_size=3)
instants = st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes))


class RouterBesideScan(RuleBasedStateMachine):
    """Both are told the same. Few agents, calls and instants, so that they collide."""

    def __init__(self) -> None:
        super().__init__()
        pool._SLACK = 2  # dead entries are cleared within the few steps of an example
        self.router = Router()
        self.scan = NaiveRouter()
        self.now = NOON + timedelta(minutes=5)

    def teardown(self) -> None:
        pool._SLACK = SLACK

    def agree(self, match: Match | None, pair: Pair | None) -> None:
        assert (match and (match.contact, match.agent)) == pair

    @rule(agent=agents, queues=st.frozensets(st.sampled_from(QUEUES), min_size=1), skills=skill_sets)
    def put_agent(self, agent: AgentId, queues: frozenset[QueueId], skills: frozenset[str]) -> None:
        self.agree(self.router.put_agent(agent, queues, skills), self.scan.put_agent(agent, queues, skills))

    @rule(agent=agents)
    def remove_agent(self, agent: AgentId) -> None:
        self.router.remove_agent(agent)
        self.scan.remove_agent(agent)

    @precondition(lambda self: self.scan.agents)
    @rule(data=st.data(), old=st.none() | instants)
    def idle(self, data: st.DataObject, old: datetime | None) -> None:
        """Mostly idle from now on; sometimes back with an older time."""
        self.now += timedelta(seconds=1)
        agent = data.draw(st.sampled_from(sorted(self.scan.agents)))
        self.agree(self.router.idle(agent, old or self.now), self.scan.idle(agent, old or self.now))

    @rule(agent=agents)
    def busy(self, agent: AgentId) -> None:
        self.router.busy(agent)
        self.scan.busy(agent)

    @rule(
        contact=calls,
        queue=st.sampled_from(QUEUES),
        skills=skill_sets,
        tier=st.integers(0, 1),
        since=st.integers(0, 3),
        excluded=st.just(frozenset()) | exclusions,
    )
    def wait(
        self,
        contact: CallId,
        queue: QueueId,
        skills: frozenset[str],
        tier: int,
        since: int,
        excluded: frozenset[AgentId],
    ) -> None:
        need, key = Need(queue, skills), ContactKey(tier, float(since), CALLS.index(contact))
        self.agree(
            self.router.wait(contact, need, key, excluded),
            self.scan.wait(contact, need, key, excluded),
        )

    @rule(contact=calls)
    def gone(self, contact: CallId) -> None:
        self.router.gone(contact)
        self.scan.gone(contact)

    @invariant()
    def no_agent_is_idle_beside_a_contact_they_could_serve(self) -> None:
        for agent in self.scan.idle_since:
            queues, skills = self.scan.agents[agent]
            for need, _, excluded in self.scan.contacts.values():
                assert need.queue not in queues or not need.skills <= skills or agent in excluded

    @invariant()
    def the_same_contacts_wait(self) -> None:
        assert {call for queue in QUEUES for call in self.router.waiting(queue)} == set(self.scan.contacts)

    @invariant()
    def the_same_agents_could_be_rung(self) -> None:
        for queue in QUEUES:
            able = {agent for agent, (queues, _) in self.scan.agents.items() if queue in queues}
            assert self.router.others_for(Need(queue), frozenset({AGENTS[0]})) == len(able - {AGENTS[0]})


TestRouterBesideScan = RouterBesideScan.TestCase
TestRouterBesideScan.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
