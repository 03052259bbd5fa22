"""The effects of a transfer, carried out on a call in Graph."""

from collections.abc import Awaitable, Callable, Sequence
from typing import assert_never

from cordpair.connectors.kit import Calls
from cordpair.core import effects as o
from cordpair.core import events as e
from cordpair.core.call import Call, CallState
from cordpair.core.ids import AgentId, CallId, participant_id
from cordpair.core.transfer import TargetKind, Transfer, TransferEnd
from cordpair.engine.attempt import Attempt
from cordpair.engine.clock import Clock
from cordpair.errors import PermanentFailure

TransferEffect = o.RingTarget | o.WithdrawTarget | o.RemoveAgent | o.HoldCaller | o.ReleaseCall


class TransferPerformer:
    """Carries out what transfers order. `load` gives a call as it is stored."""

    def __init__(self, calls: Calls, load: Callable[[CallId], Awaitable[Call]], clock: Clock) -> None:
        self._calls, self._load, self._clock = calls, load, clock

    async def perform(self, effect: TransferEffect, attempt: Attempt) -> Sequence[e.CallEvent]:
        """Do it. Raises as `Performer.perform`; an order to a call that is gone tells that it is."""
        try:
            return await self._perform(effect, attempt)
        except PermanentFailure as exc:
            if exc.status != 404:
                raise
            return [e.CallEnded(at=self._clock.now(), call=effect.call, graph_id=effect.graph_id, inferred=True)]

    async def _perform(self, effect: TransferEffect, attempt: Attempt) -> Sequence[e.CallEvent]:
        match effect:
            case o.RingTarget():
                return await self._ring(effect, attempt)
            case o.WithdrawTarget():
                await self._calls.remove(effect.graph_id, participant_id(effect.transfer))
            case o.RemoveAgent():
                await self._remove(effect)
            case o.HoldCaller():
                return await self._hold(effect)
            case o.ReleaseCall():
                return await self._release(effect, attempt)
            case _:
                assert_never(effect)
        return []

    async def _ring(self, order: o.RingTarget, attempt: Attempt) -> Sequence[e.CallEvent]:
        """Ring them, once. After an unknown outcome they may be ringing already: then the roster and the clock tell."""
        if attempt.repeat:
            return await self._calls.read(order.graph_id)
        call = await self._load(order.call)
        transfer = call.transfer
        if transfer is None or transfer.id != order.transfer:
            return []  # it was over before its ring could begin
        try:
            await self._invite(order, call, transfer)
            await self._unless_over(order, transfer)
        except PermanentFailure as exc:
            if exc.status == 404:
                raise
            if exc.status == 409 and attempt.number > 1:  # an attempt that Graph called a failure rings already
                return await self._calls.read(order.graph_id)
            why = _why_refused(exc, transfer)
            now = self._clock.now()
            return [e.TransferUnanswered(at=now, call=order.call, transfer=order.transfer, why=why)]
        return []

    async def _unless_over(self, order: o.RingTarget, transfer: Transfer) -> None:
        """What failed while its ring was on its way was taken back before there was anything to take back."""
        call = await self._load(order.call)
        if call.transfer is None and call.failure is not None and call.transfers == transfer.number:
            await self._calls.remove(order.graph_id, participant_id(transfer.id))

    async def _invite(self, order: o.RingTarget, call: Call, transfer: Transfer) -> None:
        name = participant_id(transfer.id)
        if transfer.target.kind is TargetKind.NUMBER:
            await self._calls.invite_number(order.graph_id, call.dialled, name, transfer.id)
        else:
            await self._calls.invite(order.graph_id, AgentId(transfer.target.id), name, transfer.id)

    async def _release(self, order: o.ReleaseCall, attempt: Attempt) -> Sequence[e.CallEvent]:
        """Hand the call over, once. After an unknown outcome only a call that still stands with us is handed over."""
        call = await self._load(order.call)
        if call.offer is None or call.offer.id != order.offer:
            return []  # the offer was over before its ring could begin
        if attempt.repeat:
            facts = await self._calls.read(order.graph_id)
            if not any(isinstance(fact, e.Established) for fact in facts):
                return []  # it is under way or taken: its own notifications tell
        try:
            await self._calls.transfer(order.graph_id, order.agent)
        except PermanentFailure as exc:
            if exc.status == 404:
                raise
            if exc.status == 409 and attempt.number > 1:
                return []  # an attempt that Graph called a failure is under way
            why = e.OfferEnd.FAILED
            return [e.OfferFailed(at=self._clock.now(), call=order.call, offer=order.offer, why=why)]
        return []

    async def _remove(self, order: o.RemoveAgent) -> None:
        """Take the agent out, unless the call has come back to them."""
        call = await self._load(order.call)
        if not (call.state is CallState.CONNECTED and call.agent == order.agent and call.transfer is None):
            await self._calls.remove_user(order.graph_id, order.agent)

    async def _hold(self, order: o.HoldCaller) -> Sequence[e.CallEvent]:
        """Where Graph plays no music, the agent has to know that the caller hears them."""
        call = await self._load(order.call)
        transfer = call.transfer
        if order.on and (transfer is None or transfer.number != order.number):
            return []  # over already
        name = participant_id(transfer.id) if transfer else ""
        try:
            await self._calls.hold(order.graph_id, call.caller.user, name, on=order.on)
            if order.on and not _is_held(await self._load(order.call), order):  # over while the music began
                await self._calls.hold(order.graph_id, call.caller.user, name, on=False)
        except PermanentFailure as exc:
            if exc.status == 404:
                raise
            return [e.HoldRefused(at=self._clock.now(), call=order.call)] if order.on else []
        return []


def _is_held(call: Call, order: o.HoldCaller) -> bool:
    return call.transfer is not None and call.transfer.number == order.number


def _why_refused(exc: PermanentFailure, transfer: Transfer) -> TransferEnd:
    """Graph did not even begin to ring."""
    if exc.status in (401, 403):
        return TransferEnd.FORBIDDEN
    return TransferEnd.NUMBER_NOT_ALLOWED if transfer.target.kind is TargetKind.NUMBER else TransferEnd.UNREACHABLE
