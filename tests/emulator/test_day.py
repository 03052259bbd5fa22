"""A piece of a day: callers and agents of the demo world with a small product between them, faster than real time."""

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

import pytest

from cordpair.emulator.server import running
from tests.emulator.product import serving

CALLS = 50


@dataclass
class Day:
    """What was seen of it."""

    played: dict[str, Any]
    calls: list[dict[str, Any]]
    activities: list[dict[str, Any]]
    latency: dict[str, Any]

    def pressed(self) -> list[dict[str, Any]]:
        return [a["value"]["action"] for a in self.activities if a["type"] == "invoke"]


@pytest.fixture(scope="module")
def day() -> Day:
    return asyncio.run(one_day())


async def one_day() -> Day:
    async with running(rate=20, members_count=300) as cloud, serving(cloud) as product:
        product.answers = True
        await product.control("faults", {"habits": {"not_now": 0.3, "accept": 0.6}})
        wishes = {"calls": CALLS, "tenants": ["reg-lanterns"], "per_second": 0.5, "manners": {"talk_s": 20}}
        played = await product.control("play", wishes)
        calls = (await product.control("truth"))["calls"]
        return Day(played, calls, product.activities, await product.control("latency"))


def test_every_call_ends(day: Day) -> None:
    assert day.played["is_over"]
    assert [bool(call["ended_at"]) for call in day.calls] == [True] * CALLS


def test_most_calls_are_answered(day: Day) -> None:
    assert sum(1 for call in day.calls if call["answered_by"]) > CALLS / 2


def test_all_agents_say_ready(day: Day) -> None:
    said = {a["from"]["aadObjectId"] for a in day.activities if a.get("text") == "ready"}
    assert len(said) == 24
    assert day.played["ready"] == 24


def test_agents_press_not_now_and_write_up(day: Day) -> None:
    assert {action["verb"] for action in day.pressed()} == {"not_now", "wrap_up"}


def test_the_write_up_chooses_one_of_the_cards_choices(day: Day) -> None:
    written = [action["data"] for action in day.pressed() if action["verb"] == "wrap_up"]
    assert {data["disposition"] for data in written} <= {"solved", "call_back"}
    assert len(written) > CALLS / 3


def test_callers_are_of_every_kind_and_the_truth_says_whose_number_it_is(day: Day) -> None:
    kinds = {min(len(call["parties"]), 2) if call["number"] else "withheld" for call in day.calls}
    assert kinds == {0, 1, 2, "withheld"}


def test_no_agent_is_in_two_calls_at_once(day: Day) -> None:
    stays = sorted((s["user"], s["since"], s["until"]) for call in day.calls for s in call["stays"])
    assert [a for a, b in itertools.pairwise(stays) if a[0] == b[0] and a[2] > b[1]] == []


def test_both_sides_hang_up(day: Day) -> None:
    assert {"bot", "caller"} <= {call["ended_by"] for call in day.calls}


def test_latencies_are_told_per_call(day: Day) -> None:
    told = day.latency["calls"]
    assert len(told) == CALLS
    assert all(call["card_ms"] > 0 for call in told.values() if "card_ms" in call)
