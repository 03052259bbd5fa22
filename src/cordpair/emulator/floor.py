"""The agents: their Teams clients, and how they behave. Seeded, and all on emulated time.

An agent in manual mode does nothing by itself: the control API answers, declines, hangs up and presses for it.
"""

import asyncio
import random
from dataclasses import dataclass, field

from cordpair.emulator import cards
from cordpair.emulator.chat import Chat, Chats
from cordpair.emulator.cloud import Cloud
from cordpair.emulator.exchange import Exchange
from cordpair.emulator.graph.call import Call, Ring
from cordpair.emulator.graph.presence import Presences
from cordpair.emulator.world import Agent, Tenant


@dataclass
class Habits:
    """How agents take a ring (weights), and how surely they fill in the wrap-up or pass a caller on (0..1)."""

    accept: float = 0.84
    not_now: float = 0.06
    ignore: float = 0.05
    decline: float = 0.05
    fills_in: float = 0.9
    passes_on: float = 0.0
    asks_status: float = 0.03
    takes_break: float = 0.03


@dataclass
class Seat:
    """One agent's place: what rings, which call goes on."""

    tenant: Tenant
    agent: Agent
    chat: Chat
    dice: random.Random
    ring: Ring | None = None
    call: Call | None = None
    is_manual: bool = False
    is_signed_in: bool = False
    is_writing: bool = False  # fills in a wrap-up
    ring_over: asyncio.Event = field(default_factory=asyncio.Event)


class Floor:
    """All agents of all organisations."""

    def __init__(self, cloud: Cloud, chats: Chats, presences: Presences) -> None:
        self._cloud = cloud
        self._chats = chats
        self._presences = presences
        self.habits = Habits()
        self.seats = {
            agent.id: Seat(tenant, agent, chats.of(agent.id), cloud.random(f"agent/{agent.id}"))
            for tenant in cloud.world.tenants
            for agent in tenant.agents
        }
        self.exchange: Exchange

    # ---- the day

    async def begin(self) -> int:
        """Everybody who is not driven by hand signs in and says ready. Returns how many the bot answered."""
        waiting = [self._sign_in(seat) for seat in self.seats.values() if not seat.is_manual and not seat.is_signed_in]
        return sum(await asyncio.gather(*waiting))

    async def sign_in(self, seat: Seat) -> bool:
        """The agent opens Teams; the bot is installed when it was not yet."""
        seat.is_signed_in = True
        self._presences.set(seat.tenant, seat.agent.id, "Available", "Available")
        return seat.agent.id in self._chats.installed or await self._chats.install(seat.chat)

    def sign_out(self, seat: Seat) -> None:
        seat.is_signed_in = False
        self._presences.set(seat.tenant, seat.agent.id, "Offline", "Offline")

    @property
    def is_quiet(self) -> bool:
        """Nobody rings, talks or writes."""
        return not any(seat.ring or seat.call or seat.is_writing for seat in self.seats.values())

    # ---- what the exchange tells

    def is_signed_in(self, _tenant: Tenant, user: str) -> bool:
        return self.seats[user].is_signed_in

    def ring_began(self, ring: Ring) -> None:
        seat = self.seats[ring.user]
        if seat.ring or seat.call:
            self.exchange.busy(ring)
            return
        seat.ring, seat.ring_over = ring, asyncio.Event()
        self._cloud.journal.note("client rings", graph_id=ring.call.id, user=ring.user)
        if not seat.is_manual:
            self._cloud.clock.spawn(self._take(seat, ring))

    def ring_ended(self, ring: Ring) -> None:
        seat = self.seats.get(ring.user)
        if seat and seat.ring is ring:
            seat.ring = None
            seat.ring_over.set()

    def joined(self, call: Call, user: str) -> None:
        seat = self.seats[user]
        seat.call = call
        self._presences.set(seat.tenant, user, "Busy", "InACall")
        if self.habits.passes_on and not seat.is_manual and seat.dice.random() < self.habits.passes_on:
            self._cloud.clock.spawn(self._pass_on(seat, call))

    def left(self, call: Call, user: str) -> None:
        seat = self.seats[user]
        if seat.call is not call:
            return
        seat.call = None
        self._presences.set(seat.tenant, user, "Available", "Available")
        if not seat.is_manual:
            seat.is_writing = True
            self._cloud.clock.spawn(self._after_call(seat))

    # ---- what agents do

    async def _sign_in(self, seat: Seat) -> bool:
        for _ in range(20):
            await self._cloud.clock.sleep(seat.dice.uniform(0.5, 10.0))
            if await self.sign_in(seat) and await self._chats.say(seat.chat, "ready"):
                return True
        return False

    async def _take(self, seat: Seat, ring: Ring) -> None:
        habits, clock = self.habits, self._cloud.clock
        kinds = {name: getattr(habits, name) for name in ("accept", "not_now", "ignore", "decline")}
        choice = seat.dice.choices(list(kinds), list(kinds.values()))[0]
        if choice == "accept":
            await clock.sleep(seat.dice.uniform(2.0, 8.0))
            self.exchange.accept(ring)
        elif choice == "decline":
            await clock.sleep(seat.dice.uniform(2.0, 6.0))
            self.exchange.decline(ring)
        elif choice == "not_now":
            await self._press_not_now(seat, ring)
        else:
            await seat.ring_over.wait()
            await clock.sleep(seat.dice.uniform(15.0, 45.0))
            await self._chats.say(seat.chat, "ready")

    async def _press_not_now(self, seat: Seat, ring: Ring) -> None:
        for _ in range(10):
            await self._cloud.clock.sleep(seat.dice.uniform(1.5, 3.0))
            if ring.is_over:
                return
            found = self._of_ring(seat, ring)
            if found:
                await self._chats.press(seat.chat, found[0], found[1], {})
                return

    def _of_ring(self, seat: Seat, ring: Ring) -> tuple[str, cards.Button] | None:
        """The "Not now" that belongs to this ring: its offer is what the invite was given as client context."""
        offer = ring.operation.context if ring.operation else None
        for activity_id, card in seat.chat.cards.items():
            found = cards.button(card, "not_now")
            if found and found.data.get("offer", offer) == offer:
                return activity_id, found
        return None

    async def _after_call(self, seat: Seat) -> None:
        try:
            if seat.dice.random() < self.habits.fills_in:
                await self._cloud.clock.sleep(seat.dice.uniform(3.0, 12.0))
                await self._write_up(seat)
        finally:
            seat.is_writing = False
        if seat.dice.random() < self.habits.asks_status:
            await self._chats.say(seat.chat, "status")
        if seat.dice.random() < self.habits.takes_break:
            await self._take_break(seat)

    async def _write_up(self, seat: Seat) -> None:
        """Wait for the card that asks for it, fill it in as it is, and send it."""
        for _ in range(15):
            found = seat.chat.pressable("wrap_up")
            pressed = cards.button(found[1], "wrap_up") if found else None
            if found and pressed:
                await self._chats.press(seat.chat, found[0], pressed, cards.filled(found[1], seat.dice))
                return
            await self._cloud.clock.sleep(2.0)

    async def _pass_on(self, seat: Seat, call: Call) -> None:
        """Ask on the card for somebody who is ready, and hand the caller over."""
        await self._cloud.clock.sleep(seat.dice.uniform(6.0, 15.0))
        found = seat.chat.pressable("pass_on") if seat.call is call else None
        whom = cards.choices(found[1], "target") if found else []
        if found is None or not whom:
            return
        how = seat.dice.choice([one for one in cards.buttons(found[1]) if one.verb == "pass_on"])
        await self._chats.press(seat.chat, found[0], how, {"target": whom[0], "pass_note": "Bitte übernehmen."})
        for _ in range(30):
            await self._cloud.clock.sleep(2.0)
            if seat.call is not call:
                return
            asked = seat.chat.pressable("complete")
            pressed = cards.button(asked[1], "complete") if asked else None
            if asked and pressed:
                await self._chats.press(seat.chat, asked[0], pressed, {})
                return

    async def _take_break(self, seat: Seat) -> None:
        await self._chats.say(seat.chat, "break")
        await self._cloud.clock.sleep(seat.dice.uniform(60.0, 180.0))
        await self._chats.say(seat.chat, "ready")
