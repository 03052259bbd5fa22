"""Keeping an eye on a call: what was heard before its arrival, and when it is re-read."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cordpair.core.call import Call
from cordpair.core.effects import RefreshCall
from cordpair.core.events import CheckDue
from cordpair.core.floor import Floor

#: A call that is only heard of is re-read this soon; a call that stands, this often (Graph wants a sign every 15-45 s).
HEARD_OF_CHECK_S = 2.0
CHECK_S = 30.0


def hear(floor: Floor, call: Call, at: datetime) -> None:
    """Remember a fact of a call that has not arrived, and see to it that the call is re-read soon."""
    if call.id not in floor.calls:
        arm_check(floor, call, at, HEARD_OF_CHECK_S)
    floor.save_call(call)


def arm_check(floor: Floor, call: Call, at: datetime, after_s: float) -> None:
    floor.timer(f"check:{call.id}", at, after_s, CheckDue(at=at + timedelta(seconds=after_s), call=call.id))


def marked(call: Call, instant: str) -> Call:
    """Mark an instant as inferred."""
    return call if instant in call.inferred else replace(call, inferred=(*call.inferred, instant))


def order_refresh(floor: Floor, call: Call) -> Call:
    """Order a re-read of the call from Graph."""
    call = floor.save_call(replace(call, checks=call.checks + 1))
    floor.order(RefreshCall(call=call.id, graph_id=call.graph_id, number=call.checks))
    return call
