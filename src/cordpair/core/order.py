"""What every effect is: an order about a call, with its place in the outbox."""

from enum import IntEnum

import msgspec

from cordpair.core.ids import CallId, GraphCallId


class Lane(IntEnum):
    """Order of service in the outbox: a lower lane overtakes all higher ones."""

    ANSWER = 0  # a ringing call: 15 s are all there is
    CONTROL = 1  # invites, hang-ups
    CARD = 2
    PROMPT = 3
    CHECK = 4
    CRM = 5


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="type"):
    """One effect, about one call."""

    call: CallId

    @property
    def key(self) -> str:
        """What makes two orders the same order."""
        raise NotImplementedError

    @property
    def lane(self) -> Lane:
        return Lane.CONTROL


class GraphOrder(Order, frozen=True, kw_only=True):
    """An effect on the call in Graph."""

    graph_id: GraphCallId
