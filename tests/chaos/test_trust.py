"""What the other side lets us do ends (F8): subscriptions vanish, tokens are revoked, signing keys roll."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cordpair.core.agent import AgentState
from cordpair.core.call import CallState
from cordpair.emulator.failing import Failing
from cordpair.emulator.keys import signing_key
from tests.product.house import Organisation, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "+493023125999"
RENEWAL_S = 28 * 60.0  #: presence is renewed at half its life


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def as_before(us: Organisation) -> AsyncIterator[None]:
    yield
    us.house.parts.graph.failing = Failing()
    for call in list(us.house.parts.exchange.calls.values()):
        us.house.parts.exchange.caller_leaves(call)
    await us.house.pass_time(120)
    for person in us.agents:
        assert await person.say("ready")
        await person.until_state(AgentState.READY)


async def is_served(us: Organisation) -> None:
    await us.until_call(us.call_in(UNKNOWN), CallState.OFFERED)


def subscribed(us: Organisation) -> list[str]:
    return [one.id for one in us.house.parts.subscriptions._live() if one.tenant is us.tenant]


async def until_subscribed(us: Organisation) -> None:
    async def look() -> bool:
        await us.house.pass_time(30)
        return bool(subscribed(us))

    await until(look)


async def test_a_subscription_that_is_gone_is_made_anew(us: Organisation) -> None:
    await until_subscribed(us)
    us.house.parts.subscriptions._all.clear()
    await is_served(us)
    await us.house.pass_time(RENEWAL_S)
    await until_subscribed(us)


async def test_while_a_renewal_is_refused_callers_are_served_and_then_it_is_made_good(us: Organisation) -> None:
    await until_subscribed(us)
    us.house.parts.graph.failing = Failing(path="/subscriptions", status=403, times=1_000)
    await us.house.pass_time(2 * RENEWAL_S)
    await is_served(us)
    us.house.parts.graph.failing = Failing()
    us.house.parts.subscriptions._all.clear()
    await until_subscribed(us)


async def test_a_token_that_was_revoked_is_fetched_anew(us: Organisation) -> None:
    cloud = us.house.parts.cloud
    cloud.entra_keys[us.id] = signing_key("rolled")
    us.house.parts.graph._tokens._known.clear()
    us.house.parts.connector._tokens._known.clear()
    await is_served(us)
    assert us.asked_graph("/answer")[-1]["status"] == 202
    assert await us.parked_effects() == []


async def test_signing_keys_that_roll_are_learned_at_the_first_use(us: Organisation) -> None:
    us.house.parts.cloud.bot_key = signing_key("botframework rolled", ("msteams", "webchat"))
    await is_served(us)
