"""The network between a process and the world: late, lossy, and not always honest about what it has done.

What a request asks for happens in the world, so that it may happen although the one who asked was killed meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from functools import partial
from random import Random
from typing import TypeVar

import msgspec

from cordpair.connectors.kit import Activity, Calls, Chat
from cordpair.connectors.memory.crm import MemoryCrm
from cordpair.connectors.teams.state import call_events, roster_event
from cordpair.core.events import CallEnded, CallEvent
from cordpair.core.ids import AgentId, GraphCallId, TenantId, call_id
from cordpair.core.party import ChatReference
from cordpair.engine.clock import Clock
from cordpair.errors import CordpairError, PermanentFailure, TemporaryFailure, Throttled, UnknownOutcome
from tests.sim.cloud import Cloud
from tests.sim.loop import spoken

T = TypeVar("T")
TOTAL_S = 10.0  #: a request that got no answer is given up
CRM_LATEST_S = 40.0  #: a CRM carries out what it has taken this late
AMBUSHED = 0.3  #: how often what lies in wait strikes at a request, 0..1
QUARANTINE_S = 120.0  #: and is asked again after this time


class Odds(msgspec.Struct):
    """How likely each trouble of a request is, 0..1."""

    away: float = 0.0  # nothing done, and it is said
    limited: float = 0.0  # 429
    done_and_503: float = 0.0  # done, and an error reported
    answer_lost: float = 0.0  # done, perhaps late, and nothing is said
    request_lost: float = 0.0  # not done, and nothing is said


_KINDS = Odds.__struct_fields__


class Line:
    """Brings requests to the world. `counts` says how often each trouble struck."""

    def __init__(self, chance: Random, loop: asyncio.AbstractEventLoop) -> None:
        self.odds = Odds()
        self.counts: Counter[str] = Counter()
        self._chance, self._loop = chance, loop
        self._world = copy_context()

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen in the world."""
        self._loop.call_later(seconds, act, context=self._world)

    def soon(self) -> float:
        """A usual time for a message to arrive."""
        return 0.01 + 0.05 * self._chance.random()

    def trouble(self) -> str:
        """What strikes the next request; mostly nothing."""
        drawn = self._chance.random()
        for kind in _KINDS:
            drawn -= getattr(self.odds, kind)
            if drawn < 0:
                self.counts[kind] += 1
                return kind
        return ""

    async def ask(self, act: Callable[[], T], *, repeatable: bool = False, latest_s: float = TOTAL_S) -> T:
        """Have something done. Raises what the ports may raise."""
        trouble = self.trouble()
        if trouble in ("away", "limited"):
            await asyncio.sleep(self.soon())
            raise Throttled("it asks for less", retry_after_s=5.0) if trouble == "limited" else TemporaryFailure("away")
        if trouble == "request_lost":
            await asyncio.sleep(TOTAL_S)
            raise _nothing_heard(repeatable)
        done: asyncio.Future[T] = self._loop.create_future()
        late = self._chance.random() < 0.5 and trouble == "answer_lost"
        self.later(self._chance.uniform(TOTAL_S, latest_s) if late else self.soon(), partial(_do, act, done))
        if self._chance.random() < AMBUSHED:
            await spoken()
        if trouble == "answer_lost":
            await asyncio.sleep(TOTAL_S)
            raise _nothing_heard(repeatable)
        result = await done
        await asyncio.sleep(self.soon())
        if trouble == "done_and_503":
            raise _nothing_heard(repeatable)  # whoever reports an error of its own may have done it
        return result


def _do(act: Callable[[], T], done: "asyncio.Future[T]") -> None:
    try:
        result = act()
    except CordpairError as exc:
        done.set_exception(exc)
        done.exception()  # it is heard of, whether or not somebody still waits for it
    else:
        done.set_result(result)


def _nothing_heard(repeatable: bool) -> TemporaryFailure:
    return TemporaryFailure("no answer") if repeatable else UnknownOutcome("no answer")


class FarCalls(Calls):
    """`kit.Calls` on the cloud of the simulation."""

    def __init__(self, line: Line, cloud: Cloud, tenant: TenantId, clock: Clock) -> None:
        self._line, self._cloud, self._tenant, self._clock = line, cloud, tenant, clock

    async def answer(self, call: GraphCallId) -> None:
        await self._line.ask(partial(self._cloud.answer, call))

    async def reject(self, call: GraphCallId, reason: str) -> None:
        await self._line.ask(partial(self._cloud.refuse, call))

    async def redirect(self, call: GraphCallId, target_user: str) -> None:
        await self._line.ask(partial(self._cloud.refuse, call))

    async def play(self, call: GraphCallId, prompt: str, context: str) -> None:
        await self._line.ask(partial(self._cloud.keep_alive, call))

    async def stop_prompts(self, call: GraphCallId) -> None:
        await self._line.ask(partial(self._cloud.keep_alive, call), repeatable=True)

    async def subscribe_tones(self, call: GraphCallId) -> None:
        await self._line.ask(partial(self._cloud.keep_alive, call), repeatable=True)

    async def invite(self, call: GraphCallId, agent: AgentId, participant: str, context: str) -> None:
        await self._line.ask(partial(self._cloud.invite, call, agent, participant, context))

    async def remove(self, call: GraphCallId, participant: str) -> None:
        try:
            await self._line.ask(partial(self._cloud.remove, call, participant), repeatable=True)
        except PermanentFailure as exc:
            if exc.status != 404:  # gone is done
                raise

    async def transfer(self, call: GraphCallId, target_user: str) -> None:
        raise PermanentFailure("nobody transfers here")

    async def place(self, agent: AgentId, account: str) -> GraphCallId:
        raise PermanentFailure("nobody calls from here")

    async def invite_number(self, call: GraphCallId, number: str, participant: str, context: str) -> None:
        raise PermanentFailure("nobody calls from here")

    async def remove_user(self, call: GraphCallId, user: str) -> None:
        raise PermanentFailure("nobody transfers here")

    async def hold(self, call: GraphCallId, caller_user: str | None, but: str, *, on: bool) -> None:
        raise PermanentFailure("nobody transfers here")

    async def keep_alive(self, call: GraphCallId) -> None:
        await self._line.ask(partial(self._cloud.keep_alive, call), repeatable=True)

    async def hang_up(self, call: GraphCallId) -> None:
        await self._line.ask(partial(self._cloud.hang_up, call), repeatable=True)

    async def read(self, call: GraphCallId) -> Sequence[CallEvent]:
        try:
            resource, people = await self._line.ask(partial(self._cloud.read, call), repeatable=True)
        except PermanentFailure as exc:
            if exc.status != 404:
                raise
            return [CallEnded(at=self._clock.now(), call=call_id(self._tenant, call), graph_id=call, inferred=True)]
        now = self._clock.now()
        events = call_events(resource, call, self._tenant, "DE", now, inferred=True)
        return [*events, roster_event(people, call, self._tenant, now, inferred=True)]


class FarCrm(MemoryCrm):
    """The CRM in memory behind the network. It may carry out a write long after it was given up."""

    line: Line

    async def log_activity(self, activity: Activity, *, key: str, repeat: bool) -> str:
        known = await self.line.ask(partial(self._known, key), repeatable=True) if repeat else None
        if known is not None:
            return known
        try:
            return await self.line.ask(partial(self._log, activity, key), latest_s=CRM_LATEST_S)
        except UnknownOutcome as exc:
            raise UnknownOutcome("the CRM did not answer", retry_after_s=QUARANTINE_S) from exc

    def _known(self, key: str) -> str | None:
        return next((one.id for one in self.logged if one.key == key), None)

    def _log(self, activity: Activity, key: str) -> str:
        writing = super().log_activity(activity, key=key, repeat=False)
        try:
            writing.send(None)
        except StopIteration as done:
            return str(done.value)
        raise AssertionError("the CRM in memory waits for nothing")


class FarChat(Chat):
    """Chats that nobody reads: people look at what is true."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.posts = 0

    async def send(self, chat: ChatReference, card: Mapping[str, object]) -> str:
        return await self._line.ask(self._post)

    async def update(self, chat: ChatReference, activity_id: str, card: Mapping[str, object]) -> None:
        await self._line.ask(lambda: None, repeatable=True)

    def _post(self) -> str:
        self.posts += 1
        return f"activity-{self.posts}"
