"""One call, whole, through the running product; and two organisations that never mix."""

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState, Outcome
from cordpair.core.caller import Grade
from tests.product.house import House, until


async def test_a_member_who_calls_is_recognised_answered_written_up_and_logged_once(here: House) -> None:
    us, (ada, _) = here.lanterns, here.lanterns.agents
    member = us.member()
    await us.until_known(member)
    await ada.come_in()
    call = us.call_in(member.e164[0])
    await ada.answer()
    talking = await us.until_call(call, CallState.CONNECTED)
    assert (talking.agent, talking.candidates[0].grade) == (ada.id, Grade.EXACT)
    assert member.name in ada.words()
    us.caller_leaves(call)
    await ada.press("wrap_up", disposition="solved", note="Neue Anschrift.")

    async def logged() -> bool:
        found = await us.call(call)
        return found is not None and found.activity != ""

    await until(logged)
    closed = await us.call(call)
    assert closed is not None
    assert (closed.state, closed.outcome, closed.disposition) == (CallState.CLOSED, Outcome.ANSWERED, "solved")
    assert [(it["PartyId"], it["NOTE"]) for it in us.activities()] == [(member.party_id, "Neue Anschrift.")]
    assert (await ada.known()).state is AgentState.READY
    assert await us.pending() == {}
