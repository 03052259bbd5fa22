"""Whatever happens in whatever order, no agent is left asked, or at a callback, that is not theirs."""

import contextlib
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import AgentState
from cordpair.core.callback import CallbackState, Reported
from cordpair.core.effects import PlaceCall
from cordpair.core.floor import Floor
from cordpair.core.fold_callback import keep_place
from cordpair.core.ids import AgentId
from cordpair.core.transfer import TransferEnd
from cordpair.errors import IllegalEvent
from tests.core.people import ANA, BEN, CALL, QUEUE, after, arrived, tell
from tests.core.test_callbacks import OTHER, OTHER_GRAPH, RULES, another, ended, established, floor

Make = Callable[[Floor, float, AgentId], e.AnyEvent | None]


def number_of(made: Floor) -> int:
    known = made.callbacks.get(CALL)
    return known.number if known is not None else 0


def placed(made: Floor, s: float, _: AgentId) -> e.AnyEvent | None:
    calls = [it.call for it in made.changes.effects if isinstance(it, PlaceCall)]
    return e.OutboundRefused(at=after(s), call=calls[-1], why=TransferEnd.FORBIDDEN) if calls else None


EVENTS: dict[str, Make] = {
    "ready": lambda _, s, agent: e.WentReady(at=after(s), agent=agent),
    "break": lambda _, s, agent: e.TookBreak(at=after(s), agent=agent),
    "signs out": lambda _, s, agent: e.SignedOut(at=after(s), agent=agent),
    "is away": lambda _, s, agent: e.PresenceSeen(at=after(s), agent=agent, availability="Offline", activity="Offline"),
    "asks": lambda _, s, __: e.CallbackAsked(at=after(s), call=CALL),
    "takes": lambda _, s, agent: e.CallbackTaken(at=after(s), call=CALL, agent=agent),
    "declines": lambda _, s, agent: e.CallbackDeclined(at=after(s), call=CALL, agent=agent),
    "reached": lambda _, s, agent: e.CallbackReported(at=after(s), call=CALL, agent=agent, result=Reported.REACHED),
    "nobody": lambda _, s, agent: e.CallbackReported(at=after(s), call=CALL, agent=agent, result=Reported.NO_ANSWER),
    "gives back": lambda _, s, agent: e.CallbackReported(
        at=after(s), call=CALL, agent=agent, result=Reported.GIVEN_BACK
    ),
    "due": lambda made, s, _: e.CallbackDue(at=after(s), call=CALL, number=number_of(made)),
    "expires": lambda _, s, __: e.CallbackExpired(at=after(s), call=CALL),
    "cancelled": lambda _, s, __: e.CallbackCancelled(at=after(s), call=CALL),
    "hangs up": lambda _, s, __: ended(s),
    "calls again": lambda _, s, __: another(s),
    "is answered again": lambda _, s, __: established(s, OTHER, OTHER_GRAPH),
    "hangs up again": lambda _, s, __: ended(s, OTHER, OTHER_GRAPH),
    "no call is placed": placed,
}
steps = st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from((ANA, BEN))), max_size=40)


@settings(deadline=None, max_examples=300)
@given(steps, st.booleans())
def test_no_agent_is_left_with_a_callback_that_is_not_theirs(taken: list[tuple[str, AgentId]], dials: bool) -> None:
    made = tell(floor(replace(RULES, dials=dials)), arrived(), established())
    keep_place(made, made.calls[CALL], after(5))
    tell(made, ended(6))
    for number, (name, agent) in enumerate(taken):
        event = EVENTS[name](made, 10.0 * (number + 1), agent)
        if event is not None:
            with contextlib.suppress(IllegalEvent):
                fold.apply(made, event)
        look(made)
    assert QUEUE.id in made.queues


def look(made: Floor) -> None:
    """Who is asked, or calls from Teams, has no call; and nobody else is in such a state."""
    owed = [it for it in (made.callbacks.get(CALL), made.callbacks.get(OTHER)) if it is not None]
    asked = {it.agent for it in owed if it.state is CallbackState.OFFERED}
    at_it = {it.agent for it in owed if it.state is CallbackState.TAKEN}
    assert len([it for it in owed if it.agent is not None]) == len(asked | at_it)
    for agent in made.agents.values():
        if agent.state is AgentState.RINGING and agent.call is None:
            assert agent.id in asked
        if agent.state is AgentState.TALKING and agent.call is None:
            assert agent.id in at_it
    for agent_id in asked:
        assert agent_id is not None
        assert made.agents[agent_id].state is AgentState.RINGING
