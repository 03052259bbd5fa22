"""Why an agent was offered a call can be told afterwards."""

from msgspec.structs import replace

from cordpair.core import fold
from cordpair.core.agent import AgentState, Presence
from cordpair.core.events import Established, OfferDeclined, WentReady
from cordpair.core.floor import Floor
from cordpair.core.ids import CallId, GraphCallId, call_id
from cordpair.core.need import Step
from tests.core.people import ANA, BEN, CALL, GRAPH, QUEUE, TENANT, after, arrived, floor_with, nth_offer, ready, tell

OTHER = GraphCallId("graph-call-2")


def answered(at: float, graph: GraphCallId = GRAPH) -> Established:
    return Established(at=after(at), call=call_id(TENANT, graph), graph_id=graph)


def why(floor: Floor, call: CallId = CALL) -> dict[str, str]:
    """The details of the newest offer of a call."""
    return [entry.detail for entry in floor.changes.history if entry.what == "Offered" and entry.call == call][-1]


def test_of_two_idle_agents_the_other_one_is_named() -> None:
    floor = tell(floor_with(ready(ANA, 62), ready(BEN, 61)), arrived(), answered(2))
    assert why(floor) == {
        "rule": "longest_idle",
        "candidates": "2",
        "step": "1",
        "steps": "1",
        "tier": "0",
        "waited_s": "2.000",
        "idle_s": "64.000",
        "excluded": "0",
        "next": BEN,
    }


def test_of_two_waiting_calls_the_next_one_is_named() -> None:
    floor = tell(floor_with(replace(ready(ANA), state=AgentState.BREAK)), arrived(), answered(1))
    tell(floor, arrived(5, graph=OTHER), answered(6, OTHER), WentReady(at=after(9), agent=ANA))
    told = why(floor)
    assert (told["rule"], told["candidates"], told["next"]) == ("lowest_key", "2", call_id(TENANT, OTHER))


def test_who_said_no_is_counted_and_the_presence_has_an_age() -> None:
    seen = Presence(availability="Available", activity="Available", sequence=1, at=after(-30))
    floor = tell(floor_with(ready(ANA, 99), replace(ready(BEN), presence=seen)), arrived(), answered(1))
    tell(floor, OfferDeclined(at=after(5), call=CALL, offer=nth_offer(1), agent=ANA))
    told = why(floor)
    assert (told["excluded"], told["presence_s"]) == ("1", "35.000")
    assert "next" not in told


def test_the_step_is_told() -> None:
    steps = (Step(skills=frozenset({"de"})), Step(after_s=30))
    floor = Floor([replace(QUEUE, steps=steps)], [ready(ANA)])
    fold.reopen(floor, after(0))
    tell(floor, arrived(), answered(1))
    assert (why(floor)["step"], why(floor)["steps"]) == ("2", "2")
