"""An event loop whose time is virtual and whose order of turns is drawn by lot: one seed, one course of events.

Time passes only when nobody has anything to do, so a day takes as long as what is done in it. Every turn belongs to a
process, by its context: a process can be stalled (its turns are kept until it goes on) or killed (they are dropped).
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


class Process:
    """What can be stalled or killed as a whole: everything that was begun in its context."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False  #: nothing of it runs ever again
        self.is_stalled = False
        self.kept: list[asyncio.Handle] = []
        self.ambush: Callable[[], None] | None = None  #: what strikes when it next speaks to somebody

    def context(self) -> Context:
        """A context for tasks and callbacks of this process."""
        context = copy_context()
        context.run(PROCESS.set, self)
        return context


async def spoken() -> None:
    """Between a question of the process whose turn it is and its answer: here something may strike."""
    process = PROCESS.get()
    if process is not None and process.ambush is not None:
        strikes, process.ambush = process.ambush, None
        strikes()
        await asyncio.sleep(0)


#: Whose turn it is.
PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class SeededLoop(asyncio.BaseEventLoop):
    """Runs one ready turn at a time, drawn by `chance`."""

    _ready: list[asyncio.Handle]

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._ready = []
        self._time = 0.0
        self._later: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = 0
        self._chance = chance
        self._is_over = False
        self.turns = 0
        #: What killed processes would have gone on with. Kept, so that their memory is not tidied up at a whim.
        self.graveyard: list[Any] = []
        self._tasks = 0
        self.set_task_factory(self._numbered)

    def time(self) -> float:
        return self._time

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._numbers += 1
        heapq.heappush(self._later, (when, self._numbers, timer))
        return timer

    def stall(self, process: Process) -> None:
        """From now on nothing of this process runs."""
        process.is_stalled = True

    def resume(self, process: Process) -> None:
        """All that has become ready meanwhile runs now."""
        process.is_stalled = False
        self._ready += process.kept
        process.kept = []

    def kill(self, process: Process) -> None:
        """Nothing of this process runs ever again; nothing of it is told."""
        process.is_dead = True
        self.graveyard += process.kept
        self.graveyard += [task for task in asyncio.all_tasks(self) if getattr(task, "process", None) is process]

    def run(self, work: Awaitable[T]) -> T:
        """Run until `work` is done."""
        return self.run_until_complete(work)

    def tidy_up(self) -> None:
        """After the run: everybody may end properly, the dead too."""
        self._is_over = True
        self._ready += [it for it in self.graveyard if isinstance(it, asyncio.Handle)]
        for _ in range(20):
            left = asyncio.all_tasks(self)
            if not left:
                break
            for task in left:
                task.cancel()
            self.run_until_complete(asyncio.wait(left, timeout=60))
        self.graveyard.clear()
        self.close()

    def _run_once(self) -> None:
        ready, later = self._ready, self._later
        while later and (not ready or later[0][0] <= self._time):
            when, _, due = heapq.heappop(later)
            if not due.cancelled():
                self._time = max(self._time, when)
                ready.append(due)
        if not ready:
            raise RuntimeError("nothing will ever happen again")
        place = int(self._chance.random() * len(ready))
        handle, ready[place] = ready[place], ready[-1]
        ready.pop()
        self._turn(handle)

    def _turn(self, handle: asyncio.Handle) -> None:
        if handle.cancelled():
            return
        process: Process | None = handle._context.get(PROCESS)  # type: ignore[attr-defined]
        if process is None or self._is_over:
            self.turns += 1
            handle._run()
        elif process.is_dead:
            self.graveyard.append(handle)
        elif process.is_stalled:
            process.kept.append(handle)
        else:
            self.turns += 1
            handle._run()

    def _numbered(self, _loop: object, work: Any, **more: Any) -> "_Task":
        self._tasks += 1
        return _Task(self._tasks, work, loop=self, **more)

    def _write_to_self(self) -> None:
        """Nobody waits in a system call."""

    def _process_events(self, event_list: object) -> None:
        """There are none."""


class _Task(asyncio.Task[Any]):
    """A task whose place in a set is always the same: sets of tasks are gone through by the libraries."""

    def __init__(self, number: int, work: Any, **more: Any) -> None:
        self._number = number
        context: Context | None = more.get("context")
        self.process = PROCESS.get() if context is None else context.get(PROCESS)
        super().__init__(work, **more)

    def __hash__(self) -> int:
        return self._number
