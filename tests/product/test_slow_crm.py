"""A CRM that takes its time holds nobody up: neither the ring nor the card waits for it."""

import pytest
import pytest_asyncio

from cordpair.core.call import CallState
from cordpair.emulator.imis import Fault
from tests.product.house import House, Organisation, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGER = "+493023125888"
MUCH_TOO_LONG_S = 10_000.0  # emulated


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def us(shared: House) -> Organisation:
    await shared.lanterns.until_known(shared.lanterns.member())
    for person in shared.lanterns.agents:
        await person.come_in()
    return shared.lanterns


async def test_an_unknown_caller_is_offered_and_shown_while_the_crm_thinks(us: Organisation) -> None:
    us.imis().faults.append(Fault("slow", method="GET", path="/api/Party", delay_s=MUCH_TOO_LONG_S))
    call = us.call_in(STRANGER)
    offered = await us.until_call(call, CallState.OFFERED)
    assert us.imis().counters.at_once == 1
    person = next(one for one in us.agents if offered.offer is not None and one.id == offered.offer.agent)

    async def shown() -> bool:
        return person.seat.chat.pressable("not_now") is not None

    await until(shown)
    us.caller_leaves(call)
    await us.until_call(call, CallState.CLOSED)
    us.imis().faults.clear()
