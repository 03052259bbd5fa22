"""What Graph tells of an invite by which a caller was to be passed on."""

from datetime import datetime

from cordpair.core.events import CallEvent, CheckDue, TransferUnanswered
from cordpair.core.ids import CallId, TransferId, transfer_call
from cordpair.core.transfer import TransferEnd


def named_transfer(context: object, call: CallId) -> TransferId | None:
    """The transfer of this call that a client context names, None when it names none."""
    try:
        name = TransferId(str(context))
        return name if transfer_call(name) == call else None
    except ValueError:
        return None


def told_of_transfer(
    transfer: TransferId, call: CallId, is_completed: bool, code: int | None, subcode: int | None, at: datetime
) -> list[CallEvent]:
    """The facts in the result of an invite. That it was accepted is shown by the roster, which is read."""
    if is_completed:
        return [CheckDue(at=at, call=call)]
    return [TransferUnanswered(at=at, call=call, transfer=transfer, why=why_not_passed_on(code, subcode))]


def why_not_passed_on(code: int | None, subcode: int | None) -> TransferEnd:
    """Why the other one did not come, by the SIP-like code of an invite's result; sources as in `why_unanswered`."""
    match code:
        case 486 | 600:
            return TransferEnd.BUSY
        case 603:
            return TransferEnd.DECLINED
        case 401 | 403:
            return TransferEnd.FORBIDDEN
        case 487 if subcode in (0, 5003):
            return TransferEnd.CANCELLED
        case 480 if subcode == 10037:
            return TransferEnd.UNREACHABLE
        case 408 | 480 | 487:
            return TransferEnd.NO_ANSWER
        case _:
            return TransferEnd.UNREACHABLE
