"""The effects of calls that we place, carried out through Graph."""

from collections.abc import Awaitable, Callable, Sequence
from typing import assert_never

from cordpair.connectors.kit import Calls
from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core.call import Call, CallState
from cordpair.core.ids import CallId, TenantId, call_id, participant_id
from cordpair.core.outbound import party_name
from cordpair.core.transfer import TransferEnd
from cordpair.engine.attempt import Attempt
from cordpair.engine.clock import Clock
from cordpair.errors import PermanentFailure


class OutboundPerformer:
    """Rings agents, then parties. `load` gives a call as it is stored. Nobody is rung twice by one order."""

    def __init__(self, tenant: TenantId, calls: Calls, load: Callable[[CallId], Awaitable[Call]], clock: Clock) -> None:
        self._tenant, self._calls, self._load, self._clock = tenant, calls, load, clock

    async def perform(self, effect: o.PlaceCall | o.RingParty, attempt: Attempt) -> Sequence[e.CallEvent]:
        """Do it. Raises as `Performer.perform`."""
        call = await self._load(effect.call)
        match effect:
            case o.PlaceCall():
                return await self._place(effect, call, attempt)
            case o.RingParty():
                return await self._ring(effect, call, attempt)
            case _:
                assert_never(effect)

    async def _place(self, order: o.PlaceCall, call: Call, attempt: Attempt) -> Sequence[e.CallEvent]:
        if call.state is not CallState.PLACING:
            return []  # given up before it could begin
        now = self._clock.now
        if attempt.repeat:  # the agent may be rung already: a call whose name nobody knows is hung up when it is met
            return [e.OutboundRefused(at=now(), call=order.call, why=TransferEnd.UNREACHABLE)]
        try:
            graph_id = await self._calls.place(order.agent, order.account)
        except PermanentFailure as exc:
            return [e.OutboundRefused(at=now(), call=order.call, why=_why(exc))]
        named = call_id(self._tenant, graph_id)
        return [e.OutboundCreated(at=now(), call=order.call, graph_id=graph_id, named=named)]

    async def _ring(self, order: o.RingParty, call: Call, attempt: Attempt) -> Sequence[e.CallEvent]:
        if attempt.repeat:
            return await self._calls.read(order.graph_id)
        if call.state is not CallState.REACHING:
            return []  # given up before it could begin
        name = party_name(call.id)
        try:
            await self._calls.invite_number(order.graph_id, call.caller.e164 or "", participant_id(name), name)
        except PermanentFailure as exc:
            now = self._clock.now()
            if exc.status == 404:
                return [e.CallEnded(at=now, call=order.call, graph_id=order.graph_id, inferred=True)]
            if exc.status == 409 and attempt.number > 1:  # an attempt that Graph called a failure rings already
                return await self._calls.read(order.graph_id)
            return [e.TransferUnanswered(at=now, call=order.call, transfer=name, why=_why(exc))]
        return []


def _why(exc: PermanentFailure) -> TransferEnd:
    return TransferEnd.FORBIDDEN if exc.status in (401, 403) else TransferEnd.NUMBER_NOT_ALLOWED
