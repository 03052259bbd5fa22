"""An iMIS in trouble: no call waits for it, nothing is lost, nothing is written twice, a person sees what is stuck."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from cordpair.core.call import CallState
from cordpair.core.ids import CallId
from cordpair.emulator.imis import Fault
from tests.product.house import House, Organisation, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(shared: House) -> Organisation:
    await shared.lanterns.until_known(shared.lanterns.member())
    for person in shared.lanterns.agents:
        await person.come_in()
    return shared.lanterns


@pytest.fixture(autouse=True)
def well_again(us: Organisation) -> Any:
    """After each test the iMIS is well."""
    yield
    us.imis().faults.clear()


def trouble(us: Organisation, kind: Any, *, times: int = 1_000, path: str = "/api/Activity", **more: Any) -> None:
    us.imis().faults.append(Fault(kind, times=times, path=path, **more))


async def written_up(us: Organisation) -> CallId:
    """A call of a member has been answered and written up."""
    person, call = await us.talked(us.member().e164[0])
    await person.press("wrap_up", disposition="solved", note="Neue Anschrift.")
    await us.until_call(call, CallState.CLOSED)
    return call


async def until_parked(us: Organisation, call: CallId) -> Any:
    """The effect of the call that is parked, however long that takes in the emulated world."""

    async def look() -> Any:
        await us.house.pass_time(150)
        return next((one for one in await us.parked_effects() if one.call == call), None)

    return await until(look, 30)


async def until_logged(us: Organisation, call: CallId) -> str:
    async def look() -> str:
        await us.house.pass_time(30)
        found = await us.call(call)
        return found.activity if found is not None else ""

    return await until(look)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("html", "iMIS answered with a web page instead of data (503)"),
        ("sign_in_page", "iMIS answered with a web page instead of data (200)"),
        ("error", "iMIS reports an error of its own (500)"),
        ("unauthorized", "iMIS does not let our user in, although the sign-in worked (401)"),
        ("refused", "iMIS refused the request (400): The value is not allowed. / A second message."),
    ],
)
async def test_what_imis_does_not_take_is_parked_with_its_reason_and_written_once_when_it_is_well(
    us: Organisation, kind: str, reason: str
) -> None:
    before = len(us.activities())
    trouble(us, kind)
    call = await written_up(us)
    parked = await until_parked(us, call)
    assert (parked.kind, parked.reason) == ("LogActivity", reason)
    us.imis().faults.clear()
    async with us.house.store.open_tenant(us.id) as rows:
        assert await rows.outbox.retry_parked(parked.id, us.house.product.clock.now())
    assert await until_logged(us, call)
    assert len(us.activities()) == before + 1
    assert await us.parked_effects() == []


async def test_while_imis_is_away_callers_are_answered_and_agents_go_on(us: Organisation) -> None:
    trouble(us, "html")
    first = await written_up(us)
    second = await written_up(us)
    assert [one.state for one in (await us.call(first), await us.call(second)) if one] == [CallState.CLOSED] * 2
    us.imis().faults.clear()
    assert await until_logged(us, first)
    assert await until_logged(us, second)


async def test_an_imis_that_hangs_is_given_up_after_its_time_and_asked_again(us: Organisation) -> None:
    crm: Any = (await us.house.product.workshop.of(us.id)).crm
    usual = crm._session._settings
    crm._session._settings = replace(usual, timeout_s=0.2)
    try:
        before = len(us.activities())
        trouble(us, "slow", times=2, delay_s=100.0)  # a web server of ASP.NET ends a request after 110 s
        call = await written_up(us)
        assert await until_logged(us, call)
        await us.house.pass_time(300)  # whatever iMIS was still at is done now
    finally:
        crm._session._settings = usual
    assert len([it for it in us.activities()[before:] if it["PartyId"] == us.member().party_id]) == 1


@pytest.mark.parametrize("kind", ["created_then_error", "created_then_cut", "late_commit"])
async def test_a_write_of_unknown_outcome_ends_as_one_activity(us: Organisation, kind: str) -> None:
    before = len(us.activities())
    trouble(us, kind, times=1, delay_s=60.0)
    call = await written_up(us)
    assert await until_logged(us, call)
    assert len(us.activities()) == before + 1


async def test_a_throttled_write_waits_as_long_as_imis_asks(us: Organisation) -> None:
    before, requests = len(us.activities()), us.imis().counters.requests
    trouble(us, "throttle", times=1, retry_after="3600")
    call = await written_up(us)
    await us.house.pass_time(3000)
    await asyncio.sleep(0.4)
    assert len(us.activities()) == before
    assert us.imis().counters.requests <= requests + 3
    await us.house.pass_time(700)
    assert await until_logged(us, call)
    assert len(us.activities()) == before + 1


async def test_a_supervisor_sees_what_is_parked_and_lets_it_be_tried_again(us: Organisation) -> None:
    trouble(us, "unauthorized")
    call = await written_up(us)
    parked = await until_parked(us, call)
    http, house = us.house.http, us.house

    async def page() -> str:
        answer = await http.get(house.floor_page(us), follow_redirects=True)
        return answer.text if answer.status_code == 200 and f"parked/{parked.id}/retry" in answer.text else ""

    shown = await until(page)
    assert "although the sign-in worked (401)" in shown
    us.imis().faults.clear()
    retry = f"{house.url}/floor/parked/{parked.id}/retry"
    assert (await http.post(retry, headers={"Origin": "https://evil.example"})).status_code == 403
    assert (await http.post(retry, headers={"Origin": house.url})).status_code == 303
    assert await until_logged(us, call)


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999999999", "%00", "1e3", "١"])
async def test_a_retry_of_something_that_is_not_parked_is_no_incident(us: Organisation, number: str) -> None:
    house = us.house
    await until(lambda: _session(house, us))
    answer = await house.http.post(f"{house.url}/floor/parked/{number}/retry", headers={"Origin": house.url})
    assert answer.status_code in (303, 404)


async def _session(house: House, us: Organisation) -> bool:
    return (await house.http.get(house.floor_page(us), follow_redirects=True)).status_code == 200
