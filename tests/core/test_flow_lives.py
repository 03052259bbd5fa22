"""Whole lives of callers in a flow: what they hear and press, where they come, and how it ends."""

from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core.call import CallState, Outcome
from cordpair.core.caller import Caller, CallerKind
from cordpair.core.effects import HangUp, StopPrompts, SubscribeTones, TransferCall
from cordpair.core.flow import Say, Treatment
from cordpair.core.hours import Hours
from cordpair.errors import IllegalEvent
from tests.core.flow_world import Line, flow
from tests.core.people import ANA, CALL, MEMBERS, QUEUE, arrived, ready

HELLO, MENU, SORRY = ({"prompt": name} for name in ("hello", "menu", "sorry"))
MENU_STEP: dict[str, Any] = {
    "do": "menu",
    "say": [MENU],
    "choices": {"1": "members", "2": "operator"},
    "no_input": "operator",
    "retries": 1,
    "timeout_s": 5,
}
STEPS: dict[str, dict[str, Any]] = {
    "hello": {"do": "play", "say": [HELLO], "next": "menu"},
    "menu": MENU_STEP,
    "members": {"do": "queue", "queue": MEMBERS},
    "operator": {"do": "to_user", "user": "the-operator"},
}


def line(**fields: Any) -> Line:
    return Line(flow("hello", **STEPS), **fields)


def test_a_caller_hears_the_greeting_presses_and_reaches_an_agent() -> None:
    one = line(agents=(ready(ANA),)).ring().wait(4).press("1")

    assert one.heard() == ["hello", "menu", "greeting"]
    assert (one.call.state, one.call.queue) == (CallState.OFFERED, MEMBERS)
    assert one.way() == ["hello.next", "menu.choices.1"]


def test_keys_are_asked_for_before_the_first_word() -> None:
    assert len(line().ring().orders(SubscribeTones)) == 1


def test_a_flow_without_keys_asks_for_none() -> None:
    one = Line(flow("end", end={"do": "hang_up", "say": [SORRY]})).ring()

    assert one.orders(SubscribeTones) == []


def test_who_presses_nothing_twice_comes_to_the_operator() -> None:
    one = line().ring().wait(60)

    assert one.heard() == ["hello", "menu", "menu"]
    assert [order.target for order in one.orders(TransferCall)] == ["the-operator"]
    assert (one.call.outcome, one.call.outcome_reason) == (Outcome.FLOWED_OUT, "to_user")


def test_who_presses_wrong_keys_twice_comes_to_the_operator() -> None:
    one = line().ring().wait(4).press("9").press("8")

    assert one.way() == ["hello.next", "menu.wrong_input"]
    assert [order.target for order in one.orders(TransferCall)] == ["the-operator"]


def test_a_menu_that_is_said_again_begins_with_what_is_said_then() -> None:
    again = flow("hello", **{**STEPS, "menu": {**MENU_STEP, "say_again": [SORRY]}})
    one = Line(again).ring().wait(4).press("9")

    assert one.heard()[-1] == "sorry+menu"


def test_a_key_that_is_pressed_while_the_menu_is_said_counts_and_cuts_it_short() -> None:
    one = line().ring().wait(4).press("2")

    assert one.orders(StopPrompts) == [StopPrompts(call=CALL, graph_id=one.call.graph_id, number=2)]
    assert one.call.state is CallState.CLOSED


def test_a_key_after_the_menu_was_said_counts() -> None:
    one = line().ring().wait(8).press("1")

    assert one.call.state is CallState.QUEUED


def test_the_same_key_told_twice_is_one_key() -> None:
    one = line().ring().wait(4).press("9")
    again = e.ToneHeard(at=one.now, call=CALL, key="9", sequence=one.tones)

    with pytest.raises(IllegalEvent, match="tone_told_already"):
        one.tell(again)
    assert one.call.state is CallState.IN_FLOW


def test_a_key_that_nothing_waits_for_does_nothing() -> None:
    one = line().ring().press("2")

    assert one.heard() == ["hello"]
    assert one.way() == []


def test_a_key_of_an_earlier_step_is_none_of_a_later_one() -> None:
    one = line().ring().press("2").wait(4)
    late = e.ToneHeard(at=one.now, call=CALL, key="2", sequence=1)

    with pytest.raises(IllegalEvent):
        one.tell(late)
    assert one.call.state is CallState.IN_FLOW


def test_an_end_that_is_never_told_is_timed_out() -> None:
    one = line(tells_ends=False).ring().wait(31)

    assert one.heard() == ["hello", "menu"]


def test_an_end_that_is_never_told_is_timed_out_by_the_length_of_the_sound() -> None:
    one = line(tells_ends=False).ring()
    one.tell(e.PromptBegun(at=one.now, call=CALL, number=1, seconds=3)).wait(8.5)

    assert one.heard() == ["hello", "menu"]


def test_the_end_of_an_earlier_sound_does_nothing() -> None:
    one = line().ring().wait(4)

    with pytest.raises(IllegalEvent, match="said_already"):
        one.tell(e.PromptEnded(at=one.now, call=CALL, number=1))
    assert one.heard() == ["hello", "menu"]


def test_who_hangs_up_in_the_menu_has_abandoned_no_queue() -> None:
    one = line().ring().wait(4).hang_up()

    assert (one.call.outcome, one.call.outcome_reason, one.call.queue) == (Outcome.ABANDONED, "in_menu", None)
    assert one.call.flow is not None
    assert one.call.flow.step == "menu"
    assert [key for key in one.timers if key.startswith("saying:")] == []


def test_who_hangs_up_before_the_answer_leaves_nothing_behind() -> None:
    one = line()
    one.ring().hang_up()

    assert one.call.state is CallState.CLOSED


def test_the_holiday_has_a_way_of_its_own() -> None:
    hours = {"time_zone": "UTC", "week": ["mon-fri 08:00-17:00"], "holidays": "DE-BE"}
    when = {"do": "hours", "hours": hours, "open": "members", "closed": "operator", "holiday": "sorry"}
    steps = {"members": STEPS["members"], "operator": STEPS["operator"], "sorry": {"do": "hang_up", "say": [SORRY]}}
    one = Line(flow("when", when=when, **steps))
    one.now_s = 31 * 24 * 3600.0  # Christmas
    one.ring().wait(4)

    assert one.way() == ["when.holiday"]
    assert (one.call.outcome_reason, len(one.orders(HangUp))) == ("flow_ended", 1)


def test_hours_may_be_those_of_a_queue() -> None:
    closed = replace(QUEUE, hours=Hours(time_zone="UTC", week=("sat 08:00-17:00",)))
    when = {"do": "hours", "queue": MEMBERS, "open": "members", "closed": "operator"}
    one = Line(flow("when", when=when, members=STEPS["members"], operator=STEPS["operator"]), queues=(closed,)).ring()

    assert one.way() == ["when.closed"]


@pytest.mark.parametrize(
    ("caller", "way"),
    [
        (Caller(kind=CallerKind.WITHHELD), "who.cases.0"),
        (Caller(kind=CallerKind.NUMBER, raw="+43 1 5335022", e164="+4315335022"), "who.cases.1"),
        (Caller(kind=CallerKind.NUMBER, raw="+44 113 4960000", e164="+441134960000"), "who.otherwise"),
    ],
)
def test_callers_go_by_what_is_known_of_them(caller: Caller, way: str) -> None:
    cases = [{"fact": "withheld", "next": "operator"}, {"fact": "language", "value": "de", "next": "operator"}]
    who = {"do": "branch", "cases": cases, "otherwise": "operator"}
    one = Line(flow("who", who=who, operator=STEPS["operator"]), caller=caller).ring()

    assert one.way() == [way]


def test_a_closed_queue_sends_the_caller_the_way_that_the_flow_names() -> None:
    closed = replace(QUEUE, hours=Hours(time_zone="UTC", week=("sat 08:00-17:00",)))
    steps = {**STEPS, "members": {"do": "queue", "queue": MEMBERS, "instead": "closed"}}
    steps["closed"] = {"do": "hang_up", "say": [SORRY]}
    one = Line(flow("members", **steps), queues=(closed,)).ring()

    assert (one.way(), one.heard()) == (["members.instead"], ["sorry"])


def test_a_closed_queue_without_another_way_does_as_its_settings_say() -> None:
    closed = replace(QUEUE, hours=Hours(time_zone="UTC", week=("sat 08:00-17:00",)), closed_user="night")
    one = Line(flow("members", **STEPS), queues=(closed,)).ring()

    assert [order.target for order in one.orders(TransferCall)] == ["night"]
    assert (one.call.queue, one.call.outcome_reason) == (MEMBERS, "closed")


def test_who_waits_too_long_goes_the_way_that_the_flow_names() -> None:
    short = replace(QUEUE, max_wait_s=30)
    steps = {**STEPS, "members": {"do": "queue", "queue": MEMBERS, "instead": "sorry"}}
    steps["sorry"] = {"do": "hang_up", "say": [SORRY]}
    one = Line(flow("members", **steps), queues=(short,)).ring().wait(31)

    assert (one.way(), one.call.state) == (["members.instead"], CallState.IN_FLOW)


def test_a_flow_gives_credit_and_asks_for_skills() -> None:
    steps = {**STEPS, "members": {"do": "queue", "queue": MEMBERS, "credit_s": 90, "skills": ["tax"]}}
    able = replace(ready(ANA), skills=frozenset({"tax"}))
    one = Line(flow("members", **steps), agents=(ready(ANA),)).ring()
    other = Line(flow("members", **steps), agents=(able,)).ring()

    assert (one.call.state, other.call.state) == (CallState.QUEUED, CallState.OFFERED)


def test_a_flow_that_was_changed_under_a_call_sends_it_to_the_fallback_user() -> None:
    one = line().ring()
    del one.floor.flows[one.flow.id]
    one.wait(4)

    assert [order.target for order in one.orders(TransferCall)] == ["somebody"]
    assert one.call.outcome_reason == "flow_broken"


def test_who_goes_round_for_ever_is_sent_to_the_fallback_user() -> None:
    round_and_round = {**MENU_STEP, "choices": {"1": "menu"}}
    one = Line(flow("menu", menu=round_and_round, operator=STEPS["operator"])).ring()
    for _ in range(101):
        one.press("1")

    assert one.call.outcome_reason == "flow_too_long"


def test_a_waiting_caller_hears_greeting_place_and_music() -> None:
    treated = replace(
        QUEUE, treatment=Treatment(greeting=(Say(prompt="hi"),), music=(Say(prompt="harp"),), position=True)
    )
    one = Line(flow("members", **STEPS), queues=(treated,)).ring().wait(70)

    assert one.heard() == ["hi", "You are next.", "harp", "You are next.", "harp"]


def test_the_music_ends_when_an_agent_is_there() -> None:
    treated = replace(QUEUE, treatment=Treatment(music=(Say(prompt="harp"),)))
    one = Line(flow("members", **STEPS), queues=(treated,), agents=(ready(ANA),)).ring()
    one.tell(e.RosterSeen(at=one.now, call=CALL, graph_id=one.call.graph_id, sequence=2, users=(ANA,)))

    assert (one.call.state, one.call.saying) == (CallState.CONNECTED, None)
    assert len(one.orders(StopPrompts)) == 1


def test_a_queue_without_a_flow_treats_its_callers_too() -> None:
    treated = replace(QUEUE, treatment=Treatment(music=(Say(prompt="harp"),)))
    one = Line(flow("members", **STEPS), queues=(treated,)).ring(QUEUE.resource_account)

    assert one.heard() == ["harp"]


def test_a_queue_without_an_account_is_reached_through_a_flow_only() -> None:
    hidden = replace(QUEUE, resource_account="")
    through, by_nothing = Line(flow("members", **STEPS), queues=(hidden,)), line(queues=(hidden,))

    assert through.ring().call.queue == MEMBERS
    assert by_nothing.tell(arrived_at("")).call.outcome_reason == "no_queue"


def arrived_at(dialled: str) -> e.Arrived:
    return replace(arrived(), dialled=dialled)


CALLED_BACK = Treatment(
    music=(Say(prompt="harp"),),
    every_s=30,
    callback_after_s=60,
    say_callback=(Say(prompt="offer"),),
    say_goodbye=(Say(prompt="bye"),),
)


def waits(**fields: Any) -> Line:
    """A caller who waits where a call back is offered after a minute."""
    return Line(flow("members", **STEPS), queues=(replace(QUEUE, treatment=CALLED_BACK, **fields),)).ring()


def test_who_has_waited_is_offered_a_call_back_once() -> None:
    one = waits().wait(125)

    assert one.heard() == ["harp", "harp", "offer", "harp", "harp"]


def test_who_accepts_a_call_back_keeps_a_place_hears_goodbye_and_is_let_go() -> None:
    one = waits().wait(61).press("1").wait(4)

    assert one.heard()[-1] == "bye"
    assert len(one.orders(HangUp)) == 1
    assert one.floor.callbacks.keeps(CALL)
    assert (one.call.outcome, one.call.outcome_reason) == (Outcome.FLOWED_OUT, "callback")


def test_who_hangs_up_during_goodbye_is_called_back_all_the_same() -> None:
    one = waits().wait(61).press("1").hang_up()

    assert (one.call.outcome, one.call.outcome_reason) == (Outcome.FLOWED_OUT, "callback")


def test_a_key_during_goodbye_changes_nothing() -> None:
    one = waits().wait(61).press("1").press("1").wait(4)

    assert one.heard()[-1] == "bye"


def test_another_key_says_no_to_a_call_back() -> None:
    one = waits().wait(61).press("5")

    assert (one.call.state, one.heard()[-1]) == (CallState.QUEUED, "harp")


def test_who_hides_the_number_is_offered_no_call_back() -> None:
    one = Line(
        flow("members", **STEPS),
        queues=(replace(QUEUE, treatment=CALLED_BACK),),
        caller=Caller(kind=CallerKind.WITHHELD),
    )

    assert "offer" not in one.ring().wait(150).heard()


def test_a_flow_offers_a_call_back_and_says_what_then() -> None:
    steps = {
        **STEPS,
        "offer": {"do": "callback", "say": [MENU], "queue": MEMBERS, "accepted": "sorry", "declined": "operator"},
    }
    steps["sorry"] = {"do": "hang_up", "say": [SORRY]}
    one = Line(flow("offer", **steps)).ring().wait(1).press("1").wait(4)

    assert one.way() == ["offer.accepted"]
    assert (one.call.outcome, one.call.outcome_reason) == (Outcome.FLOWED_OUT, "callback")
