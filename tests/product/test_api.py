"""The API in the running product: what it tells, and what it orders."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState
from tests.product.api import EVERYBODY, person, program
from tests.product.house import House, until
from tests.product.test_outbound import placed, until_rings

pytestmark = pytest.mark.asyncio(loop_scope="module")
STRANGER = "+493023125999"


@pytest_asyncio.fixture(loop_scope="module")
async def here(shared: House) -> AsyncIterator[House]:
    """The shared house, with nobody signed in and nobody on the line."""
    yield shared
    for one in [*shared.parts.exchange.calls.values()]:
        shared.parts.exchange.caller_leaves(one)
    us = shared.lanterns
    for agent in us.agents:

        async def is_out(agent: object = agent) -> bool:
            known = await agent.known()  # type: ignore[attr-defined]
            if known.state is AgentState.WRAP_UP and known.call is not None:
                await person(agent, "Supervisor").ask("POST", f"/calls/{known.call}/end-wrap-up")  # type: ignore[arg-type]
            await person(agent, "Agent").ask("PUT", "/me/state", json={"state": "offline"})  # type: ignore[arg-type]
            return bool((await agent.known()).state is AgentState.OFFLINE)  # type: ignore[attr-defined]

        await until(is_out)


async def test_an_agent_goes_ready_takes_a_break_and_leaves_by_the_api(here: House) -> None:
    ada = here.lanterns.agents[0]
    me = person(ada, "Agent")
    for wish in ("ready", "break", "offline"):
        assert (await me.order("PUT", "/me/state", json={"state": wish}))["progress"] == "done"
        assert (await ada.known()).state == wish


async def test_an_order_sent_twice_is_carried_out_once(here: House) -> None:
    us, me = here.lanterns, person(here.lanterns.agents[0], "Agent")
    before = len(await us.inbox("command"))
    answers = [await me.order("PUT", "/me/state", json={"state": "break"}, key="lunch") for _ in range(2)]
    assert answers == [{"id": "lunch", "progress": "done", "reason": ""}] * 2
    assert len(await us.inbox("command")) == before + 1
    assert (await me.get("/orders/lunch"))["progress"] == "done"


async def test_an_order_that_the_floor_cannot_take_says_why(here: House) -> None:
    me = person(here.lanterns.agents[0], "Agent")
    call = here.lanterns.call_in(None)
    await here.lanterns.until_call(call, CallState.QUEUED)
    assert (await me.order("POST", f"/calls/{call}/claim", key="mine"))["reason"] == "not_ready"
    assert (await me.get("/orders/mine")) == {"id": "mine", "progress": "refused", "reason": "not_ready"}


async def test_a_call_is_written_up_by_the_api(here: House) -> None:
    us = here.lanterns
    for one in us.agents:
        await one.come_in()
    who, call = await us.talked(STRANGER)
    written = {"disposition": us.setup.queues[0].dispositions[0].id, "note": "Hallo\0"}
    await person(who, "Agent").order("PUT", f"/calls/{call}/wrap-up", json=written)
    closed = await us.until_call(call, CallState.CLOSED)
    assert closed.note == "Hallo"


async def test_calls_come_page_by_page_newest_first_each_once(here: House) -> None:
    us, lead = here.lanterns, person(here.lanterns.agents[0], "Supervisor")
    calls = [us.call_in(STRANGER) for _ in range(3)]
    for call in calls:
        await us.until_call(call, CallState.QUEUED)
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = await lead.get("/calls", live=True, limit=1, **after)
        seen += [one["id"] for one in page["calls"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    found = [(await us.call(call)) for call in calls]
    newest_first = sorted(found, key=lambda it: (it.arrived_at, it.id), reverse=True)  # type: ignore[union-attr]
    assert seen == [one.id for one in newest_first]  # type: ignore[union-attr]


async def test_only_who_leads_learns_who_called(here: House) -> None:
    us = here.lanterns
    call = us.call_in(STRANGER)
    await us.until_call(call, CallState.QUEUED)
    ada = us.agents[0]
    seen = (await person(ada, "Supervisor").get(f"/calls/{call}"))["call"]
    assert seen["caller"]["number"].replace(" ", "").endswith("23125999")
    audited = await person(ada, "Auditor").get(f"/calls/{call}")
    assert audited["call"]["caller"] is None
    assert "23125999" not in str(audited)
    assert [entry["what"] for entry in audited["history"]][:2] == ["Arrived", "Established"]


async def test_a_call_says_why_in_both_languages(here: House) -> None:
    us, lead = here.lanterns, person(here.lanterns.agents[0], "Supervisor")
    await us.agents[0].come_in()
    call = us.call_in(STRANGER)
    await us.until_call(call, CallState.OFFERED)
    english = await lead.get(f"/calls/{call}/why")
    german = await lead.get(f"/calls/{call}/why", lang="de")
    assert any("offered to: " in line for line in english["lines"])
    assert any("angeboten an: " in line for line in german["lines"])


async def test_a_waiting_call_moves_to_another_queue_and_keeps_its_age(here: House) -> None:
    us, lead = here.lanterns, person(here.lanterns.agents[0], "Supervisor")
    first, other = us.setup.queues[:2]
    call = us.call_in(STRANGER)
    waits = await us.until_call(call, CallState.QUEUED)
    assert (await lead.order("POST", f"/calls/{call}/move", json={"queue": other.id}))["progress"] == "done"
    moved = await us.call(call)
    assert moved is not None
    assert (moved.queue, moved.arrived_at) == (other.id, waits.arrived_at)
    again = await lead.order("POST", f"/calls/{call}/move", json={"queue": other.id})
    nowhere = await lead.order("POST", f"/calls/{call}/move", json={"queue": "nowhere"})
    assert (again["reason"], nowhere["reason"]) == ("same_queue", "unknown_queue")
    async with here.store.open_tenant(us.id) as rows:
        deeds = [one for one in await rows.audit.shown(20) if one.action == "floor.ordered"]
    assert {deed.target for deed in deeds} >= {f"call:{call}"}
    assert first.id != other.id


async def test_a_supervisor_sets_an_agent_ready_and_ends_a_wrap_up(here: House) -> None:
    us, (ada, ben) = here.lanterns, here.lanterns.agents
    lead = person(ben, "Supervisor")
    await ada.come_in()
    who, call = await us.talked(STRANGER)
    assert (await lead.order("POST", f"/calls/{call}/end-wrap-up"))["progress"] == "done"
    assert (await who.until_state(AgentState.READY)).call is None
    set_ = await lead.order("PUT", f"/agents/{ada.id}/state", json={"state": "break"})
    assert set_["progress"] == "done", set_
    assert (await ada.known()).state is AgentState.BREAK


async def test_a_call_is_placed_by_the_api_once(here: House) -> None:
    us, ada = here.lanterns, here.lanterns.agents[0]
    here.parts.outside.is_manual = True
    await ada.come_in()
    wish = {"queue": us.setup.queues[0].id, "number": STRANGER}
    for _ in range(2):
        assert (await person(ada, "Agent").order("POST", "/calls", json=wish, key="back"))["progress"] == "done"
    placed_ = await placed(us)
    await ada.answer()
    await until_rings(here, STRANGER)
    left = await person(ada, "Agent").order("POST", f"/calls/{placed_}/hang-up")
    assert left["progress"] == "done"
    assert len(us.asked_graph("/communications/calls")) == 1


async def test_a_supervisor_takes_a_conversation_over(here: House) -> None:
    us, (ada, ben) = here.lanterns, here.lanterns.agents
    await ada.come_in()
    call = us.call_in(STRANGER)
    await ada.answer()
    await us.until_call(call, CallState.CONNECTED)
    await ben.come_in()
    await person(ben, "Supervisor").order("POST", f"/calls/{call}/take-over")
    await ben.answer()

    async def has_it() -> bool:
        found = await us.call(call)
        return found is not None and found.agent == ben.id and found.transfer is None

    await until(has_it)
    async with here.store.open_tenant(us.id) as rows:
        assert ("floor.ordered", f"call:{call}") in {(it.action, it.target) for it in await rows.audit.shown(5)}
    us.caller_leaves(call)
    await us.until_call(call, CallState.WRAP_UP)


async def test_a_program_reads_queues_and_agents_as_the_floor_page_has_them(here: House) -> None:
    robot = program(here.lanterns, "Supervisor")
    queues, agents = await robot.get("/queues"), await robot.get("/agents")
    assert [one["id"] for one in queues["queues"]] == [queue.id for queue in here.lanterns.setup.queues]
    assert {one["id"] for one in agents["agents"]} == {agent.id for agent in here.lanterns.setup.agents}
    assert queues["as_of"].endswith("Z")


async def test_nothing_of_another_organisation_is_there(here: House) -> None:
    us, them = here.lanterns, here.harbours
    call = them.call_in(STRANGER)
    await them.until_call(call, CallState.QUEUED)
    ours = person(us.agents[0], *EVERYBODY)
    for path in (f"/calls/{call}", f"/calls/{call}/why"):
        assert (await ours.ask("GET", path)).status_code == 404
    moved = await ours.order("POST", f"/calls/{call}/move", json={"queue": us.setup.queues[0].id})
    assert moved["reason"] == "unknown_call"
    listed = await ours.get("/calls", since=(here.product.clock.now() - timedelta(days=1)).isoformat())
    assert call not in str(listed)
