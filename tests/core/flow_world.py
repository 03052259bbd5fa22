"""A telephone line with flows: one caller who hears, presses, waits and hangs up, in virtual time."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from cordpair.core import events as e
from cordpair.core import fold
from cordpair.core.agent import Agent
from cordpair.core.call import Call
from cordpair.core.caller import Caller
from cordpair.core.effects import Effect, PlayPrompt
from cordpair.core.floor import Floor
from cordpair.core.flow import Flow
from cordpair.core.tenant import Queue
from tests.core.people import CALL, CALLER, GRAPH, NOON, QUEUE, SURE

ACCOUNT = "account-flow"
T = TypeVar("T", bound=Effect)


def flow(start: str, **steps: dict[str, Any]) -> Flow:
    """A flow from its steps as they stand in a file."""
    return msgspec.convert({"id": "main", "start": start, "steps": steps, "resource_accounts": [ACCOUNT]}, Flow)


@dataclass
class Line:
    """One caller on a floor whose timers fire as time passes. Prompts play `plays_s` seconds, if anybody tells us."""

    flow: Flow
    agents: tuple[Agent, ...] = ()
    queues: tuple[Queue, ...] = (QUEUE,)
    caller: Caller = CALLER
    plays_s: float = 3.0
    tells_ends: bool = True
    now_s: float = 0.0
    tones: int = 0
    done: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.floor = Floor(self.queues, self.agents, flows=[self.flow])
        self.floor.gate = msgspec.structs.replace(self.floor.gate, fallback_user="somebody")
        self.timers: dict[str, Any] = {}
        self.playing: tuple[float, int] | None = None
        fold.reopen(self.floor, NOON)

    @property
    def now(self) -> Any:
        return NOON + timedelta(seconds=self.now_s)

    @property
    def call(self) -> Call:
        return self.floor.calls[CALL]

    def tell(self, *events: e.AnyEvent) -> "Line":
        for event in events:
            fold.apply(self.floor, event)
            self._take()
        return self

    def ring(self, dialled: str = ACCOUNT) -> "Line":
        """The caller rings and is answered at once."""
        known: dict[str, Any] = {
            "dialled": dialled,
            "caller": self.caller,
            "candidates": (SURE,) if self.caller is CALLER else (),
        }
        self.tell(e.Arrived(at=self.now, call=CALL, graph_id=GRAPH, **known))
        return self.tell(e.Established(at=self.now, call=CALL, graph_id=GRAPH))

    def press(self, key: str) -> "Line":
        self.tones += 1
        return self.tell(e.ToneHeard(at=self.now, call=CALL, key=key, sequence=self.tones))

    def hang_up(self) -> "Line":
        return self.tell(e.CallEnded(at=self.now, call=CALL, graph_id=GRAPH))

    def wait(self, seconds: float) -> "Line":
        """Time passes: prompts end and timers fire, each at its own time."""
        end = self.now_s + seconds
        while (due := self._next()) is not None and due[0] <= end:
            self.now_s, event = due
            self.tell(event)
        self.now_s = end
        return self

    def _next(self) -> tuple[float, e.AnyEvent] | None:
        found = []
        for key, timer in self.timers.items():
            found.append(((timer.run_at - NOON).total_seconds(), 1, key, timer.event))
        if self.playing is not None and self.tells_ends:
            at, number = self.playing
            event = e.PromptEnded(at=NOON + timedelta(seconds=at), call=CALL, number=number)
            found.append((at, 0, "", event))
        if not found:
            return None
        at, _, key, event = min(found, key=lambda it: it[:3])
        if key:
            del self.timers[key]
        else:
            self.playing = None
        return at, msgspec.structs.replace(event, at=NOON + timedelta(seconds=at))

    def _take(self) -> None:
        changes = self.floor.take_changes()
        for key, timer in changes.timers.items():
            self.timers.pop(key, None)
            if timer is not None:
                self.timers[key] = timer
        for order in changes.effects:
            self.done.append(order)
            if isinstance(order, PlayPrompt) and order.say:
                self.playing = (self.now_s + (order.fill_s or self.plays_s), order.number)

    def orders(self, kind: type[T]) -> list[T]:
        return [order for order in self.done if isinstance(order, kind)]

    def heard(self) -> list[str]:
        """All that was said to the caller, in order."""
        return ["+".join(it.prompt or it.text for it in order.say) or order.prompt for order in self.orders(PlayPrompt)]

    def way(self) -> list[str]:
        assert self.call.flow is not None
        return list(self.call.flow.taken)
