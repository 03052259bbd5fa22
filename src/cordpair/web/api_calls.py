"""Orders about conversations: calls that agents place and pass on, and calls that supervisors take over."""

import uuid
from collections.abc import Callable
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from cordpair.core import events as e
from cordpair.core.call import CallState
from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.core.numbers import read_number
from cordpair.core.transfer import Target, TargetKind, TransferKind
from cordpair.engine.clock import Clock
from cordpair.errors import Rejected
from cordpair.store.doors import Store
from cordpair.web import api_shapes as shapes
from cordpair.web.api_gate import who_asks
from cordpair.web.api_orders import Key, Orders
from cordpair.web.api_problems import refused_order

_PLACED = uuid.UUID("5f2a6f0e-93a3-4c2f-8a74-0a1f6c5f7c11")


class CallOrders:
    """The endpoints. `new_key` names an order that came without a key; never given twice."""

    def __init__(self, store: Store, orders: Orders, clock: Clock, new_key: Callable[[], str]) -> None:
        self._store, self._orders, self._clock, self._new_key = store, orders, clock, new_key

    async def place_call(self, request: Request, body: shapes.PlaceBody, key: Key = "") -> Response:
        """Call somebody on behalf of a queue: the agent's client rings first, then the telephone."""
        who, name = who_asks(request.scope), key or self._new_key()
        asked = e.OutboundAsked(
            at=self._clock.now(),
            call=CallId(str(uuid.uuid5(_PLACED, f"{who.tenant}/{who.subject}/{name}"))),
            agent=AgentId(who.subject),
            queue=QueueId(body.queue),
            caller=read_number(body.number, await self._region(request)),
        )
        return await self._orders.submit(request, asked, name)

    async def pass_on(self, request: Request, call: UUID, body: shapes.PassOnBody, key: Key = "") -> Response:
        """Pass the caller on to an agent, a queue, a Teams user or a number."""
        number = read_number(body.number, await self._region(request)).e164 or body.number if body.number else ""
        asked = e.TransferAsked(
            at=self._clock.now(),
            call=CallId(str(call)),
            agent=AgentId(who_asks(request.scope).subject),
            kind=body.kind,
            target=Target(kind=body.to, id=body.id),
            dialled=number,
            note=body.note.replace("\0", ""),
            anyway=body.anyway,
        )
        return await self._orders.submit(request, asked, key)

    async def complete_transfer(self, request: Request, call: UUID, key: Key = "") -> Response:
        """Leave the caller to the other one, who is in the call."""
        done = e.TransferCompleted(at=self._clock.now(), call=CallId(str(call)), agent=_me(request))
        return await self._orders.submit(request, done, key)

    async def cancel_transfer(self, request: Request, call: UUID, key: Key = "") -> Response:
        """Take the caller back."""
        back = e.TransferCancelled(at=self._clock.now(), call=CallId(str(call)), agent=_me(request))
        return await self._orders.submit(request, back, key)

    async def hang_up(self, request: Request, call: UUID, key: Key = "") -> Response:
        """Leave the call."""
        left = e.AgentHungUp(at=self._clock.now(), call=CallId(str(call)), agent=_me(request))
        return await self._orders.submit(request, left, key)

    async def take_over(self, request: Request, call: UUID, key: Key = "") -> Response:
        """Take a conversation over from its agent: your client rings, and the agent is out when you are in."""
        who, name = who_asks(request.scope), CallId(str(call))
        async with self._store.open_tenant(who.tenant) as rows:
            found = await rows.calls.get(name)
            agents = {agent.id for agent in await rows.agents.of_floor()}
        if found is None:
            return refused_order("unknown_call")
        if found.state is not CallState.CONNECTED or found.agent is None:
            return refused_order("not_talking")
        kind = TargetKind.AGENT if who.subject in agents else TargetKind.USER
        asked = e.TransferAsked(
            at=self._clock.now(),
            call=name,
            agent=found.agent,
            kind=TransferKind.BLIND,
            target=Target(kind=kind, id=who.subject),
            anyway=True,
        )
        return await self._orders.submit(request, asked, key)

    async def _region(self, request: Request) -> str:
        """Where national numbers belong."""
        async with self._store.open_tenant(who_asks(request.scope).tenant) as rows:
            setup = await rows.setups.get()
        if setup is None:
            raise Rejected("There is no such organisation.", status=404)
        return setup.region


def _me(request: Request) -> AgentId:
    return AgentId(who_asks(request.scope).subject)
