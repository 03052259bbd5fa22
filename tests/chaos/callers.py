"""Callers who find out how the product is: each is served as usual, or is sent on; nobody is left ringing."""

from msgspec.structs import replace

from cordpair.core.call import CallState
from cordpair.core.ids import CallId, GraphCallId, call_id
from cordpair.errors import CordpairError
from tests.product.house import Organisation, until

NUMBER = "+493023125999"
LONG_S = 40.0  #: real: in which an installation must have recovered


async def ready_with_a_fallback(us: Organisation) -> None:
    """The second agent takes calls; the first one is at hand only for callers who are sent on."""
    colleague, agent = us.agents
    await us.house.parts.floor.sign_in(colleague.seat)
    await agent.come_in()
    async with us.house.store.open_tenant(us.id) as rows:
        await rows.setups.configure(replace(us.setup, fallback_user=colleague.id))

    async def taken_up() -> bool:
        parts = us.house.product.workshop.in_memory(us.id)
        return parts is not None and parts.setup.fallback_user == colleague.id

    await until(taken_up)


async def is_sent_on(us: Organisation) -> CallId:
    """Somebody calls, and the fallback user's Teams rings. Raises TimeoutError."""
    call, went = await calls(us)
    assert went == "sent on"
    return call


async def calls(us: Organisation) -> tuple[CallId, str]:
    """Somebody calls: an agent is offered the call ("served"), or the fallback user's Teams rings ("sent on").

    Raises TimeoutError for a caller who is left ringing. Either way the caller hangs up then.
    """
    line = us.house.parts.callers.call(us.tenant, us.tenant.queues[0], NUMBER, is_manual=True).call
    fallback, agent = (person.seat for person in us.agents)

    async def look() -> str:
        if fallback.ring is not None and fallback.ring.call.id == line.id:
            return "sent on"
        return "served" if agent.ring is not None and agent.ring.call.id == line.id else ""

    try:
        went = await until(look)
    finally:
        us.house.parts.exchange.caller_leaves(line)
    return call_id(us.id, GraphCallId(line.id)), went


async def is_served(us: Organisation) -> CallId:
    """Somebody calls, talks to the agent who is ready, and is written up. Raises TimeoutError.

    Whoever calls before the product has recovered is sent on; then somebody else calls.
    """

    async def look() -> CallId | None:
        call = us.call_in(NUMBER)
        try:
            await us.until_call(call, CallState.OFFERED, limit_s=5)
        except (TimeoutError, CordpairError):  # the database may be away for us, too
            for line in list(us.house.parts.exchange.calls.values()):
                us.house.parts.exchange.caller_leaves(line)
            await agent.say("ready")
            return None
        return call

    agent = us.agents[1]
    call = await until(look, LONG_S)
    assert call is not None
    await agent.answer()
    await us.until_call(call, CallState.CONNECTED)
    us.caller_leaves(call)
    await us.until_call(call, CallState.WRAP_UP)
    await us.house.pass_time(120)
    await us.until_call(call, CallState.CLOSED)
    return call
