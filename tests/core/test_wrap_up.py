"""What follows a conversation: four kinds of wrap-up, more time, and an end before its time."""

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.call import CallState
from cordpair.core.effects import Face, LogActivity, ShowCard
from cordpair.core.floor import Floor
from cordpair.core.queue_rules import WrapUpMode
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, GRAPH, NOON, QUEUE, after, arrived, ready, tell

FIXED, OPTIONAL, NONE = WrapUpMode.FIXED, WrapUpMode.OPTIONAL, WrapUpMode.NONE


def after_the_talk(**settings: Any) -> Floor:
    """Ana has talked from 5 to 65 s after noon; the wrap-up begins."""
    floor = Floor([replace(QUEUE, **settings)], [ready(ANA)])
    fold.reopen(floor, NOON)
    tell(floor, arrived(0), e.Established(at=after(1), call=CALL, graph_id=GRAPH))
    tell(floor, e.RosterSeen(at=after(5), call=CALL, graph_id=GRAPH, sequence=2, users=(ANA,)))
    return tell(floor, e.CallEnded(at=after(65), call=CALL, graph_id=GRAPH))


def saved(seconds: float, disposition: str = "solved") -> e.WrapUpSaved:
    return e.WrapUpSaved(at=after(seconds), call=CALL, agent=ANA, disposition=disposition)


def expired(seconds: float) -> e.WrapUpExpired:
    return e.WrapUpExpired(at=after(seconds), call=CALL)


def extended(seconds: float) -> e.WrapUpExtended:
    return e.WrapUpExtended(at=after(seconds), call=CALL, agent=ANA)


def ends_at(floor: Floor) -> datetime:
    timer = floor.changes.timers[f"wrap:{CALL}"]
    assert timer is not None
    return timer.run_at


def test_a_wrap_up_until_done_ends_when_it_is_saved_and_the_agent_is_idle_since_then() -> None:
    floor = tell(after_the_talk(), saved(80))
    assert (floor.agents[ANA].state, floor.agents[ANA].idle_since) == (AgentState.READY, after(80))


def test_an_agent_is_not_rung_while_they_write_it_down() -> None:
    assert after_the_talk().agents[ANA].state is AgentState.WRAP_UP


def test_a_fixed_wrap_up_goes_on_when_it_is_saved() -> None:
    floor = tell(after_the_talk(wrap_up=FIXED), saved(80))
    assert (floor.agents[ANA].state, floor.calls[CALL].state) == (AgentState.WRAP_UP, CallState.WRAP_UP)


def test_what_was_saved_last_in_a_fixed_wrap_up_is_written_when_its_time_is_over() -> None:
    floor = tell(after_the_talk(wrap_up=FIXED), saved(80), saved(90, "follow_up"), expired(125))
    assert (floor.calls[CALL].disposition, floor.calls[CALL].state) == ("follow_up", CallState.CLOSED)
    assert [effect.call for effect in floor.changes.effects if isinstance(effect, LogActivity)] == [CALL]


def test_only_a_supervisor_ends_a_fixed_wrap_up() -> None:
    floor = after_the_talk(wrap_up=FIXED)
    with pytest.raises(IllegalEvent, match="fixed_time"):
        fold.apply(floor, e.WrapUpEnded(at=after(70), call=CALL, by=ANA))
    tell(floor, e.WrapUpEnded(at=after(75), call=CALL, by=BEN, is_supervisor=True))
    assert (floor.agents[ANA].state, floor.agents[ANA].idle_since) == (AgentState.READY, after(75))


def test_nobody_but_a_supervisor_ends_the_wrap_up_of_somebody_else() -> None:
    with pytest.raises(IllegalEvent, match="not_your_call"):
        fold.apply(after_the_talk(), e.WrapUpEnded(at=after(70), call=CALL, by=BEN))


def test_an_agent_may_end_it_without_a_result() -> None:
    floor = tell(after_the_talk(), e.WrapUpEnded(at=after(70), call=CALL, by=ANA))
    assert (floor.calls[CALL].state, floor.calls[CALL].disposition) == (CallState.CLOSED, "")


def test_with_an_optional_wrap_up_the_agent_is_idle_since_the_end_of_the_talk() -> None:
    floor = after_the_talk(wrap_up=OPTIONAL)
    assert (floor.agents[ANA].state, floor.agents[ANA].idle_since) == (AgentState.READY, after(65))


def test_an_optional_wrap_up_can_still_be_written_while_the_next_call_rings() -> None:
    floor = after_the_talk(wrap_up=OPTIONAL)
    floor.save_agent(replace(floor.agents[ANA], state=AgentState.RINGING))
    tell(floor, saved(80))
    assert (floor.calls[CALL].disposition, floor.agents[ANA].state) == ("solved", AgentState.RINGING)


def test_without_a_wrap_up_the_call_is_closed_and_written_at_once() -> None:
    floor = after_the_talk(wrap_up=NONE)
    assert (floor.calls[CALL].state, floor.agents[ANA].state) == (CallState.CLOSED, AgentState.READY)
    assert [effect.call for effect in floor.changes.effects if isinstance(effect, LogActivity)] == [CALL]


def test_an_extension_counts_from_the_end_that_there_was() -> None:
    floor = tell(after_the_talk(extensions=1, extend_s=30.0), extended(120))
    assert ends_at(floor) == after(65 + 60 + 30)


def test_there_are_no_more_extensions_than_the_queue_allows() -> None:
    floor = tell(after_the_talk(extensions=1), extended(70))
    with pytest.raises(IllegalEvent, match="no_extension_left"):
        fold.apply(floor, extended(71))


def test_the_card_is_shown_again_with_the_new_time() -> None:
    floor = after_the_talk(extensions=1)
    floor.take_changes()
    tell(floor, extended(70))
    assert [effect.face for effect in floor.changes.effects if isinstance(effect, ShowCard)] == [Face.WRAP_UP]
