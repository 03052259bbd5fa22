"""How the time of an offer is measured."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cordpair.core.ids import GraphCallId, TenantId, call_id
from tests.load.offers import Change, Measured, Offer, offer_seconds

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TENANT = TenantId("11111111-1111-4111-8111-111111111111")
CALL = call_id(TENANT, GraphCallId("g1"))
ANA = "ana"
WRAP_UP = timedelta(seconds=20)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def established(at: datetime) -> dict[str, Any]:
    data = {"state": "established"}
    told = {"tenant": TENANT, "graph_id": "g1", "data": data, "took_ms": 0.0}
    return {"kind": "notification", "at": at.isoformat(), **told}


def ring(at: datetime) -> dict[str, Any]:
    return {"kind": "ring", "at": at.isoformat(), "context": f"{CALL}/1"}


def measured(made_at: datetime, *changes: Change) -> Measured:
    return Measured(offers=[Offer(call=CALL, number=1, agent=ANA, made_at=made_at)], changes=list(changes), sessions=1)


def test_a_call_that_finds_somebody_free_counts_from_established_leaving_the_cloud() -> None:
    journal = [established(NOON), ring(after(0.25))]
    assert offer_seconds(journal, measured(after(0.1)), WRAP_UP) == [0.25]


def test_a_call_that_waited_counts_from_what_freed_the_agent() -> None:
    journal = [established(NOON), ring(after(60.25))]
    assert offer_seconds(journal, measured(after(60)), WRAP_UP) == [0.25]


def test_a_wrap_up_that_ran_out_counts_from_its_end_not_from_when_it_was_noticed() -> None:
    noticed = Change(agent=ANA, before="wrap_up", after="ready", at=after(60.5), since=after(40))
    journal = [established(NOON), ring(after(60.75))]
    assert offer_seconds(journal, measured(after(60.5), noticed), WRAP_UP) == [0.75]


def test_an_offer_that_reached_nobody_counts_not() -> None:
    assert offer_seconds([established(NOON)], measured(after(0.1)), WRAP_UP) == []
