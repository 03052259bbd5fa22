"""How long a call will wait: by its place, by who is at work, and by what the queue has done of late."""

import math
from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core.agent import Agent, AgentState
from cordpair.core.announcement import place_said, wait_said
from cordpair.core.call import Call, CallState, Outcome
from cordpair.core.estimate import Wait, expected_wait, place_of, wait_of
from cordpair.core.floor import Floor
from cordpair.core.ids import AgentId, CallId, GraphCallId
from cordpair.core.pace import Pace, Paces
from tests.core.people import ANA, BEN, MEMBERS, QUEUE, after, ready


def over(number: int, begun_s: float, connected_s: float | None, closed_s: float) -> Call:
    """A call of the queue that is over: answered, or abandoned where nobody connected."""
    return Call(
        id=CallId(f"over-{number}"),
        graph_id=GraphCallId(f"g-{number}"),
        state=CallState.CLOSED,
        queue=MEMBERS,
        sequence=number,
        heard_at=after(begun_s),
        arrived_at=after(begun_s),
        connected_at=None if connected_s is None else after(connected_s),
        closed_at=after(closed_s),
        outcome=Outcome.ABANDONED if connected_s is None else Outcome.ANSWERED,
    )


def waiting(number: int, since_s: float, credit_s: float = 0) -> Call:
    told: dict[str, Any] = {"state": CallState.QUEUED, "queue": MEMBERS, "sequence": number, "credit_s": credit_s}
    name = f"waiting-{number}"
    return Call(id=CallId(name), graph_id=GraphCallId(name), heard_at=after(since_s), arrived_at=after(since_s), **told)


def talking(agent: AgentId) -> Agent:
    return replace(ready(agent), state=AgentState.TALKING)


def test_the_wait_is_the_sum_of_the_steps_to_the_head() -> None:
    found = wait_of(2, 3, Pace(aht_s=180))

    assert found is not None
    assert (found.mean_s, found.p80_s) == pytest.approx((180.0, 180 + 0.84 * math.sqrt(3) * 60))


def test_callers_who_give_up_make_the_wait_shorter() -> None:
    patient, leaving = wait_of(5, 2, Pace(aht_s=120)), wait_of(5, 2, Pace(aht_s=120, waited_s=600, gone=6))

    assert patient is not None
    assert leaving is not None
    assert leaving.mean_s == pytest.approx(math.fsum(1 / (2 / 120 + place * 0.01) for place in range(6)))
    assert leaving.mean_s < patient.mean_s


def test_nothing_is_reckoned_without_agents_or_handling_time() -> None:
    assert (wait_of(2, 0, Pace(aht_s=180)), wait_of(2, 3, Pace())) == (None, None)


def test_the_newest_calls_count_most() -> None:
    paces = Paces([over(1, 0, 0, 100), over(2, 0, 100, 300)])

    assert paces.of(MEMBERS).aht_s == pytest.approx(0.9 * 100 + 0.1 * 200)


def test_patience_is_waited_time_for_each_who_gave_up() -> None:
    paces = Paces([over(1, 0, None, 40), over(2, 0, None, 60)])

    assert paces.of(MEMBERS).leave_rate == pytest.approx((0.9 + 1) / (0.9 * 40 + 60))


def test_who_can_be_taken_at_once_does_not_wait() -> None:
    floor = Floor([QUEUE], [ready(ANA)], [over(1, 0, 0, 100)])

    assert expected_wait(floor, MEMBERS, 0, after(200)) == Wait(0.0, 0.0)


def test_only_agents_at_work_count() -> None:
    away = replace(ready(BEN), state=AgentState.BREAK)
    floor = Floor([QUEUE], [talking(ANA), away], [over(1, 0, 0, 100)])
    found = expected_wait(floor, MEMBERS, 1, after(200))

    assert found is not None
    assert found.mean_s == pytest.approx(200)


def test_an_agent_who_comes_back_counts_again() -> None:
    floor = Floor([QUEUE], [replace(ready(ANA), state=AgentState.BREAK)], [over(1, 0, 0, 100)])
    floor.save_agent(replace(ready(ANA), state=AgentState.TALKING))
    found = expected_wait(floor, MEMBERS, 0, after(200))

    assert found is not None
    assert found.mean_s == pytest.approx(100)


def test_where_nothing_is_known_whoever_waits_longest_says_how_long() -> None:
    floor = Floor([QUEUE], [], [waiting(1, 0), waiting(2, 50)])

    assert expected_wait(floor, MEMBERS, 2, after(70)) == Wait(70, 70, by_place=False)


def test_the_place_counts_those_who_came_before_and_those_with_credit() -> None:
    own, later, preferred = waiting(2, 50), waiting(3, 60), waiting(4, 70, credit_s=90)
    floor = Floor([QUEUE], [], [waiting(1, 0), own, later, preferred])

    assert place_of(floor, own) == 2


@pytest.mark.parametrize(("p80_s", "minutes"), [(0, 1), (60, 1), (61, 2), (181, 5), (9999, 60)])
def test_what_is_said_is_a_band_rounded_up(p80_s: float, minutes: int) -> None:
    assert Wait(0, p80_s).minutes == minutes


def test_more_than_was_told_before_is_said_as_such() -> None:
    assert "longer than we told you" in wait_said(Wait(200, 290), 3, "en").text


def test_less_than_was_told_before_is_simply_said() -> None:
    assert wait_said(Wait(60, 100), 3, "de").text == "Sie warten voraussichtlich etwa 2 Minuten."


def test_a_place_far_behind_is_not_said() -> None:
    assert place_said(31, "en") is None


def test_a_language_that_has_no_words_is_answered_in_english() -> None:
    said = place_said(1, "fr")

    assert said is not None
    assert (said.text, said.language) == ("There is one caller before you.", "en")
