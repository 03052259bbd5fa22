"""While the database is away a caller who rings is sent on from memory: nobody is left ringing."""

from msgspec.structs import replace

from cordpair.emulator.graph.call import Call as Line
from cordpair.engine.away import SendsOn
from tests.product.house import House, Organisation, until

NUMBER = "+4930231259950"


async def dialled(us: Organisation) -> Line:
    """Somebody calls the first queue; the emulated exchange's own view of the call."""
    caller = us.house.parts.callers.call(us.tenant, us.tenant.queues[0], NUMBER, is_manual=True)
    return caller.call


async def has_fallback(us: Organisation, user: str) -> None:
    async with us.house.store.open_tenant(us.id) as rows:
        await rows.setups.configure(replace(us.setup, fallback_user=user))

    async def taken_up() -> bool:
        parts = us.house.product.workshop.in_memory(us.id)
        return parts is not None and parts.setup.fallback_user == user

    await until(taken_up)


async def test_a_caller_is_sent_on_to_the_fallback_user(here: House) -> None:
    us = here.lanterns
    colleague = us.agents[0]
    await here.parts.floor.sign_in(colleague.seat)
    await has_fallback(us, colleague.id)
    await here.line.cut()
    try:
        call = await dialled(us)

        async def rings_there() -> bool:
            return colleague.seat.ring is not None and colleague.seat.ring.call.id == call.id

        await until(rings_there)
    finally:
        await here.line.mend()


async def test_without_a_fallback_user_the_caller_hears_that_we_are_busy(here: House) -> None:
    us = here.lanterns
    await until(lambda: _served(us))
    await here.line.cut()
    try:
        call = await dialled(us)

        async def is_over() -> bool:
            return call.is_over

        await until(is_over)
    finally:
        await here.line.mend()
    assert us.asked_graph("/reject")[-1]["body"]["reason"] == "busy"


async def test_what_is_no_new_call_is_to_be_sent_again(here: House) -> None:
    us = here.lanterns
    await until(lambda: _served(us))
    call = await dialled(us)

    async def established() -> bool:
        return call.state == "established"

    await until(established)
    await here.line.cut()
    try:
        parts = here.product.workshop.in_memory(us.id)
        assert parts is not None
        told = {
            "changeType": "updated",
            "resourceUrl": f"/communications/calls/{call.id}",
            "resourceData": {"state": "established"},
        }
        away = SendsOn(here.product.workshop)
        assert not await away.send_on(parts.setup.registration, [told], here.product.clock.now())
    finally:
        await here.line.mend()


async def _served(us: Organisation) -> bool:
    return us.id in us.house.product.node.tenants
