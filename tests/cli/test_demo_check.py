"""The judge of a played day: what it must not overlook."""

from typing import Any

import msgspec
from msgspec.structs import replace

from cordpair.cli.demo_check import Kept, _against, _books, _spread
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.changes import PendingItem
from cordpair.core.hours import Hours
from cordpair.core.ids import AgentId, CallId, GraphCallId, PartyRef, QueueId, TenantId, call_id
from cordpair.core.tenant import Queue
from cordpair.store.calls import PendingCall
from tests.core.people import NOON, QUEUE

TENANT = TenantId("11111111-1111-4111-8111-111111111111")
ANA = AgentId("ana")


def call(graph: str = "g1", **changes: Any) -> Call:
    settled = Call(
        id=call_id(TENANT, GraphCallId(graph)),
        graph_id=GraphCallId(graph),
        heard_at=NOON,
        state=CallState.CLOSED,
        queue=QueueId("members"),
        outcome=Outcome.ANSWERED,
        agent=ANA,
        caller=Caller(kind=CallerKind.NUMBER, raw="+4930231250101", e164="+4930231250101"),
        party=PartyRef("imis", "101"),
        activity="70001",
    )
    return replace(settled, **changes)


def kept(
    *calls: Call, activities: Any = None, pending: tuple[CallId, ...] = (), queues: tuple[Queue, ...] = ()
) -> Kept:
    written = [{"SEQN": 70001, "PartyId": "101", "UF_1": "k1"}] if activities is None else activities
    items = [PendingCall(item=PendingItem(call=it, reason="unknown", since=NOON), call=calls[0]) for it in pending]
    return Kept(
        tenant=TENANT,
        calls={one.id: one for one in calls},
        pending=items,
        parked=[],
        activities=written,
        at_once=set(),
        queues={queue.id: queue for queue in queues},
    )


def told(**changes: Any) -> dict[str, Any]:
    answered = {"answered_by": ANA, "established": NOON.isoformat(), "ended_by": "caller", "parties": ["101"]}
    return {"graph_id": "g1", "tenant": TENANT, **answered, **changes}


def test_a_day_that_came_out_right_has_no_violation() -> None:
    day = kept(call())
    assert [*_against(told(), day), *_books(day)] == []


def test_a_call_that_the_product_never_heard_of_is_lost() -> None:
    assert list(_against(told(), kept())) == ["call g1 is lost"]


def test_a_call_without_an_outcome_is_named() -> None:
    assert "no outcome" in next(iter(_against(told(), kept(call(state=CallState.WRAP_UP)))))


def test_an_answered_call_that_is_booked_as_abandoned_is_named() -> None:
    assert "really answered" in next(iter(_against(told(), kept(call(outcome=Outcome.ABANDONED)))))


def test_a_call_booked_to_the_wrong_agent_or_party_is_named() -> None:
    assert "another agent" in next(iter(_against(told(answered_by="ben"), kept(call()))))
    assert "does not have that number" in next(iter(_against(told(parties=[]), kept(call()))))


CLOSED = replace(QUEUE, hours=Hours(time_zone="UTC", week=("mon-sun 14:00-15:00",)))  # at noon
SENT_AWAY = {"answered_by": None, "established": None, "ended_by": "bot"}


def test_a_call_that_was_sent_away_from_a_closed_queue_came_out_right() -> None:
    sent_away = call(outcome=Outcome.FLOWED_OUT, outcome_reason="closed", agent=None, party=None, activity="")
    assert list(_against(told(**SENT_AWAY), kept(sent_away, queues=(CLOSED,)))) == []


def test_a_call_that_was_sent_away_from_an_open_queue_is_named() -> None:
    sent_away = call(outcome=Outcome.FLOWED_OUT, outcome_reason="closed", agent=None, party=None, activity="")
    assert list(_against(told(**SENT_AWAY), kept(sent_away))) == ["call g1 was sent away from an open queue"]


def test_a_call_that_was_let_into_a_closed_queue_is_named() -> None:
    assert list(_against(told(), kept(call(), queues=(CLOSED,)))) == ["call g1 was let into a closed queue"]


def test_a_settled_call_without_its_activity_is_lost() -> None:
    assert "is lost: no activity" in next(iter(_books(kept(call(), activities=[]))))


def test_an_activity_too_many_is_named() -> None:
    twice = [{"SEQN": number, "PartyId": "101", "UF_1": "k1"} for number in (70001, 70002)]
    assert list(_books(kept(call(), activities=twice))) == ["activity 70002 belongs to no call or to several"]


def test_an_unsettled_call_needs_one_pending_item_and_no_activity() -> None:
    unknown = call(party=None, activity="")
    assert "0 pending items" in next(iter(_books(kept(unknown, activities=[]))))
    assert list(_books(kept(unknown, activities=[], pending=(unknown.id,)))) == []
    logged = call(party=None)
    assert "no settled party" in next(iter(_books(kept(logged, pending=(logged.id,)))))


def test_percentiles_are_by_nearest_rank() -> None:
    assert _spread([float(number) for number in range(1, 101)]) == {"p50": 50.0, "p99": 100.0}
    assert _spread([]) == {}
    assert msgspec.json.encode(_spread([1.0])) == b'{"p50":1.0,"p99":1.0}'
