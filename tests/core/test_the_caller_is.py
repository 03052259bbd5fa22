"""Who the caller is: found late, said by a person, taken back; and the one activity that follows."""

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core.call import CallState, Mistaken
from cordpair.core.caller import Candidate, Grade
from cordpair.core.effects import CorrectCaller, Face, LogActivity, ShowCard
from cordpair.core.floor import Floor
from cordpair.core.fold_party import amended
from cordpair.core.ids import PartyRef
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, GRAPH, after, arrived, floor_with, ready, tell

ANSGAR, BERTA = PartyRef("imis", "31001"), PartyRef("imis", "31002")


def candidate(party: PartyRef, grade: Grade = Grade.EXACT, **fields: Any) -> Candidate:
    return Candidate(party=party, name=f"Party {party.id}", grade=grade, reason="exact number", **fields)


BOTH = (candidate(ANSGAR), candidate(BERTA))
ALONE = (candidate(ANSGAR),)


def talking(found: Iterable[Candidate] = BOTH) -> Floor:
    floor = floor_with(ready(ANA))
    tell(floor, replace(arrived(0), candidates=tuple(found)), e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    roster = e.RosterSeen(at=after(5), call=CALL, graph_id=GRAPH, sequence=2, users=(ANA,))
    return tell(floor, roster)


def written_up(found: Iterable[Candidate] = BOTH, party: PartyRef | None = None) -> Floor:
    floor = tell(talking(found), e.CallEnded(at=after(60), call=CALL, graph_id=GRAPH))
    return tell(floor, e.WrapUpSaved(at=after(70), call=CALL, agent=ANA, disposition="solved", party=party))


def logged(floor: Floor, party: PartyRef, reference: str) -> Floor:
    return tell(floor, e.ActivityLogged(at=after(80), call=CALL, party=party, reference=reference))


def mistaken(floor: Floor) -> Floor:
    floor.take_changes()
    return tell(floor, e.CallerMistaken(at=after(90), call=CALL, agent=ANA))


def picked(floor: Floor, party: PartyRef) -> Floor:
    floor.take_changes()
    return tell(floor, e.PartyPicked(at=after(100), call=CALL, agent=ANA, party=party))


def crm_orders(floor: Floor) -> list[object]:
    return [one for one in floor.changes.effects if isinstance(one, LogActivity | CorrectCaller)]


def faces(floor: Floor) -> list[Face]:
    return [one.face for one in floor.changes.effects if isinstance(one, ShowCard)]


def test_several_matches_hold_the_write_until_somebody_picks_and_then_there_is_one() -> None:
    floor = written_up(BOTH)
    assert crm_orders(floor) == []
    assert floor.changes.pending[CALL] is not None
    picked(floor, BERTA)
    assert crm_orders(floor) == [LogActivity(call=CALL, revision=1)]
    assert floor.changes.pending == {CALL: None}
    with pytest.raises(IllegalEvent, match="already_settled"):
        picked(floor, ANSGAR)


def test_nobody_but_the_candidates_can_be_picked() -> None:
    with pytest.raises(IllegalEvent, match="unknown_party"):
        picked(written_up(BOTH), PartyRef("imis", "99"))


def test_a_company_s_stand_in_is_nobody_to_log_to() -> None:
    trunk = (candidate(ANSGAR, Grade.TRUNK, is_stand_in=True),)
    floor = written_up(trunk)
    assert crm_orders(floor) == []
    with pytest.raises(IllegalEvent, match="unknown_party"):
        picked(floor, ANSGAR)


def test_a_supervisor_may_pick_and_another_agent_may_not() -> None:
    floor = written_up(BOTH)
    with pytest.raises(IllegalEvent, match="not_your_call"):
        tell(floor, e.PartyPicked(at=after(100), call=CALL, agent=BEN, party=BERTA))
    tell(floor, e.PartyPicked(at=after(100), call=CALL, party=BERTA))
    assert floor.calls[CALL].party == BERTA


def test_who_is_found_late_stands_on_the_card_at_once() -> None:
    floor = talking(())
    floor.take_changes()
    tell(floor, e.Identified(at=after(7), call=CALL, candidates=ALONE))
    assert (floor.calls[CALL].party, faces(floor)) == (ANSGAR, [Face.STRIP])


def test_what_is_known_is_not_overtaken_by_a_late_look_up() -> None:
    with pytest.raises(IllegalEvent, match="already_identified"):
        tell(talking(BOTH), e.Identified(at=after(7), call=CALL, candidates=ALONE))


def test_a_wrong_person_gives_the_candidates_back_before_anything_is_written() -> None:
    floor = mistaken(talking(ALONE))
    call = floor.calls[CALL]
    assert (call.state, call.party, call.candidates) == (CallState.CONNECTED, None, ALONE)
    assert call.mistaken == (Mistaken(party=ANSGAR),)
    assert crm_orders(floor) == [CorrectCaller(call=CALL, number=0)]
    assert faces(floor) == [Face.STRIP]


def test_what_was_written_for_a_wrong_person_is_marked_and_waits_for_the_right_one() -> None:
    floor = mistaken(logged(written_up(BOTH, ANSGAR), ANSGAR, "7"))
    assert crm_orders(floor) == [CorrectCaller(call=CALL, number=0, is_written=True)]
    assert floor.changes.pending[CALL] is not None
    picked(floor, BERTA)
    assert crm_orders(floor) == [LogActivity(call=CALL, revision=1)]
    logged(floor, BERTA, "8")
    assert floor.calls[CALL].activity == "8"


def test_an_activity_that_arrives_after_its_party_was_taken_back_is_marked_once() -> None:
    floor = mistaken(written_up(BOTH, ANSGAR))
    floor.take_changes()
    logged(floor, ANSGAR, "7")
    assert floor.calls[CALL].mistaken == (Mistaken(party=ANSGAR, activity="7"),)
    assert crm_orders(floor) == [CorrectCaller(call=CALL, number=0, is_written=True)]
    with pytest.raises(IllegalEvent):
        logged(floor, ANSGAR, "7")


def test_a_mistake_forgets_that_the_party_was_chosen_before() -> None:
    floor = mistaken(talking((candidate(ANSGAR, was_chosen=True),)))
    assert [one.was_chosen for one in floor.calls[CALL].candidates] == [False]


def test_where_nobody_is_settled_nobody_is_mistaken() -> None:
    with pytest.raises(IllegalEvent, match="nobody_settled"):
        mistaken(talking(BOTH))


def test_what_changes_after_the_call_is_one_more_revision_of_the_same_activity() -> None:
    floor = logged(written_up(ALONE), ANSGAR, "7")
    floor.take_changes()
    amended(floor, amended(floor, floor.calls[CALL]))
    assert [order.key for order in floor.changes.effects] == [f"activity:{CALL}:1", f"activity:{CALL}:2"]


def test_an_activity_that_the_crm_has_lost_is_written_again_once() -> None:
    floor = logged(written_up(ALONE), ANSGAR, "7")
    floor.take_changes()
    gone = e.ActivityMissing(at=after(90), call=CALL, party=ANSGAR, reference="7")
    tell(floor, gone)
    assert crm_orders(floor) == [LogActivity(call=CALL, revision=1)]
    with pytest.raises(IllegalEvent, match="not_its_activity"):
        tell(floor, gone)
