"""Plain values for the tests of the store: two organisations, a few people, one noon."""

from datetime import UTC, datetime, timedelta

from cordpair.core.call import Call, CallState
from cordpair.core.caller import Caller, CallerKind, Candidate, Grade
from cordpair.core.ids import AgentId, CallId, GraphCallId, PartyRef, QueueId, RegistrationId, TenantId, call_id
from cordpair.core.tenant import AgentSetup, CrmSetup, Queue, Registration, TenantSetup
from cordpair.store.doors import Store

A = TenantId("a0000000-0000-4000-8000-00000000000a")
B = TenantId("b0000000-0000-4000-8000-00000000000b")
ANA = AgentId("11111111-1111-4111-8111-111111111111")
BEN = AgentId("22222222-2222-4222-8222-222222222222")
SALES = QueueId("sales")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TTL = timedelta(seconds=15)
CANARY = "Kanari"  # stands in every personal text of these tests


def setup(tenant: TenantId) -> TenantSetup:
    return TenantSetup(
        id=tenant,
        name="Verband",
        registration=Registration(
            id=RegistrationId(f"reg-{tenant[0]}"),
            tenant=tenant,
            client_id="client",
            client_secret=f"{CANARY}-secret-{tenant[0]}",
            bot_id="bot",
        ),
        queues=(Queue(id=SALES, name="Sales", resource_account="resource", service_level_s=20.0),),
        agents=(
            AgentSetup(id=ANA, name=f"Ana {CANARY}", queues=(SALES,), skills=frozenset({"de"})),
            AgentSetup(id=BEN, name=f"Ben {CANARY}", queues=(SALES,), locale="de"),
        ),
        crm=CrmSetup(connector="imis", settings={"url": "https://imis.example"}, secrets={"password": f"{CANARY}-crm"}),
    )


async def configured(store: Store, *tenants: TenantId) -> None:
    for tenant in tenants:
        async with store.open_tenant(tenant) as rows:
            await rows.setups.configure(setup(tenant))


async def leased(store: Store, tenant: TenantId, owner: str = "node-1") -> int:
    async with store.open_queue() as queue:
        return (await queue.lease([tenant], owner, NOON, TTL))[tenant]


def call(tenant: TenantId = A, name: str = "g1", **fields: object) -> Call:
    graph_id = GraphCallId(name)
    plain: dict[str, object] = {
        "id": call_id(tenant, graph_id),
        "graph_id": graph_id,
        "state": CallState.QUEUED,
        "queue": SALES,
        "sequence": 1,
        "heard_at": NOON,
        "arrived_at": NOON,
        "caller": Caller(kind=CallerKind.NUMBER, raw=f"+493012345 {CANARY}", e164="+493012345"),
        "candidates": (
            Candidate(
                party=PartyRef("imis", "101"), name=f"Erika {CANARY}", grade=Grade.EXACT, reason="exact number, iMIS"
            ),
        ),
        "party": PartyRef("imis", f"{CANARY}-101"),
        "note": f"{CANARY} asks for an invoice",
        "activity": f"{CANARY}-activity",
    }
    return Call(**{**plain, **fields})  # type: ignore[arg-type]


NOBODY = CallId("00000000-0000-4000-8000-000000000000")
