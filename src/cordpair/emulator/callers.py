"""The callers: who they are, how long they wait, how long they talk."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from cordpair.emulator.cloud import Cloud
from cordpair.emulator.exchange import Exchange
from cordpair.emulator.graph.call import Call
from cordpair.emulator.graph.errors import GraphError
from cordpair.emulator.members import Member, holders
from cordpair.emulator.world import Queue, Tenant

_TONES = ("tone1", "tone2", "tone1", "tone2", "tone7")  # now and then a wrong one
_PRESSES_AFTER_S = (3.0, 14.0)
_HEARS_NOTHING_S = 25.0  # how long a caller stays on a line that has gone silent

_GERMAN = ("3023125", "4066969", "8999998", "6990009")
_BRITISH = ("113", "114", "116", "117", "118", "121", "131", "141", "151", "161")


@dataclass(frozen=True)
class Shares:
    """Whose number calls: of one member, of several members, of nobody known, withheld. Weights."""

    member: float = 0.62
    shared: float = 0.10
    unknown: float = 0.18
    withheld: float = 0.10


@dataclass(frozen=True)
class Manners:
    """How callers are, in emulated seconds: who waits between `least` and `most`, and talks `talk_s` on average.

    `presses` is the share of those who press a key of a menu, sooner or later.
    """

    least_patience_s: float = 45.0
    most_patience_s: float = 240.0
    talk_s: float = 70.0
    presses: float = 0.7

    def patience(self, dice: random.Random) -> float:
        return dice.uniform(self.least_patience_s, self.most_patience_s)

    def talk(self, dice: random.Random) -> float:
        return min(4 * self.talk_s, 0.2 * self.talk_s + dice.expovariate(1.25 / self.talk_s))


@dataclass
class Caller:
    """One caller on the line. `patience_s` is how long they wait for an agent from the answer on."""

    call: Call
    patience_s: float
    talk_s: float
    agent_hangs_up: bool
    is_manual: bool = False
    talking: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class PhoneBook:
    """Numbers that call an organisation, by kind."""

    def __init__(
        self, tenant: Tenant, members: list[Member], dice: random.Random, switchboards: Mapping[str, list[str]]
    ) -> None:
        self._holders = holders(members)
        self._switchboards = switchboards
        self._kinds = {
            "member": sorted(number for number, who in self._holders.items() if len(who) == 1),
            "shared": sorted(number for number, who in self._holders.items() if len(who) > 1),
        }
        self._dice = dice
        self._region = tenant.region

    def holders(self, number: str | None) -> tuple[str, ...]:
        """Party ids of the members and companies who really have this number."""
        people = (member.party_id for member in self._holders.get(number or "", ()))
        return (*people, *self._switchboards.get(number or "", ()))

    def draw(self, shares: Shares) -> tuple[str, str | None]:
        """A kind and a number of it (None: withheld)."""
        names = ("member", "shared", "unknown", "withheld")
        kind = self._dice.choices(names, [getattr(shares, name) for name in names])[0]
        if kind == "withheld":
            return kind, None
        known = self._kinds.get(kind)
        if known:
            return kind, self._dice.choice(known)
        return "unknown", self._unknown()

    def _unknown(self) -> str:
        """A number of the ranges kept free for film and television that no member has."""
        dice = self._dice
        while True:
            if self._region == "DE":
                number = f"+49{dice.choice(_GERMAN)}{dice.randrange(600, 1000)}{dice.randrange(10, 100)}"
            else:
                number = f"+44{dice.choice(_BRITISH)}4960{dice.randrange(1000):03}"
            if number not in self._holders:
                return number


class Callers:
    """Everybody who calls."""

    def __init__(
        self,
        cloud: Cloud,
        exchange: Exchange,
        members: dict[str, list[Member]],
        switchboards: dict[str, Mapping[str, list[str]]],
    ) -> None:
        self._cloud = cloud
        self._exchange = exchange
        self._dice = cloud.random("callers")
        self._books = {
            t.id: PhoneBook(t, members.get(t.id, []), cloud.random(f"numbers/{t.id}"), switchboards.get(t.id, {}))
            for t in cloud.world.tenants
        }
        self._keys = cloud.random("keys")
        self.shares = Shares()
        self.manners = Manners()
        self.on_the_line: dict[str, Caller] = {}

    def call(
        self,
        tenant: Tenant,
        queue: Queue,
        number: str | None,
        *,
        patience_s: float | None = None,
        talk_s: float | None = None,
        agent_hangs_up: bool | None = None,
        is_manual: bool = False,
    ) -> Caller:
        """Somebody calls. What is not said is drawn. Raises GraphError 429 at the application's limits."""
        dice = self._dice
        call = self._exchange.dial(tenant, queue, number)
        call.truth.parties = self._books[tenant.id].holders(number)
        caller = Caller(
            call,
            patience_s if patience_s is not None else self.manners.patience(dice),
            talk_s if talk_s is not None else self.manners.talk(dice),
            agent_hangs_up if agent_hangs_up is not None else dice.random() < 0.5,
            is_manual,
        )
        self.on_the_line[call.id] = caller
        return caller

    async def play(self, count: int, per_second: float, tenants: list[tuple[Tenant, float]]) -> dict[str, int]:
        """`count` people call, exponentially apart; returns when the last call has ended, with the kinds of callers."""
        kinds: Counter[str] = Counter()
        callers = []
        for _ in range(count):
            await self._cloud.clock.sleep(self._dice.expovariate(per_second))
            tenant = self._dice.choices([t for t, _ in tenants], [share for _, share in tenants])[0]
            kind, number = self._books[tenant.id].draw(self.shares)
            try:
                callers.append(self.call(tenant, self._dice.choice(tenant.queues), number))
                kinds[kind] += 1
            except GraphError:
                kinds["blocked"] += 1
        await asyncio.gather(*(caller.over.wait() for caller in callers))
        return dict(kinds)

    # ---- what the exchange tells

    def answered(self, call: Call) -> None:
        caller = self.on_the_line.get(call.id)
        if caller and not caller.is_manual:
            self._cloud.clock.later(caller.patience_s, lambda: self._lose_patience(caller))
            if self._keys.random() < self.manners.presses:
                tone = self._keys.choice(_TONES)
                self._cloud.clock.later(self._keys.uniform(*_PRESSES_AFTER_S), lambda: self._press(caller, tone))

    def joined(self, call: Call, user: str) -> None:
        caller = self.on_the_line.get(call.id)
        if caller and not caller.is_manual and not caller.talking:
            caller.talking = True
            self._cloud.clock.later(caller.talk_s, lambda: self._say_goodbye(caller, user))

    def left(self, call: Call) -> None:
        caller = self.on_the_line.get(call.id)
        if caller and not caller.is_manual and not call.is_over:
            stays = call.users()
            caller.talking = bool(stays)  # whoever comes next is talked to, too
            if stays:
                self._cloud.clock.later(caller.talk_s, lambda: self._say_goodbye(caller, stays[0]))
            self._cloud.clock.later(_HEARS_NOTHING_S, lambda: self._notice_silence(caller))

    def ended(self, call: Call) -> None:
        caller = self.on_the_line.pop(call.id, None)
        if caller:
            caller.over.set()

    def _press(self, caller: Caller, tone: str) -> None:
        """Where nobody asked for keys, nobody hears it."""
        if not caller.talking and not caller.call.is_over:
            self._exchange.press_tone(caller.call, tone)

    def _lose_patience(self, caller: Caller) -> None:
        if not caller.talking:
            self._exchange.caller_leaves(caller.call)

    def _say_goodbye(self, caller: Caller, user: str) -> None:
        if caller.agent_hangs_up and user in caller.call.users():
            self._exchange.user_leaves(caller.call, user)
        else:
            self._exchange.caller_leaves(caller.call)

    def _notice_silence(self, caller: Caller) -> None:
        if not caller.call.users():
            self._exchange.caller_leaves(caller.call)
