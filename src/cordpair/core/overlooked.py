"""Calls that no timer will bring on: what was due is found out again, so that nothing stands still for ever. Pure."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from cordpair.core import events as e
from cordpair.core.call import Call, CallState
from cordpair.core.transfer import Stage

#: A call that was only just written may get its timer in this very moment.
GRACE = timedelta(seconds=60)

Due = (
    e.CheckDue
    | e.OfferTimedOut
    | e.WrapUpExpired
    | e.StepTimedOut
    | e.ReleasedUnseen
    | e.TransferTimedOut
    | e.OutboundTimedOut
)

_PLACED = (CallState.PLACING, CallState.DIALLING, CallState.REACHING)


def overlooked(calls: Sequence[Call], timers: Collection[str], now: datetime) -> list[Due]:
    """The facts that are due at `now` for calls without the timer that should tell them. `timers` are their keys.

    A check re-reads the call from Graph, which says how it really stands. A fact that is not true any more when it is
    folded changes nothing.
    """
    return [
        fact
        for call in calls
        if call.state is not CallState.CLOSED and now - call.heard_at >= GRACE
        for key, fact in _wanted(call, now)
        if key not in timers
    ]


def _wanted(call: Call, now: datetime) -> Iterator[tuple[str, Due]]:
    """The timers that a call must have, by their keys, and what they tell."""
    if call.is_live:
        yield f"check:{call.id}", e.CheckDue(at=now, call=call.id)
    if call.saying is not None:
        yield f"saying:{call.id}", e.StepTimedOut(at=now, call=call.id, number=call.saying.number)
    for offer in call.rings:
        if offer.expired is None and now - offer.made_at >= GRACE:
            yield f"offer:{offer.id}", e.OfferTimedOut(at=now, call=call.id, offer=offer.id)
    if call.state is CallState.RELEASED:
        yield f"released:{call.id}", e.ReleasedUnseen(at=now, call=call.id)
    if call.state in _PLACED and (call.outbound is None or call.outbound.expired is None):
        yield f"outbound:{call.id}", e.OutboundTimedOut(at=now, call=call.id)
    transfer = call.transfer
    if transfer is not None and transfer.stage is Stage.RINGING and transfer.expired is None:
        yield f"transfer:{transfer.id}", e.TransferTimedOut(at=now, call=call.id, transfer=transfer.id)
    if call.state is CallState.WRAP_UP:
        yield f"wrap:{call.id}", e.WrapUpExpired(at=now, call=call.id)
