"""The auditor finds what is planted, and nothing where all is well."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from cordpair.core import audit as core
from cordpair.core.ids import TenantId
from cordpair.store.signing import Signing
from tests.chaos.auditor import violations
from tests.chaos.evidence import Evidence
from tests.chaos.trail import signer_of

SIGNING = Signing(bytes(range(32)))
NOON = datetime(2030, 1, 7, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def truth(graph_id: str, agent: str, since: float, until: float) -> dict[str, Any]:
    stay = {"user": agent, "since": at(since).isoformat(), "until": at(until).isoformat()}
    return {
        "graph_id": graph_id,
        "tenant": "t",
        "queue": "q",
        "number": "+493023125611",
        "established": at(since - 5).isoformat(),
        "ended_at": at(until).isoformat(),
        "stays": [stay],
    }


def call(name: str, agent: str, sequence: int) -> dict[str, Any]:
    return {
        "tenant": "t",
        "call": name,
        "state": "closed",
        "queue": "q",
        "sequence": sequence,
        "arrived_at": at(sequence),
        "ended_at": at(sequence + 20),
        "agent": agent,
        "outcome": "answered",
        "body": {"graph_id": f"g-{name}", "outcome_reason": "", "inferred": []},
        "personal": {"party": {"connector": "imis", "id": f"p-{name}"}, "activity": f"s-{name}"},
    }


def story(name: str, agent: str) -> list[dict[str, Any]]:
    steps = (
        ("Established", "queued", ""),
        ("Offered", "offered", agent),
        ("RosterSeen", "connected", ""),
        ("CallEnded", "closed", ""),
    )
    return [
        {"call": name, "agent": who or None, "what": what, "before": "", "after": after, "detail": "{}", "at": at(12)}
        for what, after, who in steps
    ]


def numbers() -> dict[str, float]:
    """What the page says of two calls that were answered twelve seconds after noon."""
    answered = {"offered": 2, "answered": 2, "answered_in_target": 2, "answer_wait_s": 21.0}
    return dict.fromkeys(("abandoned", "abandoned_short", "flowed_out", "waiting"), 0.0) | answered


WEIGHT = {"bytes": 90_000_000, "descriptors": 40, "threads": 4}


def note(name: str, status: int = 202) -> dict[str, Any]:
    return {
        "kind": "notification",
        "graph_id": f"g-{name}",
        "tenant": "t",
        "status": status,
        "at": at(11).isoformat(),
        "change": "created",
        "resource": f"/communications/calls/g-{name}",
        "data": {"state": "incoming"},
    }


def item(name: str) -> dict[str, Any]:
    body = {
        "changeType": "created",
        "resourceUrl": f"/communications/calls/g-{name}",
        "resourceData": {"state": "incoming"},
    }
    return {"tenant": "t", "source": "graph", "state": "folded", "error": "", "body": body}


def ring(name: str, agent: str) -> dict[str, Any]:
    return {"kind": "ring", "graph_id": f"g-{name}", "user": agent, "purpose": "invite", "context": f"{name}/1"}


def legs_of(name: str, agent: str) -> list[dict[str, Any]]:
    stay = {"tenant": "t", "call": name, "joined_at": at(12), "left_at": at(30)}
    return [{**stay, "number": 0, "agent": None}, {**stay, "number": 1, "agent": agent}]


def trail_of(tenant: TenantId, action: str, target: str) -> dict[str, list[dict[str, Any]]]:
    """A trail of one deed, written by the product itself."""
    record = core.Record(
        number=1,
        at=NOON,
        actor="operator:1000",
        action=action,
        target=target,
        detail_sealed=b"sealed",
        salt=bytes(core.SALT_BYTES),
    )
    entry = core.chained(tenant, record, core.BEGINNING)
    signature = SIGNING.sign(core.statement(tenant, 1, entry.digest))
    head = {"number": 1, "digest": entry.digest, "signer": SIGNING.public, "signature": signature}
    return {
        "audit_records": [msgspec.structs.asdict(record) | {"tenant": tenant}],
        "audit_chain": [msgspec.structs.asdict(entry) | {"tenant": tenant}],
        "audit_heads": [head | {"tenant": tenant}],
        "audit_checkpoints": [],
    }


def well() -> Evidence:
    """Two calls, one after the other, by two agents: all as it should be."""
    return Evidence(
        run={
            "healed_s": 20.0,
            "rate": 1.0,
            "exits": [],
            "deeds": [{"tenant": "t", "action": "setup.applied", "target": "t", "sure": True}],
            "floor": {"t": {"q": numbers()}},
            "targets": {"t": {"q": 20.0}},
            "weights": {"before": [dict(WEIGHT)], "after": [dict(WEIGHT)], "sessions_at_most": 20},
        },
        signer=SIGNING.public,
        database={"old_transactions": 0, "prepared": 0, "slots": 0, "sessions": 9},
        **trail_of(TenantId("t"), "setup.applied", "t"),
        journal=[note("one"), note("two"), ring("one", "ada"), ring("two", "bruno")],
        truth=[truth("g-one", "ada", 10, 30), truth("g-two", "bruno", 12, 40)],
        activities={
            "t": [{"SEQN": f"s-{name}", "UF_1": f"guard-{name}", "PartyId": f"p-{name}"} for name in ("one", "two")]
        },
        calls=[call("one", "ada", 1), call("two", "bruno", 2)],
        offers=[
            {"call": "one", "number": 1, "agent": "ada", "state": "accepted", "made_at": at(8), "ended_at": None},
            {"call": "two", "number": 1, "agent": "bruno", "state": "accepted", "made_at": at(8), "ended_at": None},
        ],
        legs=[*legs_of("one", "ada"), *legs_of("two", "bruno")],
        history=[*story("one", "ada"), *story("two", "bruno")],
        inbox=[item("one"), item("two")],
        outbox=[{"key": "answer:one", "state": "done", "attempts": 1, "reason": ""}],
        agents=[{"agent": "ada", "state": "ready"}, {"agent": "bruno", "state": "ready"}],
        pending=[],
        logs={"node0.log": '{"event": "tenant taken over"}'},
    )


def twice_in_the_crm(seen: Evidence) -> None:
    seen.activities["t"].append({**seen.activities["t"][0], "SEQN": "s-three"})


def at_another_party(seen: Evidence) -> None:
    seen.activities["t"][0]["PartyId"] = "p-two"


def an_abandoned_call_is_logged(seen: Evidence) -> None:
    seen.calls[0]["outcome"], seen.truth[0]["stays"] = "abandoned", []


def nobody_is_asked_who_it_was(seen: Evidence) -> None:
    seen.calls[0]["personal"], seen.activities["t"] = {}, seen.activities["t"][1:]


def never_ended(seen: Evidence) -> None:
    seen.calls[0]["state"], seen.calls[0]["outcome"] = "connected", None


def booked_to_another_agent(seen: Evidence) -> None:
    seen.calls[0]["agent"] = "bruno"


def two_agents_in_one_call(seen: Evidence) -> None:
    seen.truth[0]["stays"][0]["until"] = at(90).isoformat()
    seen.truth[0]["stays"].append({**seen.truth[0]["stays"][0], "user": "carla"})


def one_agent_in_two_calls(seen: Evidence) -> None:
    seen.truth[1]["stays"][0]["user"] = seen.calls[1]["agent"] = "ada"


def an_offer_rings_twice(seen: Evidence) -> None:
    seen.journal.append(ring("one", "ada"))


def a_ring_without_an_offer(seen: Evidence) -> None:
    seen.offers.pop(0)


def acknowledged_and_lost(seen: Evidence) -> None:
    seen.inbox.pop(0)


def acknowledged_and_not_folded(seen: Evidence) -> None:
    seen.inbox[0]["state"] = "new"


def an_order_is_parked(seen: Evidence) -> None:
    seen.outbox[0]["state"] = "parked"


def answered_twice(seen: Evidence) -> None:
    path = "/communications/calls/g-one/answer"
    seen.journal += [{"kind": "graph", "path": path, "status": 202}] * 2


def the_younger_call_is_offered_first(seen: Evidence) -> None:
    seen.history[:] = [seen.history[0], *story("two", "bruno"), *seen.history[1:4]]


def a_node_gives_up(seen: Evidence) -> None:
    seen.run["exits"].append({"node": 0, "status": 1, "after_s": 3.0, "was_ours": False})


def a_number_in_a_log(seen: Evidence) -> None:
    seen.logs["node0.log"] += "+493023125611"


def a_record_is_changed(seen: Evidence) -> None:
    seen.audit_records[0]["actor"] = "operator:0"


def a_record_is_gone(seen: Evidence) -> None:
    seen.audit_records.clear()


def the_trail_is_gone(seen: Evidence) -> None:
    for rows in (seen.audit_records, seen.audit_chain, seen.audit_heads):
        rows.clear()


def an_entry_is_changed(seen: Evidence) -> None:
    seen.audit_chain[0]["commitment"] = bytes(32)


def the_head_is_gone(seen: Evidence) -> None:
    seen.audit_heads.clear()


def somebody_else_signs_the_head(seen: Evidence) -> None:
    seen.signer = signer_of(bytes(32))


def a_deed_is_not_written_down(seen: Evidence) -> None:
    seen.run["deeds"].append({"tenant": "t", "action": "parked.retried", "target": "effect:1", "sure": True})


def a_record_of_what_nobody_did(seen: Evidence) -> None:
    seen.run["deeds"].clear()


def the_page_counts_a_call_twice(seen: Evidence) -> None:
    seen.run["floor"]["t"]["q"]["offered"] = 3


def the_page_shortens_the_waits(seen: Evidence) -> None:
    seen.run["floor"]["t"]["q"]["answer_wait_s"] = 15.0


def a_node_grows(seen: Evidence) -> None:
    seen.run["weights"]["after"][0]["bytes"] = 400_000_000


def a_node_keeps_its_connections_open(seen: Evidence) -> None:
    seen.run["weights"]["after"][0]["descriptors"] = 400


def a_transaction_stays_open(seen: Evidence) -> None:
    seen.database["old_transactions"] = 1


def sessions_are_left_behind(seen: Evidence) -> None:
    seen.database["sessions"] = 60


PLANTED: list[tuple[str, Callable[[Evidence], None]]] = [
    ("J1", twice_in_the_crm),
    ("J1", at_another_party),
    ("J1", an_abandoned_call_is_logged),
    ("J1", nobody_is_asked_who_it_was),
    ("J2", never_ended),
    ("J2", booked_to_another_agent),
    ("J3", two_agents_in_one_call),
    ("J3", one_agent_in_two_calls),
    ("J3", an_offer_rings_twice),
    ("J4", a_ring_without_an_offer),
    ("J4", acknowledged_and_lost),
    ("J4", acknowledged_and_not_folded),
    ("J4", an_order_is_parked),
    ("J4", answered_twice),
    ("J11", the_younger_call_is_offered_first),
    ("J7", a_record_is_changed),
    ("J7", a_record_is_gone),
    ("J7", the_trail_is_gone),
    ("J7", an_entry_is_changed),
    ("J7", the_head_is_gone),
    ("J7", somebody_else_signs_the_head),
    ("J7", a_deed_is_not_written_down),
    ("J7", a_record_of_what_nobody_did),
    ("J12", the_page_counts_a_call_twice),
    ("J12", the_page_shortens_the_waits),
    ("J13", a_node_grows),
    ("J13", a_node_keeps_its_connections_open),
    ("J13", a_transaction_stays_open),
    ("J13", sessions_are_left_behind),
    ("node", a_node_gives_up),
    ("a caller's number", a_number_in_a_log),
]


def test_it_finds_nothing_where_all_is_well() -> None:
    assert violations(well()) == []


@pytest.mark.parametrize(("rule", "plant"), PLANTED, ids=[plant.__name__ for _, plant in PLANTED])
def test_it_finds_what_is_planted(rule: str, plant: Callable[[Evidence], None]) -> None:
    seen = copy.deepcopy(well())
    plant(seen)
    assert [found for found in violations(seen) if found.startswith(rule)] != []


def roster(name: str, number: int, *users: str) -> dict[str, Any]:
    people = [{"rosterSequenceNumber": number, "info": {"identity": {"user": {"id": user}}}} for user in users]
    return {**note(name), "change": "updated", "data": people}


def test_a_call_is_booked_to_the_first_agent_whom_we_were_shown() -> None:
    seen = well()
    seen.truth[0]["stays"].insert(0, {**seen.truth[0]["stays"][0], "user": "carla", "until": at(10).isoformat()})
    assert violations(seen) == []  # nobody told us of Carla
    seen.journal.append(roster("one", 1, "carla"))
    assert [found for found in violations(seen) if found.startswith("J2")] == ["J2 call one is booked to another agent"]


def test_a_roster_that_comes_after_a_newer_one_shows_nobody() -> None:
    seen = well()
    seen.truth[0]["stays"].insert(0, {**seen.truth[0]["stays"][0], "user": "carla", "until": at(10).isoformat()})
    seen.journal += [roster("one", 2, "ada"), roster("one", 1, "carla")]
    assert [found for found in violations(seen) if found.startswith("J2")] == []


def test_somebody_who_had_left_before_we_read_the_roster_need_not_be_known() -> None:
    seen = well()
    seen.truth[0]["stays"].insert(0, {**seen.truth[0]["stays"][0], "user": "carla", "until": at(10).isoformat()})
    read = {"kind": "graph", "path": "/communications/calls/g-one/participants", "status": 200}
    seen.journal += [{**read, "at": at(9).isoformat()}, roster("one", 1, "carla")]
    assert [found for found in violations(seen) if found.startswith("J2")] != []
    seen.journal[-2]["at"] = at(11).isoformat()
    assert [found for found in violations(seen) if found.startswith("J2")] == []


def test_whoever_was_in_the_call_for_a_moment_after_their_ring_was_taken_back_need_not_be_known() -> None:
    seen = well()
    seen.offers[0] |= {"state": "ended", "ended_at": at(9)}
    seen.calls[0] |= {"outcome": "abandoned", "personal": {}, "agent": None}
    seen.activities["t"], seen.run["floor"] = seen.activities["t"][1:], {}
    seen.journal.append(roster("one", 1, "ada"))
    assert "J2 call one is abandoned (), really answered" in violations(seen)  # they talked to its end
    seen.truth[0]["ended_at"] = at(31).isoformat()
    assert [found for found in violations(seen) if found.startswith("J2")] == []
    seen.offers.append({**seen.offers[0], "number": 2, "made_at": at(32), "ended_at": at(33)})  # and rang anew later
    assert [found for found in violations(seen) if found.startswith("J2")] == []
    read = {"type": "RosterSeen", "graph_id": "g-one", "at": at(20).isoformat()}
    seen.inbox.append({"tenant": "t", "source": "result", "state": "folded", "error": "", "body": read})
    assert "J2 call one is abandoned (), really answered" in violations(seen)


def test_a_stay_that_a_late_roster_told_of_has_no_length_and_a_number_below_nought() -> None:
    seen = well()
    moment = {"user": "carla", "since": at(20).isoformat(), "until": at(21).isoformat()}
    seen.truth[0]["stays"].append(moment)
    seen.legs.append({**seen.legs[1], "number": -3, "agent": "carla", "joined_at": at(12), "left_at": at(12)})
    assert violations(seen) == []
    seen.legs[-1]["left_at"] = at(13)
    assert violations(seen) == ["J2 leg -3 of call one does not end as it should"]


def test_a_leg_of_somebody_who_never_stood_in_the_call_is_found() -> None:
    seen = well()
    seen.legs.append({**seen.legs[1], "number": -3, "agent": "carla", "joined_at": at(12), "left_at": at(12)})
    assert violations(seen) == ["J2 leg -3 of call one is of somebody who never stood in it"]


def test_an_answered_call_has_one_leg_of_its_agent() -> None:
    seen = well()
    seen.legs[1]["agent"] = "bruno"
    assert violations(seen) == [
        "J2 leg 1 of call one is of somebody who never stood in it",
        "J2 call one has 0 legs of the agent who answered it",
    ]


def test_an_agent_who_came_in_for_a_moment_was_not_there_for_the_whole_call() -> None:
    seen = well()
    seen.truth[0]["stays"][0]["until"] = seen.truth[0]["ended_at"] = at(90).isoformat()
    moment = {"user": "carla", "since": at(20).isoformat(), "until": at(21).isoformat()}
    seen.truth[0]["stays"].append(moment)
    assert violations(seen) == []
    moment["until"] = at(50).isoformat()
    assert violations(seen) == ["J3 call g-one had two agents for 30.0 s"]


def test_a_call_of_whose_arrival_we_heard_after_its_end_may_be_unseen() -> None:
    seen = well()
    seen.truth[0] |= {"stays": [], "established": None}
    unseen = {**seen.calls[0]["body"], "outcome_reason": "unseen"}
    seen.calls[0] |= {"outcome": "flowed_out", "agent": None, "queue": None, "body": unseen, "personal": {}}
    seen.activities["t"] = seen.activities["t"][1:]
    seen.journal, seen.offers, seen.legs = [*seen.journal[1:2], *seen.journal[3:]], seen.offers[1:], seen.legs[2:]
    ended = {**note("one"), "change": "deleted", "data": {"state": "terminated"}}
    end = {"changeType": "deleted", "resourceUrl": ended["resource"], "resourceData": ended["data"]}
    seen.inbox.append({**item("one"), "body": end})
    seen.journal += [ended, note("one")]
    seen.run["floor"] = {}
    assert violations(seen) == []
    seen.journal[-2:] = [note("one"), ended]
    assert violations(seen) == ["J2 call one is flowed_out (unseen), really abandoned"]


def test_a_call_that_was_sent_on_at_once_need_not_be_stored() -> None:
    seen = well()
    seen.journal += [note("three"), {"kind": "graph", "path": "/communications/calls/g-three/reject", "status": 202}]
    seen.truth.append({**truth("g-three", "", 1, 2), "established": None, "stays": []})
    assert violations(seen) == []
    seen.journal.pop()
    assert len(violations(seen)) == 2  # lost, and acknowledged without being stored


def test_an_agent_who_refused_a_call_may_be_given_a_younger_one() -> None:
    seen = well()
    ended = {"call": "one", "agent": "bruno", "what": "OfferEnded", "before": "", "after": "", "detail": "{}"}
    refused = [seen.history[0], {**seen.history[1], "agent": "bruno"}, ended, seen.history[0]]
    seen.history[:] = [*refused, *story("two", "bruno"), *seen.history[1:4]]
    assert [found for found in violations(seen) if found.startswith("J11")] == []


def passed_on() -> Evidence:
    """The first agent consults a second one, who has the caller then."""
    seen = well()
    until = at(60).isoformat()
    seen.truth[0]["stays"] = [
        {"user": "ada", "since": at(10).isoformat(), "until": at(55).isoformat()},
        {"user": "carla", "since": at(25).isoformat(), "until": until},
    ]
    seen.truth[0]["ended_at"], seen.calls[0]["agent"] = until, "carla"
    detail = '{"transfer": "1", "kind": "consult", "target": "agent", "to": "carla"}'
    rang = {**seen.history[1], "what": "TransferRang", "before": "connected", "after": "connected", "detail": detail}
    seen.history += [rang, {**rang, "what": "TransferOver"}]
    seen.journal.append({**ring("one", "carla"), "context": "one/t1"})
    seen.legs.append({**seen.legs[1], "number": 10_001, "agent": "carla"})
    return seen


def test_a_caller_who_is_passed_on_is_no_violation() -> None:
    assert violations(passed_on()) == []


def test_a_transfer_that_rings_somebody_else_than_was_decided_is_found() -> None:
    seen = passed_on()
    seen.journal[-1]["user"] = "bruno"
    assert violations(seen) == ["J4 a ring that nobody decided: one/t1"]


def test_a_caller_who_is_passed_on_to_somebody_who_never_talked_to_them_is_found() -> None:
    seen = passed_on()
    seen.calls[0]["agent"] = "dirk"
    assert "J2 call one is booked to another agent" in violations(seen)
