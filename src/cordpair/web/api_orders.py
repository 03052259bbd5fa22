"""What people order by the API: durable, carried out once, answered within two seconds or in progress."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Header, Path, Request
from msgspec.structs import replace
from starlette.responses import JSONResponse, Response

from cordpair.connectors.teams.wrap_up import read_wrap_up
from cordpair.core import events as e
from cordpair.core.ids import AgentId, CallId, QueueId
from cordpair.engine.clock import Clock
from cordpair.engine.commands import IN_PROGRESS, Commands
from cordpair.engine.privileged import note_order
from cordpair.errors import Rejected
from cordpair.store.doors import Store
from cordpair.web import api_shapes as shapes
from cordpair.web.api_gate import WHAT, who_asks
from cordpair.web.api_problems import refused_order
from cordpair.web.api_roles import PREFIX, Operation
from cordpair.web.floor_source import StoreFloor
from cordpair.web.sign_in import SignedIn

_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=100,
        description="Names the order: sent twice, it is carried out once and answered twice. Letters, digits, _ . : -",
    ),
]


class Orders:
    """The endpoints that change something. `new_key` names an order that came without a key; never given twice."""

    def __init__(
        self, store: Store, commands: Commands, clock: Clock, floor: StoreFloor, new_key: Callable[[], str]
    ) -> None:
        self._store, self._commands, self._clock, self._floor = store, commands, clock, floor
        self._new_key = new_key

    # ---- of agents, for themselves

    async def set_my_state(self, request: Request, body: shapes.StateBody, key: Key = "") -> Response:
        """Go ready, on a break or offline."""
        who = who_asks(request.scope)
        return await self.submit(request, self._wish(AgentId(who.subject), body), key)

    async def claim_call(self, request: Request, call: UUID, key: Key = "") -> Response:
        """Take a waiting call out of turn: it is offered to whoever asks."""
        agent = AgentId(who_asks(request.scope).subject)
        return await self.submit(request, e.CallClaimed(at=self._clock.now(), call=CallId(str(call)), agent=agent), key)

    async def save_wrap_up(self, request: Request, call: UUID, body: shapes.WrapUpBody, key: Key = "") -> Response:
        """Write down what a call was about; that ends its wrap-up."""
        written = read_wrap_up(body.model_dump())
        saved = e.WrapUpSaved(
            at=self._clock.now(),
            call=CallId(str(call)),
            agent=AgentId(who_asks(request.scope).subject),
            disposition=written.disposition,
            note=written.note,
            party=written.party,
        )
        return await self.submit(request, saved, key)

    async def ask_callback(self, request: Request, call: UUID, body: shapes.CallbackBody, key: Key = "") -> Response:
        """Keep the caller's place in a queue: an agent calls back when it is their turn."""
        queue = QueueId(body.queue) if body.queue else None
        by = who_asks(request.scope).actor
        asked = e.CallbackAsked(at=self._clock.now(), call=CallId(str(call)), queue=queue, by=by)
        return await self.submit(request, asked, key)

    async def take_callback(self, request: Request, call: UUID, key: Key = "") -> Response:
        """Call back: one who is asked to, or a missed call of the list."""
        agent = AgentId(who_asks(request.scope).subject)
        taken = e.CallbackTaken(at=self._clock.now(), call=CallId(str(call)), agent=agent)
        return await self.submit(request, taken, key)

    async def report_callback(self, request: Request, call: UUID, body: shapes.ReportBody, key: Key = "") -> Response:
        """Say what came of calling back."""
        agent = AgentId(who_asks(request.scope).subject)
        told = e.CallbackReported(at=self._clock.now(), call=CallId(str(call)), agent=agent, result=body.result)
        return await self.submit(request, told, key)

    # ---- of supervisors

    async def cancel_callback(self, request: Request, call: UUID, key: Key = "") -> Response:
        """Nobody has to call back any more."""
        by = who_asks(request.scope).actor
        return await self.submit(request, e.CallbackCancelled(at=self._clock.now(), call=CallId(str(call)), by=by), key)

    async def set_agent_state(self, request: Request, agent: UUID, body: shapes.StateBody, key: Key = "") -> Response:
        """Set the state of an agent, who is told of it."""
        wish = replace(self._wish(AgentId(str(agent)), body), by=AgentId(who_asks(request.scope).subject))
        return await self.submit(request, wish, key)

    async def end_wrap_up(self, request: Request, call: UUID, key: Key = "") -> Response:
        """End the wrap-up of a call: the agent is free for the next one."""
        by = AgentId(who_asks(request.scope).subject)
        ended = e.WrapUpEnded(at=self._clock.now(), call=CallId(str(call)), by=by, is_supervisor=True)
        return await self.submit(request, ended, key)

    async def move_call(self, request: Request, call: UUID, body: shapes.MoveBody, key: Key = "") -> Response:
        """Move a waiting call to another queue. It keeps its age."""
        by = who_asks(request.scope).actor
        moved = e.CallMoved(at=self._clock.now(), call=CallId(str(call)), queue=QueueId(body.queue), by=by)
        return await self.submit(request, moved, key)

    async def retry_parked(
        self, request: Request, parked: Annotated[str, Path(max_length=30)], key: Key = ""
    ) -> Response:
        """One more try of what was given up."""
        who = who_asks(request.scope)
        if not await self._floor.retry_parked(who.tenant, parked, who.actor):
            raise Rejected("Nothing of this id is parked.", status=404)
        return _told(key or self._new_key(), shapes.Progress.DONE)

    # ---- how orders stand

    async def show_order(self, request: Request, order: Annotated[str, Path(max_length=100)]) -> shapes.Ordered:
        """How an order stands that whoever asks has given."""
        who = who_asks(request.scope)
        async with self._store.open_tenant(who.tenant) as rows:
            standing = await rows.orders.standing(_command_key(who, order)) if _KEY.fullmatch(order) else None
        if standing is None:
            raise Rejected("There is no such order.", status=404)
        return _ordered(order, "failed" if standing.is_parked else standing.verdict)

    async def submit(self, request: Request, event: e.AnyEvent, key: str) -> Response:
        """Order it, for whoever asks. The same key again is the same order, or refused when it says something else."""
        who, operation = who_asks(request.scope), request.scope[WHAT]
        assert isinstance(operation, Operation)
        name = key or self._new_key()
        if not _KEY.fullmatch(name):
            raise Rejected("The Idempotency-Key may hold letters, digits and _ . : - only.", status=422)
        command = _command_key(who, name)
        if key and await self._says_something_else(who, command, event):
            raise Rejected("This Idempotency-Key has named another order before.", status=422)
        if not _is_own(event, who):
            await note_order(self._store, who.tenant, operation.name, event, by=who.actor, now=self._clock.now())
        verdict = await self._commands.submit(who.tenant, event, key=command)
        if verdict == IN_PROGRESS:
            return _told(name, shapes.Progress.IN_PROGRESS)
        return _told(name, shapes.Progress.DONE) if verdict == "ok" else refused_order(verdict)

    async def _says_something_else(self, who: SignedIn, command: str, event: e.AnyEvent) -> bool:
        async with self._store.open_tenant(who.tenant) as rows:
            known = await rows.orders.standing(command)
        return known is not None and replace(known.event, at=_NEVER) != replace(event, at=_NEVER)

    def _wish(self, agent: AgentId, body: shapes.StateBody, by: AgentId | None = None) -> e.AgentEvent:
        now = self._clock.now()
        match body.state:
            case shapes.Wish.READY:
                return e.WentReady(at=now, agent=agent, by=by)
            case shapes.Wish.BREAK:
                return e.TookBreak(at=now, agent=agent, reason=body.reason, by=by)
            case shapes.Wish.OFFLINE:
                return e.SignedOut(at=now, agent=agent, by=by)


def _command_key(who: SignedIn, name: str) -> str:
    """Keys of different people never meet."""
    return f"api/{who.subject}/{name}"


def _is_own(event: e.AnyEvent, who: SignedIn) -> bool:
    """Whether somebody acts for themself: that needs no privilege, and leaves no line in the audit trail."""
    return getattr(event, "agent", None) == who.subject


def _ordered(name: str, verdict: str | None) -> shapes.Ordered:
    if verdict is None:
        return shapes.Ordered(id=name, progress=shapes.Progress.IN_PROGRESS)
    if verdict == "ok":
        return shapes.Ordered(id=name, progress=shapes.Progress.DONE)
    return shapes.Ordered(id=name, progress=shapes.Progress.REFUSED, reason=verdict)


def _told(name: str, progress: shapes.Progress) -> Response:
    body = shapes.Ordered(id=name, progress=progress).model_dump(mode="json")
    if progress is shapes.Progress.IN_PROGRESS:
        return JSONResponse(body, status_code=202, headers={"location": f"{PREFIX}/orders/{name}"})
    return JSONResponse(body)
