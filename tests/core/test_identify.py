"""Which candidate stands first."""

from datetime import UTC, datetime, timedelta

from cordpair.core.caller import Candidate, Grade
from cordpair.core.identify import MOST_WEIGHT, Asking, Choice, Contact, Known, chosen_again, of_trunks, ranked
from cordpair.core.ids import AgentId, PartyRef, QueueId
from cordpair.core.trunk import Origin, Trunk

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANA, BEN = AgentId("ana"), AgentId("ben")
SALES, SERVICE = QueueId("sales"), QueueId("service")
ASKING = Asking(now=NOON, queue=SALES, agent=ANA, agent_name="Ana Beispiel")


def ref(number: int) -> PartyRef:
    return PartyRef("imis", str(number))


def order(*known: Known, grades: tuple[Grade, ...] = (), asking: Asking = ASKING) -> list[str]:
    """The ids in their order; candidate n has the n-th knowledge and is called accordingly."""
    found = [
        Candidate(party=ref(place), name=f"{place}", grade=grades[place] if grades else Grade.EXACT, reason="")
        for place in range(len(known))
    ]
    return [one.party.id for one in ranked(found, {ref(n): it for n, it in enumerate(known)}, asking)]


def chosen(days_ago: float, weight: float = 1.0) -> Known:
    return Known(choice=Choice(weight, NOON - timedelta(days=days_ago)))


def met(days_ago: float, agent: AgentId = BEN, queue: QueueId = SERVICE) -> Known:
    return Known(contact=Contact(agent, queue, NOON - timedelta(days=days_ago)))


def test_a_better_grade_outranks_all_that_is_known() -> None:
    assert order(chosen(1), Known(), grades=(Grade.SUFFIX, Grade.EXACT)) == ["1", "0"]


def test_whom_an_agent_chose_for_this_number_comes_before_an_open_case() -> None:
    assert order(Known(open_case=True), chosen(10)) == ["1", "0"]


def test_a_choice_counts_less_with_time_and_is_forgotten_after_half_a_year() -> None:
    assert order(chosen(80), chosen(10)) == ["1", "0"]
    assert order(Known(open_case=True), chosen(181)) == ["0", "1"]


def test_a_choice_that_is_made_again_and_again_lasts_longer_but_not_for_ever() -> None:
    choice = None
    for _ in range(100):
        choice = chosen_again(choice, NOON)
    assert choice == Choice(MOST_WEIGHT, NOON)


def test_an_open_case_comes_before_the_last_contact() -> None:
    assert order(met(1, ANA, SALES), Known(open_case=True)) == ["1", "0"]


def test_who_spoke_with_this_agent_comes_before_this_queue_before_anybody_s() -> None:
    assert order(met(1), met(2, BEN, SALES), met(30, ANA), Known()) == ["2", "1", "0", "3"]


def test_of_two_contacts_of_a_queue_the_later_one_comes_first() -> None:
    assert order(met(9, BEN, SALES), met(3, BEN, SALES)) == ["1", "0"]


def test_who_is_looked_after_by_this_agent_comes_first_of_strangers() -> None:
    assert order(Known(), Known(owner="ana beispiel")) == ["1", "0"]


def test_who_was_changed_last_comes_first_and_else_the_name_decides() -> None:
    assert order(Known(updated_at=NOON - timedelta(days=9)), Known(updated_at=NOON), Known()) == ["1", "0", "2"]
    assert order(Known(), Known()) == ["0", "1"]


def test_a_candidate_says_that_it_was_chosen_before() -> None:
    one = Candidate(party=ref(0), name="0", grade=Grade.EXACT, reason="")
    assert [it.was_chosen for it in ranked([one], {ref(0): chosen(5)}, ASKING)] == [True]
    assert [it.was_chosen for it in ranked([one], {ref(0): chosen(500)}, ASKING)] == [False]


def test_a_trunk_is_a_company_with_an_uncertain_grade_once() -> None:
    known = [
        Trunk(root="+496221", extension=4, origin=Origin.LEARNED, company="Docht AG", party=ref(1), is_person=True),
        Trunk(root="+4962219119", extension=0, origin=Origin.SPELLED, company="Docht AG", party=ref(1)),
    ]
    (found,) = of_trunks(known, "iMIS")
    assert (found.name, found.grade, found.is_stand_in) == ("Docht AG", Grade.TRUNK, False)
    assert found.reason == "matched by phone, spelled range of the company's numbers, iMIS"
