"""An administrator changes what is set up while calls go on: no restart, no call lost."""

from msgspec.structs import replace

from cordpair.core.call import CallState
from tests.product.house import House, until


async def test_a_change_of_the_setup_is_taken_up_without_a_restart(here: House) -> None:
    org = here.lanterns
    for person in org.agents:
        await person.come_in()
    person, call = await org.talked(org.member().e164[0])
    renamed = tuple(replace(queue, name="Service desk") for queue in org.setup.queues)
    async with here.store.open_tenant(org.id) as rows:
        await rows.setups.configure(replace(org.setup, queues=renamed, agents=org.setup.agents[:1]))

    async def taken_up() -> bool:
        parts = await here.product.workshop.of(org.id)
        return parts.setup.queues[0].name == "Service desk" and org.id in here.product.node.tenants

    await until(taken_up)
    found = await org.call(call)
    assert found is not None
    assert found.state in (CallState.WRAP_UP, CallState.CLOSED)
    assert found.agent == person.id


async def test_the_same_setup_again_keeps_everything_as_it_is(here: House) -> None:
    before = await here.product.workshop.of(here.lanterns.id)
    await here.lanterns.configure()
    assert await here.product.workshop.renew(here.lanterns.id) is before
