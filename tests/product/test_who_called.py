"""Who called, all the way through: several matches wait, a wrong person is taken back, one activity stands."""

from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from cordpair.core.call import CallState
from cordpair.core.caller import Grade
from cordpair.core.ids import CallId
from cordpair.emulator.members import Phone
from cordpair.engine.reconcile import Finding, Reconciler
from tests.product.house import House, Organisation, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHARED, TRUNK = "+493023125321", "+49622191190"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(shared: House) -> Organisation:
    lanterns = shared.lanterns
    for number, party_id in enumerate(("77101", "77102", "77103")):
        phones = (Phone("030 23125321", "Home"),) if number < 2 else (Phone("06221/9119-0", "Work"),)
        company = "" if number < 2 else "Docht & Soehne"
        lanterns.imis().store.add(
            replace(
                lanterns.member(),
                party_id=party_id,
                phones=phones,
                company=company,
                region="DE",
                updated_on=shared.product.clock.now(),
            )
        )
    await lanterns.until_known(lanterns.member())
    await lanterns.synced()
    for person in lanterns.agents:
        await person.come_in()
    return lanterns


async def until_logged(us: Organisation, call: CallId) -> str:
    async def look() -> str:
        found = await us.call(call)
        return found.activity if found is not None else ""

    return await until(look)


def written_for(us: Organisation, *parties: str) -> list[dict[str, Any]]:
    return [one for one in us.activities() if one["PartyId"] in parties]


async def test_several_matches_wait_for_a_pick_and_then_there_is_one_activity(us: Organisation) -> None:
    person, call = await us.talked(SHARED)
    await person.press("wrap_up", disposition="solved", note="", party="-")
    await us.until_call(call, CallState.CLOSED)
    assert (await us.pending())[call] == "several_matches"
    assert written_for(us, "77101", "77102") == []
    await person.press("pick", party="imis:77102")
    await until_logged(us, call)
    assert [one["PartyId"] for one in written_for(us, "77101", "77102")] == ["77102"]
    assert call not in await us.pending()


async def test_who_was_picked_for_a_number_stands_first_the_next_time(us: Organisation) -> None:
    person, call = await us.talked(SHARED)
    found = await us.call(call)
    assert found is not None
    assert [(one.party.id, one.was_chosen) for one in found.candidates] == [("77102", True), ("77101", False)]
    assert found.party is None  # it proposes and settles nothing
    await person.press("wrap_up", disposition="solved", note="", party="imis:77102")
    await until_logged(us, call)


async def test_a_wrong_person_is_marked_and_the_right_one_gets_the_activity(us: Organisation) -> None:
    person, call = await us.talked(SHARED)
    await person.press("wrap_up", disposition="solved", note="Geheim", party="imis:77102")
    wrong = await until_logged(us, call)
    await person.press("wrong_person")
    await person.press("pick", party="imis:77101")
    right = await until_logged(us, call)
    assert right != wrong

    async def marked() -> Any:
        (row,) = [one for one in us.activities() if str(one["SEQN"]) == wrong]
        return row if "Geheim" not in str(row["NOTE"]) else None

    assert (await until(marked))["PartyId"] == "77102"
    (mine,) = written_for(us, "77101")
    assert (str(mine["SEQN"]), mine["NOTE"]) == (right, "Geheim")


async def test_an_unknown_extension_shows_the_company_and_is_logged_to_nobody(us: Organisation) -> None:
    before = len(us.activities())
    person, call = await us.talked(TRUNK.removesuffix("0") + "77")
    found = await us.call(call)
    assert found is not None
    assert [(one.name, one.grade, one.is_stand_in) for one in found.candidates] == [
        ("Docht & Soehne", Grade.TRUNK, True)
    ]
    await person.press("wrap_up", disposition="solved", note="")
    await us.until_call(call, CallState.CLOSED)
    assert (await us.pending())[call] == "uncertain"
    assert len(us.activities()) == before


async def test_an_activity_that_somebody_has_deleted_is_written_again(us: Organisation) -> None:
    member = us.member()
    person, call = await us.talked(member.e164[0])
    await person.press("wrap_up", disposition="solved", note="")
    lost = await until_logged(us, call)
    us.imis().activities[:] = [one for one in us.activities() if str(one["SEQN"]) != lost]
    await us.house.pass_time(2 * 3600)
    parts = await us.house.product.workshop.of(us.id)
    assert parts.crm is not None
    reconciler = Reconciler(us.id, us.house.store, parts.crm)
    found = await reconciler.compare([call])
    assert [(one.call, one.finding) for one in found] == [(call, Finding.MISSING)]
    await reconciler.heal(found, us.house.product.clock.now())
    us.house.product.node.ring(us.id)

    async def back() -> bool:
        return bool(written_for(us, member.party_id)) and await reconciler.compare([call]) == []

    await until(back)
    assert len(written_for(us, member.party_id)) == 1
