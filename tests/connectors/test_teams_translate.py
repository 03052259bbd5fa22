"""Notifications of Graph become facts, and what is new or strange breaks nothing."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordpair.connectors.teams.translate import (
    Ignored,
    canonical,
    content_key,
    graph_call_id,
    notification_items,
    presence_key,
    translate,
    translate_presence,
)
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.events import (
    Arrived,
    CallEnded,
    CallEvent,
    Established,
    InviteCompleted,
    OfferEnd,
    OfferFailed,
    PresenceSeen,
    RosterSeen,
    TransferFailed,
)
from cordpair.core.ids import OfferId, call_id, offer_id
from cordpair.errors import Rejected
from tests.connectors.teams_world import ANA, CALL, NOON, TENANT

OURS = call_id(TENANT, CALL)
OFFER = offer_id(OURS, 2)


def facts(item: dict[str, Any]) -> list[CallEvent] | Ignored:
    return translate(item, tenant=TENANT, region="DE", at=NOON)


def call(state: str, change: str = "updated", prefix: str = "/communications", **data: Any) -> dict[str, Any]:
    return {
        "changeType": change,
        "resourceUrl": f"{prefix}/calls/{CALL}",
        "resourceData": {"@odata.type": "#microsoft.graph.call", "state": state, **data},
    }


def ringing(source: Any = None, **data: Any) -> dict[str, Any]:
    targets = [{"identity": {"applicationInstance": {"id": "AB-1"}, "application": {"id": "bot"}}}]
    return call("incoming", "created", source=source, targets=targets, direction="incoming", **data)


def arrived(source: Any) -> Caller:
    (event,) = facts(ringing({"identity": source}))  # type: ignore[misc]
    assert isinstance(event, Arrived)
    return event.caller


def roster(people: list[Any]) -> dict[str, Any]:
    url = f"/communications/calls/{CALL}/participants"
    return {"changeType": "updated", "resourceUrl": url, "resourceData": people}


def person(identity: dict[str, Any], sequence: Any = 1, **more: Any) -> dict[str, Any]:
    return {"id": "p", "info": {"identity": identity}, "rosterSequenceNumber": sequence, **more}


def operation(status: str, kind: str = "inviteParticipantsOperation", **data: Any) -> dict[str, Any]:
    return {
        "changeType": "deleted",
        "resourceUrl": f"/communications/calls/{CALL}/operations/op-1",
        "resourceData": {"@odata.type": f"#microsoft.graph.{kind}", "status": status, "clientContext": OFFER, **data},
    }


def test_a_ringing_call_has_arrived_at_its_resource_account() -> None:
    source = {"identity": {"phone": {"id": "+4930123456", "displayName": "Beck"}}}
    assert facts(ringing(source)) == [
        Arrived(
            at=NOON,
            call=OURS,
            graph_id=CALL,
            dialled="ab-1",
            caller=Caller(kind=CallerKind.NUMBER, raw="+4930123456", e164="+4930123456", name="Beck"),
        )
    ]


def test_without_a_resource_account_the_application_was_dialled() -> None:
    (event,) = facts(call("incoming", targets=[{"identity": {"application": {"id": "BOT"}}}]))  # type: ignore[misc]
    assert isinstance(event, Arrived)
    assert event.dialled == "bot"


def test_a_national_number_is_read_in_the_tenants_country() -> None:
    assert arrived({"phone": {"id": "030 123456"}}).e164 == "+4930123456"


@pytest.mark.parametrize("number", ["anonymous", "Anonymous", "", "Restricted", "tel:anonymous"])
def test_a_withheld_number_stays_withheld(number: str) -> None:
    caller = arrived({"phone": {"id": number}, "assertedIdentity": {"id": "+4930123456"}})
    assert caller == Caller(kind=CallerKind.WITHHELD)


def test_a_teams_user_is_known_by_object_id() -> None:
    assert arrived({"user": {"id": ANA.upper(), "displayName": "Ana"}}) == Caller(
        kind=CallerKind.USER, user=ANA, name="Ana"
    )


def test_a_guest_has_a_name_and_no_object_id() -> None:
    assert arrived({"guest": {"id": "g1", "displayName": "Guest"}}) == Caller(kind=CallerKind.USER, name="Guest")


@pytest.mark.parametrize("source", [{"encrypted": {"id": "x"}}, {"hologram": {"id": "x"}}, {}, None, 7])
def test_a_source_that_cannot_be_read_counts_as_withheld(source: Any) -> None:
    assert arrived(source).kind is CallerKind.WITHHELD


@pytest.mark.parametrize("state", ["established", "Established", "hold"])
def test_an_answered_call_is_established(state: str) -> None:
    assert facts(call(state)) == [Established(at=NOON, call=OURS, graph_id=CALL)]


def test_a_call_that_comes_back_from_a_transfer_is_not_answered_anew() -> None:
    failed = {"code": 500, "subcode": 7000, "message": "Call transfer failed."}
    assert facts(call("established", resultInfo=failed)) == [TransferFailed(at=NOON, call=OURS)]
    assert facts(call("established", resultInfo={"code": 0})) == [Established(at=NOON, call=OURS, graph_id=CALL)]


def test_the_older_prefix_leads_to_the_same_call() -> None:
    assert facts(call("established", prefix="/app")) == [Established(at=NOON, call=OURS, graph_id=CALL)]


@pytest.mark.parametrize("spelling", ["subcode", "subCode", "SubCode"])
def test_a_terminated_call_has_ended_with_its_codes(spelling: str) -> None:
    item = call("terminated", "deleted", resultInfo={"code": 200, spelling: 560000})
    assert facts(item) == [CallEnded(at=NOON, call=OURS, graph_id=CALL, code=200, subcode=560000)]


@pytest.mark.parametrize("change", ["deleted", "Deleted"])
def test_a_deleted_call_has_ended_whatever_its_state_says(change: str) -> None:
    assert facts(call("terminating", change)) == [CallEnded(at=NOON, call=OURS, graph_id=CALL)]


def test_a_deletion_without_data_ends_the_call() -> None:
    item = {"changeType": "deleted", "resourceUrl": f"/communications/calls/{CALL}"}
    assert facts(item) == [CallEnded(at=NOON, call=OURS, graph_id=CALL)]


@pytest.mark.parametrize("state", ["establishing", "transferring", "redirecting", "terminating", "levitating", 7])
def test_other_states_are_ignored_with_a_reason(state: Any) -> None:
    result = facts(call(state))
    assert isinstance(result, Ignored)
    assert result.reason.startswith("call state")


def test_an_outgoing_call_has_not_arrived() -> None:
    assert isinstance(facts(call("incoming", direction="outgoing")), Ignored)


def test_the_roster_tells_users_with_the_highest_sequence() -> None:
    item = roster(
        [
            person({"user": {"id": ANA.upper()}}, 7),
            person({"phone": {"id": "+4930123456"}}, "8"),
            person({"application": {"id": "bot"}}, 6),
        ]
    )
    stands = ("p", "p", "p")
    assert facts(item) == [RosterSeen(at=NOON, call=OURS, graph_id=CALL, sequence=8, users=(ANA,), participants=stands)]


@pytest.mark.parametrize("more", [{"isInLobby": True}, {"removedState": {"reason": "left"}}])
def test_who_waits_in_the_lobby_or_was_removed_is_not_in_the_call(more: dict[str, Any]) -> None:
    (seen,) = facts(roster([person({"user": {"id": ANA}}, 3, **more)]))  # type: ignore[misc]
    assert isinstance(seen, RosterSeen)
    assert seen.users == ()


def test_a_completed_invite_names_its_offer() -> None:
    assert facts(operation("completed")) == [InviteCompleted(at=NOON, call=OURS, offer=OFFER)]


@pytest.mark.parametrize(
    ("code", "subcode", "why"),
    [
        (603, 0, OfferEnd.DECLINED),
        (486, 10002, OfferEnd.BUSY),
        (600, 0, OfferEnd.BUSY),
        (487, 10004, OfferEnd.MISSED),
        (408, 0, OfferEnd.MISSED),
        (480, 0, OfferEnd.MISSED),
        (480, 10037, OfferEnd.FAILED),
        (487, 0, OfferEnd.WITHDRAWN),
        (487, 5003, OfferEnd.WITHDRAWN),
        (404, 0, OfferEnd.FAILED),
        (500, 7000, OfferEnd.FAILED),
    ],
)
def test_a_failed_invite_says_why(code: int, subcode: int, why: OfferEnd) -> None:
    item = operation("Failed", resultInfo={"code": code, "subcode": subcode})
    assert facts(item) == [OfferFailed(at=NOON, call=OURS, offer=OFFER, why=why)]


def test_a_failed_invite_without_a_result_failed() -> None:
    assert facts(operation("failed")) == [OfferFailed(at=NOON, call=OURS, offer=OFFER, why=OfferEnd.FAILED)]


@pytest.mark.parametrize("context", [None, "", "x", OfferId("11111111-1111-4111-8111-111111111111/1"), f"{OURS}/x", 5])
def test_an_invite_that_is_not_an_offer_of_this_call_is_ignored(context: Any) -> None:
    assert isinstance(facts(operation("completed", clientContext=context)), Ignored)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("running", "inviteParticipantsOperation"), ("completed", "playPromptOperation"), ("odd", "newOperation")],
)
def test_other_operations_are_ignored_by_kind(status: str, kind: str) -> None:
    assert facts(operation(status, kind)) == Ignored(f"{kind} {status}")


def test_a_resource_that_is_new_is_ignored() -> None:
    url = f"/communications/calls/{CALL}/holograms/1"
    assert facts({"changeType": "created", "resourceUrl": url, "resourceData": {}}) == Ignored("resource holograms")


@pytest.mark.parametrize("item", [{}, {"resourceUrl": 5}, {"resourceUrl": "/communications/calls"}])
def test_an_item_without_a_call_is_rejected(item: dict[str, Any]) -> None:
    assert graph_call_id(item) is None
    with pytest.raises(Rejected):
        facts(item)


def test_the_call_of_an_item_is_known_without_its_data() -> None:
    assert graph_call_id(operation("running")) == CALL


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"value": 1}', b'{"value": [1]}', b"\xff"])
def test_a_body_that_is_no_notification_is_rejected(body: bytes) -> None:
    with pytest.raises(Rejected):
        notification_items(body)


def test_the_items_of_a_body_come_in_order() -> None:
    body = json.dumps({"value": [{"a": 1}, {"a": 2}]}).encode()
    assert notification_items(body) == [{"a": 1}, {"a": 2}]


def test_the_key_of_an_item_does_not_depend_on_the_order_of_fields() -> None:
    assert canonical({"a": 1, "b": {"c": 2, "d": 3}}) == canonical({"b": {"d": 3, "c": 2}, "a": 1})


def test_items_that_differ_have_different_keys() -> None:
    assert content_key(canonical(call("established"))) != content_key(canonical(call("hold")))


def presence(**data: Any) -> dict[str, Any]:
    return {"resourceData": {"id": ANA.upper(), "availability": "Busy", "activity": "InACall", **data}}


def test_presence_is_a_hint_with_a_sequence() -> None:
    assert translate_presence(presence(sequenceNumber="42"), at=NOON) == PresenceSeen(
        at=NOON, agent=ANA, availability="Busy", activity="InACall", sequence=42
    )


@pytest.mark.parametrize("number", [None, "", "x", "²", "9" * 30])
def test_presence_without_a_usable_sequence_has_none(number: Any) -> None:
    seen = translate_presence(presence(sequenceNumber=number), at=NOON)
    assert isinstance(seen, PresenceSeen)
    assert seen.sequence == 0


@pytest.mark.parametrize("item", [{}, {"resourceData": {"id": ANA}}, {"resourceData": []}])
def test_presence_without_data_is_ignored(item: dict[str, Any]) -> None:
    assert isinstance(translate_presence(item, at=NOON), Ignored)


def test_the_same_presence_later_is_news_unless_it_is_numbered() -> None:
    later = NOON.replace(minute=5)
    assert key(presence(), NOON) != key(presence(), later)
    assert key(presence(sequenceNumber="1"), NOON) == key(presence(sequenceNumber="1"), later)


def key(item: dict[str, Any], at: datetime) -> str:
    return presence_key(item, canonical(item), at)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["state", "source", "targets", "identity", "phone", "user", "id", "info", "resultInfo", "code"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["", "/participants", "/operations/1", "/x"]), JSON)
def test_no_data_that_microsoft_may_send_raises(data: Any, tail: str, change: Any) -> None:
    facts({"changeType": change, "resourceUrl": f"/communications/calls/{CALL}{tail}", "resourceData": data})
