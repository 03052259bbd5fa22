"""Plain values that tests of the core share: a noon, two agents, one queue, one caller."""

from datetime import UTC, datetime, timedelta

from cordpair.core import fold
from cordpair.core.agent import Agent, AgentState
from cordpair.core.caller import Caller, CallerKind, Candidate, Grade
from cordpair.core.events import AnyEvent, Arrived
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId, CallId, GraphCallId, OfferId, PartyRef, QueueId, TenantId, call_id, offer_id
from cordpair.core.tenant import Disposition, Queue

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TENANT = TenantId("11111111-1111-4111-8111-111111111111")
ANA, BEN, CLEO = AgentId("ana"), AgentId("ben"), AgentId("cleo")
MEMBERS = QueueId("members")
GRAPH = GraphCallId("graph-call-1")
CALL: CallId = call_id(TENANT, GRAPH)
KARL = PartyRef("imis", "101")
SURE = Candidate(party=KARL, name="Karla Beispiel", grade=Grade.EXACT, reason="matched by phone")
CALLER = Caller(kind=CallerKind.NUMBER, raw="+4930231250101", e164="+4930231250101")

QUEUE = Queue(
    id=MEMBERS,
    name="Members",
    resource_account="account-members",
    dispositions=(
        Disposition(id="solved", en="Solved", de="Gelöst"),
        Disposition(id="follow_up", en="Later", de="Später"),
    ),
)


def after(seconds: float) -> datetime:
    """The instant this many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def ready(agent: AgentId, idle_s: float = 60) -> Agent:
    """An agent of the queue who has been ready for `idle_s` seconds at noon."""
    since = after(-idle_s)
    return Agent(id=agent, queues=(MEMBERS,), state=AgentState.READY, since=since, idle_since=since)


def floor_with(*agents: Agent) -> Floor:
    floor = Floor([QUEUE], agents)
    fold.reopen(floor, NOON)
    return floor


def tell(floor: Floor, *events: AnyEvent) -> Floor:
    for event in events:
        fold.apply(floor, event)
    return floor


def arrived(seconds: float = 0, *, candidates: tuple[Candidate, ...] = (SURE,), graph: GraphCallId = GRAPH) -> Arrived:
    return Arrived(
        at=after(seconds),
        call=call_id(TENANT, graph),
        graph_id=graph,
        dialled=QUEUE.resource_account,
        caller=CALLER,
        candidates=candidates,
    )


def nth_offer(number: int, call: CallId = CALL) -> OfferId:
    return offer_id(call, number)
