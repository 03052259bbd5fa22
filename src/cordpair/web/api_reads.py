"""What the API tells: the floor as it is, calls with their history, what waits for a person."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Query, Request

from cordpair.core.call import Call, Outcome
from cordpair.core.callback import Callback, CallbackKind
from cordpair.core.caller import Grade
from cordpair.core.ids import AgentId, CallId, QueueId, TenantId
from cordpair.engine.cards import readable
from cordpair.engine.why import lines, read_told, words_of
from cordpair.errors import Rejected, TemporaryFailure
from cordpair.store.call_pages import CallFilter, Place
from cordpair.store.doors import Store, TenantRows
from cordpair.web import api_shapes as shapes
from cordpair.web.api_gate import who_asks
from cordpair.web.api_roles import OPERATIONS
from cordpair.web.floor_content import Names
from cordpair.web.floor_source import StoreFloor
from cordpair.web.floor_view import FloorView, QueueTile
from cordpair.web.pages import best_language
from cordpair.web.sign_in import Role, SignedIn

_MOST = 200  # calls of a page
#: Who sees who called. Others see that there was a call, and what became of it.
_KNOWS_CALLERS = frozenset({Role.SUPERVISOR, Role.ADMIN})

Ids = Annotated[str | None, Query(max_length=100)]


class Reads:
    """The endpoints that change nothing."""

    def __init__(self, store: Store, floor: StoreFloor) -> None:
        self._store, self._floor = store, floor

    async def who_am_i(self, request: Request) -> shapes.Me:
        """Whoever asks, and what they may do."""
        who = who_asks(request.scope)
        return shapes.Me(
            tenant=who.tenant,
            subject=who.subject,
            roles=sorted(who.roles),
            is_program=who.is_program,
            operations=[one.name for one in OPERATIONS.values() if one.allows(who)],
        )

    async def list_queues(self, request: Request) -> shapes.Queues:
        """The queues with their live figures."""
        view = await self._view(who_asks(request.scope).tenant)
        return shapes.Queues(as_of=view.as_of, queues=[_queue(tile) for tile in view.queues])

    async def list_agents(self, request: Request) -> shapes.Agents:
        """The agents with their state."""
        view = await self._view(who_asks(request.scope).tenant)
        return shapes.Agents(as_of=view.as_of, agents=[shapes.AgentNow.model_validate(one) for one in view.agents])

    async def list_calls(
        self,
        request: Request,
        queue: Ids = None,
        agent: Ids = None,
        outcome: Outcome | None = None,
        live: bool | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
        after: Annotated[str | None, Query(max_length=200)] = None,
    ) -> shapes.Calls:
        """Calls by filter, newest first, page by page: `after` takes the `next` of the page before."""
        who = who_asks(request.scope)
        wanted = CallFilter(
            queue=QueueId(queue) if queue else None,
            agent=AgentId(agent) if agent else None,
            outcome=outcome,
            live=live,
            since=_aware(since),
            until=_aware(until),
        )
        async with self._store.open_tenant(who.tenant) as rows:
            found = await rows.call_pages.page(wanted, limit + 1, _place(after))
            names = await _names(rows)
        shown = [_call(one, names, who) for one in found[:limit]]
        return shapes.Calls(calls=shown, next=_cursor(found[limit - 1]) if len(found) > limit else None)

    async def show_call(self, request: Request, call: UUID) -> shapes.CallWithHistory:
        """A call with everything that happened to it."""
        who, name = who_asks(request.scope), CallId(str(call))
        async with self._store.open_tenant(who.tenant) as rows:
            found = await rows.calls.get(name)
            if found is None:
                raise Rejected("There is no such call.", status=404)
            names, history = await _names(rows), await rows.calls.history_of(name)
        told = [shapes.Happened.model_validate(entry) for entry in history]
        return shapes.CallWithHistory(call=_call(found, names, who), history=told)

    async def why_call(
        self, request: Request, call: UUID, lang: Annotated[str, Query(pattern="^(en|de)?$")] = ""
    ) -> shapes.Why:
        """Why a call was offered to whom, in words; `lang` or Accept-Language chooses them."""
        name = CallId(str(call))
        async with self._store.open_tenant(who_asks(request.scope).tenant) as rows:
            try:
                told = await read_told(rows, name)
            except Rejected:
                raise Rejected("There is no such call.", status=404) from None
        language = lang or best_language(request.headers.get("accept-language", ""))
        return shapes.Why(call=name, language=language, time_zone=told.zone, lines=[*lines(told, words_of(language))])

    async def list_pending(self, request: Request) -> shapes.Pending:
        """Answered calls of which a person has to say who called."""
        view = await self._view(who_asks(request.scope).tenant)
        return shapes.Pending(pending=[shapes.PendingCall.model_validate(one) for one in view.pending])

    async def list_parked(self, request: Request) -> shapes.Parked:
        """What failed for good: effects, notifications, flows."""
        view = await self._view(who_asks(request.scope).tenant)
        return shapes.Parked(parked=[shapes.ParkedThing.model_validate(one) for one in view.parked])

    async def list_callbacks(
        self, request: Request, kind: CallbackKind | None = None, queue: Ids = None
    ) -> shapes.CallbacksOwed:
        """Calls that we owe: kept places and missed calls."""
        async with self._store.open_tenant(who_asks(request.scope).tenant) as rows:
            found = await rows.callbacks.open()
        shown = [it for it in found if kind in (None, it.kind) and queue in (None, it.queue)]
        return shapes.CallbacksOwed(callbacks=[_callback(it) for it in shown])

    async def _view(self, tenant: TenantId) -> FloorView:
        """The floor as its page shows it: at most two seconds old where somebody asks often, else read now."""
        try:
            return self._floor.current(tenant)
        except TemporaryFailure:
            return await self._floor.read(tenant)


def _queue(tile: QueueTile) -> shapes.QueueFigures:
    numbers = tile.numbers
    return shapes.QueueFigures(
        id=tile.id,
        name=tile.name,
        is_open=tile.closed is None,
        waiting=numbers.waiting,
        waiting_since=tile.waiting_since,
        agents=tile.agents,
        offered=numbers.offered,
        answered=numbers.answered,
        answered_in_target=numbers.answered_in_target,
        abandoned=numbers.abandoned,
        abandoned_short=numbers.abandoned_short,
        flowed_out=numbers.flowed_out,
        service_level=numbers.service_level,
        target_s=tile.target_s,
        target_share=tile.target_share,
    )


def _call(call: Call, names: Names, who: SignedIn) -> shapes.CallSeen:
    row = names.row(call)
    caller = shapes.CallerSeen.model_validate(row) if who.roles & _KNOWS_CALLERS else None
    return shapes.CallSeen(
        id=call.id,
        queue=call.queue,
        state=call.state,
        arrived_at=row.arrived_at,
        connected_at=call.connected_at,
        ended_at=call.ended_at,
        agent=row.agent,
        outcome=call.outcome,
        outcome_reason=call.outcome_reason,
        ended_by=call.ended_by,
        disposition=call.disposition,
        activity=call.activity,
        inferred=bool(call.inferred),
        caller=caller,
    )


def _callback(callback: Callback) -> shapes.CallbackOwed:
    best = next((it for it in callback.candidates if it.party == callback.party), None)
    caller = shapes.CallerSeen(
        kind=callback.caller.kind,
        number=readable(callback.caller.e164),
        name=best.name if best else callback.caller.name or "",
        company=best.company if best else "",
        grade=best.grade if best else Grade.NONE,
        candidates=len(callback.candidates),
    )
    names = ("call", "kind", "state", "queue", "asked_at", "latest", "agent", "tries", "times")
    return shapes.CallbackOwed(caller=caller, **{name: getattr(callback, name) for name in names})


async def _names(rows: TenantRows) -> Names:
    setup = await rows.setups.get()
    if setup is None:
        raise Rejected("There is no such organisation.", status=404)
    return Names(setup)


def _aware(at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise Rejected("An instant needs its offset from UTC, like 2026-03-02T12:00:00Z.", status=422)
    return at


def _cursor(last: Call) -> str:
    place = Place(arrived_at=last.arrived_at or last.heard_at, call=last.id)
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(f"{cursor}=="), type=Place)
    except (binascii.Error, ValueError) as exc:
        raise Rejected("The cursor is none of ours.", status=422) from exc
