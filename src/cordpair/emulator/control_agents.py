"""Agents by hand: `/_control/agents/...`. What a person would do in the Teams client, a request does."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from cordpair.emulator import cards
from cordpair.emulator.control_requests import Unusable, route
from cordpair.emulator.floor import Seat
from cordpair.emulator.parts import Parts


class AgentControl:
    """Handlers of `/_control/agents`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        return [
            route("agents", ["GET"], self.agents),
            route("agents/{oid}", ["GET"], self.agent),
            route("agents/{oid}/{act}", ["POST"], self.act),
        ]

    async def agents(self, _request: Request, _body: dict[str, Any]) -> Any:
        return {"agents": [_seen(seat) for seat in self._parts.floor.seats.values()]}

    async def agent(self, request: Request, _body: dict[str, Any]) -> Any:
        seat = self._seat(request)
        return _seen(seat) | {"cards": seat.chat.cards, "texts": seat.chat.texts}

    async def act(self, request: Request, body: dict[str, Any]) -> Any:
        seat, act = self._seat(request), request.path_params["act"]
        acts: dict[str, Callable[[Seat, dict[str, Any]], Awaitable[Any]]] = {
            "manual": self._manual,
            "sign_in": self._sign_in,
            "sign_out": self._sign_out,
            "accept": self._accept,
            "decline": self._decline,
            "hang_up": self._leave,
            "say": self._say,
            "press": self._press,
            "presence": self._presence,
        }
        if act not in acts:
            raise Unusable(f"an agent cannot {act}; known: {', '.join(sorted(acts))}")
        answer = await acts[act](seat, body)
        return _seen(seat) | {"answer": answer}

    async def _manual(self, seat: Seat, body: dict[str, Any]) -> Any:
        seat.is_manual = bool(body.get("on", True))

    async def _sign_in(self, seat: Seat, _body: dict[str, Any]) -> Any:
        return await self._parts.floor.sign_in(seat)

    async def _sign_out(self, seat: Seat, _body: dict[str, Any]) -> Any:
        self._parts.floor.sign_out(seat)

    async def _accept(self, seat: Seat, _body: dict[str, Any]) -> Any:
        if seat.ring is None:
            raise Unusable("the agent's client does not ring")
        return self._parts.exchange.accept(seat.ring)

    async def _decline(self, seat: Seat, _body: dict[str, Any]) -> Any:
        if seat.ring is None:
            raise Unusable("the agent's client does not ring")
        self._parts.exchange.decline(seat.ring)

    async def _leave(self, seat: Seat, _body: dict[str, Any]) -> Any:
        if seat.call is None:
            raise Unusable("the agent is in no call")
        self._parts.exchange.user_leaves(seat.call, seat.agent.id)

    async def _say(self, seat: Seat, body: dict[str, Any]) -> Any:
        return await self._parts.chats.say(seat.chat, str(body["text"]))

    async def _press(self, seat: Seat, body: dict[str, Any]) -> Any:
        verb = str(body["verb"])
        found = seat.chat.pressable(verb)
        pressed = cards.button(found[1], verb) if found else None
        if found is None or pressed is None:
            raise Unusable(f"no card shows a button {verb}")
        return await self._parts.chats.press(seat.chat, found[0], pressed, dict(body.get("inputs") or {}))

    async def _presence(self, seat: Seat, body: dict[str, Any]) -> Any:
        self._parts.presences.set(seat.tenant, seat.agent.id, str(body["availability"]), str(body["activity"]))

    def _seat(self, request: Request) -> Seat:
        return self._parts.floor.seats[request.path_params["oid"].lower()]


def _seen(seat: Seat) -> dict[str, Any]:
    ring = seat.ring
    return {
        "id": seat.agent.id,
        "name": seat.agent.name,
        "tenant": seat.tenant.id,
        "is_manual": seat.is_manual,
        "is_signed_in": seat.is_signed_in,
        "ringing": ring.call.id if ring else None,
        "offer": ring.operation.context if ring and ring.operation else None,
        "in_call": seat.call.id if seat.call else None,
    }
