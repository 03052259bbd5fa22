"""A flow test sends its caller through the real fold: time passes for it as it would for a caller."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from cordpair.core.flow import Flow
from cordpair.core.flow_case import CaseCaller, Expected, FlowCase, Press
from cordpair.core.flow_case_run import Ran, run_case
from cordpair.core.flow_coverage import coverage
from cordpair.core.hours import Hours
from cordpair.core.ids import FlowId
from cordpair.core.tenant import TenantSetup
from tests.core.flow_world import flow
from tests.core.test_setup_diff import SALES, SETUP

MENU: dict[str, Any] = {
    "do": "menu",
    "say": [{"prompt": "menu"}],
    "choices": {"1": "sales", "2": "bye"},
    "no_input": "bye",
    "timeout_s": 5,
    "retries": 1,
}
STEPS = {"menu": MENU, "sales": {"do": "queue", "queue": SALES}, "bye": {"do": "hang_up"}}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def with_flow(**steps: dict[str, Any]) -> TenantSetup:
    return replace(SETUP, flows=(flow("menu", **{**STEPS, **steps}),), time_zone="Europe/Berlin")


def ran(setup: TenantSetup | None = None, **case: Any) -> Ran:
    known: dict[str, Any] = {"name": "x", "flow": FlowId("main"), "at": NOON, "expect": Expected(), "prompt_s": 3.0}
    return run_case(setup or with_flow(), FlowCase(**{**known, **case}))


def test_a_key_that_comes_a_moment_too_late_finds_the_menu_said_again() -> None:
    in_time = ran(presses=(Press(at_s=7.9, key="1"),))
    late = ran(presses=(Press(at_s=8.1, key="1"),))
    assert (in_time.heard[:2], late.heard[:2]) == (("menu", "greeting"), ("menu", "menu"))
    assert (in_time.ways, late.ways) == (("menu.choices.1",),) * 2


def test_keys_are_pressed_in_the_order_of_their_instants() -> None:
    assert ran(presses=(Press(at_s=2, key="2"), Press(at_s=1, key="1"))).queue == SALES


def test_who_hangs_up_first_presses_nothing_more() -> None:
    assert ran(presses=(Press(at_s=2, key="1"),), hangs_up_s=1.0).reason == "in_menu"


def test_nobody_answers_unless_the_test_says_so() -> None:
    signed_in: dict[str, Any] = {"presses": (Press(at_s=1, key="1"),), "signed_in": ("Ana",)}
    assert ran(**signed_in).state == "offered"
    assert ran(**signed_in, answers_s=4.0).state == "connected"


def test_a_ring_that_nobody_answers_in_time_ends() -> None:
    unanswered = ran(presses=(Press(at_s=1, key="1"),), signed_in=("Ana",), lasts_s=60.0)
    assert unanswered.state == "queued"


def test_who_waits_already_is_offered_first() -> None:
    assert ran(presses=(Press(at_s=1, key="1"),), signed_in=("Ana",), waiting={SALES: 1}).state == "queued"


def test_the_clock_of_a_test_is_that_of_the_organisation() -> None:
    hours = Hours(time_zone="Europe/Berlin", week=("tue 13:00-14:00",))
    when = {"do": "hours", "hours": msgspec.to_builtins(hours), "open": "sales", "closed": "bye"}
    setup = with_flow(menu=when)
    wall = datetime(2026, 11, 24, 13, 30)  # by the clock of the organisation
    assert [ran(setup, at=at).ways for at in (wall, NOON + timedelta(minutes=30), NOON + timedelta(hours=1))] == [
        ("menu.open",),
        ("menu.open",),
        ("menu.closed",),
    ]


@pytest.mark.parametrize(
    ("caller", "way"),
    [
        (CaseCaller(), "menu.cases.0"),
        (CaseCaller(number="+493012345678", parties=1, company="Docks Ltd"), "menu.cases.1"),
        (CaseCaller(number="+493012345678", parties=1), "menu.cases.2"),
        (CaseCaller(number="+493012345678", parties=2), "menu.cases.3"),
        (CaseCaller(number="+493012345678"), "menu.otherwise"),
    ],
)
def test_what_is_known_of_the_caller_is_as_the_test_says(caller: CaseCaller, way: str) -> None:
    facts = [("withheld", ""), ("company", "Docks Ltd"), ("known", ""), ("several", "")]
    cases = [{"fact": fact, "value": value, "next": "bye"} for fact, value in facts]
    assert ran(with_flow(menu={"do": "branch", "cases": cases, "otherwise": "sales"}), caller=caller).ways == (way,)


def missed(one: Flow, *runs: Ran) -> list[str]:
    return [f"{way.step}.{way.exit}" for way in coverage([one], [(one, run) for run in runs]).missed]


def test_a_way_that_stands_for_another_one_counts_once() -> None:
    one = with_flow().flows[0]
    wrong = ran(presses=(Press(at_s=1, key="7"), Press(at_s=2, key="7")))
    assert missed(one, wrong) == ["menu.choices.1", "menu.choices.2", "sales.reached"]


def test_a_way_of_its_own_has_to_be_gone_for_itself() -> None:
    one = with_flow(menu={**MENU, "wrong_input": "bye"}).flows[0]
    assert "menu.wrong_input" in missed(one, ran(hangs_up_s=300.0))


def test_without_flows_everything_is_gone_through() -> None:
    assert coverage([], []).per_cent == 100
