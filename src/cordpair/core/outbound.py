"""A call that we place: on behalf of a queue, for an agent. Pure values; `fold_outbound` decides.

The agent's client rings first; when they stand in the call, the other party is rung into it by the queue's number. So
nobody is called who then hears silence.
"""

from datetime import datetime

import msgspec

from cordpair.core.ids import CallId, TransferId, transfer_id


class Outbound(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What makes a call one that we have placed.

    `account` is the resource account (Entra object id) by whose number the party is rung. `because_of` is the call that
    is answered by this one: a missed call that is returned. `rung_at` is when the party was rung, aware UTC.
    """

    account: str
    because_of: CallId | None = None
    rung_at: datetime | None = None
    expired: int | None = None  #: the number of the re-read that decides what a ring that has had its time came to


def party_name(call: CallId) -> TransferId:
    """How Graph is asked to name the party within the call."""
    return transfer_id(call, 0)
