"""Carries flows on: claims those that may go on, runs their code, and writes down how far they have come."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import structlog

from cordpair.core.ids import TenantId
from cordpair.core.retry import pause_s
from cordpair.engine.clock import Clock
from cordpair.engine.flows import Again, Asleep, Flow, FlowBook, Kind, StepFailed
from cordpair.engine.wakeup import Bell
from cordpair.errors import CordpairError, PermanentFailure, TemporaryFailure
from cordpair.store.doors import Store
from cordpair.store.flow_turns import Code, Turn
from cordpair.store.flows import FlowRow, Flows, Json, LostFlow

log = structlog.get_logger(__name__)

POLL_S = 1.0  #: real seconds; what is started here rings the bell
LEASE_S = 45.0  #: real seconds that one step may take; then the flow is another worker's
WIDTH = 8  #: flows carried on at the same time; they wait for others more than they work
MOST_ATTEMPTS = 12  #: of one step
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 900.0
PATIENCE = timedelta(hours=1)  #: how long a patient flow stays parked before it tries by itself


class FlowWorkers:
    """Carries on the flows of the tenants that this node owns. `chance` gives numbers in 0..1, for jitter."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        book: FlowBook,
        *,
        owned: Callable[[], frozenset[TenantId]],
        chance: Callable[[], float],
    ) -> None:
        self.bell = Bell()
        self._store, self._clock, self._book = store, clock, book
        self._owned, self._chance = owned, chance
        self._tasks: dict[asyncio.Task[None], Turn] = {}

    async def run(self) -> None:
        """Claim and carry on until cancelled. What is under way then is given back, from its last step on."""
        try:
            while True:
                turns = await self._claim()
                for turn in turns:
                    task = asyncio.create_task(self._carry_on(turn))
                    self._tasks[task] = turn
                    task.add_done_callback(self._ended)
                if not turns:
                    await self.bell.heard(POLL_S)
        finally:
            await self._give_back()

    async def keep_going(self, tenant: TenantId, kind: str, key: str, body: Json = None) -> None:
        """See to it that a flow that never ends goes on: begun if it is new, woken if it does not get on."""
        newest, now = self._book.newest(kind), self._clock.now()
        async with self._store.open_tenant(tenant) as rows:
            if not await rows.flows.start(key, kind, newest.version, now, body):
                await rows.flows.keep_going(key, newest.version, now)
        self.bell.ring()

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=LEASE_S * self._clock.rate)

    async def _claim(self) -> list[Turn]:
        room, owned = WIDTH - len(self._tasks), sorted(self._owned())
        if room <= 0 or not owned:
            return []
        try:
            async with self._store.open_queue() as queue:
                return await queue.flows.claim(room, self._clock.now(), self._lease, owned, self._book.codes)
        except CordpairError as exc:
            log.warning("flows wait for the database", error=type(exc).__name__)
            return []

    async def _give_back(self) -> None:
        turns = list(self._tasks.values())
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(CordpairError):  # then their leases run out
            async with self._store.open_queue() as queue:
                await queue.flows.give_back(turns, self._clock.now())

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        self.bell.ring()
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.warning("a flow was left for its lease to run out", error=type(exc).__name__)

    async def _carry_on(self, turn: Turn) -> None:
        """One run of a flow's code, as far as it gets."""
        async with self._store.open_tenant(turn.tenant) as rows:
            row = await rows.flows.begin(turn.flow, turn.claim)
        kind = self._book.of(Code(row.kind, row.version))
        checkpoints = _Checkpoints(self._store, turn, self._clock, self._lease)
        flow = Flow(turn.tenant, row, checkpoints, self._clock.now)
        try:
            came_to: Again | Asleep | None = await kind.run(flow)
        except Asleep as asleep:
            came_to = asleep
        except LostFlow:
            log.info("a flow goes on elsewhere", tenant=turn.tenant, kind=row.kind)
            return
        except Exception as exc:  # noqa: BLE001 - the outermost place of this work: it is tried again or parked
            await self._failed(turn, kind, exc, attempts=1 + (0 if checkpoints.got_on else row.attempts))
            return
        async with self._store.open_tenant(turn.tenant) as rows:
            await self._settle(rows.flows, turn, row, came_to)

    async def _settle(self, flows: Flows, turn: Turn, row: FlowRow, came_to: Again | Asleep | None) -> None:
        if isinstance(came_to, Asleep):
            await flows.wait(turn.flow, turn.claim, came_to.until)
        elif isinstance(came_to, Again):
            newest = self._book.newest(row.kind).version
            await flows.again(turn.flow, turn.claim, newest, came_to.at)
        else:
            await flows.finish(turn.flow, turn.claim, self._clock.now())

    async def _failed(self, turn: Turn, kind: Kind, exc: Exception, attempts: int) -> None:
        """Again later, or parked: nothing that a step raises ends a flow in silence."""
        step, cause = (exc.step, exc.cause) if isinstance(exc, StepFailed) else ("", exc)
        again = isinstance(cause, TemporaryFailure) and attempts < MOST_ATTEMPTS
        error, now = type(cause).__name__, self._clock.now()
        log.warning("a flow failed", tenant=turn.tenant, kind=kind.name, error=error, attempts=attempts, again=again)
        async with self._store.open_tenant(turn.tenant) as rows:
            if again:
                wake_at = now + timedelta(seconds=self._pause_s(attempts, cause))
                await rows.flows.fail(turn.flow, turn.claim, wake_at, _reason(step, cause))
            else:
                anyway_at = now + PATIENCE if kind.is_patient else None
                await rows.flows.park(turn.flow, turn.claim, now, _reason(step, cause), anyway_at)

    def _pause_s(self, attempts: int, cause: Exception) -> float:
        """Our own growing pause, but never less than the other side asks for, within reason."""
        asked = cause.retry_after_s if isinstance(cause, TemporaryFailure) and cause.retry_after_s else 0.0
        own = pause_s(attempts, self._chance(), first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)
        return max(own, min(asked, PATIENCE.total_seconds()))


class _Checkpoints:
    """Writes the steps of a claimed flow down, each in a transaction of its own."""

    def __init__(self, store: Store, turn: Turn, clock: Clock, lease: timedelta) -> None:
        self._store, self._turn, self._clock, self._lease = store, turn, clock, lease
        self.got_on = False  #: whether a step was done in this run

    async def begin(self, name: str) -> int:
        async with self._store.open_tenant(self._turn.tenant) as rows:
            until = self._clock.now() + self._lease
            return await rows.flows.begin_step(self._turn.flow, self._turn.claim, name, until)

    async def end(self, name: str, result: Json) -> None:
        async with self._store.open_tenant(self._turn.tenant) as rows:
            until = self._clock.now() + self._lease
            await rows.flows.end_step(self._turn.flow, self._turn.claim, name, result, until)
        self.got_on = True


def _reason(step: str, cause: Exception) -> str:
    """For people, without a word of the other side: those may name somebody."""
    status = f" {cause.status}" if isinstance(cause, PermanentFailure) and cause.status else ""
    return f"{step + ': ' if step else ''}{type(cause).__name__}{status}"
