"""Flows: code of several steps that goes on where it stood, on whichever node, hours later.

The code of a flow is run from its beginning each time it wakes; a step that is done gives its result and is not done
again. So a step happens at least once: whoever acts outside passes the step's key on, or looks before repeating.
Code is pinned by its version: a flow goes on by the code that began it, and a node without that code leaves it alone.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from cordpair.core.ids import TenantId
from cordpair.errors import PermanentFailure
from cordpair.store.doors import Store
from cordpair.store.flow_turns import Code
from cordpair.store.flows import FlowRow, Json, event_step


class Try(msgspec.Struct, frozen=True):
    """One try of a step. `key` is the same for each; `repeat` says that an earlier one may have been carried out."""

    key: str
    repeat: bool


class Again(msgspec.Struct, frozen=True):
    """A flow that never ends says so: this round is over, the next one begins at `at`."""

    at: datetime


class Asleep(Exception):
    """Nothing is to be done until `until` (None: until an event). Raised through the code of a flow."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__("asleep")
        self.until = until


class StepFailed(Exception):
    """What a step raised, and its name."""

    def __init__(self, step: str, cause: Exception) -> None:
        super().__init__(step)
        self.step, self.cause = step, cause


class Checkpoints(Protocol):
    """Where steps are written down. Both raise LostFlow when the flow is no longer ours."""

    async def begin(self, name: str) -> int: ...
    async def end(self, name: str, result: Json) -> None: ...


class Flow:
    """What the code of a flow is given. `body` is what it was started with."""

    def __init__(self, tenant: TenantId, row: FlowRow, checkpoints: Checkpoints, now: Callable[[], datetime]) -> None:
        self.tenant, self.key, self.body = tenant, row.key, row.body
        self._prefix = f"{row.key}#{row.round}"
        self._done: dict[str, Json] = dict(row.steps)
        self._checkpoints, self.now = checkpoints, now

    async def step(self, name: str, act: Callable[[Try], Awaitable[Json]]) -> Json:
        """The result of the step `name` (JSON; ids and counts only): from its checkpoint, or by doing it now.

        Names are unique in a round and the same in every run. What `act` raises is tried again, or parks the flow.
        """
        if name not in self._done:
            attempts = await self._checkpoints.begin(name)
            try:
                result = await act(Try(f"{self._prefix}/{name}", attempts > 1))
            except Exception as exc:
                raise StepFailed(name, exc) from exc
            await self._checkpoints.end(name, result)
            self._done[name] = result
        return self._done[name]

    async def sleep(self, name: str, seconds: float) -> None:
        """Go on `seconds` after the code first came here. `name` is that of a step."""

        async def until(_: Try) -> Json:
            return (self.now() + timedelta(seconds=seconds)).isoformat()

        at = datetime.fromisoformat(await self.step(name, until))
        if self.now() < at:
            raise Asleep(at)

    async def event(self, name: str, until: datetime | None = None) -> Json:
        """What the event `name` brought; None when it has not come by `until` (None: it is waited for without end)."""
        if (known := event_step(name)) in self._done:
            return self._done[known]
        if until is None or self.now() < until:
            raise Asleep(until)
        return None


#: The code of one kind of flow: what it returns ends the flow, or the round.
Run = Callable[[Flow], Awaitable[Again | None]]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """The code of a kind, and the version of it. `is_patient`: parked, it tries by itself once an hour all the same."""

    name: str
    version: int
    run: Run
    is_patient: bool = False

    @property
    def code(self) -> Code:
        return Code(self.name, self.version)


class FlowBook:
    """All code that this version of cordpair has. A former version of a kind stays as long as flows need it."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds: Mapping[Code, Kind] = {kind.code: kind for kind in kinds}

    @property
    def codes(self) -> frozenset[Code]:
        return frozenset(self._kinds)

    def newest(self, name: str) -> Kind:
        """The code by which a new flow of this kind begins. Raises KeyError for a kind that is not registered."""
        return self._kinds[max(code for code in self._kinds if code.kind == name)]

    def of(self, code: Code) -> Kind:
        return self._kinds[code]

    async def refuse_to_strand(self, store: Store) -> None:
        """Raises PermanentFailure when flows stand that this version has no code for: they would wait for ever."""
        async with store.open_queue() as queue:
            unfinished = await queue.flows.unfinished()
        stranded = {code: count for code, count in unfinished.items() if code not in self._kinds}
        if stranded:
            what = ", ".join(f"{count} of {code.kind} {code.version}" for code, count in sorted(stranded.items()))
            raise PermanentFailure(
                f"flows wait for code that this version does not have ({what}); let the former version finish them"
            )
